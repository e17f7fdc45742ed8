//! Envelopes of patches: `*** Begin Patch` to `*** End Patch`, with a section for each file.

use std::ops::Range;

use super::{
    EditFormat, Fence, Found, Inside, Opening, Shown, Stop,
    hunk::{Hunk, HunkLine, Mark},
};
use crate::{
    change::{Change, Hints},
    parse::{Fault, Scan, parse_within},
};

/// `*** Begin Patch` … `*** End Patch`.
pub(super) struct ApplyPatch;

/// An opened envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Envelope {
    /// Index of the line that opens it.
    pub(crate) line: usize,
    /// How far all of its lines are indented.
    indent: usize,
    /// The folder its paths are relative to.
    folder: Option<String>,
}

/// Lines between a command that reads a patch and the patch.
const COMMAND_LINES_MAX: usize = 3;
/// More lines than a patch within another edit can have.
const WITHIN_LINES_MAX: usize = 1 << 24;

impl EditFormat for ApplyPatch {
    fn name(&self) -> &'static str {
        "apply-patch"
    }

    fn opens(&self, scan: &Scan<'_>, at: usize, fence: &Fence) -> Result<bool, Stop> {
        let line = scan.at(at);
        let begins = is_begin(line) || is_command(line) || section(line).is_some();
        Ok(begins && !fence.holds_file())
    }

    fn read(&self, scan: &Scan<'_>, at: usize) -> Result<Option<Found>, Stop> {
        match &scan.place.envelope {
            Some(envelope) => inside(scan, envelope, at).map(Some),
            None => open(scan, at),
        }
    }
}

