//! What a program asked of the X server, read from a trace of `strace -f -yy -xx -s 65536`: every request on every
//! connection, whatever library made it.

use crate::trace::Call;
use std::collections::BTreeMap;

/// How a connection begins, little-endian, protocol 11.
const BEGINS: [u8; 4] = [b'l', 0, 11, 0];
const SETUP_BYTES: usize = 12;
const QUERY_EXTENSION: u8 = 98;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Request {
    /// Of the core protocol, by its number; from 128 on, of an extension.
    Code(u8),
    /// Whether the server has an extension of this name: the only way to learn the numbers of its requests.
    Extension(String),
}

/// Every request in a trace, connection by connection.
#[must_use]
pub fn requests(calls: &[Call]) -> Vec<Request> {
    let mut streams: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    for call in calls {
        if !matches!(call.name.as_str(), "write" | "writev" | "sendto" | "sendmsg") {
            continue;
        }
        let (Some((file, rest)), Some(length)) = (call.arguments.split_once(">, "), call.result) else {
            continue;
        };
        let mut bytes = bytes_in(rest);
        bytes.truncate(usize::try_from(length).unwrap_or_default());
        streams.entry(file).or_default().extend(bytes);
    }
    let of_x = streams.values().filter(|bytes| bytes.starts_with(&BEGINS));
    of_x.flat_map(|bytes| in_stream(bytes)).collect()
}

/// The requests in what was sent on one connection.
fn in_stream(bytes: &[u8]) -> Vec<Request> {
    let word = |at: usize| usize::from(bytes[at]) | usize::from(bytes[at + 1]) << 8;
    let mut found = Vec::new();
    if bytes.len() < SETUP_BYTES {
        return found;
    }
    let mut at = SETUP_BYTES + padded(word(6)) + padded(word(8));
    while at + 4 <= bytes.len() {
        let mut length = word(at + 2) * 4;
        if length == 0 {
            // A long one, as the extension BIG-REQUESTS allows.
            let Some(long) = bytes.get(at + 4..at + 8) else {
                break;
            };
            length = u32::from_le_bytes([long[0], long[1], long[2], long[3]]) as usize * 4;
        }
        let Some(request) = bytes.get(at..at + length.max(4)) else {
            break;
        };
        found.push(match (request[0], request.get(8..)) {
            (QUERY_EXTENSION, Some(name)) => {
                let name = &name[..name.len().min(word(at + 4))];
                Request::Extension(String::from_utf8_lossy(name).into_owned())
            }
            (code, _) => Request::Code(code),
        });
        at += request.len();
    }
    found
}

fn padded(length: usize) -> usize {
    length.next_multiple_of(4)
}

/// The bytes in all strings, which `-xx` writes as `\x12`.
fn bytes_in(arguments: &str) -> Vec<u8> {
    let strings = arguments.split('"').skip(1).step_by(2);
    strings
        .flat_map(|string| string.split("\\x").skip(1))
        .filter_map(|byte| u8::from_str_radix(byte, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::parse;

    #[test]
    fn requests_are_read_over_the_borders_of_calls_and_an_image_is_noticed() {
        let trace = r#"7 sendmsg(3<UNIX-STREAM:[1->2]>, {msg_iov=[{iov_base="\x6c\x00\x0b\x00\x00\x00\x00\x00\x00\x00\x00\x00", iov_len=12}], msg_flags=0}, 0) = 12
7 write(1</dev/null>, "\x49\x00\x01\x00", 4) = 4
7 sendmsg(3<UNIX-STREAM:[1->2]>, {msg_iov=[{iov_base="\x62\x00\x03\x00\x03\x00\x00\x00\x44", iov_len=9}, {iov_base="\x52\x49\x00", iov_len=3}], msg_flags=0}, 0) = 12
7 writev(3<UNIX-STREAM:[1->2]>, [{iov_base="\x49\x02\x01", iov_len=3}, {iov_base="\x00", iov_len=1}], 2) = 4"#;
        let found = requests(&parse(trace));
        assert_eq!(found, [Request::Extension("DRI".into()), Request::Code(73)]);
    }
}
