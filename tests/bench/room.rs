//! The folder everything is put in: said to be large enough before, and gone afterwards.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use crate::report::say;

/// Disk an article needs: two versions of its file, in two blocks each, their inodes, and its part of
/// what is published, of which there are up to four copies of up to three formats, and of the states.
const DISK_PER_ARTICLE: u64 = 28_000;
/// What is needed at any size.
const DISK: u64 = 200_000_000;

/// A folder that goes with this value.
pub(crate) struct Room {
    folder: TempDir,
    /// The sockets' folder: the path of a socket has 108 bytes.
    sockets: TempDir,
}

impl Room {
    /// A folder in `place` with room for so many articles.
    pub(crate) fn take(place: &Path, articles: usize) -> anyhow::Result<Self> {
        std::fs::create_dir_all(place)
            .with_context(|| format!("{} cannot be made", place.display()))?;
        let stat = rustix::fs::statvfs(place)?;
        let (need, free) = (
            DISK + DISK_PER_ARTICLE * articles as u64,
            stat.f_bavail * stat.f_frsize,
        );
        let (need_files, free_files) = (3 * articles as u64, stat.f_favail);
        say(&format!(
            "{articles} articles need {:.1} GB in {}, where {:.1} GB are free; they are given back.",
            need as f64 / 1e9,
            place.display(),
            free as f64 / 1e9,
        ))?;
        if need > free {
            bail!("there is not enough disk; --dir names another place, --articles fewer of them");
        }
        // File systems that make inodes as they go say that they have none.
        if stat.f_files > 0 && need_files > free_files {
            bail!("there are {free_files} inodes free, and {need_files} are needed");
        }
        let folder = tempfile::Builder::new()
            .prefix("khabar-speed-")
            .tempdir_in(place)?;
        let room = Self {
            folder,
            sockets: tempfile::Builder::new().prefix("khabar-speed-").tempdir()?,
        };
        clean_up_when_told_to_stop(vec![
            room.folder.path().to_owned(),
            room.sockets.path().to_owned(),
        ])?;
        Ok(room)
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Leaves everything in it, and says where that is.
    pub(crate) fn keep(self) -> anyhow::Result<()> {
        say(&format!("Kept: {}", self.folder.keep().display()))
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.sockets.path().join("notify")
    }

    /// Waits until everything written is on the disk: what was measured before must not be paid for
    /// by what is measured next.
    pub(crate) fn settle(&self) -> anyhow::Result<()> {
        Ok(rustix::fs::syncfs(File::open(self.path())?)?)
    }
}

/// A signal ends the process where it stands, which would leave gigabytes behind.
fn clean_up_when_told_to_stop(folders: Vec<PathBuf>) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        )
    };
    std::thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        });
        crate::program::end_all();
        // Whoever still writes may put something back while the folder is emptied.
        for _ in 0..10 {
            for folder in &folders {
                let _ = std::fs::remove_dir_all(folder);
            }
        }
        std::process::exit(130);
    });
    Ok(())
}

/// A file of `/proc`, or nothing.
pub(crate) fn proc_text(path: &str) -> String {
    let mut text = String::new();
    // What is gone or unknown is nothing.
    let _ = File::open(path).and_then(|mut file| file.read_to_string(&mut text));
    text
}
