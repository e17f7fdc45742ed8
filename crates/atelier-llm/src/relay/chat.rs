//! Chat completions: requests read and written, answers read and written.

use serde_json::{Value, json};

use crate::{
    relay::{
        calls::Calls,
        dialect::{About, Reader, Writer, begun, count, data, list, marked_end, put, text},
        exchange::{
            Answer, Choice, Form, Image, Part, Piece, Question, QuestionError, Speaker, Tokens,
            Tool, Why,
        },
    },
    wire::{self, DecodeError, parse_event, reported_error},
};

/// Fields of a request that have words in every dialect.
const KNOWN: &[&str] = &[
    "model",
    "messages",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "stop",
    "reasoning_effort",
    "stream",
    "stream_options",
    "n",
];

/// Reads a request.
pub(crate) fn question(body: &Value) -> Result<Question, QuestionError> {
    if count(body, "n") > 1 {
        return Err(QuestionError::unsayable("several answers at once (`n`)"));
    }
    let limit = |name| body.get(name).and_then(Value::as_u64);
    let number = |name| body.get(name).and_then(Value::as_f64);
    let options = body.get("stream_options").unwrap_or(&Value::Null);
    let mut question = Question {
        temperature: number("temperature"),
        top_p: number("top_p"),
        tokens_max: limit("max_completion_tokens").or_else(|| limit("max_tokens")),
        stops: stops(body.get("stop")),
        effort: text(body, "reasoning_effort").map(str::to_owned),
        stream: body.get("stream") == Some(&Value::Bool(true)),
        counted: options.get("include_usage") == Some(&Value::Bool(true)),
        parallel: body.get("parallel_tool_calls").and_then(Value::as_bool),
        choice: choice(body.get("tool_choice")),
        form: form(body.get("response_format")),
        ..Question::default()
    };
    for tool in list(body, "tools") {
        match tool.get("function") {
            Some(function) => question.tools.push(function_of(function)?),
            None => question.dropped.push(kind_of_tool(tool)),
        }
    }
    let messages = body.get("messages").and_then(Value::as_array);
    for message in messages.ok_or_else(|| QuestionError::missing("messages"))? {
        read_message(&mut question, message)?;
    }
    question.drop_unknown(body, KNOWN);
    Ok(question)
}

/// What is said of a tool that is left out.
pub(crate) fn kind_of_tool(tool: &Value) -> String {
    format!("tools.{}", text(tool, "type").unwrap_or("unknown"))
}

/// Reads a function: its fields are the same in both dialects of their inventor.
pub(crate) fn function_of(function: &Value) -> Result<Tool, QuestionError> {
    let name = text(function, "name").ok_or_else(|| QuestionError::missing("name of a tool"))?;
    let schema = function.get("parameters").filter(|value| !value.is_null());
    Ok(Tool {
        name: name.to_owned(),
        about: text(function, "description").map(str::to_owned),
        schema: schema
            .cloned()
            .unwrap_or_else(|| json!({"type": "object", "properties": {}})),
        strict: function.get("strict").and_then(Value::as_bool),
    })
}

/// Reads which tool is to be called.
pub(crate) fn choice(choice: Option<&Value>) -> Option<Choice> {
    let choice = choice?;
    match choice.as_str() {
        Some("auto") => Some(Choice::Auto),
        Some("none") => Some(Choice::Never),
        Some("required") => Some(Choice::Some),
        Some(_) => None,
        None => {
            let function = choice.get("function").unwrap_or(choice);
            text(function, "name").map(|name| Choice::Named(name.to_owned()))
        }
    }
}

fn form(format: Option<&Value>) -> Option<Form> {
    let format = format?;
    match text(format, "type")? {
        "json_object" => Some(Form::Json),
        "json_schema" => {
            let schema = format.get("json_schema")?;
            Some(Form::Schema {
                name: text(schema, "name").unwrap_or("answer").to_owned(),
                schema: schema.get("schema")?.clone(),
            })
        }
        _ => None,
    }
}

/// Reads texts that end an answer: one, or a list.
pub(crate) fn stops(stop: Option<&Value>) -> Vec<String> {
    match stop {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(several)) => several
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}

