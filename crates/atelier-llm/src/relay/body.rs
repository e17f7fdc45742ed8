//! Bodies of requests that stay in their dialect: what must change in them, and nothing else.

#[cfg(test)]
mod tests;

use serde_json::Value;

/// The body with another model; every other byte stays as it is. `None` where the body names no
/// model at its top.
pub(crate) fn with_model(body: &[u8], model: &str) -> Option<Vec<u8>> {
    let (start, end) = member(body, opening(body, 0)?, "model")?;
    let is_named = body.get(start) == Some(&b'"');
    is_named.then(|| spliced(body, (start, end), &Value::from(model).to_string()))
}

/// The body with a member set, which its path leads to; objects on the way are made where they
/// are missing, and every other byte stays as it is. `None` where something on the way is no
/// object. The body is known to be JSON.
pub(crate) fn with_member(body: &[u8], path: &[&str], value: &Value) -> Option<Vec<u8>> {
    let (last, above) = path.split_last()?;
    let mut open = opening(body, 0)?;
    for (depth, name) in above.iter().enumerate() {
        match member(body, open, name) {
            Some((start, end)) if &body[start..end] == b"null" => {
                let made = nested(path.get(depth + 1..)?, value);
                return Some(spliced(body, (start, end), &made));
            }
            Some((start, _)) => open = opening(body, start)?,
            None => {
                return Some(with_first(
                    body,
                    open,
                    name,
                    &nested(&path[depth + 1..], value),
                ));
            }
        }
    }
    Some(match member(body, open, last) {
        Some(span) => spliced(body, span, &value.to_string()),
        None => with_first(body, open, last, &value.to_string()),
    })
}

/// The value within objects of one member each.
fn nested(path: &[&str], value: &Value) -> String {
    path.iter().rev().fold(value.to_string(), |inner, name| {
        format!("{{{}:{inner}}}", Value::from(*name))
    })
}

/// The body with a member more, put before all others of the object that opens at `open`.
fn with_first(body: &[u8], open: usize, name: &str, value: &str) -> Vec<u8> {
    let rest = body.get(open + 1..).unwrap_or_default();
    let is_empty = rest.trim_ascii_start().first() == Some(&b'}');
    let comma = if is_empty { "" } else { "," };
    let text = format!("{}:{value}{comma}", Value::from(name));
    spliced(body, (open + 1, open + 1), &text)
}

fn spliced(body: &[u8], (start, end): (usize, usize), text: &str) -> Vec<u8> {
    let mut changed = Vec::with_capacity(body.len() + text.len());
    changed.extend_from_slice(&body[..start]);
    changed.extend_from_slice(text.as_bytes());
    changed.extend_from_slice(&body[end..]);
    changed
}

/// Where the object opens that begins at `start`, blanks aside.
fn opening(body: &[u8], start: usize) -> Option<usize> {
    let rest = body.get(start..)?;
    let blanks = rest.len() - rest.trim_ascii_start().len();
    (rest.get(blanks) == Some(&b'{')).then_some(start + blanks)
}

/// Where the value of a member stands in the object that opens at `open`: of the last one of that
/// name, which is the one that readers take.
fn member(body: &[u8], open: usize, name: &str) -> Option<(usize, usize)> {
    let mut depth = 0_usize;
    let mut at = open;
    let mut found = None;
    let mut is_named = false;
    let mut value = None;
    while let Some(&byte) = body.get(at) {
        match byte {
            b'"' => {
                let end = string_end(body, at)?;
                if depth == 1 && value.is_none() {
                    is_named = is_text(&body[at..end], name);
                }
                at = end;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b':' if depth == 1 => value = Some(at + 1),
            b',' | b'}' if depth == 1 => {
                let ended = value.take().filter(|_| is_named);
                found = ended.map(|start| trimmed(body, start, at)).or(found);
                depth -= usize::from(byte == b'}');
            }
            b'}' | b']' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        at += 1;
    }
    found
}

/// Whether a JSON string means this text. Hardly anybody escapes what need not be.
fn is_text(string: &[u8], text: &str) -> bool {
    if string.contains(&b'\\') {
        return serde_json::from_slice::<String>(string).is_ok_and(|meant| meant == text);
    }
    string.get(1..string.len() - 1) == Some(text.as_bytes())
}

/// A span without the blanks at its ends.
fn trimmed(body: &[u8], start: usize, end: usize) -> (usize, usize) {
    let text = &body[start..end];
    let before = text.len() - text.trim_ascii_start().len();
    let after = text.len() - text.trim_ascii_end().len();
    (start + before, end - after)
}

/// The place after a string that begins at `start`.
fn string_end(body: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match body.get(at)? {
            b'\\' => at += 2,
            b'"' => return Some(at + 1),
            _ => at += 1,
        }
    }
}
