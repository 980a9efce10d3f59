//! A database file that is not this collector's, such as a backup on another computer: read as it is, and never changed.

use super::Read;
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;
use std::path::Path;

/// Opens such a file. It must not be in use: what its program has not written to it yet would be missed.
///
/// # Errors
/// When it cannot be read.
pub async fn open(file: &Path) -> Result<Read, sqlx::Error> {
    SqliteConnectOptions::new()
        .filename(file)
        .read_only(true)
        .immutable(true)
        .connect()
        .await
}
