//! Questions to a person.

use atelier_model::BoxFuture;

/// What a person is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// May the plan be executed?
    Plan {
        /// The plan in a few lines.
        summary: String,
    },
    /// May the task be executed?
    Task {
        /// Its id.
        id: String,
        /// Its title.
        title: String,
    },
    /// Is the criterion met? A person must look.
    Look {
        /// The task.
        id: String,
        /// The question of the check.
        question: String,
        /// Where the files stand.
        folder: String,
    },
}

impl Question {
    /// What the question is about, for the event log.
    pub fn subject(&self) -> String {
        match self {
            Self::Plan { .. } => "plan".to_owned(),
            Self::Task { id, .. } | Self::Look { id, .. } => id.clone(),
        }
    }
}

/// What the person says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    Yes,
    /// No.
    No,
    /// There is nobody to ask.
    Nobody,
}

/// Whoever can be asked: a terminal, or a test's script.
pub trait Approver: Send + Sync {
    /// Asks and waits for the answer.
    fn ask<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Answer>;
}
