//! The code that opens a link and is told by voice: ten letters and digits (50 random bits) that sound apart and can be
//! said in two groups. It is stretched before use; who has the link alone cannot try codes at speed.

use super::vault::stretch;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

/// Crockford's base 32: no I, L, O or U.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 10;

/// A code to be told by voice.
pub struct VoiceCode(Zeroizing<String>);

impl VoiceCode {
    /// A new code; none when the system gives no randomness.
    #[must_use]
    pub fn generate() -> Option<Self> {
        let mut bytes = Zeroizing::new([0; LENGTH]);
        SystemRandom::new().fill(bytes.as_mut_slice()).ok()?;
        let letters = bytes
            .iter()
            .map(|byte| char::from(LETTERS[usize::from(byte & 31)]));
        Some(Self(Zeroizing::new(letters.collect())))
    }

    /// A code as somebody typed what they heard; none when it has not the form of one.
    #[must_use]
    pub fn heard(typed: &str) -> Option<Self> {
        let letters = typed.chars().filter(|c| !c.is_whitespace() && *c != '-');
        let letters: Zeroizing<String> = Zeroizing::new(
            letters
                .map(|letter| match letter.to_ascii_uppercase() {
                    'O' => '0',
                    'I' | 'L' => '1',
                    letter => letter,
                })
                .collect(),
        );
        let is_code = letters.len() == LENGTH && letters.bytes().all(|byte| LETTERS.contains(&byte));
        is_code.then_some(Self(letters))
    }

    /// The code as it is shown, once.
    #[must_use]
    pub fn shown(&self) -> String {
        format!("{}-{}", &self.0[..LENGTH / 2], &self.0[LENGTH / 2..])
    }

    /// The key that stands for it, which takes long to compute.
    pub(super) fn stretched(&self, salt: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
        stretch(&self.0, salt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_known_however_it_is_heard_and_written() {
        let code = VoiceCode("4F10K29XM0".to_owned().into());
        assert_eq!(code.shown(), "4F10K-29XM0");
        for typed in ["4f10k29xm0", " 4FIOK-29XMO ", "4 f l 0 k 2 9 x m o"] {
            assert_eq!(*VoiceCode::heard(typed).unwrap().0, *code.0, "{typed}");
        }
        for typed in ["", "4F10K", "4F10K-29XM0-1", "4F10K-29XMU", "éééééééééé"] {
            assert!(VoiceCode::heard(typed).is_none(), "{typed}");
        }
        assert_ne!(
            *VoiceCode::generate().unwrap().0,
            *VoiceCode::generate().unwrap().0
        );
    }
}
