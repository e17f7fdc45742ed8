//! Questions to a person.

use atelier_model::{BoxFuture, EventKind, RunId, TaskId};

use crate::{BuildError, Ctx};

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

/// Asks a person and records both the question and the answer.
pub(crate) async fn ask_person(
    ctx: &Ctx,
    run: &RunId,
    task: Option<&TaskId>,
    question: &Question,
) -> Result<Answer, BuildError> {
    let subject = question.subject();
    let asked = EventKind::ApprovalAsked {
        subject: subject.clone(),
    };
    ctx.store
        .event_append(Some(run), task, asked, ctx.now())
        .await?;
    let answer = tokio_util::future::FutureExt::with_cancellation_token(
        ctx.approver.ask(question),
        &ctx.cancel,
    )
    .await
    .ok_or(BuildError::Cancelled)?;
    if answer != Answer::Nobody {
        let given = EventKind::ApprovalGiven {
            subject,
            approved: answer == Answer::Yes,
            reason: String::new(),
        };
        ctx.store
            .event_append(Some(run), task, given, ctx.now())
            .await?;
    }
    Ok(answer)
}
