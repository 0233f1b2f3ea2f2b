//! A connection whose client must take its answer at some pace.
//!
//! A client that reads a byte a minute holds an answer's bytes and a connection for ever; it always
//! makes progress, so a timeout that starts again at each progress never fires. Here the time that
//! is left grows by what was taken, no faster, and never beyond what it was at first.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// A stream that fails to write where its client is too slow.
#[derive(Debug)]
pub(super) struct Paced<S> {
    stream: S,
    stall: Duration,
    /// Bytes a second.
    pace: u32,
    /// By when the client must have taken more. It counts from the first wait of an answer, and is
    /// forgotten when the client sends the next request.
    due: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl<S> Paced<S> {
    pub(super) fn new(stream: S, stall: Duration, pace: u32) -> Self {
        Self {
            stream,
            stall,
            pace: pace.max(1),
            due: None,
            sleep: None,
        }
    }

    fn watch(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(count)) => {
                if let Some(due) = &mut self.due {
                    let count = u32::try_from(count).unwrap_or(u32::MAX);
                    let later = *due + Duration::from_secs(1) * count / self.pace;
                    *due = later.min(Instant::now() + self.stall);
                }
                Poll::Ready(Ok(count))
            }
            Poll::Pending => {
                let due = *self.due.get_or_insert_with(|| Instant::now() + self.stall);
                let sleep = self
                    .sleep
                    .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
                if sleep.deadline() != due {
                    sleep.as_mut().reset(due);
                }
                match sleep.as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                    Poll::Pending => Poll::Pending,
                }
            }
            failed @ Poll::Ready(Err(_)) => failed,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.due = None;
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
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
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// Writes without end to a client that takes `portion` bytes every second of a paused clock.
    async fn written(portion: usize) -> u64 {
        let (server, mut client) = tokio::io::duplex(64);
        let mut server = Paced::new(server, Duration::from_secs(30), 100);
        tokio::spawn(async move {
            let mut taken = vec![0; portion];
            while client.read_exact(&mut taken).await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let mut written = 0;
        while written < 100_000 {
            match server.write(&[0; 64]).await {
                Ok(count) => written += count as u64,
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
                    break;
                }
            }
        }
        written
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_enough_may_take_as_long_as_it_takes() {
        assert!(written(200).await >= 100_000);
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_a_byte_now_and_then_is_cut_off() {
        assert!(written(1).await < 200);
        assert!(written(50).await < 10_000);
    }
}
