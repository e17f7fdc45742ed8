//! How a stand-in behaves: what it answers, and what goes wrong on the way.

#[cfg(test)]
mod tests;

use atelier_model::{PlanChange, Summary, Usage};

use crate::{
    EditForm, Fixture,
    dialect::{Answered, Refusal, Request},
    ledger::tokens,
    oracle, spoil,
    stage::StageSeen,
};

/// How often something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// To every request.
    Always,
    /// To this many requests, counted from the start of the server.
    First(u32),
}

impl Times {
    fn covers(self, index: u32) -> bool {
        match self {
            Self::Always => true,
            Self::First(count) => index < count,
        }
    }
}

/// One prepared answer of [`Mode::Scripted`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The model says this.
    Text(String),
    /// The model begins to say this, and the connection ends before it has finished.
    Broken(String),
    /// The server refuses with this status.
    Status(u16),
}

/// What a stand-in does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// Gives these answers in this order, whatever is asked; then it refuses with 500.
    Scripted(Vec<Answer>),
    /// Says what it was told last.
    Echo,
    /// Answers every stage from the fixture, and well.
    Oracle,
    /// Answers right, but as careless models write: prose around it, wrong fence languages,
    /// trailing blanks, line ends of another system.
    OracleNoise,
    /// The first answer to each task has a mistake in it that its tests find; the next is right.
    FailThenFix,
    /// The first answer to each task leaves a bracket open in every file that has one; the next is
    /// right.
    UnclosedThenFix,
    /// Leaves parts out: "rest of code unchanged", bodies still to do.
    Lazy,
    /// Every answer ends half-way without its protocol's end.
    Truncated(Times),
    /// Talks about the work and writes none of it.
    ProseOnly {
        /// In the planning stages too; else only where code is asked for.
        planning: bool,
    },
    /// Answers the planning stages with JSON that is not JSON.
    MalformedJson {
        /// Whether a reader that is careful can still tell what was meant.
        repairable: bool,
    },
    /// From the second task on, removes, empties or silences the tests that are there.
    TamperTests {
        /// Whether the implementation beside it is right.
        good: bool,
    },
    /// Gets every task wrong and forges the test run that should show it: a runner of its own,
    /// another test command, reports that no test wrote.
    ForgeTests,
    /// Refuses the key.
    Unauthorized,
    /// Refuses because of too many requests.
    RateLimited {
        /// The `retry-after` header, in seconds.
        retry_after: u32,
        /// How often.
        times: Times,
    },
    /// Fails on its side.
    ServerError {
        /// 500 or above.
        status: u16,
        /// How often.
        times: Times,
    },
    /// Takes the request and never answers.
    Hang,
    /// Answers half-way, then stays silent with the connection open.
    Stall,
    /// Waits before every piece of an answer.
    SlowDrip {
        /// Milliseconds of each wait.
        ms: u64,
    },
}

/// Which numbers an answer reports as its usage. No number is above what the request allows for:
/// a token a byte of the prompt, and one token less than the limit, at which an answer is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UsageShown {
    /// A quarter of the bytes, rounded up.
    #[default]
    Usual,
    /// The most the request allows for.
    Expensive,
    /// None at all.
    Missing,
}

/// Everything a [`Server`](crate::Server) needs to know.
#[derive(Debug, Clone)]
pub struct Script {
    pub(crate) mode: Mode,
    pub(crate) fixture: Option<Fixture>,
    pub(crate) change: Option<PlanChange>,
    pub(crate) answers: Vec<(String, String)>,
    pub(crate) summary: Option<Summary>,
    pub(crate) form: EditForm,
    pub(crate) latency_ms: u64,
    pub(crate) usage: UsageShown,
}

impl Script {
    /// A script without a fixture: enough for modes that never answer from one.
    pub fn new(mode: Mode) -> Self {
        Self {
            mode,
            fixture: None,
            change: None,
            answers: Vec::new(),
            summary: None,
            form: EditForm::Mixed,
            latency_ms: 0,
            usage: UsageShown::Usual,
        }
    }

