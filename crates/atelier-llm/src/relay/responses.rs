//! Responses: requests read and written, answers read and written.

use serde_json::{Value, json};

use crate::{
    relay::{
        calls::Calls,
        chat::{choice, error, function_of, kind_of_tool, parts, plain},
        dialect::{About, Reader, Writer, begun, count, list, named, put, text},
        exchange::{
            Answer, Choice, Form, Part, Piece, Question, QuestionError, Speaker, Tokens, Tool, Why,
        },
    },
    wire::{self, DecodeError, flat_error, parse_event, reported_error},
};

/// Fields of a request that have words in every dialect, or that say nothing of the answer.
const KNOWN: &[&str] = &[
    "model",
    "input",
    "instructions",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "text",
    "reasoning",
    "temperature",
    "top_p",
    "max_output_tokens",
    "stream",
];

/// Reads a request.
pub(crate) fn question(body: &Value) -> Result<Question, QuestionError> {
    for kept in ["previous_response_id", "conversation", "prompt"] {
        if body.get(kept).is_some_and(|value| !value.is_null()) {
            return Err(QuestionError::unsayable(format!("`{kept}`")));
        }
    }
    let number = |name| body.get(name).and_then(Value::as_f64);
    let format = body.get("text").and_then(|text| text.get("format"));
    let reasoning = body.get("reasoning").unwrap_or(&Value::Null);
    let mut question = Question {
        temperature: number("temperature"),
        top_p: number("top_p"),
        tokens_max: body.get("max_output_tokens").and_then(Value::as_u64),
        effort: text(reasoning, "effort").map(str::to_owned),
        stream: body.get("stream") == Some(&Value::Bool(true)),
        counted: true,
        parallel: body.get("parallel_tool_calls").and_then(Value::as_bool),
        choice: choice(body.get("tool_choice")),
        form: format.and_then(form),
        ..Question::default()
    };
    question
        .system
        .extend(text(body, "instructions").map(str::to_owned));
    for tool in list(body, "tools") {
        match text(tool, "type") {
            Some("function") => question.tools.push(function_of(tool)?),
            _ => question.dropped.push(kind_of_tool(tool)),
        }
    }
    match body.get("input") {
        Some(Value::String(said)) => question.say(Speaker::User, vec![Part::Text(said.clone())]),
        Some(Value::Array(items)) => {
            for item in items {
                read_item(&mut question, item)?;
            }
        }
        _ => return Err(QuestionError::missing("input")),
    }
    question.drop_unknown(body, KNOWN);
    Ok(question)
}

fn form(format: &Value) -> Option<Form> {
    match text(format, "type")? {
        "json_object" => Some(Form::Json),
        "json_schema" => Some(Form::Schema {
            name: text(format, "name").unwrap_or("answer").to_owned(),
            schema: format.get("schema")?.clone(),
        }),
        _ => None,
    }
}

fn read_item(question: &mut Question, item: &Value) -> Result<(), QuestionError> {
    let owned = |name| text(item, name).unwrap_or_default().to_owned();
    let content = item.get("content").unwrap_or(&Value::Null);
    match text(item, "type").unwrap_or("message") {
        "message" => match text(item, "role").unwrap_or_default() {
            "system" | "developer" => question.system.push(plain(content)?),
            "assistant" => question.say(Speaker::Model, parts(content)?),
            _ => question.say(Speaker::User, parts(content)?),
        },
        "function_call" => {
            let call = Part::Call {
                id: owned("call_id"),
                name: owned("name"),
                arguments: owned("arguments"),
            };
            question.say(Speaker::Model, vec![call]);
        }
        "function_call_output" => {
            let result = Part::Result {
                id: owned("call_id"),
                parts: parts(item.get("output").unwrap_or(&Value::Null))?,
                failed: false,
            };
            question.say(Speaker::User, vec![result]);
        }
        // What a model thought is sealed for its own provider.
        "reasoning" => question.dropped.push("input.reasoning".to_owned()),
        other => {
            return Err(QuestionError::unsayable(format!(
                "an item of type `{other}`"
            )));
        }
    }
    Ok(())
}

