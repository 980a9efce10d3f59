//! Enums whose values have a code (in the store, in profiles, in addresses) and, mostly, words for people.

/// Declares such an enum: each value with its code and, for all or for none, its words. Those that stand in the store are
/// named in `store/coded.rs` too.
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
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        $vis enum $name { $($(#[$doc])+ $value,)+ }

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
}