fn read_message(question: &mut Question, message: &Value) -> Result<(), QuestionError> {
    let content = message.get("content").unwrap_or(&Value::Null);
    match text(message, "role").unwrap_or_default() {
        "system" | "developer" => question.system.push(plain(content)?),
        "user" => question.say(Speaker::User, parts(content)?),
        "assistant" => {
            let mut said = parts(content)?;
            for call in list(message, "tool_calls") {
                said.push(read_call(call)?);
            }
            question.say(Speaker::Model, said);
        }
        "tool" => {
            let id = text(message, "tool_call_id");
            let result = Part::Result {
                id: id
                    .ok_or_else(|| QuestionError::missing("tool_call_id"))?
                    .to_owned(),
                parts: parts(content)?,
                failed: false,
            };
            question.say(Speaker::User, vec![result]);
        }
        other => {
            return Err(QuestionError::unsayable(format!("a message of `{other}`")));
        }
    }
    Ok(())
}

fn read_call(call: &Value) -> Result<Part, QuestionError> {
    let function = call
        .get("function")
        .ok_or_else(|| QuestionError::unsayable("a call of something else than a function"))?;
    Ok(Part::Call {
        id: text(call, "id").unwrap_or_default().to_owned(),
        name: text(function, "name").unwrap_or_default().to_owned(),
        arguments: text(function, "arguments").unwrap_or("{}").to_owned(),
    })
}

/// Content that may hold texts only.
pub(crate) fn plain(content: &Value) -> Result<String, QuestionError> {
    let texts = parts(content)?.into_iter().map(|part| match part {
        Part::Text(text) => Ok(text),
        Part::Image(_) | Part::Thought { .. } | Part::Call { .. } | Part::Result { .. } => {
            Err(QuestionError::unsayable("an image among instructions"))
        }
    });
    Ok(texts.collect::<Result<Vec<_>, _>>()?.join("\n\n"))
}

/// Reads content: a text, or parts of the two dialects of one inventor.
pub(crate) fn parts(content: &Value) -> Result<Vec<Part>, QuestionError> {
    if let Some(text) = content.as_str() {
        let is_empty = text.is_empty();
        return Ok((!is_empty)
            .then(|| Part::Text(text.to_owned()))
            .into_iter()
            .collect());
    }
    let parts = content.as_array().into_iter().flatten();
    parts.map(part).collect()
}

fn part(part: &Value) -> Result<Part, QuestionError> {
    match text(part, "type").unwrap_or_default() {
        "text" | "input_text" | "output_text" => {
            let said = text(part, "text").ok_or_else(|| QuestionError::missing("text"))?;
            Ok(Part::Text(said.to_owned()))
        }
        "refusal" => Ok(Part::Text(
            text(part, "refusal").unwrap_or_default().to_owned(),
        )),
        "image_url" | "input_image" => {
            let image = part.get("image_url");
            let url = image.and_then(|image| image.as_str().or_else(|| text(image, "url")));
            let url = url.ok_or_else(|| QuestionError::unsayable("an image without an address"))?;
            Ok(Part::Image(Image::of_url(url)))
        }
        other => Err(QuestionError::unsayable(format!(
            "content of type `{other}`"
        ))),
    }
}

/// Writes a request.
pub(crate) fn body(question: &Question, model: &str) -> Value {
    let mut messages: Vec<Value> = Vec::new();
    if !question.system.is_empty() {
        messages.push(json!({"role": "system", "content": question.system.join("\n\n")}));
    }
    for turn in &question.turns {
        match turn.speaker {
            Speaker::User => write_user(&mut messages, &turn.parts),
            Speaker::Model => messages.push(written_model(&turn.parts)),
        }
    }
    let mut body = json!({"model": model, "messages": messages, "stream": question.stream});
    let tools: Vec<Value> = question.tools.iter().map(written_tool).collect();
    let has_tools = !tools.is_empty();
    put(&mut body, "tools", has_tools.then_some(tools));
    let choice = question.choice.as_ref().map(|choice| match choice {
        Choice::Auto => json!("auto"),
        Choice::Never => json!("none"),
        Choice::Some => json!("required"),
        Choice::Named(name) => json!({"type": "function", "function": {"name": name}}),
    });
    put(&mut body, "tool_choice", choice.filter(|_| has_tools));
    put(
        &mut body,
        "parallel_tool_calls",
        question.parallel.filter(|_| has_tools),
    );
    let format = question.form.as_ref().map(|form| match form {
        Form::Json => json!({"type": "json_object"}),
        Form::Schema { name, schema } => {
            json!({"type": "json_schema", "json_schema": {"name": name, "schema": schema}})
        }
    });
    put(&mut body, "response_format", format);
    put(&mut body, "temperature", question.temperature);
    put(&mut body, "top_p", question.top_p);
    put(&mut body, "max_tokens", question.tokens_max);
    let stops = (!question.stops.is_empty()).then(|| question.stops.clone());
    put(&mut body, "stop", stops);
    put(&mut body, "reasoning_effort", question.effort.clone());
    let options = question.stream.then(|| json!({"include_usage": true}));
    put(&mut body, "stream_options", options);
    body
}

