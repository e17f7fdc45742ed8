//! Content generation, as Gemini speaks it: requests read and written, answers read and written.

use serde_json::{Map, Value, json};

use crate::{
    Effort,
    providers::gemini::{thinking, thinking_tokens},
    relay::{
        chat::{as_text, stops},
        dialect::{About, Reader, Writer, begun, count, data, list, parsed, put, text},
        exchange::{
            Answer, Choice, Form, Image, Part, Piece, Question, QuestionError, Speaker, Tokens,
            Tool, Why,
        },
    },
    wire::{self, DecodeError, parse_event, reported_error, schema},
};

/// Fields of a request that have words in every dialect.
const KNOWN: &[&str] = &[
    "model",
    "contents",
    "systemInstruction",
    "system_instruction",
    "tools",
    "toolConfig",
    "tool_config",
    "generationConfig",
    "generation_config",
];

/// What stands for the seal of a thought that another provider's model had: the vendor names it
/// for conversations that began elsewhere.
const FOREIGN_SEAL: &str = "skip_thought_signature_validator";

/// Levels of schemas within schemas that are followed.
const DEPTH_MAX: usize = 64;

/// A field under the name in its dialect's own letters, or in the other usual ones.
fn either<'v>(value: &'v Value, camel: &str, snake: &str) -> &'v Value {
    let field = value.get(camel).or_else(|| value.get(snake));
    field.unwrap_or(&Value::Null)
}

/// Reads a request. Whether it is to be streamed stands in its address, not here.
pub(crate) fn question(body: &Value) -> Result<Question, QuestionError> {
    let config = either(body, "generationConfig", "generation_config");
    if either(config, "candidateCount", "candidate_count").as_u64() > Some(1) {
        return Err(QuestionError::unsayable(
            "several answers at once (`candidateCount`)",
        ));
    }
    let mut question = Question {
        temperature: config.get("temperature").and_then(Value::as_f64),
        top_p: either(config, "topP", "top_p").as_f64(),
        tokens_max: either(config, "maxOutputTokens", "max_output_tokens").as_u64(),
        stops: stops(Some(either(config, "stopSequences", "stop_sequences"))),
        counted: true,
        choice: read_choice(either(body, "toolConfig", "tool_config")),
        form: form(config),
        ..Question::default()
    };
    let system = either(body, "systemInstruction", "system_instruction");
    let texts = list(system, "parts")
        .iter()
        .filter_map(|part| text(part, "text"));
    question.system.extend(texts.map(str::to_owned));
    for tool in list(body, "tools") {
        read_tool(&mut question, tool)?;
    }
    let contents = body.get("contents").and_then(Value::as_array);
    let mut calls = Calls::default();
    for content in contents.ok_or_else(|| QuestionError::missing("contents"))? {
        let speaker = match text(content, "role") {
            Some("model") => Speaker::Model,
            _ => Speaker::User,
        };
        let parts = list(content, "parts").iter().map(|part| calls.part(part));
        question.say(speaker, parts.collect::<Result<_, _>>()?);
    }
    question.drop_unknown(body, KNOWN);
    let thinking = either(config, "thinkingConfig", "thinking_config");
    question.effort = effort_of(thinking).map(|effort| effort.name().to_owned());
    // A wish to see the thoughts needs no word elsewhere: they come where there are any.
    if !thinking.is_null() && question.effort.is_none() {
        question.dropped.push("thinkingConfig".to_owned());
    }
    Ok(question)
}

/// How hard a model is to think: the level, or the least one that leaves it so many tokens.
fn effort_of(thinking: &Value) -> Option<Effort> {
    let level = either(thinking, "thinkingLevel", "thinking_level").as_str();
    if let Some(level) = level {
        return Effort::from_name(&level.to_lowercase());
    }
    let tokens = either(thinking, "thinkingBudget", "thinking_budget").as_u64();
    let tokens = tokens.filter(|tokens| *tokens > 0)?;
    let enough = |effort: &Effort| tokens <= thinking_tokens(*effort);
    Some(Effort::ALL.into_iter().find(enough).unwrap_or(Effort::High))
}