/// What a line of an envelope says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Directive<'a> {
    Begin,
    End,
    Add(&'a str),
    Delete(&'a str),
    Update(&'a str),
    MoveTo(&'a str),
    EndOfFile,
}

fn directive(line: &str) -> Option<Directive<'_>> {
    let rest = line.trim().strip_prefix("*** ")?;
    match rest {
        "Begin Patch" => Some(Directive::Begin),
        "End Patch" => Some(Directive::End),
        "End of File" => Some(Directive::EndOfFile),
        _ => {
            let (word, path) = rest.split_once(':')?;
            let path = path.trim().trim_matches(['`', '"']);
            match word {
                "Add File" | "Create File" => Some(Directive::Add(path)),
                "Delete File" => Some(Directive::Delete(path)),
                "Update File" => Some(Directive::Update(path)),
                "Move to" | "Move File to" => Some(Directive::MoveTo(path)),
                _ => None,
            }
        }
    }
}

/// Whether a line can only be part of a patch. A removal may stand alone.
pub(super) fn is_frame(line: &str) -> bool {
    line.starts_with("*** ")
        && directive(line).is_some_and(|found| !matches!(found, Directive::Delete(_)))
}

/// The section that a line opens, other than one that only removes a file.
fn section(line: &str) -> Option<Directive<'_>> {
    directive(line).filter(|found| matches!(found, Directive::Add(_) | Directive::Update(_)))
}

fn is_begin(line: &str) -> bool {
    directive(line) == Some(Directive::Begin)
}

/// Whether a line is one of the envelope's own, wherever it begins.
fn is_head(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("*** ") || line.trim_end() == "@@" || line.starts_with("@@ ")
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// An envelope that opens at a line, perhaps with the command that reads it before.
fn open(scan: &Scan<'_>, at: usize) -> Result<Option<Found>, Stop> {
    let line = scan.at(at);
    if !line.contains("*** ") && !line.contains("<<") {
        return Ok(None);
    }
    let mut begin = at;
    let mut folder = None;
    if is_command(line) {
        while begin <= at + COMMAND_LINES_MAX
            && let Some(line) = scan.inner(begin)?
            && !is_begin(line)
        {
            begin += 1;
        }
        if !scan.inner(begin)?.is_some_and(is_begin) {
            return Ok(None);
        }
        folder = folder_of(line).map_err(|fault| Stop::Refused {
            at,
            path: None,
            fault: fault(at + 1),
            end: begin + 1,
        })?;
    }
    let line = scan.at(begin);
    let first = if is_begin(line) { begin + 1 } else { begin };
    if !is_begin(line) && section(line).is_none() {
        return Ok(None);
    }
    let second = scan.line(first)?.unwrap_or_default();
    Ok(Some(Found {
        end: first,
        inside: Some(Inside::Envelope(Envelope {
            line: begin,
            indent: indent(line).min(indent(second)),
            folder,
        })),
        ..Found::default()
    }))
}

/// Whether a line is a shell command that reads a patch from the lines after it.
fn is_command(line: &str) -> bool {
    line.split_once("<<").is_some_and(|(before, _)| {
        let mut words = before.split([' ', '\t', '"', '\'', '(']);
        words.any(|word| matches!(word, "apply_patch" | "applypatch"))
    })
}

/// The folder that a command goes to before it reads a patch.
fn folder_of(line: &str) -> Result<Option<String>, fn(usize) -> Fault> {
    let before = line.split("apply").next().unwrap_or_default().trim();
    let before = before.trim_start_matches(['$', '>', ' ']);
    if !before
        .split([' ', ';', '&', '(', '"', '\''])
        .any(|word| word == "cd")
    {
        return Ok(None);
    }
    let folder = before
        .strip_prefix("cd ")
        .and_then(|rest| rest.strip_suffix("&&").or_else(|| rest.strip_suffix(';')))
        .map(|folder| folder.trim().trim_matches(['"', '\'']))
        .filter(|folder| !folder.contains([' ', ';', '&', '$', '|']));
    match folder {
        Some(folder) => Ok(Some(folder.to_owned())),
        None => Err(|line| Fault::Malformed {
            line,
            said: "it cannot be told to which folder the command goes before it reads the patch",
            mend: "send the patch without a command, with paths relative to the project's root",
        }),
    }
}

impl Envelope {
    /// A line without the indentation of the envelope.
    fn content<'a>(&self, line: &'a str) -> &'a str {
        let blanks = line.len() - line.trim_start_matches(' ').len();
        line.get(blanks.min(self.indent)..).unwrap_or_default()
    }

    /// A line of a body that may be `padded` as the envelope is.
    fn content_if<'a>(&self, line: &'a str, padded: bool) -> &'a str {
        let own = padded || is_head(line);
        if own { self.content(line) } else { line }
    }

    fn path(&self, path: &str) -> String {
        match &self.folder {
            Some(folder) => format!("{}/{path}", folder.trim_end_matches('/')),
            None => path.to_owned(),
        }
    }

    /// Index of the line after a section: that of the next directive, at its usual place.
    ///
    /// A patch that ends with an indented `*** End Patch` ends there only if no other line ends it.
    fn end_of_section(&self, scan: &Scan<'_>, at: usize) -> Result<Option<usize>, Stop> {
        let mut next = at + 1;
        let mut last = None;
        while let Some(line) = scan.inner(next)? {
            let line = self.content(line);
            let found = directive(line).filter(|_| line.starts_with("***"));
            match found {
                Some(Directive::Begin) => break,
                Some(Directive::MoveTo(_) | Directive::EndOfFile) | None => {}
                Some(
                    Directive::End
                    | Directive::Add(_)
                    | Directive::Delete(_)
                    | Directive::Update(_),
                ) => return Ok(Some(next)),
            }
            if !line.trim().is_empty() {
                last = Some((next, directive(line) == Some(Directive::End)));
            }
            next += 1;
        }
        Ok(last.filter(|(_, ends)| *ends).map(|(line, _)| line))
    }
}

/// What a line inside an envelope begins.
fn inside(scan: &Scan<'_>, envelope: &Envelope, at: usize) -> Result<Found, Stop> {
    let line = scan.at(at);
    let Some(found) = directive(line) else {
        if line.trim().is_empty() {
            return Ok(Found {
                end: at + 1,
                ..Found::default()
            });
        }
        return outside(scan, envelope, at);
    };
    match found {
        Directive::End => Ok(Found {
            end: at + 1,
            inside: Some(Inside::EnvelopeEnd),
            ..Found::default()
        }),
        Directive::Begin => Ok(unended(envelope, at)),
        Directive::MoveTo(_) | Directive::EndOfFile => outside(scan, envelope, at),
        Directive::Add(path) | Directive::Delete(path) | Directive::Update(path) => {
            let path = envelope.path(path);
            let end = envelope.end_of_section(scan, at).map_err(|stop| {
                stop.while_open(|| Opening {
                    path: Some(path.clone()),
                    from: at + 1,
                    shown: Shown::Added,
                })
            })?;
            let Some(end) = end else {
                return Ok(unended(envelope, next_begin(scan, at)?));
            };
            let section = Section {
                path,
                at,
                lines: at + 1..end,
            };
            Ok(match found {
                Directive::Add(_) => section.add(scan, envelope),
                Directive::Update(_) => section.update(scan, envelope),
                Directive::Begin
                | Directive::End
                | Directive::Delete(_)
                | Directive::MoveTo(_)
                | Directive::EndOfFile => section.delete(scan),
            })
        }
    }
}