    /// Answers come from this fixture.
    #[must_use]
    pub fn with_fixture(mut self, fixture: Fixture) -> Self {
        self.fixture = Some(fixture);
        self
    }

    /// Whoever asks what a wish changes of a plan is told this.
    #[must_use]
    pub fn with_change(mut self, change: PlanChange) -> Self {
        self.change = Some(change);
        self
    }

    /// Whoever asks for a summary is told this, whatever the text is.
    #[must_use]
    pub fn with_summary(mut self, summary: Summary) -> Self {
        self.summary = Some(summary);
        self
    }

    /// Whoever says this anywhere in a conversation is told that; of several, the first that was
    /// given counts.
    #[must_use]
    pub fn with_answer(mut self, said: &str, answer: &str) -> Self {
        self.answers.push((said.to_owned(), answer.to_owned()));
        self
    }

    /// Edits are written in this form.
    #[must_use]
    pub fn with_form(mut self, form: EditForm) -> Self {
        self.form = form;
        self
    }

    /// Every answer waits this long before its first byte.
    #[must_use]
    pub fn with_latency_ms(mut self, latency_ms: u64) -> Self {
        self.latency_ms = latency_ms;
        self
    }

    /// Answers report these numbers.
    #[must_use]
    pub fn with_usage(mut self, usage: UsageShown) -> Self {
        self.usage = usage;
        self
    }

    /// What to do with the request that came as number `index`, counted from 0.
    pub(crate) fn service(&self, request: &Request, index: u32) -> Service {
        match &self.mode {
            Mode::Scripted(answers) => return scripted(answers, index),
            Mode::Echo => {
                let said = request.turns.last().map(|turn| turn.text.clone());
                return Service::Say(said.unwrap_or_default(), Delivery::Whole);
            }
            Mode::Unauthorized => {
                return refuse(401, Refusal::Unauthorized, "Incorrect API key provided.");
            }
            Mode::RateLimited { retry_after, times } if times.covers(index) => {
                return rate_limited(*retry_after);
            }
            Mode::ServerError { status, times } if times.covers(index) => {
                return server_error(*status);
            }
            Mode::Hang => return Service::Hang,
            Mode::Oracle
            | Mode::OracleNoise
            | Mode::FailThenFix
            | Mode::UnclosedThenFix
            | Mode::Lazy
            | Mode::Truncated(_)
            | Mode::ProseOnly { .. }
            | Mode::MalformedJson { .. }
            | Mode::TamperTests { .. }
            | Mode::ForgeTests
            | Mode::RateLimited { .. }
            | Mode::ServerError { .. }
            | Mode::Stall
            | Mode::SlowDrip { .. } => {}
        }
        match self.text(request) {
            Some(text) => Service::Say(text, self.delivery(index)),
            None => refuse(
                500,
                Refusal::ServerError,
                "the stand-in has no fixture that answers this",
            ),
        }
    }

    fn delivery(&self, index: u32) -> Delivery {
        if let Mode::Truncated(times) = self.mode
            && times.covers(index)
        {
            return Delivery::Break;
        }
        if let Mode::SlowDrip { ms } = self.mode {
            return Delivery::Drip { ms };
        }
        if self.mode == Mode::Stall {
            return Delivery::Stall;
        }
        Delivery::Whole
    }

