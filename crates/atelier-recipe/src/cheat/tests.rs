//! Planted cheats are found, honest work is not.
