//! Source text is read with the grammar of its language.
//!
//! [`check`] says where a file does not follow its grammar, and [`broken`] whether a change broke
//! a file that could be read before. [`without_comments`] and [`skeleton`] give the shorter forms
//! in which a file may be read that nobody is to change, [`definitions`] the names it defines. Which languages are known stands in
//! [`LANGUAGES`].
//!
//! ```
//! use atelier_model::TreePath;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let path = TreePath::parse("src/area.rs")?;
//! let before = "fn area(a: u32) -> u32 {\n    a * a\n}\n";
//! let after = "fn area(a: u32) -> u32 {\n    a * a\n";
//! let faults = atelier_outline::broken(&path, Some(before), after);
//! assert_eq!(faults[0].to_string(), "line 1, column 24: `{` is never closed");
//! # Ok(())
//! # }
//! ```
//!
//! Invariants: grammars are compiled in, nothing is loaded; the same text has the same faults
//! everywhere; the work on a text is bounded by counted steps, not by time; a text that is not
//! understood within these bounds has no faults rather than doubtful ones.

mod definitions;
mod fault;
mod languages;
mod syntax;
#[cfg(test)]
mod tests;

pub use definitions::{Definition, definitions};
pub use fault::Fault;
pub use languages::{LANGUAGES, Language};
pub use syntax::{broken, check, skeleton, without_comments};
