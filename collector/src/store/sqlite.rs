//! The engine that is built in: how it is opened, and all that only it has. Everything else in the store is SQL that a second
//! engine takes too.

use super::references;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, Sqlite, SqliteConnection, Transaction};
use std::path::Path;
use std::time::Duration;

/// Where something is read: a connection of [`Store::read`], or a transaction, which sees what it has written.
pub type Read = SqliteConnection;

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
        let read = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options.read_only(true))
            .await?;
        let store = Self { read, write };
        references::draw_missing(&store).await?;
        Ok(store)
    }

    /// For queries that change nothing. Give it back before another is asked for: there are few.
    pub async fn read(&self) -> Result<PoolConnection<Sqlite>, sqlx::Error> {
        self.read.acquire().await
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
    connection: Read,
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

/// Writes a whole copy of the store as it is at this moment to a file that does not exist yet. Devices are answered
/// meanwhile.
///
/// # Errors
/// When the store cannot be read or the file cannot be written.
pub async fn copy(store: &Store, to: &Path) -> Result<(), sqlx::Error> {
    let to = to
        .to_str()
        .ok_or_else(|| sqlx::Error::Protocol("the backup's path is no UTF-8; name another folder".into()))?;
    sqlx::query("VACUUM INTO $1")
        .bind(to)
        .execute(&mut *store.read().await?)
        .await?;
    Ok(())
}

/// What SQLite finds wrong with a database; none when it is whole.
///
/// # Errors
/// When it cannot be read at all.
pub async fn damage(db: &mut Read) -> Result<Option<String>, sqlx::Error> {
    let found: String = sqlx::query_scalar("PRAGMA integrity_check(1)")
        .fetch_one(db)
        .await?;
    Ok((found != "ok").then_some(found))
}
