//! Requirement to design to plan to tasks.
