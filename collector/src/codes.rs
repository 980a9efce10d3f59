//! Enums whose values have a code (in the store, in profiles, in addresses) and, mostly, words for people.

/// Declares such an enum: each value with its code and, for all or for none, its words. What is stored under an unknown
/// code is an error of the query that reads it, never a value that was guessed.
macro_rules! codes {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$doc:meta])+ $value:ident = $code:literal, $words:literal;)+ }) => {
        codes! { $(#[$meta])* $vis enum $name { $($(#[$doc])+ $value = $code;)+ } }

        impl $name {
            /// What people read.
            #[must_use]
            $vis const fn words(self) -> &'static str {
                match self { $(Self::$value => $words,)+ }
            }
        }
    };
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$doc:meta])+ $value:ident = $code:literal;)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, sqlx::Type)]
        #[sqlx(type_name = "TEXT")]
        $vis enum $name { $($(#[$doc])+ #[sqlx(rename = $code)] $value,)+ }

        #[allow(dead_code, reason = "not every enum is listed, nor read from its code outside the store")]
        impl $name {
            /// Every value, in order.
            $vis const ALL: [Self; { [$(Self::$value,)+].len() }] = [$(Self::$value,)+];

            /// The code that stands for it.
            #[must_use]
            $vis const fn code(self) -> &'static str {
                match self { $(Self::$value => $code,)+ }
            }

            /// The value that a code stands for.
            #[must_use]
            $vis fn from_code(code: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|value| value.code() == code)
            }
        }
    };
}

pub(crate) use codes;

#[cfg(test)]
mod tests {
    codes! {
        /// Of an invented light.
        enum Light {
            /// Go.
            Green = "green", "Go";
            /// Do not.
            Red = "red-light", "Stop";
        }
    }

    #[test]
    fn every_value_reads_back_from_its_code_and_no_other_does() {
        for light in Light::ALL {
            assert_eq!(Light::from_code(light.code()), Some(light));
        }
        assert_eq!((Light::Red.code(), Light::Red.words()), ("red-light", "Stop"));
        assert_eq!(Light::from_code("Red"), None);
    }

    #[tokio::test]
    async fn a_row_with_an_unknown_code_is_an_error_and_ends_nothing() {
        let pool = sqlx::SqlitePool::connect("sqlite::memory:").await.unwrap();
        let light = |code: &'static str| {
            sqlx::query_scalar::<_, Light>("SELECT $1")
                .bind(code)
                .fetch_one(&pool)
        };
        assert_eq!(light("green").await.unwrap(), Light::Green);
        let stored: String = sqlx::query_scalar("SELECT $1")
            .bind(Light::Red)
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(stored, "red-light");
        assert!(light("blue").await.is_err());
    }
}