/// Writes a request.
pub(crate) fn body(question: &mut Question, model: &str) -> Result<Value, QuestionError> {
    let mut input: Vec<Value> = Vec::new();
    for turn in &question.turns {
        write_turn(&mut input, turn.speaker, &turn.parts);
    }
    let mut body = json!({
        "model": model, "input": input, "stream": question.stream, "store": false,
    });
    let system = (!question.system.is_empty()).then(|| question.system.join("\n\n"));
    put(&mut body, "instructions", system);
    let tools: Vec<Value> = question.tools.iter().map(written_tool).collect();
    if !tools.is_empty() {
        put(&mut body, "tools", Some(tools));
        put(
            &mut body,
            "tool_choice",
            question.choice.as_ref().map(written_choice),
        );
        put(&mut body, "parallel_tool_calls", question.parallel);
    }
    let format = question.form.as_ref().map(|form| match form {
        Form::Json => json!({"format": {"type": "json_object"}}),
        Form::Schema { name, schema } => json!({"format": {
            "type": "json_schema", "name": name, "schema": schema, "strict": false,
        }}),
    });
    put(&mut body, "text", format);
    put(&mut body, "temperature", question.temperature);
    put(&mut body, "top_p", question.top_p);
    put(&mut body, "max_output_tokens", question.tokens_max);
    let effort = question.effort.as_ref();
    put(
        &mut body,
        "reasoning",
        effort.map(|effort| json!({"effort": effort})),
    );
    if !question.stops.is_empty() {
        return Err(QuestionError::unsayable(
            "texts that end the answer (`stop`)",
        ));
    }
    Ok(body)
}

fn written_tool(tool: &Tool) -> Value {
    let mut written = json!({
        "type": "function", "name": tool.name, "parameters": tool.schema,
        "strict": tool.strict.unwrap_or(false),
    });
    put(&mut written, "description", tool.about.clone());
    written
}

fn written_choice(choice: &Choice) -> Value {
    match choice {
        Choice::Auto => json!("auto"),
        Choice::Never => json!("none"),
        Choice::Some => json!("required"),
        Choice::Named(name) => json!({"type": "function", "name": name}),
    }
}

fn write_turn(input: &mut Vec<Value>, speaker: Speaker, parts: &[Part]) {
    let (role, kind) = match speaker {
        Speaker::User => ("user", "input_text"),
        Speaker::Model => ("assistant", "output_text"),
    };
    let mut said: Vec<Value> = Vec::new();
    let mut items: Vec<Value> = Vec::new();
    for part in parts {
        match part {
            Part::Text(text) => said.push(json!({"type": kind, "text": text})),
            Part::Image(_) => said.extend(written_image(part)),
            Part::Call {
                id,
                name,
                arguments,
            } => items.push(json!({
                "type": "function_call", "call_id": id, "name": name, "arguments": arguments,
            })),
            Part::Result { id, parts, .. } => {
                input.push(json!({
                    "type": "function_call_output", "call_id": id, "output": output(parts),
                }));
            }
            Part::Thought { .. } => {}
        }
    }
    // Servers that imitate this dialect understand a text sooner than a list of one.
    let content = match said.as_slice() {
        [one] if text(one, "text").is_some() => one.get("text").cloned(),
        [] => None,
        _ => Some(Value::Array(said)),
    };
    if let Some(content) = content {
        input.push(json!({"type": "message", "role": role, "content": content}));
    }
    input.extend(items);
}

fn written_image(part: &Part) -> Option<Value> {
    match part {
        Part::Image(image) => Some(json!({"type": "input_image", "image_url": image.url()})),
        Part::Text(_) | Part::Thought { .. } | Part::Call { .. } | Part::Result { .. } => None,
    }
}

/// What a tool answered: one text, or parts where there are images among it.
fn output(parts: &[Part]) -> Value {
    let texts: Option<Vec<&str>> = parts.iter().map(crate::relay::chat::as_text).collect();
    if let Some(texts) = texts {
        return json!(texts.join("\n"));
    }
    let parts = parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(json!({"type": "input_text", "text": text})),
        Part::Image(_) | Part::Thought { .. } | Part::Call { .. } | Part::Result { .. } => {
            written_image(part)
        }
    });
    Value::Array(parts.collect())
}

