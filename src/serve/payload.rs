//! What an answer carries: nothing, or bytes that others hold as well.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};

use super::stream::Sheet;

/// The body of an answer. Its length is always known beforehand.
#[derive(Debug)]
pub(super) struct Payload {
    bytes: Option<Bytes>,
    /// These bytes in a file of memory.
    sheet: Option<Arc<Sheet>>,
}

impl Payload {
    /// No body.
    pub(super) fn empty() -> Self {
        Self {
            bytes: None,
            sheet: None,
        }
    }

    /// The same, which may be sent from a sheet.
    pub(super) fn on(mut self, sheet: Option<Arc<Sheet>>) -> Self {
        self.sheet = sheet;
        self
    }

    /// Where it may be sent from.
    pub(super) fn take_sheet(&mut self) -> Option<Arc<Sheet>> {
        self.sheet.take()
    }

    /// How many bytes.
    pub(super) fn length(&self) -> u64 {
        self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self {
            bytes: (!bytes.is_empty()).then_some(bytes),
            sheet: None,
        }
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length())
    }
}
