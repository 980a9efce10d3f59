//! Whose an account is, for the rules that apply on a device (P3); and that it has logged in there.

use crate::app::App;
use crate::store::people::{Directory, Person};
use crate::store::{accounts, devices};
use pastoral_keywords::Audience;
use pastoral_proto::Account;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// Devices ask at every log-in, often all at nine o'clock: people are not read for each anew.
const KEPT: Duration = Duration::from_secs(2);

/// Answers devices' questions about accounts.
#[derive(Default)]
pub(super) struct AccountsAsked(Mutex<Option<(Instant, Arc<Directory>)>>);

impl AccountsAsked {
    /// The audience of an account on a device; none when nobody knows whose it is.
    pub(super) async fn audience(
        &self,
        app: &App,
        device_id: &str,
        account: &Account,
    ) -> Result<Option<Audience>, sqlx::Error> {
        let directory = self.directory(app).await?;
        let known = devices::person_of_account(&app.store, &app.school_id, device_id, account).await?;
        let person = match known {
            Some(person_id) => directory.person(&person_id),
            None => {
                accounts::person_of(
                    &mut *app.store.read().await?,
                    &app.school_id,
                    &directory,
                    &account.name,
                )
                .await?
            }
        };
        Ok(person.map(Person::audience))
    }

    /// Writes down that an account has logged in on a device, once.
    pub(super) async fn logged_in(
        &self,
        app: &App,
        device_id: &str,
        account: &Account,
        now: i64,
    ) -> Result<(), sqlx::Error> {
        if accounts::is_known(&app.store, &app.school_id, device_id, account).await? {
            return Ok(());
        }
        let directory = self.directory(app).await?;
        let mut tx = app.store.write().await?;
        accounts::logged_in(&mut tx, &app.school_id, &directory, (device_id, account), now).await?;
        tx.commit().await
    }

    async fn directory(&self, app: &App) -> Result<Arc<Directory>, sqlx::Error> {
        let mut kept = self.0.lock().await;
        if let Some((at, directory)) = &*kept
            && at.elapsed() < KEPT
        {
            return Ok(Arc::clone(directory));
        }
        let mut connection = app.store.read().await?;
        let profile = app.profile.load_full();
        let directory = Arc::new(Directory::load(&mut connection, &app.school_id, &profile).await?);
        *kept = Some((Instant::now(), Arc::clone(&directory)));
        Ok(directory)
    }
}
