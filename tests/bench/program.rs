//! The program that is measured, as a user runs it: `build`, `watch`, `sync`.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use crate::room::{Room, proc_text};

/// How often the memory of a running program is looked at. What it keeps is its peak so far, so that
/// only what grows in its last moment is missed.
const LOOK_EVERY: Duration = Duration::from_millis(3);
/// No start and no order takes so long unless it hangs.
const HANG: Duration = Duration::from_mins(30);
/// Ticks of a second in `/proc/PID/stat`, on every Linux.
const TICKS: f64 = 100.0;

/// The programs that run now, to be ended where we are told to stop.
static RUNNING: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// What a run took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) seconds: f64,
    pub(crate) cpu: f64,
    /// Bytes.
    pub(crate) peak: u64,
}

/// A configuration with its `out` and state, for the common store.
pub(crate) struct Project {
    program: PathBuf,
    config: PathBuf,
    log: PathBuf,
    socket: PathBuf,
    /// What a build must say that it published: a store that is rejected is read in no time.
    articles: usize,
    pub(crate) out: PathBuf,
    pub(crate) state: PathBuf,
}

impl Project {
    pub(crate) fn new(
        program: &Path,
        room: &Room,
        articles: usize,
        [name, formats]: [&str; 2],
    ) -> anyhow::Result<Self> {
        let folder = room.path().join(articles.to_string()).join(name);
        std::fs::create_dir_all(&folder)?;
        let config = folder.join("config.toml");
        std::fs::write(&config, configuration(formats))?;
        Ok(Self {
            program: program.to_owned(),
            config,
            log: folder.join("log"),
            socket: room.socket(),
            articles,
            out: folder.join("out"),
            state: folder.join("state"),
        })
    }

    /// As if nothing had ever been built.
    pub(crate) fn forget(&self) -> anyhow::Result<()> {
        for folder in [&self.out, &self.state] {
            if folder.exists() {
                std::fs::remove_dir_all(folder)?;
            }
        }
        Ok(())
    }

    pub(crate) fn is_built(&self) -> bool {
        self.out.join("rss.xml").exists()
    }

    /// `khabar build`.
    pub(crate) fn build(&self) -> anyhow::Result<Run> {
        let cpu = cpu_of_children();
        let start = Instant::now();
        let mut child = self.start("build", &[])?;
        let pid = child.pid;
        let is_over = AtomicBool::new(false);
        let (ended, seconds, peak) = std::thread::scope(|scope| {
            let looking = scope.spawn(|| {
                let mut peak = 0;
                while !is_over.load(Ordering::Relaxed) {
                    peak = peak.max(peak_of(pid));
                    std::thread::sleep(LOOK_EVERY);
                }
                peak
            });
            let ended = child.wait();
            let seconds = start.elapsed().as_secs_f64();
            is_over.store(true, Ordering::Relaxed);
            (ended, seconds, looking.join())
        });
        let said = log_text(&self.log);
        ensure!(ended?, "khabar build failed: {said}");
        let all = format!("{} articles, ", self.articles);
        let is_read = said.contains(&all) && said.contains(" 0 rejected");
        ensure!(is_read, "khabar build did not read the store: {said}");
        let peak = peak.map_err(|_| anyhow::anyhow!("a thread died"))?;
        let cpu = cpu_of_children() - cpu;
        Ok(Run { seconds, cpu, peak })
    }

    /// `khabar watch`, and how long it took until it was ready.
    pub(crate) fn watch(&self) -> anyhow::Result<(Watch<'_>, f64)> {
        let _ = std::fs::remove_file(&self.socket);
        let socket = UnixDatagram::bind(&self.socket)?;
        socket.set_read_timeout(Some(Duration::from_secs(1)))?;
        let start = Instant::now();
        let watching = [("NOTIFY_SOCKET", self.socket.as_path())];
        let mut child = self.start("watch", &watching)?;
        let mut message = [0; 4_096];
        loop {
            let length = socket.recv(&mut message).unwrap_or(0);
            let ready = start.elapsed().as_secs_f64();
            let said = &message[..length];
            if said
                .split(|byte| *byte == b'\n')
                .any(|line| line == b"READY=1")
            {
                let project = self;
                return Ok((Watch { project, child }, ready));
            }
            ensure!(
                !child.has_ended()? && start.elapsed() < HANG,
                "khabar watch does not start: {}",
                log_text(&self.log)
            );
        }
    }

