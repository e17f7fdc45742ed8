//! What every dialect says in its own words: a question with tools and images, and the pieces of
//! an answer.

use atelier_model::Usage;
use serde_json::Value;

use crate::PartialPart;

/// Why a request cannot be passed on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum QuestionError {
    /// It does not follow its dialect.
    #[error("read the request: {said}")]
    Malformed {
        /// What is wrong.
        said: String,
    },
    /// The dialect of the model's provider has no words for a part of it.
    #[error("pass on {what}: the dialect of this model's provider has no words for it")]
    Unsayable {
        /// The part.
        what: String,
    },
}

impl QuestionError {
    /// A request without a part that it needs.
    pub(crate) fn missing(part: &str) -> Self {
        Self::Malformed {
            said: format!("`{part}` is missing or is not what it should be"),
        }
    }

    /// A part that nobody else has words for.
    pub(crate) fn unsayable(what: impl Into<String>) -> Self {
        Self::Unsayable { what: what.into() }
    }
}

/// Who speaks in a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// The one who asks, and the tools that answered.
    User,
    /// The model.
    Model,
}

/// One part of a turn or of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Part {
    /// Text.
    Text(String),
    /// An image.
    Image(Image),
    /// What the model thought, with the provider's seal on it.
    Thought {
        /// The text.
        text: String,
        /// The seal.
        seal: String,
    },
    /// A tool that the model wants to be called.
    Call {
        /// Name of the call.
        id: String,
        /// Name of the tool.
        name: String,
        /// Its arguments, as JSON.
        arguments: String,
    },
    /// What a tool answered.
    Result {
        /// Name of the call.
        id: String,
        /// The answer.
        parts: Vec<Part>,
        /// Whether the tool failed.
        failed: bool,
    },
}

/// An image, as bytes in base 64 or by its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Image {
    /// Its bytes.
    Data {
        /// Media type.
        media: String,
        /// Base 64.
        data: String,
    },
    /// Its address.
    Url(String),
}

impl Image {
    /// The image behind an address, which may be a `data:` one.
    pub(crate) fn of_url(url: &str) -> Self {
        let data = url
            .strip_prefix("data:")
            .and_then(|rest| rest.split_once(";base64,"));
        match data {
            Some((media, data)) => Self::Data {
                media: media.to_owned(),
                data: data.to_owned(),
            },
            None => Self::Url(url.to_owned()),
        }
    }

    /// The image as an address.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Data { media, data } => format!("data:{media};base64,{data}"),
            Self::Url(url) => url.clone(),
        }
    }
}

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Turn {
    /// Who speaks.
    pub(crate) speaker: Speaker,
    /// What is said.
    pub(crate) parts: Vec<Part>,
}

/// A tool that the model may have called.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tool {
    /// Its name.
    pub(crate) name: String,
    /// What it does.
    pub(crate) about: Option<String>,
    /// JSON schema of its arguments.
    pub(crate) schema: Value,
    /// Whether the arguments must follow the schema.
    pub(crate) strict: Option<bool>,
}

/// Which tool is to be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Whichever the model likes, or none.
    Auto,
    /// None.
    Never,
    /// At least one.
    Some,
    /// This one.
    Named(String),
}

/// What form the answer must have.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Form {
    /// Some JSON.
    Json,
    /// JSON that follows a schema.
    Schema {
        /// Its name.
        name: String,
        /// The schema.
        schema: Value,
    },
}

/// One request, in no dialect.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Question {
    /// The standing instructions.
    pub(crate) system: Vec<String>,
    /// The conversation.
    pub(crate) turns: Vec<Turn>,
    /// The tools.
    pub(crate) tools: Vec<Tool>,
    /// Which of them is to be called.
    pub(crate) choice: Option<Choice>,
    /// Whether several may be called at once.
    pub(crate) parallel: Option<bool>,
    /// What form the answer must have.
    pub(crate) form: Option<Form>,
    /// Sampling temperature.
    pub(crate) temperature: Option<f64>,
    /// Share of the likeliest tokens to choose from.
    pub(crate) top_p: Option<f64>,
    /// Most tokens of the answer.
    pub(crate) tokens_max: Option<u64>,
    /// Texts that end the answer.
    pub(crate) stops: Vec<String>,
    /// How hard to think.
    pub(crate) effort: Option<String>,
    /// Whether the answer is wanted piece by piece.
    pub(crate) stream: bool,
    /// Whether a stream is to end with the token counts, where that is asked for.
    pub(crate) counted: bool,
    /// What was left out because only its own dialect knows it.
    pub(crate) dropped: Vec<String>,
}

impl Question {
    /// Adds parts to the conversation; turns of one speaker become one.
    pub(crate) fn say(&mut self, speaker: Speaker, parts: Vec<Part>) {
        if parts.is_empty() {
            return;
        }
        match self.turns.last_mut() {
            Some(last) if last.speaker == speaker => last.parts.extend(parts),
            _ => self.turns.push(Turn { speaker, parts }),
        }
    }

    /// Notes the fields of a request that are left out.
    pub(crate) fn drop_unknown(&mut self, body: &Value, known: &[&str]) {
        let fields = body.as_object().into_iter().flatten();
        let unknown =
            fields.filter(|(name, value)| !value.is_null() && !known.contains(&name.as_str()));
        self.dropped.extend(unknown.map(|(name, _)| name.clone()));
    }

