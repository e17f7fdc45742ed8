//! Where searches stand, hint by hint.
