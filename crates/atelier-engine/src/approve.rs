//! Questions to a person: at the terminal, or answered from elsewhere before or meanwhile.

use std::time::Duration;

use atelier_model::{BoxFuture, RunId};
use atelier_store::{AnsweredQuestion, QuestionKind};

use crate::{BuildError, Ctx};

/// Time between two looks at answers from elsewhere, while somebody is asked here.
const LOOK: Duration = Duration::from_millis(200);

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

    fn kind(&self) -> QuestionKind {
        match self {
            Self::Plan { .. } => QuestionKind::Plan,
            Self::Task { .. } => QuestionKind::Task,
            Self::Look { .. } => QuestionKind::Look,
        }
    }

    /// What makes it this question and no other.
    fn body(&self) -> &str {
        match self {
            Self::Plan { summary } => summary,
            Self::Task { title, .. } => title,
            Self::Look { question, .. } => question,
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

/// An answer, with what was said beside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) answer: Answer,
    pub(crate) reason: String,
}

/// Asks a person and records both the question and the answer. One that was given from elsewhere is
/// taken, also while somebody is asked here.
pub(crate) async fn ask_person(
    ctx: &Ctx,
    run: &RunId,
    question: &Question,
) -> Result<Said, BuildError> {
    let subject = question.subject();
    let named = (subject.as_str(), question.kind(), question.body());
    if let Some(given) = ctx.store.question_ask(run, named, ctx.now()).await? {
        return Ok(said(given));
    }
    let answer = tokio::select! {
        answer = ctx.approver.ask(question) => answer,
        given = from_elsewhere(ctx, run, named) => return Ok(said(given?)),
        () = ctx.cancel.cancelled() => return Err(BuildError::Cancelled),
    };
    let reason = String::new();
    if answer != Answer::Nobody {
        let given = AnsweredQuestion {
            approved: answer == Answer::Yes,
            reason: reason.clone(),
        };
        ctx.store
            .question_settle(run, named, &given, ctx.now())
            .await?;
    }
    Ok(Said { answer, reason })
}

/// Waits for an answer to a question that was put already.
async fn from_elsewhere(
    ctx: &Ctx,
    run: &RunId,
    named: (&str, QuestionKind, &str),
) -> Result<AnsweredQuestion, BuildError> {
    loop {
        tokio::time::sleep(LOOK).await;
        if let Some(given) = ctx.store.question_ask(run, named, ctx.now()).await? {
            return Ok(given);
        }
    }
}

fn said(given: AnsweredQuestion) -> Said {
    let answer = if given.approved {
        Answer::Yes
    } else {
        Answer::No
    };
    Said {
        answer,
        reason: given.reason,
    }
}
