//! `khabar unit`: a systemd unit that gives the daemon what it needs and nothing more.

use std::io::Write;
use std::path::Path;

use crate::config::{Config, StoreKind};

/// Writes the unit for the configuration at `path`, run by the program at `program`.
pub(super) fn write(
    out: &mut dyn Write,
    program: &Path,
    path: &Path,
    config: &Config,
    serves: bool,
) -> std::io::Result<()> {
    let quoted = |path: &Path| escaped(&path.to_string_lossy());
    // A command line expands variables; other settings do not.
    let argument = |path: &Path| quoted(path).replace('$', "$$");
    write!(
        out,
        "# Review User=, then: systemctl enable --now khabar
[Unit]
Description=khabar keeps the newsroom's feeds true
After=local-fs.target network.target
{mounts}
[Service]
Type=notify
NotifyAccess=main
ExecStart={program} --config {config} --log json {command}
ExecReload=/bin/kill -HUP $MAINPID
User=khabar
Restart=on-failure
RestartSec=2s
WatchdogSec=60s
TimeoutStartSec=infinity
TimeoutStopSec=10s
UMask=0077

{access}
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
PrivateIPC=yes
{network}
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
ProcSubset=all
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
",
        command = if serves { "serve" } else { "watch" },
        program = argument(program),
        config = argument(path),
        mounts = mounts(config),
        access = access(config),
        network = network(config, serves),
    )
}

/// What has to be there before it starts.
fn mounts(config: &Config) -> String {
    match config.store.path() {
        Some(path) => format!("RequiresMountsFor={}\n", escaped(&path.to_string_lossy())),
        None => String::new(),
    }
}

/// What it may read and write.
fn access(config: &Config) -> String {
    let quoted = |path: &Path| escaped(&path.to_string_lossy());
    let (out, state) = (quoted(&config.out), quoted(&config.state));
    match &config.store.kind {
        StoreKind::Directory(directory) => format!(
            "# It reads the store and the configuration, and writes out and its state.\n\
             ReadOnlyPaths={}\nReadWritePaths={out} {state}",
            quoted(&directory.path)
        ),
        StoreKind::Postgres(_) => format!(
            "# It reads the database and the configuration, and writes out and its state.\n\
             ReadWritePaths={out} {state}"
        ),
        StoreKind::Sqlite(sqlite) => {
            let folder = sqlite.path.parent().unwrap_or(&sqlite.path);
            format!(
                "# It writes out and its state. Of the database it writes nothing but, beside it, the\n\
                 # memory that readers share with writers (its name ends in -shm).\n\
                 ReadWritePaths={out} {state} {}",
                quoted(folder)
            )
        }
    }
}

/// What it may have of the network: nothing, unless there is somebody to serve or to tell.
fn network(config: &Config, serves: bool) -> &'static str {
    if serves {
        // One descriptor a connection.
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6\nLimitNOFILE=65536"
    } else if config.announce.is_wanted() || matches!(config.store.kind, StoreKind::Postgres(_)) {
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6"
    } else {
        "PrivateNetwork=yes\nIPAddressDeny=any\nRestrictAddressFamilies=AF_UNIX"
    }
}

/// A path as systemd reads it: quoted, with its own characters escaped (systemd.syntax(7)).
fn escaped(path: &str) -> String {
    let mut out = String::from("\"");
    for c in path.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '%' => out.push_str("%%"),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_is_open_only_where_somebody_is_served_or_told() {
        let unit = |more: &str, serves: bool| {
            let least = "[publication]\nname = \"N\"\nlanguage = \"ar\"\nurl = \"https://n.example\"\n\
                         feeds_url = \"https://n.example\"\nid_authority = \"n.example,2016\"\n\
                         [store]\npath = \"s\"\n";
            let now = crate::article::Timestamp::MAX;
            let config = Config::parse(&format!("{least}{more}"), Path::new("/p"), now).unwrap();
            let mut text = Vec::new();
            write(
                &mut text,
                Path::new("/khabar"),
                Path::new("/c"),
                &config,
                serves,
            )
            .unwrap();
            String::from_utf8(text).unwrap()
        };
        assert!(unit("", false).contains("\nPrivateNetwork=yes\n"));
        assert!(
            unit("", false)
                .contains("\nReadOnlyPaths=\"/p/s\"\nReadWritePaths=\"/p/out\" \"/p/.khabar\"\n")
        );
        let hubs = "[announce]\nhubs = [\"https://hub.example/\"]\n";
        for open in [unit(hubs, false), unit("", true)] {
            assert!(!open.contains("PrivateNetwork") && open.contains(" AF_INET "));
        }
    }
}
