//! The person at the terminal: questions with yes or no.

use std::io::{self, BufRead, IsTerminal, Write};

use atelier_engine::{Answer, Approver, Question};
use atelier_model::BoxFuture;

use crate::ui::plain;

/// Asks on the terminal, says yes to everything, or is nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Person {
    /// `--yes` was given.
    SaysYes,
    /// Standard input and standard error are a terminal.
    AtTerminal,
    /// Nobody is there.
    Nobody,
}

impl Person {
    /// Who can be asked.
    pub(crate) fn find(yes: bool) -> Self {
        if yes {
            Self::SaysYes
        } else if io::stdin().is_terminal() && io::stderr().is_terminal() {
            Self::AtTerminal
        } else {
            Self::Nobody
        }
    }
}

impl Approver for Person {
    fn ask<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Answer> {
        Box::pin(async move {
            match self {
                // A check that a person must look at is not answered by a flag.
                Self::SaysYes if matches!(question, Question::Look { .. }) => at_terminal(question).await,
                Self::SaysYes => Answer::Yes,
                Self::AtTerminal => at_terminal(question).await,
                Self::Nobody => Answer::Nobody,
            }
        })
    }
}

async fn at_terminal(question: &Question) -> Answer {
    if !io::stdin().is_terminal() {
        return Answer::Nobody;
    }
    let text = words(question);
    tokio::task::spawn_blocking(move || read(&text)).await.unwrap_or(Answer::Nobody)
}

fn words(question: &Question) -> String {
    match question {
        Question::Plan { summary } => {
            format!("{}\nExecute this plan?", lines(summary))
        }
        Question::Task { id, title } => format!("Execute {} {}?", plain(id), plain(title)),
        Question::Look { id, question, folder } => {
            format!("{} needs you: {}\nThe files stand in {folder}. Is it so?", plain(id), plain(question))
        }
    }
}

fn lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

fn read(question: &str) -> Answer {
    let mut answer = String::new();
    let _ = write!(io::stderr(), "{question} [y/N] ");
    match io::stdin().lock().read_line(&mut answer) {
        Ok(0) | Err(_) => Answer::Nobody,
        Ok(_) if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") => Answer::Yes,
        Ok(_) => Answer::No,
    }
}
