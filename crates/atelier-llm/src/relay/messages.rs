//! Messages, as Anthropic speaks them: requests read and written, answers read and written.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    providers::anthropic::counts_thoughts,
    relay::{
        calls::Calls,
        chat::{kind_of_tool, plain, stops},
        dialect::{About, Reader, Writer, begun, count, list, named, parsed, put, text},
        exchange::{
            Answer, Choice, Form, Image, Part, Piece, Question, QuestionError, Speaker, Tokens,
            Tool, Why,
        },
    },
    wire::{DecodeError, anthropic::MessageUsage, parse_event, reported_error, schema},
};

/// Fields of a request that have words in every dialect.
const KNOWN: &[&str] = &[
    "model",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "temperature",
    "top_p",
    "max_tokens",
    "stop_sequences",
    "output_config",
    "stream",
];

/// Reads a request.
pub(crate) fn question(body: &Value) -> Result<Question, QuestionError> {
    let number = |name| body.get(name).and_then(Value::as_f64);
    let choice = body.get("tool_choice").unwrap_or(&Value::Null);
    let alone = choice.get("disable_parallel_tool_use");
    let output = body.get("output_config").unwrap_or(&Value::Null);
    let mut question = Question {
        temperature: number("temperature"),
        top_p: number("top_p"),
        tokens_max: body.get("max_tokens").and_then(Value::as_u64),
        stops: stops(body.get("stop_sequences")),
        effort: text(output, "effort").map(str::to_owned),
        form: form(output.get("format")),
        stream: body.get("stream") == Some(&Value::Bool(true)),
        counted: true,
        parallel: alone.and_then(Value::as_bool).map(|alone| !alone),
        choice: read_choice(choice),
        ..Question::default()
    };
    let system = body.get("system").unwrap_or(&Value::Null);
    question.system.extend(system.as_str().map(str::to_owned));
    let blocks = system.as_array().into_iter().flatten();
    question
        .system
        .extend(blocks.filter_map(|block| text(block, "text").map(str::to_owned)));
    for tool in list(body, "tools") {
        match (text(tool, "name"), tool.get("input_schema")) {
            (Some(name), Some(schema)) => question.tools.push(Tool {
                name: name.to_owned(),
                about: text(tool, "description").map(str::to_owned),
                schema: schema.clone(),
                strict: tool.get("strict").and_then(Value::as_bool),
            }),
            _ => question.dropped.push(kind_of_tool(tool)),
        }
    }
    let messages = body.get("messages").and_then(Value::as_array);
    for message in messages.ok_or_else(|| QuestionError::missing("messages"))? {
        let content = message.get("content").unwrap_or(&Value::Null);
        let parts = parts(content)?;
        match text(message, "role").unwrap_or_default() {
            "assistant" => question.say(Speaker::Model, parts),
            // Instructions that come in the midst of a conversation stay where they are: at its
            // head they would spoil the prefix that providers remember.
            "system" if question.turns.is_empty() => question.system.push(plain(content)?),
            "user" | "system" => question.say(Speaker::User, parts),
            other => return Err(QuestionError::unsayable(format!("a message of `{other}`"))),
        }
    }
    question.drop_unknown(body, KNOWN);
    Ok(question)
}

fn read_choice(choice: &Value) -> Option<Choice> {
    match text(choice, "type")? {
        "auto" => Some(Choice::Auto),
        "none" => Some(Choice::Never),
        "any" => Some(Choice::Some),
        "tool" => text(choice, "name").map(|name| Choice::Named(name.to_owned())),
        _ => None,
    }
}

fn form(format: Option<&Value>) -> Option<Form> {
    let schema = format?.get("schema")?.clone();
    Some(Form::Schema {
        name: "answer".to_owned(),
        schema,
    })
}

fn parts(content: &Value) -> Result<Vec<Part>, QuestionError> {
    if let Some(text) = content.as_str() {
        return Ok(vec![Part::Text(text.to_owned())]);
    }
    let blocks = content.as_array().into_iter().flatten();
    blocks.map(part).collect()
}

