//! Plans read and written.
