//! The stream of a connection: a socket that sends large bodies without copying them.
//!
//! Most of what a large answer costs is that the kernel copies its bytes. The bytes of a version that
//! is asked for again and again are therefore held in a file of memory as well (`memfd_create(2)`), a
//! [`Sheet`], and sent from there (`sendfile(2)`), as web servers send files. hyper knows nothing of it:
//! it writes slices, and what lies within the bytes of the sheet that the answer [`Tray`] holds is
//! sent from the sheet. It never sends other bytes than it is given.

use std::fs::File;
use std::io::{self, IoSlice, Write as _};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use hyper::body::Bytes;
use rustix::fs::{MemfdFlags, memfd_create, sendfile};
use rustix::net::{SendFlags, send};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use super::room::Room;

/// Fewer bytes are copied as soon as they are sent from elsewhere, in one system call instead of two.
const SHEET_MIN: usize = 8 * 1024;
/// More bytes are rarely asked for, and would be held twice.
const SHEET_MAX: usize = 8 << 20;
/// The most bytes on sheets, and the most sheets: each takes a descriptor of the process, and so is
/// counted as its share at the least.
const SHEETS_BYTES: usize = 64 << 20;
const SHEETS: usize = 128;
const SHARE: usize = SHEETS_BYTES / SHEETS;

/// What is left for further sheets, of the whole process.
static ROOM: Room = Room::new(SHEETS_BYTES);

/// Bytes in a file of memory.
#[derive(Debug)]
pub(super) struct Sheet {
    file: File,
    bytes: Bytes,
}

impl Sheet {
    /// A sheet of bytes; `None` where it would be of no use, or there are enough.
    pub(super) fn new(bytes: &Bytes) -> Option<Self> {
        if !(SHEET_MIN..=SHEET_MAX).contains(&bytes.len()) {
            return None;
        }
        let file = memfd_create("khabar", MemfdFlags::CLOEXEC).map(File::from);
        let file = file.ok().filter(|_| ROOM.take(bytes.len().max(SHARE)))?;
        // From here on, dropping it makes room again.
        let bytes = bytes.clone();
        let mut sheet = Self { file, bytes };
        sheet.file.write_all(&sheet.bytes).ok()?;
        Some(sheet)
    }

    /// Where in the file the bytes of `slice` are: it must be a part of these very bytes in memory.
    fn place(&self, slice: &[u8]) -> Option<u64> {
        let at = slice
            .as_ptr()
            .addr()
            .checked_sub(self.bytes.as_ptr().addr())?;
        let end = at.checked_add(slice.len())?;
        (end <= self.bytes.len()).then(|| u64::try_from(at).ok())?
    }
}

impl Drop for Sheet {
    fn drop(&mut self) {
        ROOM.leave(self.bytes.len().max(SHARE));
    }
}

/// What the requests of a connection and its stream tell one another.
#[derive(Debug, Default)]
pub(super) struct Tray {
    is_answering: AtomicBool,
    sheet: Mutex<Option<Arc<Sheet>>>,
}

impl Tray {
    /// A request has come, and is answered from here on.
    pub(super) fn begin(&self) {
        self.is_answering.store(true, Ordering::Relaxed);
    }

    /// What is answered is being written.
    pub(super) fn end(&self) {
        self.is_answering.store(false, Ordering::Relaxed);
    }

    /// Whether a request is being answered of which nothing is written yet.
    pub(super) fn is_answering(&self) -> bool {
        self.is_answering.load(Ordering::Relaxed)
    }

    /// The next body may be sent from this sheet.
    pub(super) fn put(&self, sheet: Arc<Sheet>) {
        *self.sheet.lock().unwrap_or_else(PoisonError::into_inner) = Some(sheet);
    }

    /// The sheet that holds `slice`, and where.
    fn find(&self, slice: &[u8]) -> Option<(Arc<Sheet>, u64)> {
        if slice.is_empty() {
            return None;
        }
        let held = self.sheet.lock().unwrap_or_else(PoisonError::into_inner);
        let sheet = held.as_ref()?;
        Some((Arc::clone(sheet), sheet.place(slice)?))
    }
}

/// A socket that sends from sheets.
#[derive(Debug)]
pub(super) struct Stream {
    socket: TcpStream,
    tray: Arc<Tray>,
}

impl Stream {
    pub(super) fn new(socket: TcpStream, tray: Arc<Tray>) -> Self {
        Self { socket, tray }
    }

