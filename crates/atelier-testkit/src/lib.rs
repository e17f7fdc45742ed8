//! Stand-in models, requirement fixtures and throwaway homes for tests.
//!
//! A test starts a [`Server`] with a [`Script`], points the product at its
//! [`Server::base_url`], and afterwards asks what it [saw](Server::requests), which requests broke
//! the protocol ([`Server::violations`]) and what it [served](Server::spent).
//!
//! ```no_run
//! use atelier_testkit::{Fixture, Mode, Script, Server};
//! # fn main() {
//! let fixture = Fixture::named("python-intervals").unwrap();
//! let server = Server::start(Script::new(Mode::Oracle).with_fixture(fixture)).unwrap();
//! println!("{}", server.base_url());
//! # }
//! ```
//!
//! Invariants: nothing here is part of the product, and the product depends on nothing here. The
//! server listens on the loopback interface only, and answers without chance or clock: the same
//! request gets the same reply.

mod dialect;
mod fixture;
mod home;
mod ledger;
mod oracle;
mod planted;
mod script;
mod server;
mod spoil;
mod stage;
mod submission;
pub mod toolchain;
mod watch;

pub use dialect::Dialect;
pub use fixture::{
    Fixture, LoadFixtureError, Module, chain, crowded, leaning, modules, renaming, wide,
};
pub use home::{HomeError, ThrowawayHome, atelier, repo_snapshot};
pub use ledger::{Prices, Spent};
pub use oracle::{EditForm, SUMMARISED};
pub use planted::{Planted, planted};
pub use script::{Answer, Mode, Script, Times, UsageShown};
pub use server::{Seen, Server, StartServerError};
pub use stage::StageSeen;
pub use submission::{By, LoadSubmissionsError, Submission, submissions};
pub use watch::{EventWatch, WatchError, Watched};
