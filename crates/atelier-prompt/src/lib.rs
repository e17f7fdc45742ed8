//! Templates and typed inputs become prompts within a token budget; replies become typed answers.
//!
//! Start with [`Library`], which renders a named template into a [`Prompt`]; [`answer::read`]
//! takes the value out of what came back; [`context::pack`] fits files into a token budget;
//! [`evidence::lasting`] leaves out of what checks printed what differs each time; [`summary`] says
//! which long texts are worth a summary.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let library = atelier_prompt::Library::builtin();
//! let inputs = serde_json::json!({ "error": "the answer is not JSON" });
//! let prompt = library.render("reask", &inputs)?;
//! assert!(prompt.messages[0].text.starts_with("# ANSWER NOT USABLE\n"));
//! # Ok(())
//! # }
//! ```
//!
//! Invariants: the same inputs render to the same bytes; no template reads a file, a clock or the
//! environment; text of the user's files reaches a model only inside a fence it cannot close.

pub mod answer;
pub mod context;
pub mod evidence;
mod library;
pub mod summary;
pub mod tokens;

pub use answer::ReadAnswerError;
pub use library::{Library, LibraryError, Prompt, RenderPromptError};
