//! Changed plans and their tasks.