fn part(block: &Value) -> Result<Part, QuestionError> {
    let owned = |name| text(block, name).unwrap_or_default().to_owned();
    match text(block, "type").unwrap_or_default() {
        "text" => Ok(Part::Text(owned("text"))),
        "image" => image(block.get("source").unwrap_or(&Value::Null)).map(Part::Image),
        "thinking" => Ok(Part::Thought {
            text: owned("thinking"),
            seal: owned("signature"),
        }),
        "redacted_thinking" => Ok(Part::Thought {
            text: String::new(),
            seal: String::new(),
        }),
        "tool_use" => Ok(Part::Call {
            id: owned("id"),
            name: owned("name"),
            arguments: block.get("input").unwrap_or(&json!({})).to_string(),
        }),
        "tool_result" => Ok(Part::Result {
            id: owned("tool_use_id"),
            parts: parts(block.get("content").unwrap_or(&Value::Null))?,
            failed: block.get("is_error") == Some(&Value::Bool(true)),
        }),
        other => Err(QuestionError::unsayable(format!(
            "content of type `{other}`"
        ))),
    }
}

fn image(source: &Value) -> Result<Image, QuestionError> {
    match (
        text(source, "type"),
        text(source, "data"),
        text(source, "url"),
    ) {
        (Some("base64"), Some(data), _) => Ok(Image::Data {
            media: text(source, "media_type").unwrap_or("image/png").to_owned(),
            data: data.to_owned(),
        }),
        (Some("url"), _, Some(url)) => Ok(Image::Url(url.to_owned())),
        _ => Err(QuestionError::unsayable(
            "an image that is kept at its provider",
        )),
    }
}

/// Writes a request for a model; the dialect demands a limit of the answer's tokens.
pub(crate) fn body(
    question: &mut Question,
    model: &str,
    tokens_max: u64,
) -> Result<Value, QuestionError> {
    let turns = question.turns.iter().map(|turn| {
        let role = match turn.speaker {
            Speaker::User => "user",
            Speaker::Model => "assistant",
        };
        let content: Vec<Value> = turn.parts.iter().filter_map(written).collect();
        json!({"role": role, "content": content})
    });
    let turns: Vec<Value> = turns
        .filter(|turn| !list(turn, "content").is_empty())
        .collect();
    let mut body = json!({
        "model": model,
        "max_tokens": question.tokens_max.unwrap_or(tokens_max),
        "messages": turns,
        "stream": question.stream,
    });
    let system = (!question.system.is_empty()).then(|| question.system.join("\n\n"));
    put(&mut body, "system", system);
    put(
        &mut body,
        "temperature",
        question.temperature.map(|heat| heat.min(1.0)),
    );
    put(&mut body, "top_p", question.top_p);
    let stops = (!question.stops.is_empty()).then(|| question.stops.clone());
    put(&mut body, "stop_sequences", stops);
    let tools: Vec<Value> = question.tools.iter().map(written_tool).collect();
    if !tools.is_empty() {
        put(&mut body, "tools", Some(tools));
        put(&mut body, "tool_choice", written_choice(question));
    }
    put(&mut body, "output_config", output_config(question, model)?);
    Ok(body)
}

fn output_config(question: &mut Question, model: &str) -> Result<Option<Value>, QuestionError> {
    let mut config = json!({});
    match &question.form {
        Some(Form::Json) => {
            question.dropped.push("response_format".to_owned());
        }
        Some(Form::Schema { schema, .. }) => {
            let schema = schema::closed(schema)
                .ok_or_else(|| QuestionError::unsayable("a schema with open objects"))?;
            let format = json!({"type": "json_schema", "schema": schema});
            put(&mut config, "format", Some(format));
        }
        None => {}
    }
    match question.effort.take() {
        Some(effort) if is_effort(&effort) && !counts_thoughts(model) => {
            put(&mut config, "effort", Some(effort));
        }
        Some(_) => question.dropped.push("effort".to_owned()),
        None => {}
    }
    let is_empty = config.as_object().is_none_or(serde_json::Map::is_empty);
    Ok((!is_empty).then_some(config))
}

