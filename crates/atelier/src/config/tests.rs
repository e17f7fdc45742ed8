//! Configuration from every source, and the values that come of it.
