//! Answers that are ready at the same time leave in one write.
//!
//! A commit answers dozens of callers of one connection at once. The first who is done wakes the task of the connection, which
//! would run next and write one answer, then the next one, and each write is a walk through the network and wakes the other
//! side. Here the connection steps aside once before a small write: whoever is ready to run goes first, and what they add to
//! the connection's buffer leaves together.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tonic::transport::server::Connected;

/// Bytes that are worth a write of their own.
const ENOUGH: usize = 8 * 1024;

/// See the module. Reads, and writes in their order, are those of the connection inside.
#[derive(Debug)]
pub(crate) struct Gathering<C> {
    connection: C,
    /// For the write that comes next.
    stepped_aside: bool,
}

impl<C> Gathering<C> {
    /// Over a connection.
    pub(crate) fn new(connection: C) -> Self {
        Self {
            connection,
            stepped_aside: false,
        }
    }

    /// Ready when so many bytes should be written now.
    fn poll_turn(&mut self, context: &mut Context<'_>, bytes: usize) -> Poll<()> {
        if bytes < ENOUGH && !std::mem::replace(&mut self.stepped_aside, true) {
            // A task that wakes itself goes to the end of its worker's queue.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

impl<C: Connected> Connected for Gathering<C> {
    type ConnectInfo = C::ConnectInfo;

    fn connect_info(&self) -> C::ConnectInfo {
        self.connection.connect_info()
    }
}

impl<C: AsyncRead + Unpin> AsyncRead for Gathering<C> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_read(context, into)
    }
}

impl<C: AsyncWrite + Unpin> AsyncWrite for Gathering<C> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_turn(context, bytes.len()));
        let written = ready!(Pin::new(&mut self.connection).poll_write(context, bytes));
        self.stepped_aside = false;
        Poll::Ready(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // Of two, the second is a message too long to be copied: until it is written, nothing can be added.
        let mut filled = parts.iter().filter(|part| !part.is_empty());
        if let (Some(only), None) = (filled.next(), filled.next()) {
            ready!(self.poll_turn(context, only.len()));
        }
        let written = ready!(Pin::new(&mut self.connection).poll_write_vectored(context, parts));
        self.stepped_aside = false;
        Poll::Ready(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::io::AsyncWriteExt;

    use super::*;

    /// Notes how many bytes each write has.
    #[derive(Clone, Default)]
    struct Noted(Arc<Mutex<Vec<usize>>>);

    impl AsyncWrite for Noted {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            self.0.lock().expect("is whole").push(bytes.len());
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_write_vectored(
            self: Pin<&mut Self>,
            context: &mut Context<'_>,
            parts: &[io::IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let whole: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
            self.poll_write(context, &whole)
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// How often a write of so many bytes is asked for until it is done.
    async fn polls(connection: &mut Gathering<Noted>, bytes: usize) -> usize {
        let bytes = vec![b'.'; bytes];
        let (mut write, mut polls) = (Box::pin(connection.write_all(&bytes)), 0);
        std::future::poll_fn(|context| {
            polls += 1;
            write.as_mut().poll(context)
        })
        .await
        .expect("writes");
        polls
    }

    #[tokio::test]
    async fn steps_aside_once_before_each_small_write() {
        let noted = Noted::default();
        let mut connection = Gathering::new(noted.clone());
        assert_eq!(polls(&mut connection, 10).await, 2);
        assert_eq!(polls(&mut connection, ENOUGH - 1).await, 2);
        assert_eq!(polls(&mut connection, ENOUGH).await, 1);
        assert_eq!(*noted.0.lock().expect("is whole"), [10, ENOUGH - 1, ENOUGH]);
    }

    #[tokio::test]
    async fn a_message_behind_its_frame_is_not_held_back() {
        let noted = Noted::default();
        let mut connection = Gathering::new(noted.clone());
        let mut polls = 0;
        for parts in [[9, 300], [9, 0]] {
            let bytes = parts.map(|length| vec![b'.'; length]);
            let slices = [io::IoSlice::new(&bytes[0]), io::IoSlice::new(&bytes[1])];
            std::future::poll_fn(|context| {
                polls += 1;
                Pin::new(&mut connection).poll_write_vectored(context, &slices)
            })
            .await
            .expect("writes");
        }
        assert_eq!(polls, 3);
        assert_eq!(*noted.0.lock().expect("is whole"), [309, 9]);
    }

    #[tokio::test]
    async fn whoever_is_ready_goes_first() {
        let noted = Noted::default();
        let mut connection = Gathering::new(noted.clone());
        let other = noted.clone();
        let writing = tokio::spawn(async move { connection.write_all(b"answer").await });
        // As another caller of the same commit.
        let ready = tokio::spawn(async move { other.0.lock().expect("is whole").push(0) });
        writing.await.expect("does not panic").expect("writes");
        ready.await.expect("does not panic");
        assert_eq!(*noted.0.lock().expect("is whole"), [0, 6]);
    }
}