fn written_tool(tool: &Tool) -> Value {
    let mut function = json!({"name": tool.name, "parameters": tool.schema});
    put(&mut function, "description", tool.about.clone());
    put(&mut function, "strict", tool.strict);
    json!({"type": "function", "function": function})
}

/// Results of tools are messages of their own and come before what else the user says. Images in
/// them follow as the user's: a tool's message holds texts only.
fn write_user(messages: &mut Vec<Value>, parts: &[Part]) {
    let mut said: Vec<Value> = Vec::new();
    for part in parts {
        match part {
            Part::Result { id, parts, .. } => {
                let texts: Vec<&str> = parts.iter().filter_map(as_text).collect();
                let content = texts.join("\n");
                messages.push(json!({"role": "tool", "tool_call_id": id, "content": content}));
                said.extend(parts.iter().filter_map(written_image));
            }
            Part::Text(text) => said.push(json!({"type": "text", "text": text})),
            Part::Image(_) => said.extend(written_image(part)),
            Part::Thought { .. } | Part::Call { .. } => {}
        }
    }
    if said.is_empty() {
        return;
    }
    let texts: Option<Vec<&str>> = said.iter().map(|part| text(part, "text")).collect();
    let content = texts.map_or_else(
        || Value::Array(said.clone()),
        |texts| json!(texts.join("\n\n")),
    );
    messages.push(json!({"role": "user", "content": content}));
}

fn written_image(part: &Part) -> Option<Value> {
    match part {
        Part::Image(image) => Some(json!({"type": "image_url", "image_url": {"url": image.url()}})),
        Part::Text(_) | Part::Thought { .. } | Part::Call { .. } | Part::Result { .. } => None,
    }
}

/// The text of a part that is one.
pub(crate) fn as_text(part: &Part) -> Option<&str> {
    match part {
        Part::Text(text) => Some(text),
        Part::Image(_) | Part::Thought { .. } | Part::Call { .. } | Part::Result { .. } => None,
    }
}

fn written_model(parts: &[Part]) -> Value {
    let texts: Vec<&str> = parts.iter().filter_map(as_text).collect();
    let calls: Vec<Value> = calls(parts);
    let content = (!texts.is_empty()).then(|| texts.concat());
    let mut message = json!({"role": "assistant", "content": content});
    put(
        &mut message,
        "tool_calls",
        (!calls.is_empty()).then_some(calls),
    );
    message
}

fn calls(parts: &[Part]) -> Vec<Value> {
    let calls = parts.iter().filter_map(|part| match part {
        Part::Call {
            id,
            name,
            arguments,
        } => Some(json!({
            "id": id, "type": "function", "function": {"name": name, "arguments": arguments},
        })),
        Part::Text(_) | Part::Image(_) | Part::Thought { .. } | Part::Result { .. } => None,
    });
    calls.collect()
}

/// What the last event held.
#[derive(Debug, Default, PartialEq, Eq)]
enum Last {
    /// Nothing but the counts.
    Counts,
    /// Anything else.
    #[default]
    Other,
}

/// Reads an answer.
#[derive(Debug, Default)]
pub(crate) struct ChatReader {
    began: bool,
    calls: Calls,
    stopped: bool,
    done: bool,
    last: Last,
}