    /// The tool that a call named.
    pub(crate) fn called(&self, call: &str) -> Option<&str> {
        let parts = self.turns.iter().flat_map(|turn| &turn.parts);
        parts.rev().find_map(|part| match part {
            Part::Call { id, name, .. } if id == call => Some(name.as_str()),
            Part::Call { .. }
            | Part::Text(_)
            | Part::Image(_)
            | Part::Thought { .. }
            | Part::Result { .. } => None,
        })
    }
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// The model had finished.
    End,
    /// The token limit cut it off.
    Length,
    /// Tools are to be called.
    Tools,
    /// The provider withheld the rest.
    Filtered,
}

/// Tokens of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tokens {
    /// As they are charged for; reasoning is in the output.
    pub(crate) usage: Usage,
    /// Of the output, those of thoughts.
    pub(crate) reasoning: u64,
}

/// One piece of an answer, as it arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Names of the answer and of the model that gives it.
    Begin {
        /// The answer's name.
        id: String,
        /// The model.
        model: String,
    },
    /// More text.
    Text(String),
    /// More of a thought.
    Thought(String),
    /// The seal of a thought.
    Seal(String),
    /// A call begins; calls are numbered from 0 in the order in which they begin.
    Call {
        /// Its name.
        id: String,
        /// The tool.
        name: String,
    },
    /// More of a call's arguments.
    Arguments {
        /// The call's number.
        call: usize,
        /// More of the JSON.
        text: String,
    },
    /// The counts so far.
    Tokens(Tokens),
    /// Why it ends.
    Stop(Why),
}

/// An answer as far as it has arrived.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Answer {
    /// Its name.
    pub(crate) id: String,
    /// The model.
    pub(crate) model: String,
    /// What it says.
    pub(crate) parts: Vec<Part>,
    /// Why it ended.
    pub(crate) stop: Option<Why>,
    /// Its tokens, where they are known.
    pub(crate) tokens: Option<Tokens>,
}

impl Answer {
    /// Takes the next piece.
    pub(crate) fn take(&mut self, piece: &Piece) {
        match piece {
            Piece::Begin { id, model } => {
                self.id.clone_from(id);
                self.model.clone_from(model);
            }
            Piece::Text(more) => match self.parts.last_mut() {
                Some(Part::Text(text)) => text.push_str(more),
                _ => self.parts.push(Part::Text(more.clone())),
            },
            Piece::Thought(more) => match self.parts.last_mut() {
                Some(Part::Thought { text, .. }) => text.push_str(more),
                _ => self.parts.push(Part::Thought {
                    text: more.clone(),
                    seal: String::new(),
                }),
            },
            Piece::Seal(more) => match self.parts.last_mut() {
                Some(Part::Thought { seal, .. }) => seal.push_str(more),
                _ => self.parts.push(Part::Thought {
                    text: String::new(),
                    seal: more.clone(),
                }),
            },
            Piece::Call { id, name } => self.parts.push(Part::Call {
                id: id.clone(),
                name: name.clone(),
                arguments: String::new(),
            }),
            Piece::Arguments { call, text } => {
                let calls = self.parts.iter_mut().filter_map(|part| match part {
                    Part::Call { arguments, .. } => Some(arguments),
                    Part::Text(_) | Part::Image(_) | Part::Thought { .. } | Part::Result { .. } => {
                        None
                    }
                });
                if let Some(arguments) = calls.into_iter().nth(*call) {
                    arguments.push_str(text);
                }
            }
            Piece::Tokens(tokens) => self.tokens = Some(*tokens),
            Piece::Stop(why) => self.stop = Some(*why),
        }
    }

    /// Whether tools are to be called.
    pub(crate) fn has_calls(&self) -> bool {
        self.parts
            .iter()
            .any(|part| matches!(part, Part::Call { .. }))
    }

    /// Why it ended. Servers that call a tool and say that they simply ended are believed in what
    /// they did.
    pub(crate) fn why(&self) -> Why {
        match self.stop {
            Some(Why::End) | None if self.has_calls() => Why::Tools,
            Some(why) => why,
            None => Why::End,
        }
    }

    /// Its text.
    pub(crate) fn text(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Image(_) | Part::Thought { .. } | Part::Call { .. } | Part::Result { .. } => None,
        });
        texts.collect()
    }

    /// What has arrived, for whoever looks at an answer that broke off.
    pub(crate) fn partial(&self) -> Vec<PartialPart> {
        let parts = self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(PartialPart::text(text)),
            Part::Thought { text, .. } => Some(PartialPart::Thought { text: text.clone() }),
            Part::Call {
                name, arguments, ..
            } => Some(PartialPart::Call {
                name: name.clone(),
                arguments: arguments.clone(),
            }),
            Part::Image(_) | Part::Result { .. } => None,
        });
        parts.collect()
    }

    /// Bytes of text and arguments so far.
    pub(crate) fn bytes(&self) -> usize {
        let sizes = self.parts.iter().map(|part| match part {
            Part::Text(text) | Part::Thought { text, .. } => text.len(),
            Part::Call { arguments, .. } => arguments.len(),
            Part::Image(_) | Part::Result { .. } => 0,
        });
        sizes.sum()
    }
}
