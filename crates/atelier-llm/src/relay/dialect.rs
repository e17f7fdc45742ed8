//! The dialects as a program speaks them that takes questions and gives answers.

use serde_json::Value;

use crate::{
    relay::{
        chat, completions,
        exchange::{Answer, Piece, Question, QuestionError},
        gemini, messages, responses,
    },
    wire::DecodeError,
};

/// A dialect in which questions are asked and answers given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dialect {
    /// Chat completions.
    Chat,
    /// Completions of plain text: clients still speak it, no provider needs it.
    Completions,
    /// Responses.
    Responses,
    /// Messages, as Anthropic speaks them.
    Messages,
    /// Content generation, as Gemini speaks it.
    Gemini,
}

/// Reads an answer into pieces.
pub(crate) trait Reader: Send {
    /// Takes a whole answer.
    fn document(&mut self, value: &Value) -> Result<Vec<Piece>, DecodeError>;

    /// Takes the data of one event.
    fn event(&mut self, data: &str) -> Result<Vec<Piece>, DecodeError>;

    /// Whether nothing more can come.
    fn is_done(&self) -> bool;

    /// Whether the last event held nothing but the counts.
    fn has_only_counted(&self) -> bool {
        false
    }

    /// Whether the answer is complete if nothing more comes.
    fn may_end(&self) -> bool;
}

/// Writes an answer as a stream.
pub(crate) trait Writer: Send {
    /// What is said of one piece.
    fn piece(&mut self, piece: &Piece) -> String;

    /// What is said at the end of a complete answer.
    fn end(&mut self, answer: &Answer) -> String;

    /// What is said when there will be no end.
    fn error(&mut self, status: u16, said: &str) -> String;
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 5] = [
        Self::Chat,
        Self::Completions,
        Self::Responses,
        Self::Messages,
        Self::Gemini,
    ];

    /// Its name in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Completions => "completions",
            Self::Responses => "responses",
            Self::Messages => "messages",
            Self::Gemini => "gemini",
        }
    }

    /// Reads a request.
    pub(crate) fn question(self, body: &Value) -> Result<Question, QuestionError> {
        match self {
            Self::Chat => chat::question(body),
            Self::Completions => completions::question(body),
            Self::Responses => responses::question(body),
            Self::Messages => messages::question(body),
            Self::Gemini => gemini::question(body),
        }
    }

    /// Writes a request for a model; `tokens_max` is for dialects that demand a limit.
    pub(crate) fn body(
        self,
        question: &mut Question,
        model: &str,
        tokens_max: u64,
    ) -> Result<Value, QuestionError> {
        match self {
            Self::Chat => Ok(chat::body(question, model)),
            Self::Completions => Err(QuestionError::unsayable("a conversation")),
            Self::Responses => responses::body(question, model),
            Self::Messages => messages::body(question, model, tokens_max),
            Self::Gemini => gemini::body(question, model),
        }
    }

    /// What reads an answer.
    pub(crate) fn reader(self) -> Box<dyn Reader> {
        match self {
            // Nobody who answers speaks the second: its questions are asked in the first.
            Self::Chat | Self::Completions => Box::<chat::ChatReader>::default(),
            Self::Responses => Box::<responses::ResponsesReader>::default(),
            Self::Messages => Box::<messages::MessagesReader>::default(),
            Self::Gemini => Box::<gemini::GeminiReader>::default(),
        }
    }

    /// What writes an answer as a stream.
    pub(crate) fn writer(self, about: About) -> Box<dyn Writer> {
        match self {
            Self::Chat => Box::new(chat::ChatWriter::new(about)),
            Self::Completions => Box::new(completions::CompletionsWriter::new(about)),
            Self::Responses => Box::new(responses::ResponsesWriter::new(about)),
            Self::Messages => Box::new(messages::MessagesWriter::new(about)),
            Self::Gemini => Box::new(gemini::GeminiWriter::new(about)),
        }
    }

    /// Writes a whole answer.
    pub(crate) fn document(self, answer: &Answer, about: &About) -> Value {
        match self {
            Self::Chat => chat::document(answer, about),
            Self::Completions => completions::document(answer, about),
            Self::Responses => responses::document(answer, about),
            Self::Messages => messages::document(answer, about),
            Self::Gemini => gemini::document(answer, about),
        }
    }

    /// Writes a refusal.
    pub fn error(self, status: u16, said: &str) -> Value {
        match self {
            Self::Chat | Self::Completions | Self::Responses => chat::error(status, said),
            Self::Messages => messages::error(status, said),
            Self::Gemini => gemini::error(status, said),
        }
    }
}

/// What an answer repeats of its question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct About {
    /// The model, as the client named it.
    pub(crate) model: String,
    /// Seconds since 1970 of the question.
    pub(crate) created_s: i64,
    /// Whether a stream is to end with the token counts, where that is asked for.
    pub(crate) counted: bool,
}

/// An event with its data.
pub(crate) fn data(value: &Value) -> String {
    format!("data: {value}\n\n")
}

/// An event with its name, which its data repeats.
pub(crate) fn named(value: &Value) -> String {
    let name = value.get("type").and_then(Value::as_str);
    format!("event: {}\ndata: {value}\n\n", name.unwrap_or_default())
}

/// The last events of a stream in the dialects that end with a mark: the counts, where they are
/// wanted, in a chunk of their own.
pub(crate) fn marked_end(counted: Option<&Value>) -> String {
    counted.map(data).unwrap_or_default() + "data: [DONE]\n\n"
}

/// A text of an object.
pub(crate) fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}

/// The beginning of an answer, which names itself and its model under these names.
pub(crate) fn begun(answer: &Value, id: &str, model: &str) -> Piece {
    let owned = |name| text(answer, name).unwrap_or_default().to_owned();
    Piece::Begin {
        id: owned(id),
        model: owned(model),
    }
}

/// The members of a list of an object; none where there is no list.
pub(crate) fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    let list = value.get(name).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

/// A number of an object; 0 where there is none.
pub(crate) fn count(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_u64).unwrap_or(0)
}

/// Puts a value into an object, where there is one.
pub(crate) fn put(body: &mut Value, name: &str, value: Option<impl Into<Value>>) {
    if let (Some(object), Some(value)) = (body.as_object_mut(), value) {
        object.insert(name.to_owned(), value.into());
    }
}

/// Arguments of a call as JSON; a call without any has an empty object.
pub(crate) fn parsed(arguments: &str) -> Value {
    let parsed = serde_json::from_str::<Value>(arguments).ok();
    let parsed = parsed.filter(Value::is_object);
    parsed.unwrap_or_else(|| Value::Object(serde_json::Map::new()))
}
