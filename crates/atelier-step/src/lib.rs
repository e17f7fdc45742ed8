//! Build steps thought through: what addresses a result, what comes after what, what to do next, why.
//!
//! Start with [`Graph::new`] over the steps of a project, then [`Descriptor::key`].
//!
//! Invariants: nothing here opens a file, starts a process, reads a clock or draws a number; the
//! same facts in the same order give the same orders.

mod descriptor;
mod explain;
mod graph;
mod inputs;
mod pattern;
mod schedule;
mod timeline;

pub use descriptor::{DESCRIPTOR_VERSION, Descriptor, StepKey};
pub use explain::{
    Change, Explanation, Findings, Kept, OutputFault, Reason, RecipeField, Spared, explain,
};
pub use graph::{CycleLink, Graph, GraphError, StepIndex};
pub use inputs::{InputChange, InputTree, Leaf, LeafMode};
pub use schedule::{
    Capacity, Ending, Fact, OnFailure, Order, Outlook, ScheduleError, Scheduler, Verdict, estimates,
};
pub use timeline::{Link, Span, Timeline};