fn read_tool(question: &mut Question, tool: &Value) -> Result<(), QuestionError> {
    let functions = either(tool, "functionDeclarations", "function_declarations");
    for function in functions.as_array().into_iter().flatten() {
        let name = text(function, "name");
        let plain = either(function, "parametersJsonSchema", "parameters_json_schema");
        let own = function.get("parameters").unwrap_or(&Value::Null);
        let schema = match (plain, own) {
            (Value::Null, Value::Null) => json!({"type": "object", "properties": {}}),
            (Value::Null, own) => lowered(own, DEPTH_MAX),
            (plain, _) => plain.clone(),
        };
        question.tools.push(Tool {
            name: name
                .ok_or_else(|| QuestionError::missing("name of a tool"))?
                .to_owned(),
            about: text(function, "description").map(str::to_owned),
            schema,
            strict: None,
        });
    }
    let others = tool.as_object().into_iter().flatten();
    let others = others.filter(|(name, _)| !name.starts_with("function"));
    question
        .dropped
        .extend(others.map(|(name, _)| format!("tools.{name}")));
    Ok(())
}

/// A schema whose types are written in capitals, as everyone else writes it.
fn lowered(schema: &Value, depth: usize) -> Value {
    let Some(depth) = depth.checked_sub(1) else {
        return schema.clone();
    };
    match schema {
        Value::Object(object) => {
            let lower = object
                .iter()
                .map(|(name, value)| match (name.as_str(), value) {
                    ("type", Value::String(kind)) => {
                        (name.clone(), json!(kind.to_ascii_lowercase()))
                    }
                    _ => (name.clone(), lowered(value, depth)),
                });
            Value::Object(lower.collect())
        }
        Value::Array(list) => {
            Value::Array(list.iter().map(|value| lowered(value, depth)).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => schema.clone(),
    }
}

fn read_choice(config: &Value) -> Option<Choice> {
    let calling = either(config, "functionCallingConfig", "function_calling_config");
    let names = either(calling, "allowedFunctionNames", "allowed_function_names");
    let names = names.as_array().map_or(&[][..], Vec::as_slice);
    match (text(calling, "mode")?, names) {
        ("AUTO", _) => Some(Choice::Auto),
        ("NONE", _) => Some(Choice::Never),
        ("ANY", [Value::String(name)]) => Some(Choice::Named(name.clone())),
        ("ANY", _) => Some(Choice::Some),
        _ => None,
    }
}

fn form(config: &Value) -> Option<Form> {
    let plain = config
        .get("responseJsonSchema")
        .or_else(|| config.get("response_json_schema"));
    let own = either(config, "responseSchema", "response_schema");
    let is_json = either(config, "responseMimeType", "response_mime_type").as_str()
        == Some("application/json");
    match (plain, own) {
        (Some(schema), _) if !schema.is_null() => Some(schema.clone()),
        (_, Value::Null) => return is_json.then_some(Form::Json),
        (_, own) => Some(lowered(own, DEPTH_MAX)),
    }
    .map(|schema| Form::Schema {
        name: "answer".to_owned(),
        schema,
    })
}

/// Gives names to calls: this dialect may leave them out, and pairs calls and results by tool.
#[derive(Debug, Default)]
struct Calls {
    count: usize,
    /// Calls without a result so far: name of the call, name of the tool.
    open: Vec<(String, String)>,
}

impl Calls {
    fn part(&mut self, part: &Value) -> Result<Part, QuestionError> {
        if let Some(said) = text(part, "text") {
            let is_thought = part.get("thought") == Some(&Value::Bool(true));
            return Ok(if is_thought {
                Part::Thought {
                    text: said.to_owned(),
                    seal: String::new(),
                }
            } else {
                Part::Text(said.to_owned())
            });
        }
        let call = either(part, "functionCall", "function_call");
        if !call.is_null() {
            return Ok(self.call(call));
        }
        let result = either(part, "functionResponse", "function_response");
        if !result.is_null() {
            return Ok(self.result(result));
        }
        let bytes = either(part, "inlineData", "inline_data");
        if let Some(data) = text(bytes, "data") {
            let media = either(bytes, "mimeType", "mime_type")
                .as_str()
                .unwrap_or_default();
            if !media.starts_with("image/") {
                return Err(QuestionError::unsayable(format!(
                    "content of type `{media}`"
                )));
            }
            return Ok(Part::Image(Image::Data {
                media: media.to_owned(),
                data: data.to_owned(),
            }));
        }
        let file = either(part, "fileData", "file_data");
        match either(file, "fileUri", "file_uri").as_str() {
            Some(url) => Ok(Part::Image(Image::Url(url.to_owned()))),
            None => Err(QuestionError::unsayable(
                "a part that is neither text nor call nor image",
            )),
        }
    }

    fn call(&mut self, call: &Value) -> Part {
        let name = text(call, "name").unwrap_or_default().to_owned();
        let id = match text(call, "id") {
            Some(id) => id.to_owned(),
            None => format!("call_{}", self.count),
        };
        self.count += 1;
        self.open.push((id.clone(), name.clone()));
        Part::Call {
            id,
            name,
            arguments: call.get("args").unwrap_or(&json!({})).to_string(),
        }
    }

    fn result(&mut self, result: &Value) -> Part {
        let name = text(result, "name").unwrap_or_default();
        let named = text(result, "id");
        let place = self.open.iter().position(|(id, tool)| match named {
            Some(named) => named == id,
            None => name == tool,
        });
        let id = match place {
            Some(place) => self.open.remove(place).0,
            None => named.unwrap_or(name).to_owned(),
        };
        let response = result.get("response").unwrap_or(&Value::Null);
        let said = match response.get("result").or_else(|| response.get("output")) {
            Some(Value::String(said)) => said.clone(),
            _ => response.to_string(),
        };
        Part::Result {
            id,
            parts: vec![Part::Text(said)],
            failed: response.get("error").is_some(),
        }
    }
}

/// Writes a request for a model, which the address names once more.
pub(crate) fn body(question: &mut Question, model: &str) -> Result<Value, QuestionError> {
    let mut contents: Vec<Value> = Vec::new();
    for turn in &question.turns {
        let role = match turn.speaker {
            Speaker::User => "user",
            Speaker::Model => "model",
        };
        let mut parts = Vec::new();
        for part in &turn.parts {
            parts.extend(written(question, part, model)?);
        }
        if !parts.is_empty() {
            contents.push(json!({"role": role, "parts": parts}));
        }
    }
    let mut body = json!({"contents": contents});
    if !question.system.is_empty() {
        let system = question.system.join("\n\n");
        put(
            &mut body,
            "systemInstruction",
            Some(json!({"parts": [{"text": system}]})),
        );
    }
    if !question.tools.is_empty() {
        let functions: Vec<Value> = question.tools.iter().map(written_tool).collect();
        put(
            &mut body,
            "tools",
            Some(json!([{"functionDeclarations": functions}])),
        );
        put(
            &mut body,
            "toolConfig",
            question.choice.as_ref().map(written_choice),
        );
    }
    let mut config = written_config(question);
    if let Some(word) = question.effort.take() {
        match Effort::from_name(&word) {
            Some(effort) => put(
                &mut config,
                "thinkingConfig",
                Some(json!(thinking(effort, model))),
            ),
            None => question.dropped.push("effort".to_owned()),
        }
    }
    let is_empty = config.as_object().is_none_or(Map::is_empty);
    put(&mut body, "generationConfig", (!is_empty).then_some(config));
    Ok(body)
}

fn written_config(question: &Question) -> Value {
    let mut config = json!({});
    put(&mut config, "temperature", question.temperature);
    put(&mut config, "topP", question.top_p);
    put(&mut config, "maxOutputTokens", question.tokens_max);
    let stops = (!question.stops.is_empty()).then(|| question.stops.clone());
    put(&mut config, "stopSequences", stops);
    let is_json = question.form.is_some();
    put(
        &mut config,
        "responseMimeType",
        is_json.then_some("application/json"),
    );
    if let Some(Form::Schema { schema, .. }) = &question.form {
        put(
            &mut config,
            "responseJsonSchema",
            Some(schema::unmarked(schema)),
        );
    }
    config
}

fn written_tool(tool: &Tool) -> Value {
    let schema = schema::unmarked(&tool.schema);
    let mut written = json!({"name": tool.name, "parametersJsonSchema": schema});
    put(&mut written, "description", tool.about.clone());
    written
}

fn written_choice(choice: &Choice) -> Value {
    let calling = match choice {
        Choice::Auto => json!({"mode": "AUTO"}),
        Choice::Never => json!({"mode": "NONE"}),
        Choice::Some => json!({"mode": "ANY"}),
        Choice::Named(name) => json!({"mode": "ANY", "allowedFunctionNames": [name]}),
    };
    json!({"functionCallingConfig": calling})
}

fn written(question: &Question, part: &Part, model: &str) -> Result<Vec<Value>, QuestionError> {
    Ok(match part {
        Part::Text(text) => vec![json!({"text": text})],
        Part::Image(Image::Data { media, data }) => {
            vec![json!({"inlineData": {"mimeType": media, "data": data}})]
        }
        Part::Image(Image::Url(_)) => {
            return Err(QuestionError::unsayable("an image by its address"));
        }
        Part::Thought { .. } => Vec::new(),
        Part::Call {
            name, arguments, ..
        } => {
            let mut call = json!({"functionCall": {"name": name, "args": parsed(arguments)}});
            let is_sealed = model.starts_with("gemini-3");
            put(
                &mut call,
                "thoughtSignature",
                is_sealed.then_some(FOREIGN_SEAL),
            );
            vec![call]
        }
        Part::Result { id, parts, failed } => {
            let texts: Vec<&str> = parts.iter().filter_map(as_text).collect();
            let word = if *failed { "error" } else { "result" };
            let name = question.called(id).unwrap_or(id);
            let response = json!({word: texts.join("\n")});
            let mut written =
                vec![json!({"functionResponse": {"name": name, "response": response}})];
            for image in parts.iter().filter(|part| matches!(part, Part::Image(_))) {
                written.extend(self::written(question, image, model)?);
            }
            written
        }
    })
}

/// Reads an answer.
#[derive(Debug, Default)]
pub(crate) struct GeminiReader {
    began: bool,
    calls: usize,
    stopped: bool,
}

impl GeminiReader {
    fn take(&mut self, value: &Value) -> Result<Vec<Piece>, DecodeError> {
        if let Some(reported) = reported_error(value) {
            return Err(reported);
        }
        let mut pieces = Vec::new();
        if !self.began {
            self.began = true;
            pieces.push(begun(value, "responseId", "modelVersion"));
        }
        let blocked = value
            .get("promptFeedback")
            .and_then(|why| text(why, "blockReason"));
        if blocked.is_some() {
            self.stopped = true;
            pieces.push(Piece::Stop(Why::Filtered));
        }
        if let Some(candidate) = list(value, "candidates").first() {
            let content = candidate.get("content").unwrap_or(&Value::Null);
            for part in list(content, "parts") {
                self.part(part, &mut pieces);
            }
            if let Some(reason) = text(candidate, "finishReason") {
                self.stopped = true;
                pieces.push(Piece::Stop(why(reason)?));
            }
        }
        pieces.extend(tokens(value).map(Piece::Tokens));
        Ok(pieces)
    }

    fn part(&mut self, part: &Value, pieces: &mut Vec<Piece>) {
        if let Some(said) = text(part, "text").filter(|said| !said.is_empty()) {
            let is_thought = part.get("thought") == Some(&Value::Bool(true));
            pieces.push(if is_thought {
                Piece::Thought(said.to_owned())
            } else {
                Piece::Text(said.to_owned())
            });
        }
        if let Some(call) = part.get("functionCall") {
            let number = self.calls;
            self.calls += 1;
            let id = text(call, "id").map_or_else(|| format!("call_{number}"), str::to_owned);
            let name = text(call, "name").unwrap_or_default().to_owned();
            pieces.push(Piece::Call { id, name });
            pieces.push(Piece::Arguments {
                call: number,
                text: call.get("args").unwrap_or(&json!({})).to_string(),
            });
        }
    }
}

impl Reader for GeminiReader {
    fn document(&mut self, value: &Value) -> Result<Vec<Piece>, DecodeError> {
        let pieces = self.take(value)?;
        if !self.stopped {
            return Err(DecodeError::Truncated);
        }
        Ok(pieces)
    }

    fn event(&mut self, data: &str) -> Result<Vec<Piece>, DecodeError> {
        self.take(&parse_event(data)?)
    }

    /// This dialect has no event after the last one.
    fn is_done(&self) -> bool {
        false
    }

    fn may_end(&self) -> bool {
        self.stopped
    }
}

fn why(reason: &str) -> Result<Why, DecodeError> {
    match reason {
        "STOP" | "FINISH_REASON_UNSPECIFIED" => Ok(Why::End),
        "MAX_TOKENS" => Ok(Why::Length),
        "MALFORMED_FUNCTION_CALL" | "UNEXPECTED_TOOL_CALL" | "OTHER" => {
            Err(DecodeError::Reported {
                status: 502,
                said: format!("the answer ended with `{reason}`"),
            })
        }
        _ => Ok(Why::Filtered),
    }
}

fn tokens(value: &Value) -> Option<Tokens> {
    let counts = value.get("usageMetadata")?;
    Some(Tokens {
        usage: wire::gemini::usage(counts)?,
        reasoning: count(counts, "thoughtsTokenCount"),
    })
}

fn counts(tokens: &Tokens) -> Value {
    let usage = &tokens.usage;
    json!({
        "promptTokenCount": usage.input,
        "candidatesTokenCount": usage.output.saturating_sub(tokens.reasoning),
        "thoughtsTokenCount": tokens.reasoning,
        "cachedContentTokenCount": usage.cached_input,
        "totalTokenCount": usage.input.saturating_add(usage.output),
    })
}

fn answered(part: &Part) -> Option<Value> {
    match part {
        Part::Text(text) => Some(json!({"text": text})),
        Part::Thought { text, .. } => Some(json!({"text": text, "thought": true})),
        Part::Call {
            id,
            name,
            arguments,
        } => Some(json!({
            "functionCall": {"id": id, "name": name, "args": parsed(arguments)},
        })),
        Part::Image(_) | Part::Result { .. } => None,
    }
}

fn chunk(id: &str, about: &About, parts: &[Value]) -> Value {
    json!({
        "responseId": id,
        "modelVersion": about.model,
        "candidates": [{"index": 0, "content": {"role": "model", "parts": parts}}],
    })
}

fn finish(chunk: &mut Value, answer: &Answer) {
    let reason = match answer.why() {
        Why::End | Why::Tools => "STOP",
        Why::Length => "MAX_TOKENS",
        Why::Filtered => "SAFETY",
    };
    if let Some(candidate) = chunk.pointer_mut("/candidates/0") {
        put(candidate, "finishReason", Some(reason));
    }
    put(chunk, "usageMetadata", answer.tokens.as_ref().map(counts));
}

/// Writes a whole answer.
pub(crate) fn document(answer: &Answer, about: &About) -> Value {
    let parts: Vec<Value> = answer.parts.iter().filter_map(answered).collect();
    let mut body = chunk(&answer.id, about, &parts);
    finish(&mut body, answer);
    body
}

/// Writes a refusal.
pub(crate) fn error(status: u16, said: &str) -> Value {
    let word = match status {
        400 | 413 | 422 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        402 | 403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 | 529 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => "INTERNAL",
    };
    json!({"error": {"code": status, "message": said, "status": word}})
}

/// Writes an answer as a stream. Calls are told whole, so they are told at the end.
#[derive(Debug)]
pub(crate) struct GeminiWriter {
    about: About,
    id: String,
}

impl GeminiWriter {
    /// A writer for an answer.
    pub(crate) fn new(about: About) -> Self {
        Self {
            about,
            id: String::new(),
        }
    }

    fn say(&self, part: Value) -> String {
        data(&chunk(&self.id, &self.about, &[part]))
    }
}

impl Writer for GeminiWriter {
    fn piece(&mut self, piece: &Piece) -> String {
        match piece {
            Piece::Begin { id, .. } => {
                self.id.clone_from(id);
                String::new()
            }
            Piece::Text(more) => self.say(json!({"text": more})),
            Piece::Thought(more) => self.say(json!({"text": more, "thought": true})),
            Piece::Seal(_)
            | Piece::Call { .. }
            | Piece::Arguments { .. }
            | Piece::Tokens(_)
            | Piece::Stop(_) => String::new(),
        }
    }

    fn end(&mut self, answer: &Answer) -> String {
        let calls = answer
            .parts
            .iter()
            .filter(|part| matches!(part, Part::Call { .. }));
        let calls: Vec<Value> = calls.filter_map(answered).collect();
        let mut last = chunk(&self.id, &self.about, &calls);
        finish(&mut last, answer);
        data(&last)
    }

    fn error(&mut self, status: u16, said: &str) -> String {
        data(&error(status, said))
    }
}
