//! How a value with a code stands in the store: as its code. What is stored under a code that this version does not know is
//! an error of the query that reads it, never a value that was guessed.

use super::accounts::Unknown;
use super::acts::Act;
use super::commands::{Command, CommandState};
use super::devices::DeviceState;
use super::held_import::ImportState;
use super::list_changes::ListChangeState;
use super::outbox::Sort;
use super::proposals::ProposalState;
use super::wanted::Place;
use crate::chain::Deed;
use crate::concerns::action::Action;
use crate::concerns::ending::Ending;
use crate::concerns::kind::{Kind, SubjectRole};
use crate::concerns::model::{ConcernState, Duty, ReaderGroup};
use crate::concerns::naming::Strength;
use crate::concerns::routing::Reason;
use crate::metering::Limited;
use crate::people::plan::Confirms;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::{Database, Decode, Encode, Type};

macro_rules! coded {
    ($($name:ty),+ $(,)?) => {$(
        impl<DB: Database> Type<DB> for $name
        where
            str: Type<DB>,
        {
            fn type_info() -> DB::TypeInfo {
                <str as Type<DB>>::type_info()
            }

            fn compatible(ty: &DB::TypeInfo) -> bool {
                <str as Type<DB>>::compatible(ty)
            }
        }

        impl<'q, DB: Database> Encode<'q, DB> for $name
        where
            &'static str: Encode<'q, DB>,
        {
            fn encode_by_ref(&self, buffer: &mut DB::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
                self.code().encode(buffer)
            }
        }

        impl<'r, DB: Database> Decode<'r, DB> for $name
        where
            &'r str: Decode<'r, DB>,
        {
            fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
                let code = <&'r str as Decode<'r, DB>>::decode(value)?;
                let unknown = || format!("this version knows no {} `{code}`", stringify!($name));
                Self::from_code(code).ok_or_else(|| unknown().into())
            }
        }
    )+};
}

coded!(
    Act,
    Action,
    Command,
    CommandState,
    ConcernState,
    Confirms,
    Deed,
    DeviceState,
    Duty,
    Ending,
    ImportState,
    Kind,
    Limited,
    ListChangeState,
    Place,
    ProposalState,
    ReaderGroup,
    Reason,
    Sort,
    Strength,
    SubjectRole,
    Unknown,
);

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::{Path, PathBuf};

    const CRATE: &str = env!("CARGO_MANIFEST_DIR");

    macro_rules! codes {
        ($($name:ty),+) => { [$(<$name>::ALL.map(<$name>::code).to_vec()),+].concat() };
    }

    #[tokio::test]
    async fn a_row_with_an_unknown_code_is_an_error_and_ends_nothing() {
        let pool = sqlx::SqlitePool::connect("sqlite::memory:").await.unwrap();
        let duty = |code: &'static str| {
            sqlx::query_scalar::<_, Duty>("SELECT $1")
                .bind(code)
                .fetch_one(&pool)
        };
        assert_eq!(duty("dsl").await.unwrap(), Duty::Dsl);
        let stored: String = sqlx::query_scalar("SELECT $1")
            .bind(Duty::Chair)
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(stored, "chair");
        assert!(
            duty("caretaker")
                .await
                .unwrap_err()
                .to_string()
                .contains("knows no Duty `caretaker`")
        );
    }

    /// Codes stand in fixed SQL too, and in the checks of the schema: each is one of its column's.
    #[test]
    fn every_code_in_sql_is_one_of_its_type() {
        let columns = columns();
        let mut found = 0;
        for file in [files("src/store"), files("migrations")].concat() {
            let text = std::fs::read_to_string(&file).unwrap();
            for (column, codes) in &columns {
                for literal in literals(&text, column) {
                    found += 1;
                    assert!(
                        codes.contains(&literal),
                        "{column} '{literal}' in {}",
                        file.display()
                    );
                }
            }
        }
        assert!(found > 100, "only {found} were read");
        assert_eq!(
            literals("x.state = 'new' OR state NOT IN ('sent', 'closed')", "state"),
            ["new", "sent", "closed"]
        );
        assert_eq!(literals("substate = 'new', state = $1, '{}'", "state"), [""; 0]);
    }

    /// A value that the schema does not take could not be stored.
    #[test]
    fn what_the_schema_checks_is_every_code_of_a_type() {
        let texts = files("migrations")
            .into_iter()
            .map(|file| std::fs::read_to_string(file).unwrap());
        let schema = texts.collect::<String>();
        let checks = schema.split("CHECK (").skip(1).map(|check| {
            let list = check.split(')').next().unwrap();
            list.split('\'').skip(1).step_by(2).collect::<Vec<_>>()
        });
        let known = [
            codes!(ConcernState),
            codes!(DeviceState),
            codes!(ListChangeState),
            codes!(Duty),
            codes!(ReaderGroup),
            // Nobody unknown is stored as a person.
            codes!(SubjectRole)[..4].to_vec(),
        ];
        for check in checks {
            assert!(known.contains(&check), "{check:?}");
        }
    }

    /// What each column may hold; columns of one name are of several tables.
    fn columns() -> Vec<(&'static str, Vec<&'static str>)> {
        let states = codes!(
            ConcernState,
            DeviceState,
            ProposalState,
            ListChangeState,
            ImportState,
            CommandState
        );
        vec![
            ("state", states),
            ("action", codes!(Action, Deed)),
            ("act", codes!(Act)),
            ("confirms", codes!(Confirms)),
            ("duty", codes!(Duty)),
            ("kind", codes!(Kind)),
            ("notice", codes!(Sort)),
            ("outcome", codes!(Ending)),
            ("reader_group", codes!(ReaderGroup)),
            ("role", codes!(SubjectRole)),
        ]
    }

    fn files(folder: &str) -> Vec<PathBuf> {
        let mut folders = vec![Path::new(CRATE).join(folder)];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push(path);
                }
            }
        }
        files
    }

    /// What a column is compared with, or set to.
    fn literals<'a>(sql: &'a str, column: &str) -> Vec<&'a str> {
        let of = |(at, _): (usize, &str)| {
            let is_word = !sql[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            let rest = sql[at + column.len()..].trim_start();
            let list = rest.strip_prefix("NOT ").unwrap_or(rest).strip_prefix("IN (");
            let one = rest.strip_prefix("= '").or_else(|| rest.strip_prefix("<> '"));
            match (list, one) {
                (Some(list), _) if is_word => {
                    let list = list.split(')').next().unwrap_or_default();
                    list.split('\'').skip(1).step_by(2).collect()
                }
                (_, Some(one)) if is_word => one.split('\'').take(1).collect(),
                _ => Vec::new(),
            }
        };
        sql.match_indices(column).flat_map(of).collect()
    }
}