impl ChatReader {
    fn take(&mut self, value: &Value, whole: bool) -> Result<Vec<Piece>, DecodeError> {
        if let Some(reported) = reported_error(value) {
            return Err(reported);
        }
        let mut pieces = Vec::new();
        if !self.began {
            self.began = true;
            pieces.push(begun(value, "id", "model"));
        }
        let first = |choice: &&Value| count(choice, "index") == 0;
        if let Some(choice) = list(value, "choices").iter().find(first) {
            let said = choice.get(if whole { "message" } else { "delta" });
            self.said(said.unwrap_or(&Value::Null), &mut pieces);
            if let Some(reason) = text(choice, "finish_reason").filter(|reason| !reason.is_empty())
            {
                self.stopped = true;
                pieces.push(Piece::Stop(why(reason)?));
            }
        }
        let tokens = tokens(value);
        self.last = match tokens {
            Some(_) if list(value, "choices").is_empty() => Last::Counts,
            Some(_) | None => Last::Other,
        };
        pieces.extend(tokens.map(Piece::Tokens));
        Ok(pieces)
    }

    fn said(&mut self, said: &Value, pieces: &mut Vec<Piece>) {
        let thought = text(said, "reasoning_content").or_else(|| text(said, "reasoning"));
        let filled = |words: &&str| !words.is_empty();
        pieces.extend(
            thought
                .filter(filled)
                .map(|more| Piece::Thought(more.to_owned())),
        );
        for name in ["content", "refusal"] {
            let more = text(said, name).filter(filled);
            pieces.extend(more.map(|more| Piece::Text(more.to_owned())));
        }
        for (place, call) in list(said, "tool_calls").iter().enumerate() {
            let place = u64::try_from(place).unwrap_or(0);
            let index = call.get("index").and_then(Value::as_u64).unwrap_or(place);
            let function = call.get("function").unwrap_or(&Value::Null);
            if self.calls.at(index).is_none() {
                self.calls.begin(index);
                let id = text(call, "id").filter(filled);
                let name = text(function, "name").unwrap_or_default().to_owned();
                let id = id.map_or_else(|| format!("call_{index}"), str::to_owned);
                pieces.push(Piece::Call { id, name });
            }
            let more = text(function, "arguments").unwrap_or_default();
            pieces.extend(self.calls.arguments(index, more));
        }
    }
}

impl Reader for ChatReader {
    fn document(&mut self, value: &Value) -> Result<Vec<Piece>, DecodeError> {
        let pieces = self.take(value, true)?;
        if !self.stopped {
            return Err(DecodeError::Truncated);
        }
        self.done = true;
        Ok(pieces)
    }

    fn event(&mut self, data: &str) -> Result<Vec<Piece>, DecodeError> {
        self.last = Last::Other;
        if data.trim() == "[DONE]" {
            if !self.stopped {
                return Err(DecodeError::Truncated);
            }
            self.done = true;
            return Ok(Vec::new());
        }
        self.take(&parse_event(data)?, false)
    }

    fn is_done(&self) -> bool {
        self.done
    }

    fn has_only_counted(&self) -> bool {
        self.last == Last::Counts
    }

    fn may_end(&self) -> bool {
        self.stopped
    }
}

/// Reads why an answer ended.
fn why(reason: &str) -> Result<Why, DecodeError> {
    Ok(match reason {
        "length" | "max_tokens" | "model_length" => Why::Length,
        "content_filter" => Why::Filtered,
        "tool_calls" | "function_call" => Why::Tools,
        "error" | "insufficient_system_resource" => {
            return Err(DecodeError::Reported {
                status: 502,
                said: format!("the answer ended with `{reason}`"),
            });
        }
        _ => Why::End,
    })
}

/// Reads the counts.
fn tokens(value: &Value) -> Option<Tokens> {
    // One server puts those of a stream aside where they were not asked for.
    let counts = [value.pointer("/usage"), value.pointer("/x_groq/usage")];
    let counts = counts.into_iter().flatten().find(|one| one.is_object())?;
    let details = counts.get("completion_tokens_details");
    Some(Tokens {
        usage: wire::openai::usage(counts)?,
        reasoning: details.map_or(0, |details| count(details, "reasoning_tokens")),
    })
}

/// Writes the counts.
pub(crate) fn counts(tokens: &Tokens) -> Value {
    let usage = &tokens.usage;
    json!({
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input.saturating_add(usage.output),
        "prompt_tokens_details": {"cached_tokens": usage.cached_input},
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning},
    })
}

/// Writes why an answer ended.
pub(crate) fn reason(why: Why) -> &'static str {
    match why {
        Why::End => "stop",
        Why::Length => "length",
        Why::Tools => "tool_calls",
        Why::Filtered => "content_filter",
    }
}