    /// Tries `write` as soon as the socket may take something.
    fn poll_with(
        &self,
        cx: &mut Context<'_>,
        mut write: impl FnMut(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.socket.poll_write_ready(cx))?;
            let tried = self
                .socket
                .try_io(Interest::WRITABLE, || write(&self.socket));
            match tried {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return Poll::Ready(done),
            }
        }
    }

    /// Sends a part of a sheet.
    fn poll_sheet(
        &self,
        cx: &mut Context<'_>,
        sheet: &Sheet,
        place: u64,
        length: usize,
    ) -> Poll<io::Result<usize>> {
        self.poll_with(cx, |socket| {
            let mut place = place;
            Ok(sendfile(socket, &sheet.file, Some(&mut place), length)?)
        })
    }

    /// Sends a head, and has the kernel wait for what follows.
    fn poll_head(&self, cx: &mut Context<'_>, head: &[u8]) -> Poll<io::Result<usize>> {
        let flags = SendFlags::MORE | SendFlags::NOSIGNAL;
        self.poll_with(cx, |socket| Ok(send(socket, head, flags)?))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if bytes.len() >= SHEET_MIN
            && let Some((sheet, place)) = self.tray.find(bytes)
        {
            return self.poll_sheet(cx, &sheet, place, bytes.len());
        }
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match slices {
            // One slice takes the shorter way through the kernel.
            [one] => self.poll_write(cx, one),
            [head, body] if body.len() >= SHEET_MIN => {
                let Some((sheet, place)) = self.tray.find(body) else {
                    return Pin::new(&mut self.socket).poll_write_vectored(cx, slices);
                };
                let sent = ready!(self.poll_head(cx, head))?;
                if sent < head.len() {
                    return Poll::Ready(Ok(sent));
                }
                // The head is gone: whatever becomes of the body, that is what was written.
                match self.poll_sheet(cx, &sheet, place, body.len()) {
                    Poll::Ready(Ok(more)) => Poll::Ready(Ok(sent + more)),
                    Poll::Ready(Err(_)) | Poll::Pending => Poll::Ready(Ok(sent)),
                }
            }
            _ => Pin::new(&mut self.socket).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    fn bytes(length: usize) -> Bytes {
        let pattern = (0..length).map(|at| u8::try_from(at % 251).unwrap_or(0));
        pattern.collect::<Vec<u8>>().into()
    }

    #[test]
    fn only_a_part_of_the_very_bytes_has_a_place() {
        let all = bytes(SHEET_MIN);
        let sheet = Sheet::new(&all).unwrap();
        assert_eq!(sheet.place(&all), Some(0));
        assert_eq!(sheet.place(&all[7..100]), Some(7));
        assert_eq!(sheet.place(&all[SHEET_MIN..]), Some(SHEET_MIN as u64));
        assert_eq!(sheet.place(&bytes(SHEET_MIN)), None);
        let wider = bytes(2 * SHEET_MIN);
        let part = Sheet::new(&wider.slice(..SHEET_MIN)).unwrap();
        assert_eq!(part.place(&wider), None);
        assert_eq!(part.place(&wider[1..=SHEET_MIN]), None);
        assert!(Sheet::new(&bytes(SHEET_MIN - 1)).is_none());
    }

    /// What a client gets of a head and a body, where the body lies on `sheet`.
    async fn sent(head: &[u8], body: &Bytes, sheet: Option<Sheet>) -> Vec<u8> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let (client, accepted) = tokio::join!(client, listener.accept());
        let tray = Arc::new(Tray::default());
        if let Some(sheet) = sheet {
            tray.put(Arc::new(sheet));
        }
        let mut stream = Stream::new(accepted.unwrap().0, tray);
        let reading = tokio::spawn(async move {
            let mut received = Vec::new();
            client.unwrap().read_to_end(&mut received).await.unwrap();
            received
        });
        let (mut head, mut body) = (head, &body[..]);
        while !body.is_empty() {
            let slices = [IoSlice::new(head), IoSlice::new(body)];
            let slices = if head.is_empty() {
                &slices[1..]
            } else {
                &slices[..]
            };
            let count = stream.write_vectored(slices).await.unwrap();
            let of_head = count.min(head.len());
            (head, body) = (&head[of_head..], &body[count - of_head..]);
        }
        stream.shutdown().await.unwrap();
        reading.await.unwrap()
    }

    #[tokio::test]
    async fn what_is_sent_is_the_same_from_anywhere() {
        // More than a socket takes at once.
        let body = bytes(SHEET_MAX);
        let whole = [b"head".as_slice(), &body].concat();
        assert!(sent(b"head", &body, None).await == whole);
        let sheet = Sheet::new(&body);
        assert!(sheet.is_some());
        assert!(sent(b"head", &body, sheet).await == whole);
        let other = Sheet::new(&bytes(SHEET_MIN));
        assert!(sent(b"head", &body, other).await == whole);
        let (long, few) = (bytes(3 * SHEET_MIN), bytes(5));
        let whole = [&long[..], &few].concat();
        assert!(sent(&long, &few, Sheet::new(&long)).await == whole);
    }
}
