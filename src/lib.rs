//! khabar (خبر, "a piece of news") keeps a newsroom's feeds true: it reads an article store, groups
//! articles by section and by story, and keeps RSS, Atom, JSON Feed, Google News sitemaps and
//! ordinary sitemaps exactly up to date, when content changes and when only the clock has moved.
//!
//! # The one idea
//!
//! A document is a [channel](document::Channel), seen through a [window](document::Window), written
//! in a [format](document::FeedFormat). Because windows move with time, a plan says what to publish
//! now, and the [catalog] says [when to look next](catalog::Catalog::next_deadline).
//!
//! # How news travels
//!
//! [`store`] → [`catalog`] → [`plan`] → [`render`] → manifest → [`publish`]
//!
//! 1. A [store](store::Store) says what happened since
//!    its [files](files::Ledger) were taken in: by content hash, each read into an
//!    [`Article`](article::Article) or rejected with a [`Diagnostic`](article::Diagnostic). The [rows](store::rows)
//!    of a database stand where files stand, known by their keys.
//! 2. The [`Engine`](engine::Engine) puts them into the [`Catalog`](catalog::Catalog), keeps last
//!    good versions, holds mass losses, and owes what was [touched](catalog::Touched).
//! 3. [`plan`] computes which articles each owed document shows, and its date.
//! 4. The [shell](daemon) fetches the bodies that the plan needs, and the engine renders views of
//!    them into a [`Release`](document::Release).
//! 5. What it is made from is added to the memory in [`state`], so that a crash forgets nothing that
//!    was shown. Then the [target](publish::directory::DirectoryTarget) puts it in place: parts, then
//!    indexes, then removals, and the engine's debt is paid. Where a [stand](serve::Stand) is open,
//!    readers are served the release from there on.
//! 6. Then the [`Announcer`](announce::Announcer) tells hubs and search engines of it.
//!
//! # Three rings
//!
//! The **core** decides: [`article`], [`document`], [`files`], [`config`], [`catalog`], [`render`], [`plan`],
//! [`engine`], each importing only those before it. It opens nothing, waits for nothing, and takes
//! the time as an argument. The **edges** act: [`store`], [`publish`], [`state`], [`serve`],
//! [`announce`]; they know the core and not one another. The **shell** introduces them: [`daemon`], whose loop waits for bells,
//! deadlines and orders and whose turn `build` runs once, and [`cli`]. A test checks it.

pub mod article;
pub mod document;
pub mod files;
pub mod config;
pub mod catalog;
pub mod render;
pub mod plan;
pub mod engine;
pub mod store;
pub mod publish;
pub mod state;
pub mod serve;
pub mod announce;
pub mod daemon;
pub mod cli;
