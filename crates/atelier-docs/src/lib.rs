//! Renders, merges and checks the living documents.
