//! The build engine through the real program: files, folders, clocks, processes and its own store
//! are mistreated, and what it makes must always be what a plain shell makes of the same sources.

mod chances;
mod endings;
mod files;
mod flips;
mod kills;
mod mill;
mod narrow;
mod outputs;
mod reasons;
mod refused;
mod ways;
