//! A text with percent-encoding and HTML entities taken for what they stand for.
//!
//! | number | is | one less | one more |
//! |---|---|---|---|
//! | `TIMES` | 2 | misses `k%2569ll` | finds `k%252569ll`, and one could go on |
//! | `ENTITY` | 10 | misses `k&#x0000069;ll` | finds `k&#x00000069;ll`, and one could go on |

use std::ops::Range;

/// How often a text may be encoded in itself.
const TIMES: usize = 2;
/// Bytes of the longest entity.
const ENTITY: usize = 10;

/// A decoded text, with a map back to what was written.
pub(super) struct Decoded {
    pub(super) text: String,
    /// Where each byte of the text, and its end, stand in the original.
    places: Vec<usize>,
}

impl Decoded {
    /// The decoded text; none if nothing in it is encoded.
    pub(super) fn of(original: &str) -> Option<Self> {
        let mut decoded: Option<Self> = None;
        for _ in 0..TIMES {
            let text = decoded.as_ref().map_or(original, |decoded| &decoded.text);
            let Some((bytes, mut places)) = once(text.as_bytes()) else {
                break;
            };
            // What is not text when it is decoded stays as it was.
            let Ok(text) = String::from_utf8(bytes) else { break };
            if let Some(before) = &decoded {
                places.iter_mut().for_each(|place| *place = before.places[*place]);
            }
            decoded = Some(Self { text, places });
        }
        decoded
    }

    /// The bytes of the original that stand for some of the text.
    pub(super) fn original(&self, span: &Range<usize>) -> Range<usize> {
        let place = |at: usize| {
            self.places
                .get(at)
                .or(self.places.last())
                .copied()
                .unwrap_or_default()
        };
        place(span.start)..place(span.end)
    }
}

/// The text with each code replaced once, and where each of its bytes comes from; none if there is no code.
fn once(text: &[u8]) -> Option<(Vec<u8>, Vec<usize>)> {
    text.iter().find(|byte| matches!(byte, b'%' | b'&'))?;
    let (mut bytes, mut places) = (Vec::with_capacity(text.len()), Vec::with_capacity(text.len() + 1));
    let mut at = 0;
    let mut any = false;
    while let Some(byte) = text.get(at) {
        let mut buffer = [0; 4];
        let (meant, length): (&[u8], usize) = match code(&text[at..]) {
            Some((character, length)) => {
                any = true;
                match character {
                    Code::Byte(byte) => {
                        buffer[0] = byte;
                        (&buffer[..1], length)
                    }
                    Code::Character(character) => (character.encode_utf8(&mut buffer).as_bytes(), length),
                }
            }
            None => (std::slice::from_ref(byte), 1),
        };
        bytes.extend_from_slice(meant);
        places.extend(meant.iter().map(|_| at));
        at += length;
    }
    places.push(text.len());
    any.then_some((bytes, places))
}

enum Code {
    Byte(u8),
    Character(char),
}

/// The code that a text begins with, and its length.
fn code(text: &[u8]) -> Option<(Code, usize)> {
    match text {
        [b'%', high, low, ..] => {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let byte = u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?;
            Some((Code::Byte(byte), 3))
        }
        [b'&', rest @ ..] => {
            let end = rest.iter().take(ENTITY).position(|byte| *byte == b';')?;
            let name = std::str::from_utf8(&rest[..end]).ok()?;
            Some((Code::Character(entity(name)?), end + 2))
        }
        _ => None,
    }
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" | "ensp" | "emsp" | "thinsp" => Some(' '),
        "shy" | "zwj" | "zwnj" => Some('\u{ad}'),
        _ => {
            let number = name.strip_prefix('#')?;
            let hexadecimal = number.strip_prefix(['x', 'X']);
            let number = hexadecimal
                .map_or_else(|| number.parse(), |digits| u32::from_str_radix(digits, 16))
                .ok()?;
            char::from_u32(number)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_taken_for_what_they_stand_for_with_a_map_back() {
        for (written, meant) in [
            ("k%69ll%20me", "kill me"),
            ("k&#105;ll&nbsp;m&#x65;", "kill me"),
            ("k%2569ll", "kill"),
            ("caf%C3%A9", "café"),
            ("k&amp;#105;ll", "kill"),
        ] {
            let decoded = Decoded::of(written).unwrap();
            assert_eq!(decoded.text, meant);
            assert_eq!(decoded.original(&(0..meant.len())), 0..written.len());
        }
        let decoded = Decoded::of("k%69ll").unwrap();
        assert_eq!(decoded.original(&(1..2)), 1..4);
    }

    #[test]
    fn what_is_no_code_stays_as_it_is() {
        for text in [
            "100% sure",
            "%zz",
            "rock & roll",
            "&#xffffffff;",
            "%ff",
            "&verylongname;",
        ] {
            assert!(Decoded::of(text).is_none(), "{text}");
        }
    }
}
