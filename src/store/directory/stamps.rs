//! How files looked when they were read: an untouched one need not be read again, and one that has
//! several names is found under all of them.

use crate::files::{Seen, Sighting, Stamp};

/// A file that was changed so shortly before it was read may be changed again within the same tick
/// of the file system's clock, and bear the same stamp. In seconds.
const FRESH: i64 = 2;

/// What is remembered of a file that bore a stamp when it was read.
pub(super) fn sighting(stamp: &Stamp) -> Sighting {
    Sighting {
        seen: is_settled(stamp).then(|| Seen::of(stamp)),
        inode: (stamp.names > 1).then_some(stamp.inode),
    }
}

/// Whether a change later than now would show in the stamp.
fn is_settled(stamp: &Stamp) -> bool {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.ok().and_then(|now| i64::try_from(now.as_secs()).ok());
    now.is_some_and(|now| stamp.changed.0 + FRESH < now)
}