/// Reads an answer.
#[derive(Debug, Default)]
pub(crate) struct ResponsesReader {
    calls: Calls,
    done: bool,
}

impl ResponsesReader {
    fn call(&mut self, index: u64, item: &Value) -> Option<Piece> {
        if text(item, "type") != Some("function_call") {
            return None;
        }
        self.calls.begin(index);
        let owned = |name| text(item, name).unwrap_or_default().to_owned();
        Some(Piece::Call {
            id: owned("call_id"),
            name: owned("name"),
        })
    }

    fn whole(&mut self, response: &Value) -> Vec<Piece> {
        let mut pieces = vec![begun(response, "id", "model")];
        for (index, item) in (0..).zip(list(response, "output")) {
            for part in list(item, "summary").iter().chain(list(item, "content")) {
                let said = text(part, "text").or_else(|| text(part, "refusal"));
                let said = said.filter(|said| !said.is_empty()).map(str::to_owned);
                let is_thought = text(item, "type") == Some("reasoning");
                pieces.extend(said.map(if is_thought {
                    Piece::Thought
                } else {
                    Piece::Text
                }));
            }
            if let Some(call) = self.call(index, item) {
                pieces.push(call);
                let all = text(item, "arguments").unwrap_or_default();
                pieces.extend(self.calls.arguments(index, all));
            }
        }
        pieces
    }

    fn end(&mut self, response: &Value) -> Result<Vec<Piece>, DecodeError> {
        let details = response.get("incomplete_details").unwrap_or(&Value::Null);
        let why = match text(response, "status").unwrap_or_default() {
            "completed" => Why::End,
            "incomplete" if text(details, "reason") == Some("content_filter") => Why::Filtered,
            "incomplete" => Why::Length,
            "failed" | "cancelled" => {
                return Err(reported_error(response).unwrap_or_else(|| flat_error(response)));
            }
            _ => return Err(DecodeError::Truncated),
        };
        self.done = true;
        let mut pieces: Vec<Piece> = tokens(response).map(Piece::Tokens).into_iter().collect();
        pieces.push(Piece::Stop(why));
        Ok(pieces)
    }
}

impl Reader for ResponsesReader {
    fn document(&mut self, value: &Value) -> Result<Vec<Piece>, DecodeError> {
        if let Some(reported) = reported_error(value) {
            return Err(reported);
        }
        let mut pieces = self.whole(value);
        pieces.extend(self.end(value)?);
        Ok(pieces)
    }

    fn event(&mut self, data: &str) -> Result<Vec<Piece>, DecodeError> {
        if data.trim() == "[DONE]" {
            return Ok(Vec::new());
        }
        let value = parse_event(data)?;
        let response = value.get("response").unwrap_or(&Value::Null);
        let place = count(&value, "output_index");
        let item = value.get("item").unwrap_or(&Value::Null);
        let more = text(&value, "delta").unwrap_or_default();
        let piece = match text(&value, "type").unwrap_or_default() {
            "response.created" => Some(begun(response, "id", "model")),
            "response.output_item.added" => self.call(place, item),
            "response.output_text.delta" | "response.refusal.delta" => {
                Some(Piece::Text(more.to_owned()))
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                Some(Piece::Thought(more.to_owned()))
            }
            "response.function_call_arguments.delta" => self.calls.arguments(place, more),
            // Some servers tell the arguments only here.
            "response.output_item.done" => {
                let all = text(item, "arguments").unwrap_or_default();
                self.calls.rest(place, all)
            }
            "response.completed" | "response.incomplete" | "response.failed" => {
                return self.end(response);
            }
            "error" => {
                return Err(reported_error(&value).unwrap_or_else(|| flat_error(&value)));
            }
            _ => match reported_error(&value) {
                Some(reported) => return Err(reported),
                None => None,
            },
        };
        Ok(piece.into_iter().collect())
    }

    fn is_done(&self) -> bool {
        self.done
    }

    fn may_end(&self) -> bool {
        self.done
    }
}

fn tokens(response: &Value) -> Option<Tokens> {
    let counts = response.get("usage")?;
    let details = counts.get("output_tokens_details");
    Some(Tokens {
        usage: wire::responses::usage(counts)?,
        reasoning: details.map_or(0, |details| count(details, "reasoning_tokens")),
    })
}

