//! Whether two questions mean the same, told from their words alone.
//!
//! ```
//! use atelier_semantic::{Difference, Likeness, Reading};
//!
//! let read = |text| Reading::of(text).unwrap();
//! let asked = read("How do I sort a list in Python?");
//! let again = read("In Python, can you please show me how to sort lists?");
//! assert_eq!(asked.likeness(&again), Likeness::Same);
//!
//! let there = read("What are the trains from Rome to Paris?");
//! let back = read("What are the trains from Paris to Rome?");
//! assert_eq!(there.likeness(&back), Likeness::Different(Difference::Name));
//! ```
//!
//! A [`Reading`] is a text in canonical form; its [`Vector`] finds the few readings of an [`Index`]
//! that are worth a comparison, and [`Reading::likeness`] compares: what is not explained word for
//! word is not the same. [`Trust`] learns from answers that were asked for anyway.
//!
//! Invariants: nothing here opens a file, reads a clock or draws a number; the same texts compare
//! the same way everywhere and in either direction; time grows with the length of the texts.

mod agree;
mod read;
mod trust;
mod vector;
mod words;

pub use agree::agrees;
pub use read::{Difference, Likeness, Reading, TEXT_BYTES_MAX, Unreadable};
pub use trust::{Bounds, Check, Decision, Hit, Trust};
pub use vector::{DIMENSIONS, DIMENSIONS_MAX, Found, Index, Vector};
