//! The pieces of a reply that may be its JSON.

/// A piece of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidate<'a> {
    /// Its text.
    pub(super) text: &'a str,
    /// Whether something after it shows that the model had finished it.
    pub(super) ended: bool,
}

/// Candidates that are tried at most; the last of a reply count most.
const CANDIDATES_MAX: usize = 24;
/// Opening brackets without a closing one from which a scan is tried.
const SCANS_MAX: usize = 64;

/// Every piece that may be the answer, the likeliest last.
pub(super) fn candidates(reply: &str) -> Vec<Candidate<'_>> {
    let text = after_thinking(reply);
    let mut found = Vec::new();
    let mut add = |text: &str, ended: bool| {
        let start = reply.len() - after(reply, text).len();
        let piece = Candidate {
            text: reply[start..start + text.len()].trim(),
            ended,
        };
        if piece.text.contains(['{', '['])
            && !found.iter().any(|c: &Candidate<'_>| c.text == piece.text)
        {
            found.push(piece);
        }
    };
    if let (Some(start), Some(end)) = (text.find(['{', '[']), text.rfind(['}', ']']))
        && start < end
    {
        add(&text[start..], false);
        add(&text[start..=end], !text[end + 1..].trim().is_empty());
    }
    for body in fenced(text) {
        add(body, true);
    }
    for body in balanced(text) {
        add(body, true);
    }
    if text.starts_with(['{', '[', '"']) {
        add(text, false);
    }
    let spare = found.len().saturating_sub(CANDIDATES_MAX);
    found.split_off(spare)
}

/// The rest of a text from where a piece of it begins.
fn after<'a>(whole: &'a str, piece: &str) -> &'a str {
    let start = piece.as_ptr() as usize - whole.as_ptr() as usize;
    whole.get(start..).unwrap_or(whole)
}

/// Whether the reply holds a JSON object that stops in the middle, with nothing after it.
pub(super) fn is_cut_off(reply: &str) -> bool {
    let text = after_thinking(reply);
    let Some(start) = text
        .find('{')
        .filter(|start| scan(&text[*start..]).is_none())
    else {
        return false;
    };
    let json = text[start + 1..].trim_start().starts_with('"');
    let fence_closed = text[start..].trim_end().ends_with("\n```");
    let (open, in_string) = left_open(&text[start..]);
    json && !fence_closed && (open > 0 || in_string)
}

/// What follows the thinking aloud that some models send first.
fn after_thinking(reply: &str) -> &str {
    for (open, close) in [("<think>", "</think>"), ("<thinking>", "</thinking>")] {
        let end = reply.rfind(close).map(|at| &reply[at + close.len()..]);
        match end {
            Some(rest) if rest.contains('{') => return rest.trim(),
            None if reply.trim_start().starts_with(open) => return "",
            Some(_) | None => {}
        }
    }
    reply
}

/// The contents of fenced blocks, in order.
fn fenced(text: &str) -> Vec<&str> {
    let mut bodies = Vec::new();
    let mut opened: Option<usize> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with("```") {
            match opened.take() {
                Some(start) => bodies.push(&text[start..at]),
                None => opened = Some(at + line.len()),
            }
        }
        at += line.len();
    }
    bodies
}

/// The outermost balanced objects and arrays of objects, in order.
fn balanced(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut failures = 0;
    while let Some(start) = text[at..].find(['{', '[']).map(|next| at + next) {
        match scan(&text[start..]) {
            Some(len) => {
                found.push(&text[start..start + len]);
                at = start + len;
            }
            None if failures < SCANS_MAX => {
                failures += 1;
                at = start + 1;
            }
            None => break,
        }
    }
    found.retain(|body| body.contains('{'));
    found
}

/// The length of the balanced value at the start of a text. Brackets inside strings do not count.
fn scan(text: &str) -> Option<usize> {
    let mut stack = Vec::new();
    let mut string = false;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        if string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => string = true,
            b'{' => stack.push(b'}'),
            b'[' => stack.push(b']'),
            b'}' | b']' => {
                if stack.pop() != Some(byte) {
                    return None;
                }
                if stack.is_empty() {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// How many brackets a text leaves open, and whether it ends inside a string.
pub(super) fn left_open(text: &str) -> (usize, bool) {
    let mut depth = 0_usize;
    let mut string = false;
    let mut escaped = false;
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if string => escaped = true,
            b'"' => string = !string,
            b'{' | b'[' if !string => depth += 1,
            b'}' | b']' if !string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    (depth, string)
}
