//! The person at the terminal: questions with yes or no.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    time::Duration,
};

use atelier_engine::{Answer, Approver, Question};
use atelier_model::BoxFuture;

use crate::{screen::Screen, ui::plain};

/// Time for what happened before a question to be told before it.
const CATCH_UP: Duration = Duration::from_millis(250);

/// Whoever started the command.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// `--yes` was given.
    agrees: bool,
    /// Standard input and standard error are a terminal.
    present: bool,
    screen: Screen,
}

impl Person {
    /// Who can be asked, and where.
    pub(crate) fn find(agrees: bool, screen: &Screen) -> Self {
        let present = io::stdin().is_terminal() && io::stderr().is_terminal();
        Self {
            agrees,
            present,
            screen: screen.clone(),
        }
    }
}

impl Approver for Person {
    fn ask<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Answer> {
        Box::pin(async move {
            // What a person must look at is not answered by a flag.
            let must_look = matches!(question, Question::Look { .. });
            if self.agrees && !must_look {
                Answer::Yes
            } else if self.present {
                at_terminal(question, &self.screen).await
            } else {
                Answer::Nobody
            }
        })
    }
}

/// Brings the region back, also when a stop cuts the question short.
struct Held<'a>(&'a Screen);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.go_on();
    }
}

async fn at_terminal(question: &Question, screen: &Screen) -> Answer {
    tokio::time::sleep(CATCH_UP).await;
    let _held = screen.hold().then_some(Held(screen));
    let text = words(question);
    tokio::task::spawn_blocking(move || read(&text))
        .await
        .unwrap_or(Answer::Nobody)
}

fn words(question: &Question) -> String {
    match question {
        Question::Plan { summary } => {
            format!("{}\nExecute this plan?", lines(summary))
        }
        Question::Task { id, title } => format!("Execute {} {}?", plain(id), plain(title)),
        Question::Look {
            id,
            question,
            folder,
        } => {
            format!(
                "{} needs you: {}\nThe files stand in {folder}. Is it so?",
                plain(id),
                plain(question)
            )
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
