//! The ways to speak to a model: what a request must look like, and how answers are written.

mod anthropic;
mod gemini;
mod openai;
mod responses;
mod rules;

use atelier_model::Usage;
use axum::http::HeaderMap;
use serde_json::Value;

use crate::stage::StageSeen;

/// A vendor's protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// Chat completions: `POST /v1/chat/completions`.
    OpenAi,
    /// Responses: `POST /v1/responses`.
    Responses,
    /// Messages: `POST /v1/messages`.
    Anthropic,
    /// Content generation: `POST /v1beta/models/MODEL:generateContent`.
    Gemini,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::OpenAi, Self::Responses, Self::Anthropic, Self::Gemini];

    /// The provider's name in the product's configuration.
    pub fn provider(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Responses => "responses",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
        }
    }
}

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Turn {
    /// `system`, `user` or `assistant`.
    pub(crate) role: String,
    /// What is said.
    pub(crate) text: String,
}

/// A request that keeps every rule of its dialect.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) dialect: Dialect,
    pub(crate) model: String,
    pub(crate) stream: bool,
    pub(crate) include_usage: bool,
    pub(crate) tokens_max: u64,
    /// The whole conversation, system text first.
    pub(crate) turns: Vec<Turn>,
}

impl Request {
    /// The stage it belongs to.
    pub(crate) fn stage(&self) -> StageSeen {
        let first = self.turns.iter().find(|turn| turn.role == "user");
        StageSeen::of(first.map_or("", |turn| &turn.text))
    }

    /// Whether anything that was said holds these words.
    pub(crate) fn says(&self, words: &str) -> bool {
        self.turns.iter().any(|turn| turn.text.contains(words))
    }

    /// How often the model was asked to do better in this conversation.
    pub(crate) fn reasks(&self) -> usize {
        let answers = self.turns.iter().filter(|turn| turn.role == "assistant");
        answers.count()
    }

    /// Whether the model is told that its work did not fit together with that of others.
    pub(crate) fn is_rework(&self) -> bool {
        let mut turns = self.turns.iter();
        turns.any(|turn| {
            turn.text
                .contains("# DONE BEFORE, BUT NOT TOGETHER WITH THE OTHERS")
        })
    }

    /// The first line of the last user message.
    pub(crate) fn last_line(&self) -> &str {
        let last = self.turns.iter().rev().find(|turn| turn.role == "user");
        last.and_then(|turn| turn.text.lines().next())
            .unwrap_or_default()
    }

    /// Bytes of everything that is said.
    pub(crate) fn prompt_bytes(&self) -> u64 {
        let bytes: usize = self.turns.iter().map(|turn| turn.text.len()).sum();
        bytes as u64
    }
}

/// An answer before it is written in a dialect.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    pub(crate) text: String,
    /// Whether the token limit cut it.
    pub(crate) cut: bool,
    pub(crate) usage: Usage,
}

/// A refusal before it is written in a dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// 400
    BadRequest,
    /// 401
    Unauthorized,
    /// 429
    RateLimited,
    /// 500 and above, but for 529
    ServerError,
    /// 529
    Overloaded,
}

/// Where a request went, as far as that says something.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    /// The last segment of the path.
    pub(crate) segment: &'a str,
    /// What stands behind the path.
    pub(crate) query: &'a str,
}

/// Reads a request and checks every rule of its dialect.
///
/// The error lists each rule that is broken.
pub(crate) fn read(
    dialect: Dialect,
    target: Target<'_>,
    headers: &HeaderMap,
    body: &Value,
) -> Result<Request, Vec<String>> {
    let mut rules = rules::Rules::new(headers, body);
    let request = match dialect {
        Dialect::OpenAi => openai::read(&mut rules),
        Dialect::Responses => responses::read(&mut rules),
        Dialect::Anthropic => anthropic::read(&mut rules),
        Dialect::Gemini => gemini::read(&mut rules, target),
    };
    let stage = request.stage();
    if let StageSeen::Unknown(line) = stage {
        rules.broken(format!("the first user message begins with `{line}`"));
    }
    if request.reasks() > 0 && !REASKS.contains(&request.last_line()) {
        rules.broken(format!(
            "a later user message begins with `{}`",
            request.last_line()
        ));
    }
    rules.finish(request)
}

/// How later user messages of a conversation begin.
const REASKS: [&str; 3] = ["# ANSWER NOT USABLE", "# PLAN PROBLEMS", "# TASK NOT DONE"];

/// Checks what every request must carry, also one without a body.
pub(crate) fn read_headers(dialect: Dialect, headers: &HeaderMap) -> Vec<String> {
    let nothing = Value::Null;
    let mut rules = rules::Rules::new(headers, &nothing);
    match dialect {
        Dialect::OpenAi | Dialect::Responses => openai::check_key(&mut rules),
        Dialect::Anthropic => anthropic::check_key(&mut rules),
        Dialect::Gemini => gemini::check_key(&mut rules),
    }
    rules.into_list()
}

/// The body of a whole answer.
pub(crate) fn whole(request: &Request, answer: &Answered) -> Value {
    match request.dialect {
        Dialect::OpenAi => openai::whole(request, answer),
        Dialect::Responses => responses::whole(request, answer),
        Dialect::Anthropic => anthropic::whole(request, answer),
        Dialect::Gemini => gemini::whole(request, answer),
    }
}

/// The frames of a streamed answer: those before the text, one a piece of text, those after it.
pub(crate) fn frames(request: &Request, answer: &Answered) -> Vec<String> {
    let pieces = pieces(&answer.text);
    match request.dialect {
        Dialect::OpenAi => openai::frames(request, answer, &pieces),
        Dialect::Responses => responses::frames(request, answer, &pieces),
        Dialect::Anthropic => anthropic::frames(request, answer, &pieces),
        Dialect::Gemini => gemini::frames(request, answer, &pieces),
    }
}

/// The body of a refusal with this status.
pub(crate) fn refusal(dialect: Dialect, status: u16, refusal: Refusal, message: &str) -> Value {
    match dialect {
        Dialect::OpenAi | Dialect::Responses => openai::refusal(refusal, message),
        Dialect::Anthropic => anthropic::refusal(refusal, message),
        Dialect::Gemini => gemini::refusal(status, refusal, message),
    }
}

/// The list of models.
pub(crate) fn models(dialect: Dialect, names: &[&str]) -> Value {
    match dialect {
        Dialect::OpenAi | Dialect::Responses => openai::models(names),
        Dialect::Anthropic => anthropic::models(names),
        Dialect::Gemini => gemini::models(names),
    }
}

/// Bytes of text in one streamed frame.
const PIECE_BYTES: usize = 160;

/// Cuts a text into pieces of about [`PIECE_BYTES`], at borders of characters.
fn pieces(text: &str) -> Vec<&str> {
    let mut rest = text;
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let mut end = rest.len().min(PIECE_BYTES);
        while !rest.is_char_boundary(end) {
            end += 1;
        }
        let (piece, after) = rest.split_at(end);
        pieces.push(piece);
        rest = after;
    }
    pieces
}
