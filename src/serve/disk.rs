//! Reads documents from `out`. Paths come from the table of what was published and nowhere else; no
//! link is followed, so that what is planted there leads nowhere.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::PathBuf;

use rustix::fs::{FileType, Mode, OFlags};

/// The most bytes that are read of a document: a sitemap may have 50 MB (sitemaps.org), and nothing
/// else comes near it.
const MAX: u64 = 64 << 20;

/// The directory documents are read from.
#[derive(Debug)]
pub(super) struct Out(PathBuf);

impl Out {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// A document's bytes, and when they were written, in seconds since 1970.
    pub(super) fn read(&self, path: &str) -> io::Result<(Vec<u8>, i64)> {
        let (file, modified) = self.open(path)?;
        let mut bytes = Vec::new();
        file.take(MAX + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok((bytes, modified))
    }

    /// When a document was written, in seconds since 1970.
    pub(super) fn modified(&self, path: &str) -> io::Result<i64> {
        self.open(path).map(|(_, modified)| modified)
    }

    fn open(&self, path: &str) -> io::Result<(File, i64)> {
        let folder = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut handle = rustix::fs::open(&self.0, folder, Mode::empty())?;
        let mut parts = path.split('/').peekable();
        while let Some(part) = parts.next() {
            let flags = if parts.peek().is_some() {
                folder | OFlags::NOFOLLOW
            } else {
                OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC
            };
            handle = rustix::fs::openat(&handle, part, flags, Mode::empty())?;
        }
        let stat = rustix::fs::fstat(&handle)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok((File::from(handle), stat.st_mtime))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_and_links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        std::fs::create_dir_all(out.join("sections/قزوين")).unwrap();
        std::fs::write(folder.path().join("secret"), "secret").unwrap();
        std::fs::write(out.join("sections/قزوين/rss.xml"), "<rss/>").unwrap();
        std::os::unix::fs::symlink("../secret", out.join("rss.xml")).unwrap();
        std::os::unix::fs::symlink("sections", out.join("stories")).unwrap();
        let out = Out::new(out);
        assert_eq!(out.read("sections/قزوين/rss.xml").unwrap().0, b"<rss/>");
        for path in ["rss.xml", "stories/قزوين/rss.xml", "sections", "none", ""] {
            assert!(out.read(path).is_err(), "{path}");
        }
    }
}
