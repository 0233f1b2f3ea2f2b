//! Standard output, for results.

use std::io::{BufWriter, ErrorKind, Write};

use anyhow::Context as _;

/// Writes results to standard output with `write`, and flushes.
pub(super) fn results<T>(
    write: impl FnOnce(&mut dyn Write) -> std::io::Result<T>,
) -> anyhow::Result<T> {
    let mut out = Patient::new(BufWriter::new(std::io::stdout().lock()));
    let written = write(&mut out);
    written
        .and_then(|value| out.flush().map(|()| value))
        .context("cannot write to standard output")
}

/// A writer that goes on when its reader has gone away: `khabar check | head -1` has found what it
/// has found, and its exit code must say so. Other errors are errors.
struct Patient<W> {
    inner: W,
    is_alone: bool,
}

impl<W: Write> Patient<W> {
    fn new(inner: W) -> Self {
        Self {
            inner,
            is_alone: false,
        }
    }

    fn unless_alone<T>(
        &mut self,
        done: T,
        act: impl FnOnce(&mut W) -> std::io::Result<T>,
    ) -> std::io::Result<T> {
        if self.is_alone {
            return Ok(done);
        }
        match act(&mut self.inner) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.is_alone = true;
                Ok(done)
            }
            other => other,
        }
    }
}

impl<W: Write> Write for Patient<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.unless_alone(bytes.len(), |inner| inner.write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.unless_alone((), Write::flush)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails every write in the same way.
    struct Broken(ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn a_reader_that_goes_away_is_no_failure() {
        let mut out = Patient::new(Broken(ErrorKind::BrokenPipe));
        assert_eq!(out.write(b"one").unwrap(), 3);
        out.write_all(b"two").unwrap();
        out.flush().unwrap();
    }

    #[test]
    fn a_full_disk_is_one() {
        let mut out = Patient::new(Broken(ErrorKind::StorageFull));
        assert_eq!(
            out.write(b"one").unwrap_err().kind(),
            ErrorKind::StorageFull
        );
        assert_eq!(out.flush().unwrap_err().kind(), ErrorKind::StorageFull);
    }

    #[test]
    fn bytes_pass_through() {
        let mut out = Patient::new(Vec::new());
        out.write_all("خبر".as_bytes()).unwrap();
        assert_eq!(out.inner, "خبر".as_bytes());
    }
}
