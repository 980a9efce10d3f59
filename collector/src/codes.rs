//! Enums whose values have a code (in the store, in profiles, in addresses) and, mostly, words for people.

/// Declares such an enum: each value with its code and, for all or for none, its words. Those that stand in the store are
/// named in `store/coded.rs` too. Words may have holes, such as `{person}`: see [`filled`].
macro_rules! codes {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$doc:meta])* $value:ident = $code:literal, $words:literal;)+ }) => {
        codes! {
            $(#[$meta])*
            #[allow(missing_docs, reason = "words say what a value is")]
            $vis enum $name { $($(#[$doc])* $value = $code;)+ }
        }

        impl $name {
            /// What people read.
            #[must_use]
            $vis const fn words(self) -> &'static str {
                match self { $(Self::$value => $words,)+ }
            }
        }
    };
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$doc:meta])* $value:ident = $code:literal;)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        $vis enum $name { $($(#[$doc])* $value,)+ }

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

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.code())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let code = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::from_code(&code).ok_or_else(|| {
                    let known = Self::ALL.map(Self::code).join(", ");
                    serde::de::Error::custom(format!("`{code}` is not known; use one of: {known}"))
                })
            }
        }
    };
}

pub(crate) use codes;

/// Words with what stands in their holes.
#[allow(dead_code, reason = "the figures of naming read these enums, and no words")]
pub(crate) fn filled(words: &str, hole: impl Fn(&str) -> String) -> String {
    let mut parts = words.split(['{', '}']);
    let mut said = parts.next().unwrap_or_default().to_owned();
    while let Some(name) = parts.next() {
        said += &hole(name);
        said += parts.next().unwrap_or_default();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::filled;

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

    #[test]
    fn words_say_what_stands_in_their_holes() {
        let said = filled("gave {what} to {whom}.", |hole| hole.to_uppercase());
        assert_eq!(said, "gave WHAT to WHOM.");
        assert_eq!(filled("no hole", |_| unreachable!()), "no hole");
    }
}
