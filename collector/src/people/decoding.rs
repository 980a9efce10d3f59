//! From a file's bytes to text. Schools' systems write UTF-8, UTF-16 and Windows-1252, with and without a mark that says so;
//! Excel writes any of them. Which one was taken is said, so that a wrong `ö` is found by whoever sees it.

use super::faults::Whole;
use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};
use std::borrow::Cow;

/// How a file's letters are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Encoding {
    /// UTF-8, with or without its mark.
    Utf8,
    /// UTF-16, little end first: what Excel calls "Unicode text".
    Utf16Le,
    /// UTF-16, big end first.
    Utf16Be,
    /// What Windows calls "ANSI": Excel's plain "CSV".
    Windows1252,
}

impl Encoding {
    /// What it is called.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le => "UTF-16 (little-endian)",
            Self::Utf16Be => "UTF-16 (big-endian)",
            Self::Windows1252 => "Windows-1252",
        }
    }
}

/// What a file is that is no table in text, by how it begins, and what to do instead.
const NOT_TEXT: [(&[u8], &str, &str); 4] = [
    (
        b"\xd0\xcf\x11\xe0",
        "this is an Excel workbook of the old kind",
        "in Excel: File, Save As, \"CSV UTF-8 (Comma delimited)\"",
    ),
    (b"%PDF", "this is a PDF", "the same report exported as CSV"),
    (
        b"<",
        "this is a web page or XML, although it may be named .xls or .csv",
        "open it in Excel: File, Save As, \"CSV UTF-8 (Comma delimited)\"",
    ),
    (b"{", "this is JSON", "the same people exported as CSV"),
];

/// A zip archive says first what it calls its first file. Workbooks are archives too, of files that are no lists.
fn archive(bytes: &[u8]) -> Whole {
    let length = bytes
        .get(26..28)
        .map_or(0, |two| usize::from(u16::from_le_bytes([two[0], two[1]])));
    let first = bytes.get(30..30 + length).unwrap_or_default();
    if first.to_ascii_lowercase().ends_with(b".csv") || (first.ends_with(b"/") && first != b"xl/") {
        let instead =
            "the archive unpacked, and the lists in it: users.csv, and roles.csv where there is one";
        return Whole::new(1, "this is a zip archive", instead);
    }
    let instead = "in Excel: File, Save As, \"CSV UTF-8 (Comma delimited)\"";
    Whole::new(1, "this is a workbook of Excel, whatever it is named", instead)
}

/// What no screen shows, and is never part of a name: marks between files that were joined, and of the direction of writing.
const INVISIBLE: [char; 15] = [
    '\u{ad}', '\u{200b}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}',
    '\u{2060}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}', '\u{feff}',
];

pub(super) fn decode(bytes: &[u8]) -> Result<(Cow<'_, str>, Encoding), Whole> {
    let unmarked = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let begin = unmarked.trim_ascii_start();
    if begin.is_empty() {
        let instead = "the list exported again, with names of columns in its first line";
        return Err(Whole::new(1, "the file is empty", instead));
    }
    if begin.starts_with(b"PK\x03\x04") {
        return Err(archive(bytes));
    }
    for (mark, fault, instead) in NOT_TEXT {
        if begin.starts_with(mark) {
            return Err(Whole::new(1, fault, instead));
        }
    }
    let (text, encoding) = match bytes {
        [0xff, 0xfe, rest @ ..] => (utf_16(rest, UTF_16LE)?, Encoding::Utf16Le),
        [0xfe, 0xff, rest @ ..] => (utf_16(rest, UTF_16BE)?, Encoding::Utf16Be),
        _ => match zeros(bytes) {
            Some(Encoding::Utf16Be) => (utf_16(bytes, UTF_16BE)?, Encoding::Utf16Be),
            Some(_) => (utf_16(bytes, UTF_16LE)?, Encoding::Utf16Le),
            None => eight_bit(unmarked)?,
        },
    };
    if let Some(at) = text.find('\0') {
        let fault = "this is not text";
        return Err(Whole::new(line_of(&text[..at]), fault, EXPORT));
    }
    let text = match text.contains(INVISIBLE) {
        true => Cow::Owned(text.replace(INVISIBLE, "")),
        false => text,
    };
    Ok((text, encoding))
}

const EXPORT: &str = "the same people exported as \"CSV UTF-8\"";

fn line_of(before: &str) -> u64 {
    let breaks = before.replace("\r\n", "\n");
    1 + breaks
        .matches(['\n', '\r'])
        .count()
        .try_into()
        .unwrap_or(u64::MAX - 1)
}

fn utf_16<'b>(bytes: &'b [u8], encoding: &'static encoding_rs::Encoding) -> Result<Cow<'b, str>, Whole> {
    let (text, faulty) = encoding.decode_without_bom_handling(bytes);
    if faulty {
        let at = text.find('\u{fffd}').unwrap_or(0);
        return Err(Whole::new(
            line_of(&text[..at]),
            "this is not UTF-16, although it looks like it",
            EXPORT,
        ));
    }
    Ok(text)
}

/// UTF-16 without its mark: of Latin letters every second byte is zero. Which of the two tells the order.
fn zeros(bytes: &[u8]) -> Option<Encoding> {
    let sample = &bytes[..bytes.len().min(4096)];
    let count = |first: usize| sample.iter().skip(first).step_by(2).filter(|b| **b == 0).count();
    let (even, odd, pairs) = (count(0), count(1), sample.len() / 2);
    if pairs < 2 {
        None
    } else if odd * 2 > pairs && even * 8 < odd {
        Some(Encoding::Utf16Le)
    } else if even * 2 > pairs && odd * 8 < even {
        Some(Encoding::Utf16Be)
    } else {
        None
    }
}

/// UTF-8 when it is; otherwise Windows-1252, unless letters of UTF-8 stand in it too: then either reading garbles names.
fn eight_bit(bytes: &[u8]) -> Result<(Cow<'_, str>, Encoding), Whole> {
    let Err(error) = std::str::from_utf8(bytes) else {
        return Ok((String::from_utf8_lossy(bytes), Encoding::Utf8));
    };
    let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
    let undefined = bytes
        .iter()
        .any(|byte| matches!(byte, 0x81 | 0x8d | 0x8f | 0x90 | 0x9d));
    let mixed = bytes.utf8_chunks().any(|chunk| !chunk.valid().is_ascii());
    if mixed || undefined {
        let fault = if mixed {
            "this line is not UTF-8, and others are"
        } else {
            "this is neither UTF-8 nor Windows-1252"
        };
        return Err(Whole::new(line_of(&before), fault, EXPORT));
    }
    let (text, _) = WINDOWS_1252.decode_without_bom_handling(bytes);
    Ok((text, Encoding::Windows1252))
}
