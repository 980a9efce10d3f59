//! Messages between the agent's own processes: a length of 4 bytes, big-endian, then the message.
//!
//! Without I/O, so that the service (async) and the helper (blocking) share it.

use crate::limits;

/// Why a peer's bytes are no message. The peer is to be closed: what follows cannot be told apart any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The stated length is over [`limits::LOCAL_MESSAGE`].
    #[error("a message of {0} bytes is longer than the {max} allowed", max = limits::LOCAL_MESSAGE)]
    TooLong(usize),
    /// The bytes are not the message they should be.
    #[error("the message cannot be read: {0}")]
    Malformed(String),
}

/// Collects bytes as they come and gives whole messages. Never holds more than one message and one read.
#[derive(Debug, Default)]
pub struct LocalFrames {
    pending: Vec<u8>,
}

impl LocalFrames {
    /// The bytes to write for a message.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] when the message is over the limit.
    pub fn encode<M: prost::Message>(message: &M) -> Result<Vec<u8>, FrameError> {
        let length = message.encoded_len();
        let stated = u32::try_from(length)
            .ok()
            .filter(|_| length <= limits::LOCAL_MESSAGE);
        let stated = stated.ok_or(FrameError::TooLong(length))?;
        let mut bytes = Vec::with_capacity(4 + length);
        bytes.extend_from_slice(&stated.to_be_bytes());
        bytes.extend_from_slice(&message.encode_to_vec());
        Ok(bytes)
    }

    /// Takes what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// The next whole message, if it has arrived.
    ///
    /// # Errors
    /// When the length is over the limit or the bytes are no such message.
    pub fn take<M: prost::Message + Default>(&mut self) -> Result<Option<M>, FrameError> {
        let Some((head, rest)) = self.pending.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes(*head) as usize;
        if length > limits::LOCAL_MESSAGE {
            return Err(FrameError::TooLong(length));
        }
        let Some(body) = rest.get(..length) else {
            return Ok(None);
        };
        let message = M::decode(body).map_err(|error| FrameError::Malformed(error.to_string()))?;
        self.pending.drain(..4 + length);
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::{FromHelper, Heartbeat, from_helper::Message};
    use proptest::prelude::*;

    fn heartbeat() -> FromHelper {
        FromHelper {
            message: Some(Message::Heartbeat(Heartbeat {
                desktop_answers: true,
            })),
        }
    }

    #[test]
    fn a_message_in_pieces_arrives_whole() {
        let bytes = LocalFrames::encode(&heartbeat()).unwrap();
        let mut frames = LocalFrames::default();
        for byte in &bytes[..bytes.len() - 1] {
            frames.push(&[*byte]);
            assert_eq!(frames.take::<FromHelper>(), Ok(None));
        }
        frames.push(&bytes[bytes.len() - 1..]);
        assert_eq!(frames.take(), Ok(Some(heartbeat())));
    }

    #[test]
    fn an_oversized_length_is_refused_before_it_is_read() {
        let mut frames = LocalFrames::default();
        frames.push(&u32::MAX.to_be_bytes());
        assert_eq!(
            frames.take::<FromHelper>(),
            Err(FrameError::TooLong(u32::MAX as usize))
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut frames = LocalFrames::default();
            frames.push(&bytes);
            while let Ok(Some(_)) = frames.take::<FromHelper>() {}
        }
    }
}
