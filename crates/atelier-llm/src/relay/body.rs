//! Bodies of requests that stay in their dialect: what must change in them, and nothing else.

/// The body with another model; every other byte stays as it is. `None` where the body names no
/// model at its top.
pub(crate) fn with_model(body: &[u8], model: &str) -> Option<Vec<u8>> {
    let (start, end) = model_span(body)?;
    let mut changed = Vec::with_capacity(body.len() + model.len());
    changed.extend_from_slice(&body[..start]);
    changed.extend_from_slice(serde_json::Value::from(model).to_string().as_bytes());
    changed.extend_from_slice(&body[end..]);
    Some(changed)
}

/// Where the value of the last top-level `model` stands, with its quotation marks. The body is
/// known to be a JSON object.
fn model_span(body: &[u8]) -> Option<(usize, usize)> {
    let mut depth = 0_usize;
    let mut at = 0;
    let mut name: Option<(usize, usize)> = None;
    let mut found = None;
    let mut is_value = false;
    while let Some(&byte) = body.get(at) {
        match byte {
            b'"' => {
                let end = string_end(body, at)?;
                if depth == 1 {
                    let is_model =
                        name.is_some_and(|(start, end)| &body[start..end] == b"\"model\"");
                    if is_value && is_model {
                        found = Some((at, end));
                    }
                    name = (!is_value).then_some((at, end)).or(name);
                }
                at = end;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b':' if depth == 1 => is_value = true,
            b',' if depth == 1 => is_value = false,
            _ => {}
        }
        at += 1;
    }
    found
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
