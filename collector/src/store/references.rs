//! What concerns are called by: drawn when they are opened, and once for those that had a number before.

use super::{Read, Store, Write};
use crate::concerns::reference::Reference;
use crate::store::queue::{self, Summary};
use ring::rand::{SecureRandom, SystemRandom};

/// Draws until one is free. Of 595 million a million are taken at most: that eight draws in a row are taken does not happen.
const DRAWS: usize = 8;

/// A reference that no concern of the school has.
///
/// ONE WRITER: it is free until the caller's transaction ends.
pub async fn draw(tx: &mut Write, school_id: &str) -> Result<Reference, sqlx::Error> {
    for _ in 0..DRAWS {
        let reference = random()?;
        let taken: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM concern WHERE school_id = $1 AND reference = $2)",
        )
        .bind(school_id)
        .bind(reference)
        .fetch_one(&mut **tx)
        .await?;
        if !taken {
            return Ok(reference);
        }
    }
    Err(sqlx::Error::Protocol("no free reference was drawn".to_owned()))
}

fn random() -> Result<Reference, sqlx::Error> {
    let mut bytes = [0; 8];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| sqlx::Error::Protocol("the system gives no randomness".to_owned()))?;
    Ok(Reference::from_random(u64::from_le_bytes(bytes)))
}

/// Draws one for each concern that was called by a number until now.
pub(super) async fn draw_missing(store: &Store) -> Result<(), sqlx::Error> {
    let mut tx = store.write().await?;
    let without: Vec<(String, String)> =
        sqlx::query_as("SELECT school_id, concern_id FROM concern WHERE reference < 0")
            .fetch_all(&mut *tx)
            .await?;
    for (school_id, concern_id) in without {
        let reference = draw(&mut tx, &school_id).await?;
        sqlx::query("UPDATE concern SET reference = $1 WHERE school_id = $2 AND concern_id = $3")
            .bind(reference)
            .bind(school_id)
            .bind(concern_id)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await
}

/// The concern that somebody calls by what they typed: its reference, or the number that it had before. INVARIANT 4: only
/// one that they may see.
pub async fn find(
    db: &mut Read,
    school_id: &str,
    viewer: &str,
    typed: &str,
) -> Result<Option<Summary>, sqlx::Error> {
    let number = typed
        .trim()
        .trim_start_matches('#')
        .parse::<u32>()
        .ok()
        .map(i64::from);
    queue::called(db, school_id, viewer, typed.parse().ok(), number).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::SqlitePool;
    use sqlx::migrate::Migrator;
    use std::collections::BTreeSet;

    const OLD: &str = "INSERT INTO concern (school_id, concern_id, reference, kind, reader_group, severity, state,
        first_event_at, last_event_at, opened_at, changed_at) VALUES ('s', $1, $2, 'bullying', 'pupil', 1, 'new', 0, 0, 0, 0)";

    #[tokio::test]
    async fn a_concern_that_had_a_number_is_found_by_it_and_called_by_a_reference() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pastoral.db");
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true);
        let before = SqlitePool::connect_with(options).await.unwrap();
        let known = sqlx::migrate!("./migrations")
            .iter()
            .filter(|one| one.version < 7)
            .cloned()
            .collect();
        Migrator::with_migrations(known).run(&before).await.unwrap();
        for number in 1..=50 {
            let id = format!("c{number}");
            sqlx::query(OLD)
                .bind(&id)
                .bind(number)
                .execute(&before)
                .await
                .unwrap();
        }
        sqlx::query("INSERT INTO concern_reader (school_id, concern_id, person_id, place) VALUES ('s', 'c17', 'robin', 1)")
            .execute(&before)
            .await
            .unwrap();
        before.close().await;
        let store = Store::open(&path).await.unwrap();
        let drawn: Vec<i64> = sqlx::query_scalar("SELECT reference FROM concern")
            .fetch_all(&mut *store.read().await.unwrap())
            .await
            .unwrap();
        assert_eq!(drawn.iter().collect::<BTreeSet<_>>().len(), 50);
        assert!(
            drawn.iter().filter(|drawn| **drawn > 1_000).count() > 40,
            "{drawn:?}"
        );
        let found = find(&mut store.read().await.unwrap(), "s", "robin", " 17 ")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.concern_id, "c17");
        let again = find(
            &mut store.read().await.unwrap(),
            "s",
            "robin",
            &found.reference.to_string(),
        )
        .await
        .unwrap();
        assert_eq!(again.unwrap().concern_id, "c17");
        assert!(
            find(&mut store.read().await.unwrap(), "s", "robin", "18")
                .await
                .unwrap()
                .is_none()
        );
        assert!(
            find(&mut store.read().await.unwrap(), "s", "sam", "17")
                .await
                .unwrap()
                .is_none()
        );
        store.close().await;
        Store::open(&path).await.unwrap();
    }
}
