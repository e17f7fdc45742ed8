//! The template engine as prompts use it: strict, fuelled, and blind to the outside.

use std::io::{self, Write};

use minijinja::{
    AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value, syntax::SyntaxConfig,
    value::Serde,
};

use super::{RenderPromptError, render_error};
use crate::context;

/// Instructions that one rendering may take.
pub(super) const FUEL_MAX: u64 = 500_000;
/// Bytes that one message may have.
pub(super) const PROMPT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Templates that may include one another in a chain.
const RECURSION_MAX: usize = 50;

/// An engine with the house's settings and filters, without any template.
pub(super) fn environment<'a>() -> Environment<'a> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL_MAX));
    environment.set_recursion_limit(RECURSION_MAX);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_debug(false);
    if let Ok(syntax) = syntax() {
        environment.set_syntax(syntax);
    }
    environment.add_filter("json", json);
    environment.add_filter("dense_json", dense_json);
    environment.add_filter("fence", fence);
    environment.add_filter("clean", |text: &str| context::clean(text));
    environment.add_filter("lines", lines);
    environment
}

fn syntax() -> Result<SyntaxConfig, minijinja::Error> {
    SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
}

/// A value as indented JSON; a text is taken to be JSON already.
fn json(value: &Value) -> Result<String, minijinja::Error> {
    written(value, serde_json::to_string_pretty(value))
}

/// A value as JSON in one line; a text is taken to be JSON already.
fn dense_json(value: &Value) -> Result<String, minijinja::Error> {
    written(value, serde_json::to_string(value))
}

fn written(
    value: &Value,
    json: Result<String, serde_json::Error>,
) -> Result<String, minijinja::Error> {
    match value.as_str() {
        Some(text) => Ok(text.to_owned()),
        None => json
            .map_err(|error| minijinja::Error::new(ErrorKind::BadSerialization, error.to_string())),
    }
}

/// A list as one item a line; a text is taken to be lines already.
fn lines(value: &Value) -> Result<String, minijinja::Error> {
    if let Some(text) = value.as_str() {
        return Ok(text.to_owned());
    }
    let items: Vec<_> = value.try_iter()?.map(|item| item.to_string()).collect();
    Ok(items.join("\n"))
}

/// A text inside a fence that it cannot close: `text | fence`, `text | fence("json")`.
fn fence(text: &str, info: Option<&str>) -> String {
    context::fence(info.unwrap_or_default(), text)
}

/// Renders one part of a template and cuts the blank lines around it.
pub(super) fn part(
    environment: &Environment<'_>,
    name: &str,
    text: &str,
    inputs: &serde_json::Value,
) -> Result<String, RenderPromptError> {
    let mut out = Bounded::default();
    environment
        .template_from_named_str(name, text)
        .and_then(|template| {
            template.render_captured_to(Value::from(Serde(inputs)), &mut out)?;
            Ok(())
        })
        .map_err(|error| render_error(name, error))?;
    let text = String::from_utf8_lossy(&out.bytes);
    Ok(text.trim_matches('\n').to_owned())
}

/// A buffer that refuses to grow beyond [`PROMPT_BYTES_MAX`].
#[derive(Default)]
struct Bounded {
    bytes: Vec<u8>,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > PROMPT_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