fn is_effort(word: &str) -> bool {
    matches!(word, "low" | "medium" | "high")
}

fn written_choice(question: &Question) -> Option<Value> {
    let alone = question.parallel == Some(false);
    let mut choice = match question.choice.as_ref() {
        Some(Choice::Auto) => json!({"type": "auto"}),
        Some(Choice::Never) => return Some(json!({"type": "none"})),
        Some(Choice::Some) => json!({"type": "any"}),
        Some(Choice::Named(name)) => json!({"type": "tool", "name": name}),
        None if alone => json!({"type": "auto"}),
        None => return None,
    };
    put(
        &mut choice,
        "disable_parallel_tool_use",
        alone.then_some(true),
    );
    Some(choice)
}

fn written_tool(tool: &Tool) -> Value {
    let mut written = json!({"name": tool.name, "input_schema": tool.schema});
    put(&mut written, "description", tool.about.clone());
    written
}

/// Writes a part. Blank texts are refused by the dialect, and thoughts of others have no seal.
fn written(part: &Part) -> Option<Value> {
    match part {
        Part::Text(text) if text.trim().is_empty() => None,
        Part::Text(text) => Some(json!({"type": "text", "text": text})),
        Part::Image(Image::Data { media, data }) => Some(json!({
            "type": "image", "source": {"type": "base64", "media_type": media, "data": data},
        })),
        Part::Image(Image::Url(url)) => {
            Some(json!({"type": "image", "source": {"type": "url", "url": url}}))
        }
        Part::Thought { text, seal } => (!seal.is_empty())
            .then(|| json!({"type": "thinking", "thinking": text, "signature": seal})),
        Part::Call {
            id,
            name,
            arguments,
        } => Some(json!({
            "type": "tool_use", "id": id, "name": name, "input": parsed(arguments),
        })),
        Part::Result { id, parts, failed } => {
            let content: Vec<Value> = parts.iter().filter_map(written).collect();
            let mut result = json!({"type": "tool_result", "tool_use_id": id, "content": content});
            put(&mut result, "is_error", failed.then_some(true));
            Some(result)
        }
    }
}

/// Reads an answer.
#[derive(Debug, Default)]
pub(crate) struct MessagesReader {
    calls: Calls,
    usage: MessageUsage,
    stopped: bool,
    done: bool,
}

/// The arguments of a call that ends without any.
const NO_ARGUMENTS: &str = "{}";

impl MessagesReader {
    fn begin(&mut self, message: &Value) -> Vec<Piece> {
        let mut pieces = vec![begun(message, "id", "model")];
        for (index, block) in (0..).zip(list(message, "content")) {
            self.block(index, block, &mut pieces);
            pieces.extend(self.calls.rest(index, NO_ARGUMENTS));
        }
        self.count(message.get("usage"));
        pieces.extend(self.stop(message));
        pieces
    }

    fn block(&mut self, index: u64, block: &Value, pieces: &mut Vec<Piece>) {
        let said = |name| {
            text(block, name)
                .filter(|said| !said.is_empty())
                .map(str::to_owned)
        };
        pieces.extend(said("text").map(Piece::Text));
        pieces.extend(said("thinking").map(Piece::Thought));
        pieces.extend(said("signature").map(Piece::Seal));
        if text(block, "type") == Some("tool_use") {
            self.calls.begin(index);
            pieces.push(Piece::Call {
                id: said("id").unwrap_or_default(),
                name: said("name").unwrap_or_default(),
            });
            let input = block.get("input").and_then(Value::as_object);
            if let Some(input) = input.filter(|input| !input.is_empty()) {
                let text = Value::Object(input.clone()).to_string();
                pieces.extend(self.calls.arguments(index, &text));
            }
        }
    }

