//! What the guard hides and restores, without a network.

mod answer;
mod question;
mod strings;