fn counts(tokens: &Tokens) -> Value {
    let usage = &tokens.usage;
    json!({
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cached_input},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": usage.input.saturating_add(usage.output),
    })
}

/// One item of an answer, complete.
fn item(number: usize, part: &Part) -> Option<Value> {
    match part {
        Part::Text(text) => Some(json!({
            "type": "message", "id": format!("msg_{number}"), "role": "assistant",
            "status": "completed", "content": [output_text(text)],
        })),
        Part::Thought { text, .. } => Some(json!({
            "type": "reasoning", "id": format!("rs_{number}"),
            "summary": [{"type": "summary_text", "text": text}],
        })),
        Part::Call {
            id,
            name,
            arguments,
        } => Some(json!({
            "type": "function_call", "id": format!("fc_{number}"), "call_id": id, "name": name,
            "arguments": arguments, "status": "completed",
        })),
        Part::Image(_) | Part::Result { .. } => None,
    }
}

fn output_text(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

/// The answer around its items.
fn envelope(answer: &Answer, about: &About, status: &str) -> Value {
    json!({
        "id": answer.id, "object": "response", "created_at": about.created_s, "status": status,
        "model": about.model, "output": [], "error": null, "incomplete_details": null,
        "instructions": null, "metadata": {}, "parallel_tool_calls": true, "tool_choice": "auto",
        "tools": [], "temperature": null, "top_p": null, "usage": null,
    })
}

/// Writes a whole answer.
pub(crate) fn document(answer: &Answer, about: &About) -> Value {
    let (status, details) = match answer.why() {
        Why::End | Why::Tools => ("completed", Value::Null),
        Why::Length => ("incomplete", json!({"reason": "max_output_tokens"})),
        Why::Filtered => ("incomplete", json!({"reason": "content_filter"})),
    };
    let items = (0..).zip(&answer.parts);
    let items: Vec<Value> = items
        .filter_map(|(number, part)| item(number, part))
        .collect();
    let mut body = envelope(answer, about, status);
    put(&mut body, "output", Some(items));
    put(&mut body, "incomplete_details", Some(details));
    put(&mut body, "usage", answer.tokens.as_ref().map(counts));
    body
}

/// Writes an answer as a stream.
#[derive(Debug)]
pub(crate) struct ResponsesWriter {
    about: About,
    /// The answer so far: ends of items repeat all of them.
    answer: Answer,
    events: u64,
    /// The item of each call.
    calls: Vec<usize>,
}

impl ResponsesWriter {
    /// A writer for an answer.
    pub(crate) fn new(about: About) -> Self {
        Self {
            about,
            answer: Answer::default(),
            events: 0,
            calls: Vec::new(),
        }
    }

    fn event(&mut self, mut event: Value) -> String {
        put(&mut event, "sequence_number", Some(self.events));
        self.events += 1;
        named(&event)
    }

    fn last(&self) -> usize {
        self.answer.parts.len().saturating_sub(1)
    }

    /// Says that the item with this number begins.
    fn open(&mut self, number: usize) -> String {
        let Some(mut item) = self
            .answer
            .parts
            .get(number)
            .and_then(|part| item(number, part))
        else {
            return String::new();
        };
        let is_message = text(&item, "type") == Some("message");
        let id = text(&item, "id").unwrap_or_default().to_owned();
        put(&mut item, "status", Some("in_progress"));
        for (name, nothing) in [
            ("content", json!([])),
            ("summary", json!([])),
            ("arguments", json!("")),
        ] {
            if item.get(name).is_some() {
                put(&mut item, name, Some(nothing));
            }
        }
        let mut said = self.event(json!({
            "type": "response.output_item.added", "output_index": number, "item": item,
        }));
        if is_message {
            said += &self.event(json!({
                "type": "response.content_part.added", "item_id": id, "output_index": number,
                "content_index": 0, "part": output_text(""),
            }));
        }
        said
    }

    /// Says that the item with this number is complete.
    fn close(&mut self, number: usize) -> String {
        let Some(part) = self.answer.parts.get(number).cloned() else {
            return String::new();
        };
        let Some(item) = item(number, &part) else {
            return String::new();
        };
        let id = text(&item, "id").unwrap_or_default().to_owned();
        let mut said = match &part {
            Part::Text(text) => {
                let done = self.event(json!({
                    "type": "response.output_text.done", "item_id": id, "output_index": number,
                    "content_index": 0, "text": text, "logprobs": [],
                }));
                done + &self.event(json!({
                    "type": "response.content_part.done", "item_id": id, "output_index": number,
                    "content_index": 0, "part": output_text(text),
                }))
            }
            Part::Thought { text, .. } => self.event(json!({
                "type": "response.reasoning_summary_text.done", "item_id": id,
                "output_index": number, "summary_index": 0, "text": text,
            })),
            Part::Call {
                name, arguments, ..
            } => self.event(json!({
                "type": "response.function_call_arguments.done", "item_id": id, "name": name,
                "output_index": number, "arguments": arguments,
            })),
            Part::Image(_) | Part::Result { .. } => String::new(),
        };
        said += &self.event(json!({
            "type": "response.output_item.done", "output_index": number, "item": item,
        }));
        said
    }

    fn begin(&mut self) -> String {
        let begun = envelope(&self.answer, &self.about, "in_progress");
        let created = self.event(json!({"type": "response.created", "response": begun}));
        created + &self.event(json!({"type": "response.in_progress", "response": begun}))
    }

    /// What is said of a piece within the item that it belongs to.
    fn within(&mut self, piece: &Piece) -> String {
        let number = self.last();
        match piece {
            Piece::Text(more) => self.event(json!({
                "type": "response.output_text.delta", "item_id": format!("msg_{number}"),
                "output_index": number, "content_index": 0, "delta": more, "logprobs": [],
            })),
            Piece::Thought(more) => self.event(json!({
                "type": "response.reasoning_summary_text.delta",
                "item_id": format!("rs_{number}"), "output_index": number, "summary_index": 0,
                "delta": more,
            })),
            Piece::Arguments { call, text } => {
                let number = self.calls.get(*call).copied().unwrap_or(number);
                self.event(json!({
                    "type": "response.function_call_arguments.delta",
                    "item_id": format!("fc_{number}"), "output_index": number, "delta": text,
                }))
            }
            Piece::Begin { .. }
            | Piece::Seal(_)
            | Piece::Call { .. }
            | Piece::Tokens(_)
            | Piece::Stop(_) => String::new(),
        }
    }
}

impl Writer for ResponsesWriter {
    fn piece(&mut self, piece: &Piece) -> String {
        let before = self.answer.parts.len();
        self.answer.take(piece);
        if matches!(piece, Piece::Begin { .. }) {
            return self.begin();
        }
        let mut said = String::new();
        if self.answer.parts.len() > before {
            if before > 0 {
                said += &self.close(before - 1);
            }
            if matches!(piece, Piece::Call { .. }) {
                self.calls.push(before);
            }
            said += &self.open(before);
        }
        said + &self.within(piece)
    }

    fn end(&mut self, answer: &Answer) -> String {
        let mut said = String::new();
        if !self.answer.parts.is_empty() {
            said += &self.close(self.last());
        }
        let response = document(answer, &self.about);
        let kind = match answer.why() {
            Why::End | Why::Tools => "response.completed",
            Why::Length | Why::Filtered => "response.incomplete",
        };
        said + &self.event(json!({"type": kind, "response": response}))
    }

    /// Some clients wait for the one event, some for the other.
    fn error(&mut self, status: u16, said: &str) -> String {
        let mut event = error(status, said);
        let cause = event.get("error").cloned().unwrap_or_default();
        let code = text(&cause, "code").unwrap_or("server_error").to_owned();
        let mut response = envelope(&self.answer, &self.about, "failed");
        put(
            &mut response,
            "error",
            Some(json!({"code": code, "message": said})),
        );
        let failed = self.event(json!({"type": "response.failed", "response": response}));
        put(&mut event, "type", Some("error"));
        put(&mut event, "code", Some(code));
        put(&mut event, "message", Some(said));
        failed + &self.event(event)
    }
}