    fn text(&self, request: &Request) -> Option<String> {
        let fixture = self.fixture.as_ref()?;
        let stage = request.stage();
        if let (StageSeen::Change, Some(change)) = (&stage, &self.change) {
            return serde_json::to_string_pretty(change).ok();
        }
        if let (StageSeen::Summary, Some(summary)) = (&stage, &self.summary) {
            return serde_json::to_string_pretty(summary).ok();
        }
        let told = self.answers.iter().find(|(said, _)| request.says(said));
        if let Some((_, answer)) = told {
            return Some(answer.clone());
        }
        let again = request.reasks() > 0;
        let right = || oracle::answer(fixture, &stage, self.form);
        let number = stage.task();
        if let (Mode::Oracle, Some(number), true) = (&self.mode, number, request.is_rework()) {
            return oracle::reworked(fixture, number).or_else(right);
        }
        match (&self.mode, number) {
            (Mode::OracleNoise, _) => right().map(|text| spoil::noise(&text, &stage)),
            (Mode::FailThenFix | Mode::UnclosedThenFix, Some(number)) if again => {
                oracle::whole_files(fixture, number)
            }
            (Mode::UnclosedThenFix, Some(number)) => spoil::unclosed(fixture, number),
            (Mode::FailThenFix, Some(number)) => spoil::mistaken(fixture, number),
            (Mode::Lazy, Some(number)) => spoil::lazy(fixture, number),
            (Mode::ProseOnly { .. }, Some(number)) => Some(spoil::prose(number)),
            (Mode::ProseOnly { planning: true }, None) => Some(spoil::prose("this")),
            (Mode::MalformedJson { repairable }, None) => {
                right().map(|text| spoil::malformed(&text, *repairable))
            }
            (Mode::TamperTests { good }, Some(number)) => spoil::tamper(fixture, number, *good),
            (Mode::ForgeTests, Some(number)) => spoil::forged(fixture, number),
            _ => right(),
        }
    }

    /// The answer as it is sent: cut at the request's token limit, with its usage.
    pub(crate) fn answered(&self, request: &Request, mut text: String) -> Answered {
        let room = usize::try_from(request.tokens_max.saturating_mul(4)).unwrap_or(usize::MAX);
        let cut = text.len() > room;
        if cut {
            text.truncate(text.floor_char_boundary(room));
        }
        let usage = match self.usage {
            UsageShown::Expensive => Usage {
                input: request.prompt_bytes(),
                output: request.tokens_max.saturating_sub(1),
                ..Usage::default()
            },
            UsageShown::Usual | UsageShown::Missing => Usage {
                input: tokens(request.prompt_bytes()),
                output: tokens(text.len() as u64),
                ..Usage::default()
            },
        };
        Answered { text, cut, usage }
    }
}

/// What happens to one request.
#[derive(Debug)]
pub(crate) enum Service {
    /// The model answers.
    Say(String, Delivery),
    /// The server refuses.
    Refuse {
        status: u16,
        refusal: Refusal,
        message: String,
        retry_after: Option<u32>,
    },
    /// Nothing, for ever.
    Hang,
}

/// How an answer travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// To its end.
    Whole,
    /// Half-way, then the connection closes.
    Break,
    /// Half-way, then silence.
    Stall,
    /// In pieces with a wait before each.
    Drip { ms: u64 },
}

fn scripted(answers: &[Answer], index: u32) -> Service {
    match answers.get(index as usize) {
        Some(Answer::Text(text)) => Service::Say(text.clone(), Delivery::Whole),
        Some(Answer::Broken(text)) => Service::Say(text.clone(), Delivery::Break),
        Some(Answer::Status(401 | 403)) => {
            refuse(401, Refusal::Unauthorized, "Incorrect API key provided.")
        }
        Some(Answer::Status(429)) => rate_limited(0),
        Some(Answer::Status(status)) if *status < 500 => {
            refuse(*status, Refusal::BadRequest, "The request is refused.")
        }
        Some(Answer::Status(status)) => server_error(*status),
        None => refuse(
            500,
            Refusal::ServerError,
            "the script has no further answer",
        ),
    }
}

fn rate_limited(retry_after: u32) -> Service {
    Service::Refuse {
        status: 429,
        refusal: Refusal::RateLimited,
        message: "Rate limit reached. Please try again later.".to_owned(),
        retry_after: Some(retry_after),
    }
}

fn server_error(status: u16) -> Service {
    let refusal = match status {
        529 => Refusal::Overloaded,
        _ => Refusal::ServerError,
    };
    refuse(
        status,
        refusal,
        "The server had an error while processing your request.",
    )
}

fn refuse(status: u16, refusal: Refusal, message: &str) -> Service {
    Service::Refuse {
        status,
        refusal,
        message: message.to_owned(),
        retry_after: None,
    }
}
