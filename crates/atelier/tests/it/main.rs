//! The real program from outside: a throwaway home, real git, real toolchains, stand-in models.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and stands outside the program it tests"
)]

mod agents;
mod analyse;
mod archive;
mod attacks;
mod audit;
mod batch;
mod budget;
mod budgets;
mod change;
mod cheats;
mod check;
mod check_watch;
mod ci;
mod commands;
mod compression;
mod confined;
mod conflicts;
mod context;
mod control;
mod control_http;
mod cost;
mod demo;
mod dialects;
mod docs;
mod edit;
mod exec;
mod failures;
mod gateway;
mod guard;
mod guard_command;
mod guard_gateway;
mod hedge;
mod import;
mod keeping;
mod keys;
mod killed;
mod languages;
mod limits;
mod matrix;
mod node;
mod offline;
mod parallel;
mod parallel_kills;
mod partials;
mod people;
mod prefix;
mod prices;
mod replay;
mod replay_acts;
mod report;
mod requirements;
mod routing;
mod semantic;
mod served;
mod situations;
mod stats;
mod telemetry;
mod terminal;
mod torture;
mod trace;
mod unchanged;
mod upstream;
mod usage;
mod way_out;
mod world;