    fn start(&self, command: &str, environment: &[(&str, &Path)]) -> anyhow::Result<Running> {
        let log = File::create(&self.log)?;
        let child = Command::new(&self.program)
            .args(["--log", "json", command, "--config"])
            .arg(&self.config)
            .env_remove("NOTIFY_SOCKET")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{} cannot be started", self.program.display()))?;
        let pid = child.id();
        if let Ok(mut running) = RUNNING.lock() {
            running.push(pid);
        }
        Ok(Running { child, pid })
    }
}

/// A daemon; killed where it is not stopped.
pub(crate) struct Watch<'a> {
    project: &'a Project,
    child: Running,
}

/// Resident memory in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resident {
    pub(crate) anonymous: u64,
    pub(crate) file_backed: u64,
}

impl Watch<'_> {
    /// Returns once everything that happened in the store before is published: what `khabar sync`
    /// does, without starting a program.
    pub(crate) fn sync(&self) -> anyhow::Result<()> {
        let folder = File::open(&self.project.state)?;
        // By way of the open folder: a path may be long, an address has 108 bytes.
        let path = format!("/proc/self/fd/{}/control", folder.as_raw_fd());
        let mut socket = UnixStream::connect(path)?;
        socket.set_read_timeout(Some(HANG))?;
        socket.write_all(b"\"sync\"\n")?;
        let mut answer = String::new();
        BufReader::new(socket).read_line(&mut answer)?;
        ensure!(answer.contains("\"is_done\":true"), "sync says {answer:?}");
        Ok(())
    }

    pub(crate) fn resident(&self) -> anyhow::Result<Resident> {
        let text = proc_text(&format!("/proc/{}/smaps_rollup", self.child.pid));
        let all = kilobytes(&text, "Rss:").context("the daemon is gone")?;
        let anonymous = kilobytes(&text, "Anonymous:").context("the kernel does not say")?;
        Ok(Resident {
            anonymous,
            file_backed: all - anonymous,
        })
    }

    /// Seconds of processor that it has used until now.
    pub(crate) fn cpu(&self) -> f64 {
        cpu(&format!("/proc/{}/stat", self.child.pid), 11)
    }

    /// How often it has published until now.
    pub(crate) fn publications(&self) -> usize {
        let log = log_text(&self.project.log);
        let published = |line: &&str| line.contains("\"message\":\"published\"");
        log.lines().filter(published).count()
    }

    /// Stops it as a service manager does.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        signal("-TERM", self.child.pid);
        let is_well = self.child.wait()?;
        ensure!(is_well, "khabar watch: {}", log_text(&self.project.log));
        Ok(())
    }
}

/// A child that does not outlive this value.
struct Running {
    child: Child,
    pid: u32,
}

impl Running {
    fn wait(&mut self) -> anyhow::Result<bool> {
        let status = self.child.wait()?;
        if let Ok(mut running) = RUNNING.lock() {
            running.retain(|pid| *pid != self.pid);
        }
        Ok(status.success())
    }

    fn has_ended(&mut self) -> anyhow::Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Where it has ended already, there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.wait();
    }
}

/// Ends every program that runs, at once: one that is asked to stop would write first.
pub(crate) fn end_all() {
    if let Ok(running) = RUNNING.lock() {
        running.iter().for_each(|pid| signal("-KILL", *pid));
    }
}

fn signal(name: &str, pid: u32) {
    // One that has ended already is what is wanted.
    let _ = Command::new("kill").args([name, &pid.to_string()]).status();
}

fn configuration(formats: &str) -> String {
    format!(
        r#"[publication]
name = "News Example"
language = "ar"
url = "https://news.example/"
feeds_url = "https://news.example/"
id_authority = "news.example,2016"
[store]
path = "../store"
settle = "50ms"
[out]
path = "out"
[state]
path = "state"
[feeds]
formats = [{formats}]
[feeds.stories]
content = "summary"
"#
    )
}

/// What is said by a program that has failed, or has not said yet that it has.
fn log_text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn peak_of(pid: u32) -> u64 {
    kilobytes(&proc_text(&format!("/proc/{pid}/status")), "VmHWM:").unwrap_or(0)
}

/// The line of `/proc` that begins so, in bytes.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(number * 1_024)
}

/// Seconds of processor that children used which have ended.
fn cpu_of_children() -> f64 {
    cpu("/proc/self/stat", 13)
}

/// Seconds of processor that this process used.
pub(crate) fn cpu_of_self() -> f64 {
    cpu("/proc/self/stat", 11)
}

/// Two neighbouring fields of `/proc/PID/stat`, counted from the one after the name: user and system.
fn cpu(path: &str, place: usize) -> f64 {
    let text = proc_text(path);
    let fields = text.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(place).take(2);
    ticks
        .filter_map(|field| field.parse::<f64>().ok())
        .sum::<f64>()
        / TICKS
}
