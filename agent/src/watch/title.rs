//! Titles as the desktop gives them: bytes of several encodings, of any length.

use pastoral_proto::limits;

/// A title that its program says is UTF-8: cut to what is sent, and otherwise as it is, valid or not.
pub(super) fn from_utf8_property(bytes: Vec<u8>) -> Vec<u8> {
    cut(bytes)
}

/// A title in the old encodings. They should be Latin-1, and are as often UTF-8.
pub(super) fn from_old_property(bytes: Vec<u8>) -> Vec<u8> {
    let bytes = cut(bytes);
    if std::str::from_utf8(&bytes).is_ok() {
        return bytes;
    }
    cut(bytes.into_iter().map(char::from).collect::<String>().into_bytes())
}

/// The first 4 KiB, without half a character at the end that was whole before.
fn cut(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.len() >= limits::TEXT {
        bytes.truncate(limits::TEXT);
        let tail = bytes.len().saturating_sub(4);
        // Only the end is looked at: what is wrong elsewhere stays as it is.
        let start = (tail..bytes.len())
            .find(|at| bytes[*at] & 0b1100_0000 != 0b1000_0000)
            .unwrap_or(tail);
        if let Err(error) = std::str::from_utf8(&bytes[start..])
            && error.error_len().is_none()
        {
            bytes.truncate(start + error.valid_up_to());
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_title_is_cut_between_characters() {
        let long = "aé€𐍈".repeat(1000);
        for lead in 0..10 {
            let title = "x".repeat(lead) + &long;
            let cut = from_utf8_property(title.clone().into_bytes());
            assert!(cut.len() <= limits::TEXT && cut.len() > limits::TEXT - 4);
            assert!(title.as_bytes().starts_with(&cut));
            assert!(std::str::from_utf8(&cut).is_ok());
        }
    }

    #[test]
    fn a_title_in_latin_1_becomes_readable() {
        assert_eq!(from_old_property(b"caf\xe9".to_vec()), "café".as_bytes());
        assert_eq!(from_old_property("café".into()), "café".as_bytes());
    }

    #[test]
    fn a_broken_title_stays_as_it_is_and_bounded() {
        assert_eq!(from_utf8_property(b"caf\xff".to_vec()), b"caf\xff");
        assert!(from_utf8_property(vec![0x80; 10_000]).len() <= limits::TEXT);
        assert!(from_old_property(vec![0xff; 10_000]).len() <= limits::TEXT);
    }
}