    fn delta(&mut self, event: &Value) -> Option<Piece> {
        let delta = event.get("delta")?;
        let owned = |name| text(delta, name).map(str::to_owned);
        match text(delta, "type")? {
            "text_delta" => owned("text").map(Piece::Text),
            "thinking_delta" => owned("thinking").map(Piece::Thought),
            "signature_delta" => owned("signature").map(Piece::Seal),
            "input_json_delta" => {
                let more = text(delta, "partial_json")?;
                self.calls.arguments(count(event, "index"), more)
            }
            _ => None,
        }
    }

    fn count(&mut self, usage: Option<&Value>) {
        let newer = usage.and_then(|usage| MessageUsage::deserialize(usage).ok());
        self.usage.update(newer.unwrap_or_default());
    }

    fn stop(&mut self, message: &Value) -> Vec<Piece> {
        let Some(reason) = text(message, "stop_reason") else {
            return Vec::new();
        };
        self.stopped = true;
        let why = match reason {
            "max_tokens" | "model_context_window_exceeded" => Why::Length,
            "tool_use" => Why::Tools,
            "refusal" => Why::Filtered,
            _ => Why::End,
        };
        vec![Piece::Stop(why)]
    }

    fn tokens(&self) -> Option<Piece> {
        let usage = self.usage.usage()?;
        Some(Piece::Tokens(Tokens {
            usage,
            reasoning: 0,
        }))
    }
}

impl Reader for MessagesReader {
    fn document(&mut self, value: &Value) -> Result<Vec<Piece>, DecodeError> {
        if let Some(reported) = reported_error(value) {
            return Err(reported);
        }
        let mut pieces = self.begin(value);
        if !self.stopped {
            return Err(DecodeError::Truncated);
        }
        self.done = true;
        pieces.extend(self.tokens());
        Ok(pieces)
    }

    fn event(&mut self, data: &str) -> Result<Vec<Piece>, DecodeError> {
        let value = parse_event(data)?;
        if let Some(reported) = reported_error(&value) {
            return Err(reported);
        }
        let mut pieces = Vec::new();
        match text(&value, "type").unwrap_or_default() {
            "message_start" => {
                pieces = self.begin(value.get("message").unwrap_or(&Value::Null));
                self.usage.begin();
            }
            "content_block_start" => {
                let block = value.get("content_block").unwrap_or(&Value::Null);
                self.block(count(&value, "index"), block, &mut pieces);
            }
            "content_block_delta" => pieces.extend(self.delta(&value)),
            "content_block_stop" => {
                let block = count(&value, "index");
                pieces.extend(self.calls.rest(block, NO_ARGUMENTS));
            }
            "message_delta" => {
                self.count(value.get("usage"));
                pieces = self.stop(value.get("delta").unwrap_or(&Value::Null));
                pieces.extend(self.tokens());
            }
            "message_stop" => {
                if !self.stopped {
                    return Err(DecodeError::Truncated);
                }
                self.done = true;
            }
            // Pings, and kinds that a later version of the dialect adds.
            _ => {}
        }
        Ok(pieces)
    }

    fn is_done(&self) -> bool {
        self.done
    }

    fn may_end(&self) -> bool {
        self.done
    }
}

/// The counts as this dialect puts them: the cached tokens beside the input.
fn counts(tokens: &Tokens) -> Value {
    let usage = &tokens.usage;
    let beside = usage.cached_input.saturating_add(usage.cache_write);
    json!({
        "input_tokens": usage.input.saturating_sub(beside),
        "output_tokens": usage.output,
        "cache_read_input_tokens": usage.cached_input,
        "cache_creation_input_tokens": usage.cache_write,
    })
}

fn reason(why: Why) -> &'static str {
    match why {
        Why::End => "end_turn",
        Why::Length => "max_tokens",
        Why::Tools => "tool_use",
        Why::Filtered => "refusal",
    }
}

/// Writes a whole answer.
pub(crate) fn document(answer: &Answer, about: &About) -> Value {
    let content: Vec<Value> = answer.parts.iter().filter_map(answered).collect();
    let tokens = answer.tokens.unwrap_or_default();
    json!({
        "id": answer.id,
        "type": "message",
        "role": "assistant",
        "model": about.model,
        "content": content,
        "stop_reason": reason(answer.why()),
        "stop_sequence": null,
        "usage": counts(&tokens),
    })
}

