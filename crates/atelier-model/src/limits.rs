//! The named maximum of every loop, queue, file, reply and wait.

use serde::{Deserialize, Serialize};

/// How far anything may go. Reaching a limit is an error value, never a silent cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of a requirement.
    pub requirement_bytes_max: usize,
    /// Tries at one task, the first included.
    pub attempts_max: u32,
    /// Phases of a plan.
    pub phases_max: usize,
    /// Steps of a plan, over all phases.
    pub steps_max: usize,
    /// Detail asks under way at once.
    pub detail_asks_at_once_max: usize,
    /// Tasks under way at once in one process.
    pub tasks_at_once_max: usize,
    /// Verifications of tasks under way at once in one process; they need processors.
    pub checks_at_once_max: usize,
    /// Sendings of one ask after broken connections and refusals that may pass.
    pub ask_tries_max: u32,
    /// Failed sendings in a row to one model, after which it is left alone for a while.
    pub ask_failures_max: u32,
    /// Milliseconds to connect to a provider.
    pub connect_ms_max: u64,
    /// Milliseconds from the request to the first byte of the answer.
    pub first_byte_ms_max: u64,
    /// Milliseconds between two pieces of an answer.
    pub ask_idle_ms_max: u64,
    /// Milliseconds of one sending, from request to last byte.
    pub ask_total_ms_max: u64,
    /// Milliseconds a `Retry-After` may ask for before the ask fails instead of waiting.
    pub retry_wait_ms_max: u64,
    /// Milliseconds an ask waits for its turn under a provider's rate limits before it fails.
    pub rate_wait_ms_max: u64,
    /// Bytes of one reply.
    pub reply_bytes_max: usize,
    /// Edits of one reply.
    pub edits_max: usize,
    /// Files of a project tree that are read.
    pub tree_files_max: usize,
    /// Bytes of one file that is read or written; larger files are left alone.
    pub file_bytes_max: usize,
    /// Tokens of context packed into one prompt.
    pub context_tokens_max: usize,
    /// Bytes of one check's output that are kept as evidence.
    pub output_bytes_max: usize,
    /// Bytes of failed evidence that are shown to the model.
    pub evidence_bytes_max: usize,
    /// Milliseconds of one build step or check.
    pub step_wall_ms_max: u64,
    /// Milliseconds a build step may stay silent.
    pub step_idle_ms_max: u64,
    /// Milliseconds between the request to stop a process and its end by force.
    pub kill_grace_ms_max: u64,
    /// Processes a build step may have at once.
    pub step_processes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requirement_bytes_max: 64 * 1024,
            attempts_max: 3,
            phases_max: 30,
            steps_max: 200,
            detail_asks_at_once_max: 4,
            tasks_at_once_max: 4,
            checks_at_once_max: 2,
            ask_tries_max: 5,
            ask_failures_max: 5,
            connect_ms_max: 10_000,
            first_byte_ms_max: 120_000,
            ask_idle_ms_max: 60_000,
            ask_total_ms_max: 900_000,
            retry_wait_ms_max: 60_000,
            rate_wait_ms_max: 600_000,
            reply_bytes_max: 4 * 1024 * 1024,
            edits_max: 500,
            tree_files_max: 20_000,
            file_bytes_max: 2 * 1024 * 1024,
            context_tokens_max: 24_000,
            output_bytes_max: 1024 * 1024,
            evidence_bytes_max: 12 * 1024,
            step_wall_ms_max: 600_000,
            step_idle_ms_max: 180_000,
            kill_grace_ms_max: 250,
            step_processes_max: 4096,
        }
    }
}
