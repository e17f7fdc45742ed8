//! The front door: what is not named here is private.
//!
//! ```
//! use {{module}}::Label;
//!
//! let label: Label = "  Shopping list ".parse()?;
//! assert_eq!(label.as_str(), "Shopping list");
//! # Ok::<(), {{module}}::LabelError>(())
//! ```

mod label;

pub use label::{Label, LabelError};
