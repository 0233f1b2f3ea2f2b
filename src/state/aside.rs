//! A file of the state that spares somebody work: it is there whole or counts as not there, and
//! deleting it loses nothing that anybody has to know. What must not be forgotten is the memory's.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_128;

use super::replace;

/// The first bytes, and the version of what follows: the xxh3-128 of the payload, and the payload.
const MAGIC: &[u8; 12] = b"khabar\0\0a001";
/// The most bytes that are read: more was not written by khabar.
const SIZE_MAX: u64 = 256 << 20;

/// One such file.
#[derive(Clone, Debug)]
pub struct Aside(PathBuf);

impl Aside {
    /// The one named `name` of the state at `state`.
    #[must_use]
    pub fn new(state: &Path, name: &str) -> Self {
        Self(state.join(name))
    }

    /// What was saved last; `None` where nothing was.
    ///
    /// # Errors
    /// Where it cannot be read, or is torn or foreign ([`io::ErrorKind::InvalidData`]).
    pub fn load(&self) -> io::Result<Option<Vec<u8>>> {
        let file = match std::fs::File::open(&self.0) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.take(SIZE_MAX).read_to_end(&mut bytes)?;
        let payload = payload(&bytes).map(<[u8]>::to_vec);
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "it is torn or foreign");
        payload.map(Some).ok_or_else(damaged)
    }

    /// Replaces what is there, as a whole.
    ///
    /// # Errors
    /// Where it cannot be written. What was saved before stays.
    pub fn save(&self, payload: &[u8]) -> io::Result<()> {
        let saved = replace(&self.0, |mut file| {
            file.write_all(MAGIC)?;
            file.write_all(&xxh3_128(payload).to_le_bytes())?;
            file.write_all(payload)
        });
        saved.map(drop)
    }
}

/// What a whole file holds.
fn payload(bytes: &[u8]) -> Option<&[u8]> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (hash, payload) = rest.split_at_checked(size_of::<u128>())?;
    (hash == xxh3_128(payload).to_le_bytes()).then_some(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_whole_or_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let aside = Aside::new(folder.path(), "versions");
        assert_eq!(aside.load().unwrap(), None);
        aside.save(b"first").unwrap();
        aside.save(b"second").unwrap();
        assert_eq!(aside.load().unwrap().as_deref(), Some(&b"second"[..]));
        let path = folder.path().join("versions");
        let whole = std::fs::read(&path).unwrap();
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let error = aside.load().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{length}");
        }
        std::fs::write(&path, [&whole[..], b"more"].concat()).unwrap();
        assert!(aside.load().is_err());
    }
}
