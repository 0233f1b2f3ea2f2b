//! A connection whose client must ask in time, and take its answer at some pace.
//!
//! A request's head must have come within a time that counts from the connection's begin, and from
//! the end of each answer; so one clock ends who is silent, who sends a byte now and then, and who
//! has finished. (hyper has such a clock, which it winds up for each request; this one runs on, and is
//! wound up again only where it has run down too soon.)
//!
//! A client that reads a byte a minute holds an answer's bytes and a connection for ever; it always
//! makes progress, so a timeout that starts again at each progress never fires. Here the time that
//! is left grows by what was taken, no faster, and never beyond what it was at first.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::listen::Limits;
use super::stream::Tray;

/// A stream that fails where its client is too slow.
#[derive(Debug)]
pub(super) struct Paced<S> {
    stream: S,
    tray: Arc<Tray>,
    head: Duration,
    stall: Duration,
    /// Bytes a second.
    pace: u32,
    /// Since when the next request's head is waited for.
    idle: Instant,
    /// Runs down no later than that head is due.
    alarm: Option<Pin<Box<Sleep>>>,
    /// The client is to take something.
    is_blocked: bool,
    /// By when the client must have taken more. It counts from the first wait of an answer, and is
    /// forgotten when the client sends the next request.
    due: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl<S> Paced<S> {
    /// A stream under these limits, which the requests on `tray` come by.
    pub(super) fn new(stream: S, limits: &Limits, tray: Arc<Tray>) -> Self {
        Self {
            stream,
            tray,
            head: limits.head,
            stall: limits.stall,
            pace: limits.pace.max(1),
            idle: Instant::now(),
            alarm: None,
            is_blocked: false,
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
                self.tray.end();
                self.is_blocked = false;
                self.idle = Instant::now();
                if let Some(due) = &mut self.due {
                    let count = u32::try_from(count).unwrap_or(u32::MAX);
                    let later = *due + Duration::from_secs(1) * count / self.pace;
                    *due = later.min(self.idle + self.stall);
                }
                Poll::Ready(Ok(count))
            }
            Poll::Pending => {
                self.is_blocked = true;
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

impl<S> Paced<S> {
    /// Fails once the head of a request is overdue. The alarm is set whatever is going on: hyper need
    /// not read again between an answer and the next request.
    fn await_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let is_waiting = !self.is_blocked && !self.tray.is_answering();
        let since = if is_waiting {
            self.idle
        } else {
            Instant::now()
        };
        let due = since + self.head;
        let alarm = self
            .alarm
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        while alarm.as_mut().poll(cx).is_ready() {
            if is_waiting && alarm.deadline() >= due {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            alarm.as_mut().reset(due);
        }
        Poll::Pending
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
        if read.is_pending() {
            return self.await_head(cx);
        }
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
        let limits = Limits {
            pace: 100,
            ..Limits::default()
        };
        let mut server = Paced::new(server, &limits, Arc::default());
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
