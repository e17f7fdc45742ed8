//! Runs that are told of in full, and built again from what is told.
//!
//! A finished run leaves its lock on its branch. [`pack`] puts together all that decided it;
//! [`seed`] lays that out in a store and a repository of their own, and a [`Recorded`] in the
//! [`Ctx`](crate::Ctx) makes an ordinary build of it a replay: models are not asked, and every
//! commit must be what it was.

mod acts;
mod history;
mod judged;
mod lock;
mod order;
mod pack;
mod recorded;
mod seed;

pub use acts::go_on;
pub use history::{Traced, trailer};
pub(crate) use history::{begun_from, history};
pub(crate) use judged::{Moment, has_prose, judged, verdict_taken};
pub(crate) use lock::lock_text;
pub(crate) use lock::{answered, answers};
pub(crate) use order::{base, form, next, rest};
pub use pack::{Overriding, PackError, pack};
pub(crate) use pack::{lock_at, lock_text_at};
pub use recorded::{Divergence, Recorded};
pub use seed::{SeedError, replay_gateway, replay_limits, seed};
