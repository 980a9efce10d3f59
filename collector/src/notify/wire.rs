//! A connection to a mail server, held to what SMTP allows of a reply: of a line only so much is read on, and what is not
//! ASCII is replaced, since the code in front of the words is all that counts. A server that says "250 angenommen für …" in
//! the letters of another century has taken the message.
//!
//! INVARIANT 8: a line that never ends takes no memory.

use lettre::transport::smtp::client::AsyncTokioStream;
use std::cmp::Ordering;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes of a line that are read on; SMTP allows 512 (RFC 5321).
const LINE: usize = 900;
const CODE: usize = 3;

/// A connection of which only replies are read.
pub(super) struct Wire<S> {
    stream: S,
    peer: SocketAddr,
    /// Bytes of the line that is being read.
    line: usize,
    /// What is read on next.
    ready: VecDeque<u8>,
}

impl<S> Wire<S> {
    /// `first` is read before anything that comes: who has asked for TLS is not greeted again.
    pub(super) fn new(stream: S, peer: SocketAddr, first: &[u8]) -> Self {
        Self {
            stream,
            peer,
            line: 0,
            ready: first.iter().copied().collect(),
        }
    }

    pub(super) const fn inner(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Reads on what counts of a byte.
    fn pass(&mut self, byte: u8) {
        // A code alone is a reply (RFC 5321, 4.2), and no parser's favourite.
        if self.line == CODE && matches!(byte, b'\r' | b'\n') {
            self.ready.push_back(b' ');
        }
        if byte == b'\n' {
            self.line = 0;
            self.ready.push_back(byte);
            return;
        }
        self.line = self.line.saturating_add(1);
        match self.line.cmp(&LINE) {
            Ordering::Less => self.ready.push_back(if byte.is_ascii() { byte } else { b'?' }),
            // The end of a line is two bytes.
            Ordering::Equal => self.ready.push_back(b'\r'),
            Ordering::Greater => {}
        }
    }
}

impl<S> fmt::Debug for Wire<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire")
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> AsyncTokioStream for Wire<S> {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // Nothing read would say that the connection has ended.
        while this.ready.is_empty() {
            let mut raw = [0; 1024];
            let mut part = ReadBuf::new(&mut raw);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut part))?;
            if part.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            for byte in part.filled() {
                this.pass(*byte);
            }
        }
        let now = this.ready.len().min(buf.remaining());
        for byte in this.ready.drain(..now) {
            buf.put_slice(&[byte]);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

    #[tokio::test]
    async fn a_line_is_cut_to_what_counts_and_an_endless_one_takes_no_memory() {
        let (near, mut far) = tokio::io::duplex(64 * 1024);
        let peer = SocketAddr::from(([127, 0, 0, 1], 25));
        let mut lines = BufReader::new(Wire::new(near, peer, b"220 protected\r\n")).lines();
        tokio::spawn(async move {
            far.write_all(b"250 angenommen f\xfcr Sie\r\n250 ").await.unwrap();
            for _ in 0..4096 {
                far.write_all(&[b'x'; 4096]).await.unwrap();
            }
            far.write_all(b"\r\n250 short\r\n250\r\n").await.unwrap();
        });
        let mut next = async || lines.next_line().await.unwrap().unwrap();
        assert_eq!(next().await, "220 protected");
        assert_eq!(next().await, "250 angenommen f?r Sie");
        assert_eq!(next().await.len(), LINE - 1);
        assert_eq!(next().await, "250 short");
        assert_eq!(next().await, "250 ");
    }
}
