//! A requirement becomes a working skeleton, without a model.
//!
//! [`answer`] stands where a model would stand: it takes an [`Ask`](atelier_model::Ask) and answers
//! in the same form. What it answers comes from the requirement's own words and from template packs,
//! one for each language and kind of project. It says plainly what it is: features that need a model are
//! recorded as proposals, never faked.
//!
//! Invariants: the same ask gets the same bytes; nothing is read but the ask's facts; no pack needs
//! a package that its language's toolchain does not bring.

mod error;
mod facts;
mod layout;
mod pack;
mod proposals;
mod reply;
mod request;
mod stages;

pub use error::ScaffoldError;
pub use stages::answer;

#[cfg(test)]
mod tests;
