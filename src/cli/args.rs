//! The command line: every command and option, said once. Help, completions and the manual page
//! are made from it.

use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand, ValueEnum};

use crate::article::{ArticleId, Timestamp};

/// What the exit codes mean, for help and manual.
pub(super) const EXIT_STATUS: &str = "\
0: done. 1: it failed, was held, or found what it looks for. 2: wrong usage or configuration.";

/// Keeps a newsroom's RSS, Atom, JSON Feed and sitemaps exactly true
#[derive(Debug, Parser)]
#[command(name = "khabar", version, after_help = format!("Exit status: {EXIT_STATUS}"))]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Options of every command.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct Global {
    /// The configuration; paths in it are relative to it
    #[arg(
        short,
        long,
        global = true,
        value_name = "FILE",
        default_value = "config.toml"
    )]
    pub(super) config: PathBuf,
    /// Say more; twice, everything
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub(super) verbose: u8,
    /// Say less: warnings and errors; twice, errors alone
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(super) quiet: u8,
    /// How log lines are written, on standard error
    #[arg(long, global = true, value_name = "FORM", default_value = "text")]
    pub(super) log: LogForm,
    /// When to colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(super) color: Color,
}

/// `--log`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogForm {
    /// Lines for people
    Text,
    /// One JSON object a line
    Json,
}

/// `--color`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Bring `out` up to date once
    ///
    /// Documents that were lost or altered in `out` are restored. Ends with one line: articles, sections, stories,
    /// documents, changed, rejected, seconds.
    Build(Build),
    /// Run until SIGTERM or SIGINT: build, then keep `out` true
    ///
    /// SIGHUP, and a change of the file, read the configuration again.
    Watch,
    /// Do what `watch` does, and serve `out` over HTTP
    ///
    /// `[serve]` of the configuration says where, and where health and metrics are.
    Serve(Serve),
    /// Return once everything that happened in the store before now is published by the running daemon
    ///
    /// Exit status 1 where no daemon runs, or it is not done in time.
    Sync(Sync),
    /// Read everything, publish nothing, report what is wrong
    ///
    /// A fault rejects its article, a doubt does not. Exit status 1 where there is a fault.
    Check(Check),
    /// Say which documents carry an article, which do not and why, and when that changes next
    Explain(Explain),
    /// Rebuild in memory and compare `out` byte for byte
    ///
    /// Lists what differs. Exit status 1 where anything does.
    Verify(Verify),
    /// Take an article out of everything at once, whatever its file says
    Withdraw(Named),
    /// Take back a `withdraw`
    Restore(Named),
    /// Let through exactly the loss of articles that is held
    ///
    /// Exit status 1 where nothing is held.
    Accept(Accept),
    /// Start a new project: a commented `config.toml` and two sample articles
    ///
    /// Nothing that exists is overwritten.
    Init(Init),
    /// Write shell completions to standard output
    Completions(Completions),
    /// Write the manual page to standard output
    Man,
    /// Write a hardened systemd unit for this project to standard output
    Unit(Unit),
    /// Write a table of articles, its log of changes and the triggers to standard output, as SQL
    ///
    /// For those who have no tables yet; the log and the triggers serve any other tables as well.
    Schema(Schema),
}

/// Options of `schema`.
#[derive(Debug, clap::Args)]
pub(super) struct Schema {
    /// For which database
    #[arg(value_name = "KIND")]
    pub(super) kind: Database,
}

/// What `schema` knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Database {
    /// PostgreSQL 13 or newer
    Postgres,
}

/// Options of `build`.
#[derive(Debug, clap::Args)]
pub(super) struct Build {
    /// Say what would change and why, and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Publish, then exit with 1 where any article was rejected
    #[arg(long)]
    pub(super) strict: bool,
    #[command(flatten)]
    pub(super) clock: Clock,
}

/// Options of `serve`.
#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    /// Where to serve documents, instead of `[serve] listen`
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<std::net::SocketAddr>,
}

/// Options of `sync`.
#[derive(Debug, clap::Args)]
pub(super) struct Sync {
    /// How long to wait, such as 500ms, 60s or 5m
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    pub(super) timeout: std::time::Duration,
}

/// Options of `check`.
#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// Report on these files and folders alone; everything is read all the same
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// How to report
    #[arg(long, value_name = "FORM", default_value = "text")]
    pub(super) format: ReportForm,
    #[command(flatten)]
    pub(super) clock: Clock,
}

/// `--format` of `check`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ReportForm {
    /// With the source line, for people
    Text,
    /// One JSON object a line
    Json,
}

