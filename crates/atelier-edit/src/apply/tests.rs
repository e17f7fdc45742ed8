//! Moves, modes, deletions, hints and protection.