/// An envelope that is not closed before another one opens, or before the reply ends.
fn unended(envelope: &Envelope, end: usize) -> Found {
    let missing = "the `*** End Patch` line";
    Found {
        faults: vec![(envelope.line, None, Fault::Truncated { missing })],
        end,
        inside: Some(Inside::EnvelopeEnd),
        ..Found::default()
    }
}

/// Index of the next line that opens an envelope, or after the last line.
fn next_begin(scan: &Scan<'_>, at: usize) -> Result<usize, Stop> {
    let mut next = at + 1;
    while scan.inner(next)?.is_some_and(|line| !is_begin(line)) {
        next += 1;
    }
    Ok(next)
}

/// A line that belongs to no section.
fn outside(scan: &Scan<'_>, envelope: &Envelope, at: usize) -> Result<Found, Stop> {
    if scan.inner(at)?.is_none() {
        return Ok(unended(envelope, at));
    }
    let fault = Fault::Malformed {
        line: at + 1,
        said: "a line of the patch belongs to no file",
        mend: "begin each part with *** Add File:, *** Update File: or *** Delete File: and a path",
    };
    let end = envelope.end_of_section(scan, at)?;
    Ok(match end {
        Some(end) => Found {
            faults: vec![(at, None, fault)],
            end,
            ..Found::default()
        },
        None => unended(envelope, next_begin(scan, at)?),
    })
}

/// The part of a patch that is about one file.
struct Section {
    path: String,
    at: usize,
    lines: Range<usize>,
}

impl Section {
    fn found(&self, changes: Vec<(usize, Change)>) -> Found {
        let edits = changes
            .into_iter()
            .map(|(at, change)| (self.path.clone(), at, change))
            .collect();
        Found {
            edits,
            end: self.lines.end,
            ..Found::default()
        }
    }

    fn fault(&self, at: usize, said: &'static str, mend: &'static str) -> Found {
        let line = at + 1;
        let fault = Fault::Malformed { line, said, mend };
        Found {
            faults: vec![(self.at, Some(self.path.clone()), fault)],
            end: self.lines.end,
            ..Found::default()
        }
    }

    fn delete(&self, scan: &Scan<'_>) -> Found {
        let mut lines = self.lines.clone().zip(scan.lines.range(self.lines.clone()));
        match lines.find(|(_, line)| !line.trim().is_empty()) {
            Some((at, _)) => self.fault(
                at,
                "lines follow the name of a file that is removed",
                "write nothing between *** Delete File: and the next file",
            ),
            None => self.found(vec![(self.at, Change::Delete { holding: None })]),
        }
    }

    fn add(&self, scan: &Scan<'_>, envelope: &Envelope) -> Found {
        let padded = self.is_padded(scan, envelope);
        let mut content = String::new();
        let mut blank = 0;
        for (at, line) in self.lines.clone().zip(scan.lines.range(self.lines.clone())) {
            let line = envelope.content_if(line, padded);
            if line.trim().is_empty() {
                blank += 1;
                continue;
            }
            let Some(added) = line.strip_prefix('+') else {
                return self.fault(
                    at,
                    "a line of the new file does not begin with `+`",
                    "write `+` before every line of a file that is added, blank ones too",
                );
            };
            // A blank line between two others can only mean a blank line; one at the end may be
            // there for the eye.
            content.extend(std::iter::repeat_n('\n', blank));
            blank = 0;
            content.push_str(added);
            content.push('\n');
        }
        self.found(vec![(self.at, Change::Create { content })])
    }

    /// Whether the lines of its body are indented as the envelope is.
    fn is_padded(&self, scan: &Scan<'_>, envelope: &Envelope) -> bool {
        let body = scan.lines.range(self.lines.clone());
        body.filter(|line| !line.trim().is_empty() && !is_head(line))
            .all(|line| indent(line) >= envelope.indent)
    }

