//! The collector's database, read beside it by root: what really lies there.

use anyhow::{Context as _, Result};
use pastoral_support::collector::Collector;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};
use std::path::{Path, PathBuf};

/// The database.
pub struct Store {
    file: PathBuf,
    runtime: tokio::runtime::Runtime,
}

impl Store {
    /// Of this collector, which need not run.
    pub fn of(collector: &Collector) -> Result<Self> {
        let entries = std::fs::read_dir(&collector.data_dir)?.filter_map(|entry| Some(entry.ok()?.path()));
        let file = entries
            .into_iter()
            .find(|path| path.extension().is_some_and(|end| end == "db"));
        Ok(Self {
            file: file.context("the collector has no database")?,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The rows a query gives.
    pub fn rows(&self, query: &str) -> Result<Vec<SqliteRow>> {
        self.runtime.block_on(async {
            let options = SqliteConnectOptions::new().filename(&self.file);
            let mut connection = SqliteConnection::connect_with(&options).await?;
            let rows = sqlx::query(AssertSqlSafe(query)).fetch_all(&mut connection).await;
            connection.close().await?;
            rows.with_context(|| query.to_owned())
        })
    }

    /// The numbers in the query's first column.
    pub fn numbers(&self, query: &str) -> Result<Vec<i64>> {
        let rows = self.rows(query)?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// The one number that a query gives.
    pub fn number(&self, query: &str) -> Result<i64> {
        let numbers = self.numbers(query)?;
        numbers.first().copied().with_context(|| query.to_owned())
    }

    /// The texts in the query's first column.
    pub fn texts(&self, query: &str) -> Result<Vec<String>> {
        let rows = self.rows(query)?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// How many flags there are.
    pub fn flags(&self) -> Result<i64> {
        self.number("SELECT count(*) FROM flag")
    }

    /// The tables.
    pub fn tables(&self) -> Result<Vec<String>> {
        self.texts("SELECT name FROM sqlite_master WHERE type = 'table'")
    }

    /// Every value of a table, as bytes.
    pub fn values(&self, table: &str) -> Result<Vec<Vec<u8>>> {
        let rows = self.rows(&format!("SELECT * FROM \"{table}\""))?;
        let columns = rows
            .iter()
            .flat_map(|row| (0..row.len()).map(move |at| (row, at)));
        Ok(columns
            .filter_map(|(row, at)| row.try_get_unchecked::<Vec<u8>, _>(at).ok())
            .collect())
    }
}