/// Options of `explain`.
#[derive(Debug, clap::Args)]
pub(super) struct Explain {
    /// Its id, its path in the store, or its URL
    #[arg(value_name = "ARTICLE")]
    pub(super) article: String,
    #[command(flatten)]
    pub(super) clock: Clock,
}

/// Options of `verify`.
#[derive(Debug, clap::Args)]
pub(super) struct Verify {
    #[command(flatten)]
    pub(super) clock: Clock,
}

/// The clock as an argument.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Clock {
    /// The time to take for now, such as 2026-11-23T18:34:37+03:00; neither reads nor moves khabar's clock
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub(super) now: Option<Timestamp>,
}

/// Arguments of `withdraw` and `restore`.
#[derive(Debug, clap::Args)]
pub(super) struct Named {
    /// The id of the article
    #[arg(value_name = "ID", value_parser = ArticleId::new)]
    pub(super) id: ArticleId,
}

/// Options of `accept`.
#[derive(Debug, clap::Args)]
pub(super) struct Accept {
    /// Accept a clock that went back, instead of a loss
    #[arg(long)]
    pub(super) clock: bool,
}

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
pub(super) struct Init {
    /// The directory; it is made where it is missing
    #[arg(value_name = "DIR")]
    pub(super) dir: PathBuf,
}

/// Options of `unit`.
#[derive(Debug, clap::Args)]
pub(super) struct Unit {
    /// A unit that runs `serve`, with the network it needs, instead of `watch`
    #[arg(long)]
    pub(super) serve: bool,
}

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub(super) struct Completions {
    /// Whose
    #[arg(value_name = "SHELL")]
    pub(super) shell: clap_complete::Shell,
}

fn duration(text: &str) -> Result<std::time::Duration, String> {
    crate::config::duration(text).map(std::time::Duration::from_millis)
}

fn instant(text: &str) -> Result<Timestamp, &'static str> {
    Timestamp::parse_rfc3339(text)
        .ok_or("not a date and time with its offset (RFC 3339), such as 2026-11-23T18:34:37+03:00")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use clap::error::ErrorKind;

    use super::*;

    fn parse(line: &str) -> Result<Args, ErrorKind> {
        Args::try_parse_from(line.split(' ')).map_err(|error| error.kind())
    }

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn global_options_stand_before_and_behind_the_command() {
        for line in [
            "khabar -c a.toml -vv --log json --color never build",
            "khabar build -c a.toml -vv --log json --color never",
        ] {
            let Args { global, command } = parse(line).unwrap();
            assert_eq!(global.config, PathBuf::from("a.toml"));
            assert_eq!((global.verbose, global.quiet), (2, 0));
            assert_eq!((global.log, global.color), (LogForm::Json, Color::Never));
            assert!(matches!(
                command,
                Command::Build(Build {
                    dry_run: false,
                    strict: false,
                    ..
                })
            ));
        }
        assert_eq!(
            parse("khabar verify").unwrap().global.config,
            PathBuf::from("config.toml")
        );
    }

    #[test]
    fn now_is_an_instant_with_its_offset() {
        let Command::Verify(verify) = parse("khabar verify --now 2026-11-23T18:34:37+03:00")
            .unwrap()
            .command
        else {
            panic!("verify was asked for");
        };
        assert_eq!(
            verify.clock.now.map(Timestamp::to_rfc3339).as_deref(),
            Some("2026-11-23T15:34:37Z")
        );
        for now in ["2026-11-23T18:34:37", "2026-11-23", "now"] {
            assert_eq!(
                parse(&format!("khabar build --now {now}")).unwrap_err(),
                ErrorKind::ValueValidation
            );
        }
        // Withdrawals happen now, whatever the time is said to be.
        assert_eq!(
            parse("khabar withdraw a --now 2026-11-23T18:34:37Z").unwrap_err(),
            ErrorKind::UnknownArgument
        );
    }

    #[test]
    fn wrong_usage_is_refused() {
        assert_eq!(
            parse("khabar").unwrap_err(),
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        );
        assert_eq!(
            parse("khabar build -v -q").unwrap_err(),
            ErrorKind::ArgumentConflict
        );
        assert_eq!(
            parse("khabar explain").unwrap_err(),
            ErrorKind::MissingRequiredArgument
        );
        assert_eq!(
            parse("khabar check --format xml").unwrap_err(),
            ErrorKind::InvalidValue
        );
        assert_eq!(
            Args::try_parse_from(["khabar", "withdraw", " "])
                .unwrap_err()
                .kind(),
            ErrorKind::ValueValidation
        );
    }
}
