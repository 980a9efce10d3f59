//! How a value with a code stands in the store: as its code. What is stored under a code that this version does not know is
//! an error of the query that reads it, never a value that was guessed.

use super::accounts::Unknown;
use super::commands::{Command, CommandState};
use super::devices::DeviceState;
use super::held_import::ImportState;
use super::list_changes::ListChangeState;
use crate::chain::Deed;
use crate::concerns::action::Action;
use crate::concerns::kind::{Kind, SubjectRole};
use crate::concerns::model::{ConcernState, Duty, ReaderGroup};
use crate::concerns::naming::Strength;
use crate::concerns::routing::Reason;
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
    Action,
    Command,
    CommandState,
    ConcernState,
    Confirms,
    Deed,
    DeviceState,
    Duty,
    ImportState,
    Kind,
    ListChangeState,
    ReaderGroup,
    Reason,
    Strength,
    SubjectRole,
    Unknown,
);

#[cfg(test)]
mod tests {
    use super::*;

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
}
