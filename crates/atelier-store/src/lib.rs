//! State, events and replies on disk; all SQL of the house is here.
