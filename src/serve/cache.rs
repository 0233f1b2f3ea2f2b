//! Versions read from `out`, as many as a number of bytes allows; the one that was not asked for the
//! longest goes first.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::version::Version;

/// Versions by path.
#[derive(Debug)]
pub(super) struct Cache {
    most: usize,
    weight: usize,
    clock: u64,
    held: HashMap<String, Item>,
    /// By when they were last asked for.
    order: BTreeMap<u64, String>,
}

#[derive(Debug)]
struct Item {
    version: Arc<Version>,
    weight: usize,
    asked: u64,
}

impl Cache {
    /// A cache of at most so many bytes of documents as they are.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            weight: 0,
            clock: 0,
            held: HashMap::new(),
            order: BTreeMap::new(),
        }
    }

    pub(super) fn get(&mut self, path: &str) -> Option<Arc<Version>> {
        self.clock += 1;
        let item = self.held.get_mut(path)?;
        if let Some(path) = self.order.remove(&item.asked) {
            self.order.insert(self.clock, path);
        }
        item.asked = self.clock;
        Some(Arc::clone(&item.version))
    }

    pub(super) fn put(&mut self, path: &str, version: Arc<Version>) {
        self.remove(path);
        // As they are: compressed, they are about half as much again.
        let weight = version.bytes.len();
        if weight > self.most {
            return;
        }
        self.clock += 1;
        self.weight += weight;
        let item = Item {
            version,
            weight,
            asked: self.clock,
        };
        self.held.insert(path.to_owned(), item);
        self.order.insert(self.clock, path.to_owned());
        while self.weight > self.most {
            let Some((_, oldest)) = self.order.pop_first() else {
                break;
            };
            if let Some(item) = self.held.remove(&oldest) {
                self.weight -= item.weight;
            }
        }
    }

    pub(super) fn remove(&mut self, path: &str) {
        if let Some(item) = self.held.remove(path) {
            self.order.remove(&item.asked);
            self.weight -= item.weight;
        }
    }

    /// How many bytes are held.
    pub(super) fn weight(&self) -> usize {
        self.weight
    }
}

#[cfg(test)]
mod tests {
    use hyper::body::Bytes;

    use super::*;
    use crate::document::DocumentKind;

    #[test]
    fn the_one_not_asked_for_the_longest_goes_first() {
        let version = |length: usize| {
            let bytes = Bytes::from(vec![b'x'; length]);
            Arc::new(Version::new(DocumentKind::Page, bytes, 0))
        };
        let mut cache = Cache::new(100);
        cache.put("a", version(40));
        cache.put("b", version(40));
        assert!(cache.get("a").is_some());
        cache.put("c", version(40));
        assert!(cache.get("b").is_none());
        assert!(cache.get("a").is_some() && cache.get("c").is_some());
        cache.put("a", version(50));
        assert_eq!(cache.weight(), 90);
        cache.put("c", version(101));
        assert_eq!(cache.weight(), 50);
        cache.remove("a");
        cache.remove("a");
        assert_eq!(
            (cache.weight(), cache.held.len(), cache.order.len()),
            (0, 0, 0)
        );
    }
}
