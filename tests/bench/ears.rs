//! Hears when documents are renamed into place. An event is read within a few hundredths of a
//! millisecond of the rename: nearer than the ticks of the times that a file system notes.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};

/// An edit that is not published by then never will be.
const PATIENCE: Duration = Duration::from_mins(1);
/// Bytes of events read at once.
const QUEUE: usize = 64 * 1024;
/// A file of this name says that everything before it has been heard.
const COOKIE: &str = "cookie";
/// One of this name, that nobody listens any more.
const STOP: &str = "stop-listening";

/// What was renamed into place since the last time anyone asked.
#[derive(Default)]
struct Heard {
    documents: Vec<PathBuf>,
    last: Option<Instant>,
    is_everything: bool,
}

#[derive(Default)]
struct Shared {
    heard: Mutex<Heard>,
    bell: Condvar,
}

impl Shared {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Listens to a folder and all that lie in it now.
pub(crate) struct Ears {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// A folder of our own, to talk to the thread by.
    own: PathBuf,
}

impl Ears {
    pub(crate) fn listen(out: &Path, own: PathBuf) -> anyhow::Result<Self> {
        let queue = inotify::init(CreateFlags::CLOEXEC)?;
        fs::create_dir_all(&own)?;
        inotify::add_watch(&queue, &own, WatchFlags::MOVED_TO)?;
        let mut folders = HashMap::new();
        let mut open = vec![PathBuf::new()];
        while let Some(folder) = open.pop() {
            let place = out.join(&folder);
            let number = inotify::add_watch(&queue, &place, WatchFlags::MOVED_TO)?;
            for entry in fs::read_dir(place)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    open.push(folder.join(entry.file_name()));
                }
            }
            folders.insert(number, folder);
        }
        let shared = Arc::<Shared>::default();
        let thread = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || hear(&queue, &folders, &shared)
        });
        let thread = Some(thread);
        Ok(Self {
            shared,
            thread,
            own,
        })
    }

    /// What was heard until now is of no interest.
    pub(crate) fn forget(&self) -> anyhow::Result<()> {
        self.hear_everything()?;
        *self.shared.heard() = Heard::default();
        Ok(())
    }

    /// Waits until a document is in place.
    pub(crate) fn wait(&self) -> anyhow::Result<()> {
        let is_heard = self.until(|heard| heard.last.is_some());
        ensure!(is_heard, "an edit is not published");
        Ok(())
    }

    /// The documents that were put in place, each once, and when the last one was.
    pub(crate) fn take(&self) -> anyhow::Result<(Vec<PathBuf>, Instant)> {
        self.hear_everything()?;
        let mut heard = std::mem::take(&mut *self.shared.heard());
        heard.documents.sort();
        heard.documents.dedup();
        let last = heard.last.context("no document was put in place")?;
        Ok((heard.documents, last))
    }

    /// Waits until everything that has happened is heard: events come in their order.
    fn hear_everything(&self) -> anyhow::Result<()> {
        self.shared.heard().is_everything = false;
        self.tell(COOKIE)?;
        ensure!(self.until(|heard| heard.is_everything), "nobody listens");
        Ok(())
    }

    fn tell(&self, name: &str) -> std::io::Result<()> {
        let staged = self.own.join("staged");
        fs::write(&staged, "")?;
        fs::rename(&staged, self.own.join(name))
    }

    /// Whether that becomes so in time.
    fn until(&self, is_so: impl Fn(&Heard) -> bool) -> bool {
        let heard = self.shared.heard();
        let bell = &self.shared.bell;
        let waited = bell.wait_timeout_while(heard, PATIENCE, |heard| !is_so(heard));
        let (heard, _) = waited.unwrap_or_else(PoisonError::into_inner);
        is_so(&heard)
    }
}

impl Drop for Ears {
    fn drop(&mut self) {
        // One that cannot be told is left where it is: the process ends soon.
        if let (Ok(()), Some(thread)) = (self.tell(STOP), self.thread.take()) {
            let _ = thread.join();
        }
    }
}

fn hear(queue: &OwnedFd, folders: &HashMap<i32, PathBuf>, shared: &Shared) {
    let mut buffer = vec![MaybeUninit::uninit(); QUEUE];
    let mut events = Reader::new(queue, &mut buffer);
    while let Ok(event) = events.next() {
        let now = Instant::now();
        let Some(name) = event.file_name() else {
            continue;
        };
        let name = OsStr::from_bytes(name.to_bytes());
        let is_document = !event.events().contains(ReadFlags::ISDIR);
        match folders.get(&event.wd()) {
            Some(folder) if is_document => {
                let mut heard = shared.heard();
                heard.documents.push(folder.join(name));
                heard.last = Some(now);
                shared.bell.notify_all();
            }
            None if name == STOP => return,
            None if name == COOKIE => {
                shared.heard().is_everything = true;
                shared.bell.notify_all();
            }
            Some(_) | None => {}
        }
    }
}
