//! What is wrong with a row.

/// What is wrong with a row, and in which column.
pub(super) struct Wrong {
    pub(super) column: String,
    pub(super) fault: String,
    pub(super) instead: String,
}

pub(super) type Checked<T> = Result<T, Wrong>;

pub(super) fn wrong(
    column: impl Into<String>,
    fault: impl Into<String>,
    instead: impl Into<String>,
) -> Wrong {
    Wrong {
        column: column.into(),
        fault: fault.into(),
        instead: instead.into(),
    }
}
