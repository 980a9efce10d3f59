//! The store: one database for everything the collector keeps. The only place with SQL; one file per subject.
//!
//! Whatever reads or writes it fails where the database does; only what can go wrong besides is said of a function.

pub mod access;
pub mod accounts;
pub mod actions;
pub mod audit;
pub mod backup;
pub mod browsers;
pub mod by_hand;
pub mod came_back;
pub mod category;
pub mod certificates;
mod coded;
pub mod codes;
pub mod commands;
pub mod conflicts;
pub mod devices;
pub mod disk;
pub mod drafts;
pub mod elsewhere;
pub mod escalation;
pub mod false_alarms;
pub mod flags;
pub mod gaps;
pub mod heard;
pub mod held_import;
mod identity;
pub mod import;
pub mod ingest;
pub mod invitations;
pub mod keys;
pub mod list_changes;
pub mod members;
pub mod names;
pub mod outbox;
pub mod overview;
mod owner;
pub mod people;
pub mod person_keys;
pub mod policies;
pub mod profile;
pub mod proposals;
pub mod queue;
pub mod reassign;
pub mod references;
pub mod replay;
mod rerouting;
pub mod retention;
pub mod retire;
pub mod reviews;
pub mod routing;
pub mod safe;
pub mod school;
pub mod sealed_keys;
pub mod sieges;
pub mod specialist;
pub mod subject;
pub mod tokens;
pub mod unread;
pub mod uses;
pub mod verdicts;
pub mod wanted;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, Sqlite, SqliteConnection, Transaction};
use std::path::Path;
use std::time::Duration;

/// A transaction that may write. There is one at a time.
pub type Write = Transaction<'static, Sqlite>;

/// The embedded store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    read: SqlitePool,
    write: SqlitePool,
}

impl Store {
    /// Opens the database file, makes it when it is not there, and brings it to the current form.
    ///
    /// # Errors
    /// When the file cannot be opened, is no database of ours, or is newer than this program.
    pub async fn open(path: &Path) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // INVARIANT 2: a commit is on disk before it is answered.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10))
            .foreign_keys(true)
            // What was erased leaves no trace in free pages.
            .pragma("secure_delete", "FAST");
        let write = SqlitePoolOptions::new()
            .max_connections(1)
            .after_release(|connection, _| {
                Box::pin(async move {
                    // SQLite ends a transaction by itself when the disk is full; the connection then believes in one
                    // that is not there, and could never begin another.
                    connection.ping().await?;
                    Ok(!connection.is_in_transaction())
                })
            })
            .connect_with(options.clone())
            .await?;
        sqlx::migrate!("./migrations").run(&write).await?;
        references::draw_missing(&write).await?;
        let read = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options.read_only(true))
            .await?;
        Ok(Self { read, write })
    }

    /// For queries that change nothing.
    #[must_use]
    pub fn read(&self) -> &SqlitePool {
        &self.read
    }

    /// Waits for its turn and begins a transaction that writes. Dropped without `commit`, it leaves nothing.
    pub async fn write(&self) -> Result<Write, sqlx::Error> {
        self.write.begin_with("BEGIN IMMEDIATE").await
    }

    /// Ends every connection; what is written stands in the database file alone then.
    pub async fn close(self) {
        self.read.close().await;
        self.write.close().await;
    }

    /// A connection of its own that notices when any other, in this program or another, has committed something.
    ///
    /// # Errors
    /// When the database cannot be opened.
    pub async fn watcher(&self) -> Result<Watcher, sqlx::Error> {
        Ok(Watcher {
            connection: self.read.connect_options().connect().await?,
            seen: -1,
        })
    }
}

/// Notices commits of other connections.
#[derive(Debug)]
pub struct Watcher {
    connection: SqliteConnection,
    seen: i64,
}

impl Watcher {
    /// Whether something was committed since the last look.
    pub async fn look(&mut self) -> Result<bool, sqlx::Error> {
        let version: i64 = sqlx::query_scalar("PRAGMA data_version")
            .fetch_one(&mut self.connection)
            .await?;
        Ok(std::mem::replace(&mut self.seen, version) != version)
    }
}
