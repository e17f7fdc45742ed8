//! What leaves the machine in a request of another program: which of its strings are texts, and
//! how they are told from words of the dialect, images and seals.

use std::collections::BTreeSet;

use atelier_guard::{Guard, Policy, Vault};

use crate::{
    layers::guard::strings::{self, Found, NoJson},
    relay::Dialect,
};

/// Names whose values are words of a dialect, names of calls, or seals that break when touched.
const NOT_TEXT: &[&str] = &[
    "call_id",
    "encrypted_content",
    "id",
    "item_id",
    "media_type",
    "mimeType",
    "mime_type",
    "model",
    "previous_response_id",
    "role",
    "signature",
    "thoughtSignature",
    "thought_signature",
    "tool_call_id",
    "tool_use_id",
    "type",
];

/// The name of a seal.
const SEAL: &str = "signature";

/// Names above the bytes of an image, a sound or a document.
const FILES: &[&str] = &["inlineData", "inline_data", "input_audio", "source"];

/// Letters above which text in base 64 below such a name is what it claims to be.
const FILE_LETTERS_MIN: usize = 64;

/// A request after it was looked through.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Question {
    /// The request, where something was replaced in it; every other byte is as it was.
    pub(crate) body: Option<String>,
    /// Whether the answer's text is to be JSON.
    pub(crate) wants_json: bool,
}

/// Replaces what the policy covers in every text of a request.
pub(crate) fn redact(
    body: &str,
    dialect: Dialect,
    policy: Policy,
    vault: &mut Vault,
) -> Result<Question, NoJson> {
    let sealed = sealed(body)?;
    let mut wants_json = false;
    let body = strings::rewrite(body, |found| {
        wants_json |= is_wish_for_json(&found);
        let is_sealed = found.name() == "thinking" && sealed.contains(&found.object);
        if is_sealed {
            return None;
        }
        replaced(&found, is_free(&found, dialect), policy, vault)
    })?;
    Ok(Question { body, wants_json })
}

/// Objects whose thoughts carry the provider's seal. It wrote them, nothing was put back into
/// them, and a changed letter would break the seal.
pub(crate) fn sealed(json: &str) -> Result<BTreeSet<usize>, NoJson> {
    let mut sealed = BTreeSet::new();
    if !json.contains(SEAL) {
        return Ok(sealed);
    }
    strings::each(json, |found| {
        if found.name() == SEAL && !found.text().is_empty() {
            sealed.insert(found.object);
        }
    })?;
    Ok(sealed)
}

fn replaced(
    found: &Found<'_, '_>,
    is_free: bool,
    policy: Policy,
    vault: &mut Vault,
) -> Option<String> {
    let guard = Guard::builtin();
    let text = found.text();
    if is_free {
        let named = (found.name(), text.as_ref());
        let redacted = vault.redact_named(guard, named, policy).text;
        return (redacted != text).then_some(redacted);
    }
    if NOT_TEXT.contains(&found.name()) || is_file(found, &text) {
        return None;
    }
    if found.name() == "arguments" && text.starts_with('{') {
        let arguments = strings::rewrite(&text, |found| replaced(&found, true, policy, vault));
        if let Ok(arguments) = arguments {
            return arguments;
        }
    }
    let redacted = vault.redact(guard, &text, policy).text;
    (redacted != text).then_some(redacted)
}

/// Whether the names above are the user's own, so that they tell what the value is.
fn is_free(found: &Found<'_, '_>, dialect: Dialect) -> bool {
    let mut names = found.names();
    match dialect {
        Dialect::Messages => names.any(|name| name == "input" || name == "metadata"),
        Dialect::Gemini => names.any(|name| name == "args" || name == "response"),
        Dialect::Chat | Dialect::Completions | Dialect::Responses => {
            names.any(|name| name == "metadata")
        }
    }
}

/// Whether these are the bytes of a file: nothing is found there, and all would be lost.
fn is_file(found: &Found<'_, '_>, text: &str) -> bool {
    let is_base64 = |text: &str| {
        let body = text.trim_end_matches('=');
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"+/".contains(&byte);
        text.len() >= FILE_LETTERS_MIN && body.bytes().all(is_letter)
    };
    let behind_comma = text
        .strip_prefix("data:")
        .and_then(|rest| rest.split_once(";base64,"));
    let is_below = found
        .names()
        .nth(1)
        .is_some_and(|name| FILES.contains(&name));
    behind_comma.is_some_and(|(media, data)| media.len() <= FILE_LETTERS_MIN && is_base64(data))
        || (found.name() == "data" && is_below && is_base64(text))
}

/// Whether this string asks for an answer in JSON.
fn is_wish_for_json(found: &Found<'_, '_>) -> bool {
    let mut names = found.names();
    let above = (names.next(), names.next(), names.next());
    match above {
        (Some("type"), Some("response_format" | "output_format"), None)
        | (Some("type"), Some("format"), Some("text" | "output_config")) => {
            found.text().starts_with("json")
        }
        (Some("responseMimeType" | "response_mime_type"), Some(_), None) => {
            found.text() == "application/json"
        }
        _ => false,
    }
}
