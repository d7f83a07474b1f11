//! Few large writes instead of many small ones.

use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;

/// A socket that lets the other tasks have their turn before each write.
///
/// A connection's task wakes with the first command and would write it alone, and then the next
/// one. After a turn of the other tasks, all that they had to send leaves in one write, which saves
/// both sides a system call for each command. Nagle's algorithm (RFC 896) would do it too, but by
/// waiting for the network instead of for a turn. A command that is alone leaves as soon as this
/// runtime has nothing else to do.
#[derive(Debug)]
pub(crate) struct Coalesce<S> {
    socket: S,
    turn_given: bool,
}

impl<S> Coalesce<S> {
    pub(crate) const fn new(socket: S) -> Self {
        Self {
            socket,
            turn_given: false,
        }
    }

    /// Is pending once before each write.
    fn poll_turn(&mut self, context: &Context<'_>) -> Poll<()> {
        self.turn_given = !self.turn_given;
        if self.turn_given {
            // A task that wakes itself goes to the end of the queue.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Coalesce<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Coalesce<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_turn(context));
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_turn(context));
        Pin::new(&mut self.socket).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use tokio::io::AsyncReadExt;
    use tokio::io::AsyncWriteExt;
    use tokio::io::duplex;

    use super::*;

    #[tokio::test]
    async fn gives_a_turn_before_each_write_and_loses_nothing() {
        let (socket, mut other) = duplex(3);
        let mut socket = Coalesce::new(socket);
        let written = tokio::spawn(async move { socket.write_all(b"commands").await });
        let mut received = [0; 8];
        other.read_exact(&mut received).await.unwrap();
        assert_eq!(&received, b"commands");
        written.await.unwrap().unwrap();
    }

    #[test]
    fn writes_on_the_second_attempt() {
        let (socket, _other) = duplex(8);
        let mut socket = pin!(Coalesce::new(socket));
        let mut context = Context::from_waker(std::task::Waker::noop());
        for _ in 0..2 {
            assert!(
                socket
                    .as_mut()
                    .poll_write(&mut context, b"abc")
                    .is_pending()
            );
            let written = socket.as_mut().poll_write(&mut context, b"abc");
            assert!(matches!(written, Poll::Ready(Ok(3))));
        }
    }
}
