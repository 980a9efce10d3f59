//! Numbers that people compare by eye: the beginning of a hash in letters and digits, in groups of four.

use data_encoding::BASE32_NOPAD;

const GROUP: usize = 4;
/// Bytes of a hash that a head's number holds: enough that nobody can make two chains of one number.
const HEAD_BYTES: usize = 20;
/// Groups of a keys' fingerprint: enough that nobody finds other keys with the same one.
const KEY_GROUPS: usize = 5;

/// The number of a head: 160 bits in eight groups.
#[must_use]
pub fn of_head(hash: &[u8]) -> String {
    groups(&hash[..hash.len().min(HEAD_BYTES)], usize::MAX)
}

/// The fingerprint of keys: 100 bits in five groups.
#[must_use]
pub fn of_keys(hash: &[u8]) -> String {
    groups(hash, KEY_GROUPS)
}

/// Reads a head's number, however it was typed: the beginning of its hash. None when it is no such number.
#[must_use]
pub fn read_head(text: &str) -> Option<Vec<u8>> {
    let bytes = BASE32_NOPAD.decode(plain(text).as_bytes()).ok()?;
    (bytes.len() == HEAD_BYTES).then_some(bytes)
}

/// Letters and digits as they are meant: there is neither 0, 1 nor 8 among them.
#[must_use]
pub fn plain(text: &str) -> String {
    let meant = |letter: char| match letter.to_ascii_uppercase() {
        '0' => 'O',
        '1' => 'I',
        '8' => 'B',
        other => other,
    };
    text.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(meant)
        .collect()
}

fn groups(bytes: &[u8], most: usize) -> String {
    let letters = BASE32_NOPAD.encode(bytes);
    let groups: Vec<&str> = (0..letters.len())
        .step_by(GROUP)
        .take(most)
        .map(|at| &letters[at..letters.len().min(at + GROUP)])
        .collect();
    groups.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_reads_back_however_it_was_typed() {
        let hash: Vec<u8> = (1..=32).collect();
        let number = of_head(&hash);
        assert_eq!((number.len(), number.split(' ').count()), (39, 8));
        for typed in [
            number.to_lowercase(),
            number.replace(' ', "-"),
            number
                .replace(' ', "")
                .replace('O', "0")
                .replace('I', "1")
                .replace('B', "8"),
        ] {
            assert_eq!(read_head(&typed).as_deref(), Some(&hash[..20]), "{typed}");
        }
        assert_eq!(read_head(&number[..37]), None);
        assert_eq!(read_head(""), None);
        assert_eq!(of_keys(&hash).split(' ').count(), 5);
    }
}
