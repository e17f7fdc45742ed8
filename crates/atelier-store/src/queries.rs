//! Every SQL statement of the house, by the noun it is about.

pub(crate) mod answers;
pub(crate) mod archive;
pub(crate) mod artifacts;
pub(crate) mod asks;
pub(crate) mod attempts;
pub(crate) mod audit;
pub(crate) mod batches;
pub(crate) mod blobs;
pub(crate) mod calls;
pub(crate) mod data_keys;
pub(crate) mod documents;
pub(crate) mod events;
pub(crate) mod forms;
pub(crate) mod partials;
pub(crate) mod plans;
pub(crate) mod projects;
pub(crate) mod relay_sums;
pub(crate) mod relays;
pub(crate) mod replies;
pub(crate) mod runs;
pub(crate) mod semantic;
pub(crate) mod spend;
pub(crate) mod tasks;