    fn update(&self, scan: &Scan<'_>, envelope: &Envelope) -> Found {
        let padded = self.is_padded(scan, envelope);
        let mut hunks: Vec<Hunk<'_>> = Vec::new();
        let mut moved = None;
        let fresh = |at| Hunk {
            at,
            hints: Hints {
                sequence: Some(self.at),
                ..Hints::default()
            },
            lines: Vec::new(),
        };
        for (at, line) in self.lines.clone().zip(scan.lines.range(self.lines.clone())) {
            let line = envelope.content_if(line, padded);
            let marked = line.starts_with("***").then(|| directive(line)).flatten();
            if let Some(Directive::MoveTo(to)) = marked {
                if moved.is_some() || !hunks.is_empty() {
                    return self.fault(
                        at,
                        "`*** Move to:` does not stand right below `*** Update File:`",
                        "write it there, once",
                    );
                }
                moved = Some((at, envelope.path(to)));
            } else if marked == Some(Directive::EndOfFile) {
                match hunks.last_mut() {
                    Some(hunk) => hunk.hints.at_end = true,
                    None => {
                        return self.fault(
                            at,
                            "`*** End of File` has no lines before it",
                            "write it after the last lines of the file",
                        );
                    }
                }
            } else if line.starts_with("\\ No newline") {
                if let Some(hunk) = hunks.last_mut() {
                    hunk.end_without_break();
                }
            } else if let Some(head) = line.strip_prefix("@@") {
                // Several heads in a row say ever more exactly where the lines stand.
                if hunks.last().is_none_or(|hunk| !hunk.is_empty()) {
                    hunks.push(fresh(at));
                }
                if let Some(hunk) = hunks.last_mut() {
                    read_head(head, &mut hunk.hints);
                }
            } else {
                let ended = hunks.last().is_none_or(|hunk| hunk.hints.at_end);
                if ended && line.trim().is_empty() {
                    continue;
                }
                if ended {
                    hunks.push(fresh(at));
                }
                if let Some(hunk) = hunks.last_mut() {
                    hunk.lines.push(HunkLine::read(line));
                }
            }
        }
        self.hunks(hunks, moved)
    }

    fn hunks(&self, mut hunks: Vec<Hunk<'_>>, moved: Option<(usize, String)>) -> Found {
        let mut changes = Vec::new();
        for hunk in &mut hunks {
            hunk.trim_end();
            if hunk.is_empty() {
                return self.fault(
                    hunk.at,
                    "a part has no lines",
                    "write the lines to remove with `-` and the new ones with `+` below its `@@`",
                );
            }
            if hunk
                .lines
                .iter()
                .all(|line| matches!(line.mark(), Mark::Bare))
            {
                return self.fault(
                    hunk.at,
                    "no line of a part has a `+`, a `-` or a blank before it",
                    "write ` ` before lines that stay, `-` before those to remove and `+` before \
                     new ones",
                );
            }
        }
        if hunks.is_empty() && moved.is_none() {
            return self.fault(
                self.at,
                "nothing is said to change in the file",
                "write the lines to remove with `-` and the new ones with `+` below `@@`",
            );
        }
        changes.extend(hunks.into_iter().map(|hunk| (hunk.at, hunk.change())));
        let mut found = self.found(changes);
        if let Some((at, to)) = moved {
            super::move_to(&mut found, &self.path, at, &to);
        }
        found
    }
}

/// What stands after the `@@` of a hunk: a line of the file above it, or line numbers.
pub(super) fn read_head(head: &str, hints: &mut Hints) {
    let head = head.trim_end();
    let head = head.strip_suffix("@@").unwrap_or(head).trim_end();
    let (line, scope) = match super::hunk::ranges(head) {
        Some((ranges, tail)) => (ranges.old.map(|(start, _)| start), tail),
        None => (None, head.strip_prefix(' ').unwrap_or(head)),
    };
    hints.line = line.filter(|line| *line > 0).or(hints.line);
    if !matches!(scope.trim(), "" | "..." | "…") {
        hints.scopes.push(scope.to_owned());
    }
}

/// Reads a patch that is given to a command as a text, within an edit of another form.
pub(super) fn read_text(text: &str, at: usize, found: &mut Found) {
    match parse_within(text) {
        Ok(changes) => {
            for mut edit in changes.edits {
                if let Change::Replace { hints, .. } = &mut edit.change {
                    // Lines of this text and of the reply count apart.
                    let apart = |number: usize| number + (at + 1) * WITHIN_LINES_MAX;
                    hints.sequence = hints.sequence.map(apart);
                }
                let path = edit.path.as_str().to_owned();
                found.edits.push((path, at, edit.change));
            }
        }
        Err(error) => {
            let faults = error.problems.into_iter();
            found
                .faults
                .extend(faults.map(|problem| (at, problem.path, problem.fault)));
        }
    }
}

#[cfg(test)]
mod tests;
