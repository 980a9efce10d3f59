//! What people call a concern by: `K7M-4QXC`, six signs drawn at random and one that checks them. It counts nothing, and
//! can be said on the phone.
//!
//! The signs are digits and the letters without vowels (no words come of them), L, U and V. What is read aloud or copied
//! by hand is taken as it is meant: O for 0, I and L for 1, in capitals or not, with or without spaces and dashes. The
//! check is the sum of the six, each times its place, modulo 29, a prime: no single sign that is wrong and no two that
//! changed places go unnoticed.

use std::fmt;
use std::str::FromStr;

const SIGNS: &[u8; 29] = b"0123456789BCDFGHJKMNPQRSTWXYZ";
const BASE: i64 = 29;
const DRAWN: usize = 6;
const ALL: i64 = BASE.pow(6);
/// After the third sign stands a dash.
const FIRST_PART: usize = 3;

/// A reference, stored as the number that its six signs write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type)]
#[sqlx(transparent)]
pub struct Reference(i64);

/// What was typed is no reference, or one with a slip in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no reference")]
pub struct NotAReference;

impl Reference {
    /// From 64 random bits.
    #[must_use]
    pub fn from_random(bits: u64) -> Self {
        Self(i64::try_from(bits % ALL.unsigned_abs()).unwrap_or_default())
    }

    fn digits(self) -> [i64; DRAWN] {
        let mut rest = self.0.rem_euclid(ALL);
        let mut digits = [0; DRAWN];
        for digit in digits.iter_mut().rev() {
            (*digit, rest) = (rest % BASE, rest / BASE);
        }
        digits
    }
}

fn check(digits: &[i64]) -> i64 {
    (1..).zip(digits).map(|(place, digit)| place * digit).sum::<i64>() % BASE
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.digits();
        for (place, digit) in digits.iter().chain([&check(&digits)]).enumerate() {
            let sign = usize::try_from(*digit).ok().and_then(|digit| SIGNS.get(digit));
            let dash = if place == FIRST_PART { "-" } else { "" };
            write!(f, "{dash}{}", sign.map_or('?', |sign| char::from(*sign)))?;
        }
        Ok(())
    }
}

impl FromStr for Reference {
    type Err = NotAReference;

    fn from_str(typed: &str) -> Result<Self, NotAReference> {
        let meant = |sign: char| match sign.to_ascii_uppercase() {
            'O' => Some(0),
            'I' | 'L' => Some(1),
            sign => (0..)
                .zip(SIGNS)
                .find(|(_, one)| char::from(**one) == sign)
                .map(|(digit, _)| digit),
        };
        let signs = typed
            .chars()
            .filter(|sign| !sign.is_whitespace() && !matches!(sign, '-' | '–' | '‑' | '.'));
        let digits: Vec<i64> = signs
            .map(|sign| meant(sign).ok_or(NotAReference))
            .collect::<Result<_, _>>()?;
        match digits.split_last() {
            Some((last, drawn)) if drawn.len() == DRAWN && *last == check(drawn) => {
                Ok(Self(drawn.iter().fold(0, |number, digit| number * BASE + digit)))
            }
            _ => Err(NotAReference),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_reference_is_taken_as_it_was_meant() {
        let reference = Reference::from_random(0x00C0_FFEE_0123_4567);
        let written = reference.to_string();
        assert_eq!(written.len(), 8);
        for typed in [
            written.clone(),
            written.to_lowercase(),
            written.replace('-', ""),
            format!("  {} ", written.replace('-', " – ")),
            written.replace('0', "o").replace('1', "l"),
            written.replace('0', "O").replace('1', "i"),
        ] {
            assert_eq!(typed.parse(), Ok(reference), "{typed}");
        }
        for typed in ["", "-", "17", "ABC-DEFG", "K7M-4QXCC", "U00-0000", "ß00-0000"] {
            assert_eq!(typed.parse::<Reference>(), Err(NotAReference), "{typed}");
        }
    }

    proptest! {
        #[test]
        fn one_wrong_sign_or_two_that_changed_places_are_noticed(bits: u64, at in 0..7usize, other in 0..7usize, to in 0..29usize) {
            let reference = Reference::from_random(bits);
            let plain = reference.to_string().replace('-', "").into_bytes();
            let mut wrong = plain.clone();
            wrong[at] = SIGNS[to];
            prop_assert_eq!(wrong == plain, String::from_utf8(wrong).unwrap().parse() == Ok(reference));
            let mut swapped = plain.clone();
            swapped.swap(at, other);
            let read: Result<Reference, _> = String::from_utf8(swapped.clone()).unwrap().parse();
            prop_assert_eq!(read.is_ok(), swapped == plain);
        }
    }
}