fn thoughts(answer: &Answer) -> Option<String> {
    let thoughts = answer.parts.iter().filter_map(|part| match part {
        Part::Thought { text, .. } => Some(text.as_str()),
        Part::Text(_) | Part::Image(_) | Part::Call { .. } | Part::Result { .. } => None,
    });
    let thoughts: String = thoughts.collect();
    (!thoughts.is_empty()).then_some(thoughts)
}

/// Writes a whole answer.
pub(crate) fn document(answer: &Answer, about: &About) -> Value {
    let content = answer.text();
    let calls = calls(&answer.parts);
    let content = (!content.is_empty() || calls.is_empty()).then_some(content);
    let mut message = json!({"role": "assistant", "content": content, "refusal": null});
    put(&mut message, "reasoning_content", thoughts(answer));
    put(
        &mut message,
        "tool_calls",
        (!calls.is_empty()).then_some(calls),
    );
    let mut body = json!({
        "id": answer.id,
        "object": "chat.completion",
        "created": about.created_s,
        "model": about.model,
        "choices": [{
            "index": 0, "message": message, "logprobs": null,
            "finish_reason": reason(answer.why()),
        }],
    });
    put(&mut body, "usage", answer.tokens.as_ref().map(counts));
    body
}

/// Writes a refusal.
pub(crate) fn error(status: u16, said: &str) -> Value {
    let (kind, code) = match status {
        401 => ("invalid_request_error", Some("invalid_api_key")),
        404 => ("invalid_request_error", Some("model_not_found")),
        402 => ("insufficient_quota", Some("insufficient_quota")),
        429 => ("rate_limit_error", Some("rate_limit_exceeded")),
        400..=499 => ("invalid_request_error", None),
        _ => ("server_error", None),
    };
    json!({"error": {"message": said, "type": kind, "param": null, "code": code}})
}

/// Writes an answer as a stream.
#[derive(Debug)]
pub(crate) struct ChatWriter {
    about: About,
    id: String,
    calls: usize,
    greeted: bool,
}

impl ChatWriter {
    /// A writer for an answer.
    pub(crate) fn new(about: About) -> Self {
        Self {
            about,
            id: String::new(),
            calls: 0,
            greeted: false,
        }
    }

    fn chunk(&self, choices: &Value) -> Value {
        json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.about.created_s,
            "model": self.about.model,
            "choices": choices,
        })
    }

    fn delta(&mut self, mut delta: Value) -> String {
        if !self.greeted {
            self.greeted = true;
            put(&mut delta, "role", Some("assistant"));
        }
        let choice = json!([{"index": 0, "delta": delta, "finish_reason": null}]);
        data(&self.chunk(&choice))
    }
}

impl Writer for ChatWriter {
    fn piece(&mut self, piece: &Piece) -> String {
        match piece {
            Piece::Begin { id, .. } => {
                self.id.clone_from(id);
                self.delta(json!({"content": ""}))
            }
            Piece::Text(more) => self.delta(json!({"content": more})),
            Piece::Thought(more) => self.delta(json!({"reasoning_content": more})),
            Piece::Call { id, name } => {
                let index = self.calls;
                self.calls += 1;
                let function = json!({"name": name, "arguments": ""});
                self.delta(json!({"tool_calls": [{
                    "index": index, "id": id, "type": "function", "function": function,
                }]}))
            }
            Piece::Arguments { call, text } => self.delta(json!({"tool_calls": [{
                "index": call, "function": {"arguments": text},
            }]})),
            Piece::Seal(_) | Piece::Tokens(_) | Piece::Stop(_) => String::new(),
        }
    }

    fn end(&mut self, answer: &Answer) -> String {
        let reason = reason(answer.why());
        let last = json!([{"index": 0, "delta": {}, "finish_reason": reason}]);
        let counted = answer.tokens.filter(|_| self.about.counted).map(|tokens| {
            let mut chunk = self.chunk(&json!([]));
            put(&mut chunk, "usage", Some(counts(&tokens)));
            chunk
        });
        data(&self.chunk(&last)) + &marked_end(counted.as_ref())
    }

    fn error(&mut self, status: u16, said: &str) -> String {
        data(&error(status, said))
    }
}
