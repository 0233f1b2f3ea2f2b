//! An archive in memory, for tests.

use std::io;
use std::sync::Mutex;

use super::{Archive, Location};

/// Keeps everything for as long as it lives.
#[derive(Debug, Default)]
pub(crate) struct HeapArchive(Mutex<Vec<u8>>);

impl HeapArchive {
    /// Everything that is kept is damaged.
    pub(crate) fn lose(&self) {
        self.0.lock().unwrap().fill(0);
    }
}

impl Archive for HeapArchive {
    fn put(&self, bytes: &[u8]) -> Location {
        let mut kept = self.0.lock().unwrap();
        let at = kept.len() as u64;
        kept.extend_from_slice(bytes);
        Location::new(at, u32::try_from(bytes.len()).unwrap())
    }

    fn get(&self, location: &Location, into: &mut Vec<u8>) -> io::Result<()> {
        let kept = self.0.lock().unwrap();
        let start = usize::try_from(location.at()).unwrap();
        into.extend_from_slice(&kept[start..start + location.length as usize]);
        Ok(())
    }

    fn adopt(&self, _: &Location) {}
}
