//! Build steps thought through: what addresses a result, what comes after what, what to do next, why.
//!
//! Start with [`Graph::new`] over the steps of a project, then [`Descriptor::key`].
//!
//! Invariants: nothing here opens a file, starts a process, reads a clock or draws a number; the
//! same facts in the same order give the same orders.

mod descriptor;
mod graph;
mod inputs;
mod pattern;

pub use descriptor::{DESCRIPTOR_VERSION, Descriptor, StepKey};
pub use graph::{CycleLink, Graph, GraphError, StepIndex};
pub use inputs::{InputChange, InputTree, Leaf, LeafMode};
