//! How files looked when they were read: an untouched one need not be read again, and one that has
//! several names is found under all of them.

use std::time::SystemTime;

use crate::files::{Seen, Sighting, Stamp};

/// What is remembered of a file that bore a stamp when it was read.
pub(super) fn sighting(stamp: &Stamp) -> Sighting {
    Sighting {
        seen: stamp.is_settled(SystemTime::now()).then(|| Seen::of(stamp)),
        inode: (stamp.names > 1).then_some(stamp.inode),
    }
}
