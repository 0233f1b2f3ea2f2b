//! The machine that the figures are of.

use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::room::proc_text;

/// What has a share in the figures.
pub(crate) struct Machine {
    processor: String,
    cores: usize,
    memory: u64,
    kernel: String,
    file_system: String,
    /// Processes that wanted to run before we came, over one minute.
    load: String,
}

impl Machine {
    /// This machine, and the file system `place` is on.
    pub(crate) fn look(place: &Path) -> Self {
        let after = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name));
            let value = line.and_then(|line| line.split_once(':'));
            value.map_or(String::new(), |(_, value)| value.trim().to_owned())
        };
        let memory = after(&proc_text("/proc/meminfo"), "MemTotal");
        let kilobytes = memory
            .split(' ')
            .next()
            .and_then(|text| text.parse::<u64>().ok());
        let load = proc_text("/proc/loadavg");
        Self {
            processor: after(&proc_text("/proc/cpuinfo"), "model name"),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            memory: kilobytes.unwrap_or(0) * 1_024,
            kernel: proc_text("/proc/sys/kernel/osrelease").trim().to_owned(),
            file_system: file_system(place).unwrap_or_default(),
            load: load.split(' ').next().unwrap_or_default().to_owned(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "processor": self.processor,
            "cores": self.cores,
            "memory": self.memory,
            "kernel": self.kernel,
            "file_system": self.file_system,
            "load_before": self.load,
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            processor,
            cores,
            memory,
            kernel,
            file_system,
            load,
        } = self;
        write!(
            f,
            "{cores} cores of {processor}, {:.0} GB of memory, Linux {kernel}, {file_system}; load before: {load}",
            *memory as f64 / 1e9
        )
    }
}

/// The type of the mount with the longest path above `place` (proc(5), mountinfo).
fn file_system(place: &Path) -> Option<String> {
    let place = place.canonicalize().ok()?;
    let mounts = proc_text("/proc/self/mountinfo");
    let above = mounts.lines().filter_map(|line| {
        let (mount, source) = line.split_once(" - ")?;
        let point = mount.split(' ').nth(4)?;
        let kind = source.split(' ').next()?;
        place.starts_with(point).then_some((point, kind))
    });
    let (_, kind) = above.max_by_key(|(point, _)| Path::new(point).as_os_str().as_bytes().len())?;
    Some(kind.to_owned())
}