/// A part of an answer; a thought is shown also where nobody sealed it.
fn answered(part: &Part) -> Option<Value> {
    match part {
        Part::Thought { text, seal } => {
            Some(json!({"type": "thinking", "thinking": text, "signature": seal}))
        }
        Part::Text(_) | Part::Image(_) | Part::Call { .. } | Part::Result { .. } => written(part),
    }
}

/// Writes a refusal.
pub(crate) fn error(status: u16, said: &str) -> Value {
    let kind = match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        503 | 529 => "overloaded_error",
        504 => "timeout_error",
        _ => "api_error",
    };
    json!({"type": "error", "error": {"type": kind, "message": said}})
}

/// What kind of block is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Text,
    Thought,
    Call(usize),
}

/// Writes an answer as a stream.
#[derive(Debug)]
pub(crate) struct MessagesWriter {
    about: About,
    open: Option<Open>,
    blocks: usize,
    calls: usize,
}

impl MessagesWriter {
    /// A writer for an answer.
    pub(crate) fn new(about: About) -> Self {
        Self {
            about,
            open: None,
            blocks: 0,
            calls: 0,
        }
    }

    fn close(&mut self) -> String {
        if self.open.take().is_none() {
            return String::new();
        }
        named(&json!({"type": "content_block_stop", "index": self.blocks - 1}))
    }

    /// Opens a block of a kind where none is open.
    fn ensure(&mut self, open: Open, block: &Value) -> String {
        if self.open == Some(open) {
            return String::new();
        }
        let mut said = self.close();
        self.open = Some(open);
        let index = self.blocks;
        self.blocks += 1;
        said.push_str(&named(
            &json!({"type": "content_block_start", "index": index, "content_block": block}),
        ));
        said
    }

    fn delta(&self, delta: &Value) -> String {
        let index = self.blocks.saturating_sub(1);
        named(&json!({"type": "content_block_delta", "index": index, "delta": delta}))
    }

    fn thought(&mut self) -> String {
        let block = json!({"type": "thinking", "thinking": "", "signature": ""});
        self.ensure(Open::Thought, &block)
    }
}

impl Writer for MessagesWriter {
    fn piece(&mut self, piece: &Piece) -> String {
        match piece {
            Piece::Begin { id, .. } => named(&json!({"type": "message_start", "message": {
                "id": id, "type": "message", "role": "assistant", "model": self.about.model,
                "content": [], "stop_reason": null, "stop_sequence": null,
                "usage": counts(&Tokens::default()),
            }})),
            Piece::Text(more) => {
                let opened = self.ensure(Open::Text, &json!({"type": "text", "text": ""}));
                opened + &self.delta(&json!({"type": "text_delta", "text": more}))
            }
            Piece::Thought(more) => {
                let opened = self.thought();
                opened + &self.delta(&json!({"type": "thinking_delta", "thinking": more}))
            }
            Piece::Seal(more) => {
                let opened = self.thought();
                opened + &self.delta(&json!({"type": "signature_delta", "signature": more}))
            }
            Piece::Call { id, name } => {
                let call = Open::Call(self.calls);
                self.calls += 1;
                let block = json!({"type": "tool_use", "id": id, "name": name, "input": {}});
                self.ensure(call, &block)
            }
            Piece::Arguments { text, .. } => {
                self.delta(&json!({"type": "input_json_delta", "partial_json": text}))
            }
            Piece::Tokens(_) | Piece::Stop(_) => String::new(),
        }
    }

    fn end(&mut self, answer: &Answer) -> String {
        let mut said = self.close();
        let tokens = answer.tokens.unwrap_or_default();
        said.push_str(&named(&json!({
            "type": "message_delta",
            "delta": {"stop_reason": reason(answer.why()), "stop_sequence": null},
            "usage": counts(&tokens),
        })));
        said.push_str(&named(&json!({"type": "message_stop"})));
        said
    }

    fn error(&mut self, status: u16, said: &str) -> String {
        named(&error(status, said))
    }
}
