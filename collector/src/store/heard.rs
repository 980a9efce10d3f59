//! On which days devices said how they are, and of which days people were told who did not.

use super::{Read, Write};
use jiff::civil::Date;

/// Days kept: more than a verdict looks back, and the summer holidays.
const DAYS_KEPT: i64 = 60;

/// How many devices of a group said how they are on a day.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct DayOfGroup {
    /// The group.
    pub group_name: String,
    /// The school's own day, such as `2026-11-28`.
    pub day: String,
    /// How many.
    pub devices: i64,
}

/// For how long devices could reach the collector on a day.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct DayOfCollector {
    /// The school's own day.
    pub day: String,
    /// Minutes of the hours of cover.
    pub minutes: i64,
}

/// What was heard on the days that are over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// Of each group.
    pub groups: Vec<DayOfGroup>,
    /// The collector itself, in the order of days.
    pub collector: Vec<DayOfCollector>,
}

/// The collector served devices for another minute of the hours of cover.
pub async fn note_minute(tx: &mut Write, school_id: &str, day: Date) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO collector_day (school_id, day, minutes) VALUES ($1, $2, 1)
         ON CONFLICT (school_id, day) DO UPDATE SET minutes = collector_day.minutes + 1",
    )
    .bind(school_id)
    .bind(day.to_string())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A device said how it is.
pub async fn note(tx: &mut Write, school_id: &str, device_id: &str, day: Date) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO device_day (school_id, device_id, day) VALUES ($1, $2, $3)
         ON CONFLICT (school_id, device_id, day) DO NOTHING",
    )
    .bind(school_id)
    .bind(device_id)
    .bind(day.to_string())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// How many of each group's devices were heard on each day since one, of those that are approved now; and when the
/// collector was there to hear them.
pub async fn since(db: &mut Read, school_id: &str, since: Date) -> Result<Heard, sqlx::Error> {
    let groups = sqlx::query_as(
        "SELECT d.group_name, h.day, count(*) AS devices FROM device_day h
         JOIN device d ON d.school_id = h.school_id AND d.device_id = h.device_id
         WHERE h.school_id = $1 AND h.day >= $2 AND d.state = 'approved' GROUP BY d.group_name, h.day",
    )
    .bind(school_id)
    .bind(since.to_string())
    .fetch_all(&mut *db)
    .await?;
    let collector =
        sqlx::query_as("SELECT day, minutes FROM collector_day WHERE school_id = $1 ORDER BY day")
            .bind(school_id)
            .fetch_all(db)
            .await?;
    Ok(Heard { groups, collector })
}

/// Forgets days that no verdict looks at any more.
pub async fn forget(tx: &mut Write, school_id: &str, today: Date) -> Result<(), sqlx::Error> {
    let Ok(oldest) = today.checked_sub(jiff::Span::new().days(DAYS_KEPT)) else {
        return Ok(());
    };
    for forget in [
        "DELETE FROM device_day WHERE school_id = $1 AND day < $2",
        "DELETE FROM device_use WHERE school_id = $1 AND day < $2",
        "DELETE FROM device_account WHERE school_id = $1 AND day < $2",
        "DELETE FROM collector_day WHERE school_id = $1 AND day < $2",
    ] {
        sqlx::query(forget)
            .bind(school_id)
            .bind(oldest.to_string())
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// The last day on which technicians, and the first day of the last week of which safeguarding leads, were told.
pub async fn told(db: &mut Read, school_id: &str) -> Result<(String, String), sqlx::Error> {
    sqlx::query_as("SELECT silence_told_day, silence_told_week FROM school WHERE school_id = $1")
        .bind(school_id)
        .fetch_one(db)
        .await
}

/// Keeps of which day and week people were told.
pub async fn set_told(tx: &mut Write, school_id: &str, day: Date, week: Date) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE school SET silence_told_day = $1, silence_told_week = $2 WHERE school_id = $3")
        .bind(day.to_string())
        .bind(week.to_string())
        .bind(school_id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
