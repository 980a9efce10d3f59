//! Mail that waits, in words.

use pastoral_collector::app::App;
use pastoral_collector::notify::text;
use pastoral_collector::store::outbox::Due;

pub(crate) struct Letter {
    pub(crate) person_id: String,
    pub(crate) due: Due,
    /// Subject and message.
    pub(crate) words: String,
}

/// What waits of sorts (a pattern), whether its time has come or not, in the order in which it was queued.
pub(crate) async fn waiting(app: &App, sorts: &str) -> Vec<Letter> {
    #[derive(sqlx::FromRow)]
    struct Row {
        person_id: String,
        #[sqlx(flatten)]
        due: Due,
    }
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT *, 1 AS count, 0 AS severity, 0 AS highest_severity, NULL AS next_at, FALSE AS others_left
         FROM outbox WHERE notice LIKE $1 AND matter IS NOT NULL ORDER BY created_at, person_id",
    )
    .bind(sorts)
    .fetch_all(&mut *app.store.read().await.unwrap())
    .await
    .unwrap();
    let telling = app.telling();
    let letter = |Row { person_id, due }| {
        let text = text::leaving(&telling, &due, due.created_at);
        Letter {
            person_id,
            words: format!("{}\n{}", text.subject, text.body),
            due,
        }
    };
    rows.into_iter().map(letter).collect()
}
