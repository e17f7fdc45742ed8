//! Completions of plain text, as programs asked for them before there were conversations:
//! requests read and answers written.
//!
//! No provider is asked so, and none answers so.

use serde_json::{Value, json};

use crate::relay::{
    chat::{counts, error, reason, stops},
    dialect::{About, Writer, count, data, marked_end, put, text},
    exchange::{Answer, Part, Piece, Question, QuestionError, Speaker},
};

/// Fields of a request that have words in every dialect.
const KNOWN: &[&str] = &[
    "model",
    "prompt",
    "temperature",
    "top_p",
    "max_tokens",
    "stop",
    "stream",
    "stream_options",
    "n",
    "best_of",
    "echo",
    "suffix",
];

/// Reads a request: the text to go on from is what the user says.
pub(crate) fn question(body: &Value) -> Result<Question, QuestionError> {
    for several in ["n", "best_of"] {
        if count(body, several) > 1 {
            let what = format!("several answers at once (`{several}`)");
            return Err(QuestionError::unsayable(what));
        }
    }
    if body.get("echo") == Some(&Value::Bool(true)) {
        return Err(QuestionError::unsayable(
            "a repetition of the text (`echo`)",
        ));
    }
    if text(body, "suffix").is_some_and(|suffix| !suffix.is_empty()) {
        return Err(QuestionError::unsayable("text that follows (`suffix`)"));
    }
    let number = |name| body.get(name).and_then(Value::as_f64);
    let options = body.get("stream_options").unwrap_or(&Value::Null);
    let mut question = Question {
        temperature: number("temperature"),
        top_p: number("top_p"),
        tokens_max: body.get("max_tokens").and_then(Value::as_u64),
        stops: stops(body.get("stop")),
        stream: body.get("stream") == Some(&Value::Bool(true)),
        counted: options.get("include_usage") == Some(&Value::Bool(true)),
        ..Question::default()
    };
    let prompt = prompt(body.get("prompt").unwrap_or(&Value::Null))?;
    question.say(Speaker::User, vec![Part::Text(prompt)]);
    question.drop_unknown(body, KNOWN);
    Ok(question)
}

/// One text, alone or as a list of one. Tokens are numbers of one model's own.
fn prompt(prompt: &Value) -> Result<String, QuestionError> {
    if let Some(text) = prompt.as_str() {
        return Ok(text.to_owned());
    }
    match prompt.as_array().map(Vec::as_slice) {
        Some([Value::String(text)]) => Ok(text.clone()),
        Some([Value::String(_), ..]) => {
            Err(QuestionError::unsayable("several texts at once (`prompt`)"))
        }
        Some([_, ..]) => Err(QuestionError::unsayable(
            "tokens in place of text (`prompt`)",
        )),
        Some([]) | None => Err(QuestionError::missing("prompt")),
    }
}

/// The answer, or a piece of it; both look alike in this dialect.
fn completion(id: &str, about: &About, choices: &Value) -> Value {
    json!({
        "id": id,
        "object": "text_completion",
        "created": about.created_s,
        "model": about.model,
        "choices": choices,
    })
}

fn choice(text: &str, reason: Option<&str>) -> Value {
    json!([{"index": 0, "text": text, "logprobs": null, "finish_reason": reason}])
}

/// Writes a whole answer.
pub(crate) fn document(answer: &Answer, about: &About) -> Value {
    let choices = choice(&answer.text(), Some(reason(answer.why())));
    let mut body = completion(&answer.id, about, &choices);
    put(&mut body, "usage", answer.tokens.as_ref().map(counts));
    body
}

/// Writes an answer as a stream. Only text has words here.
#[derive(Debug)]
pub(crate) struct CompletionsWriter {
    about: About,
    id: String,
}

impl CompletionsWriter {
    /// A writer for an answer.
    pub(crate) fn new(about: About) -> Self {
        Self {
            about,
            id: String::new(),
        }
    }

    fn say(&self, choices: &Value) -> Value {
        completion(&self.id, &self.about, choices)
    }
}

impl Writer for CompletionsWriter {
    fn piece(&mut self, piece: &Piece) -> String {
        match piece {
            Piece::Begin { id, .. } => {
                self.id.clone_from(id);
                String::new()
            }
            Piece::Text(more) => data(&self.say(&choice(more, None))),
            Piece::Thought(_)
            | Piece::Seal(_)
            | Piece::Call { .. }
            | Piece::Arguments { .. }
            | Piece::Tokens(_)
            | Piece::Stop(_) => String::new(),
        }
    }

    fn end(&mut self, answer: &Answer) -> String {
        let last = data(&self.say(&choice("", Some(reason(answer.why())))));
        let counted = answer.tokens.filter(|_| self.about.counted).map(|tokens| {
            let mut chunk = self.say(&json!([]));
            put(&mut chunk, "usage", Some(counts(&tokens)));
            chunk
        });
        last + &marked_end(counted.as_ref())
    }

    fn error(&mut self, status: u16, said: &str) -> String {
        data(&error(status, said))
    }
}
