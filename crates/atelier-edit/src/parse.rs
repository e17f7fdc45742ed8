//! The edits of a reply, in whatever mixture of forms it writes them.

mod fault;
mod lines;

use atelier_model::{Limits, TreePath};

use crate::{
    change::{ChangeSet, Edit},
    formats::{self, Doubt, Envelope, FORMATS, Fence, Found, Inside, Opening, Stop},
};

pub use fault::{Fault, ParseEditsError, ReplyProblem};
pub(crate) use lines::{Cut, Lines, Span, line_at};

/// Problems of one reply that are listed; the rest of a reply with more is not read.
const PROBLEMS_MAX: usize = 50;
/// Things left open in prose whose ends are looked for; it takes the rest of the reply each time.
const LEFT_OPEN_MAX: usize = 64;
/// Bytes that may be looked through for such ends altogether.
const SEARCHED_BYTES_MAX: usize = 1 << 23;

/// What a form sees of a reply on its way to edits.
#[derive(Debug, Clone, Copy)]
pub struct Scan<'a> {
    /// Its lines.
    pub(crate) lines: Lines<'a>,
    /// Where the reading of it stands.
    pub(crate) place: &'a Place,
}

/// Where the reading of a reply stands.
#[derive(Debug, Default)]
pub(crate) struct Place {
    /// Index of the first line that no block has used up.
    pub(crate) floor: usize,
    /// The fence it is in.
    pub(crate) fence: Option<Fence>,
    /// The envelope it is in.
    pub(crate) envelope: Option<Envelope>,
    /// The newest block, should it name the file of the next one.
    pub(crate) newest: Option<Newest>,
    /// Whether the reply is laid out as a task with steps.
    pub(crate) task: bool,
    /// Whether nothing but edits has been read so far.
    pub(crate) only_edits: bool,
}

/// A block whose file the next one may change as well.
#[derive(Debug)]
pub(crate) struct Newest {
    /// Its path as written.
    pub(crate) path: String,
    /// Index of the line that opens it.
    pub(crate) line: usize,
    /// Index of the line after it.
    pub(crate) end: usize,
    /// Index of the line that opens its fence.
    pub(crate) fence: Option<usize>,
}

impl<'a> Scan<'a> {
    /// A line; `None` where the reply has ended before it.
    pub(crate) fn line(&self, index: usize) -> Result<Option<&'a str>, Stop> {
        self.lines.get(index)
    }

    /// A line that is known to be there.
    pub(crate) fn at(&self, index: usize) -> &'a str {
        self.lines.at(index)
    }

    /// The fence the scan is in.
    pub(crate) fn fence(&self) -> Option<&'a Fence> {
        self.place.fence.as_ref()
    }

    /// A line of a block whose lines have marks before them; `None` where the reply or the fence
    /// has ended before it.
    pub(crate) fn inner(&self, index: usize) -> Result<Option<&'a str>, Stop> {
        let line = self.line(index)?;
        let closed = |line: &&str| self.fence().is_some_and(|fence| fence.ended_by(line));
        Ok(line.filter(|line| !closed(line)))
    }
}

/// Finds every edit of a reply.
pub fn parse(reply: &str, limits: &Limits) -> Result<ChangeSet, ParseEditsError> {
    if reply.len() > limits.reply_bytes_max {
        return Err(too_long(limits));
    }
    let mut spans = Vec::new();
    let mut start = 0;
    while start < reply.len() {
        let (span, next) = line_at(reply, start);
        spans.push(span);
        start = next;
    }
    let mut reading = Reading::default();
    reading.advance(reply, &spans, true, limits);
    reading.finish(reply, &spans)
}

/// Finds every edit of a text that stands within an edit of a reply.
pub(crate) fn parse_within(text: &str) -> Result<ChangeSet, ParseEditsError> {
    parse(text, &Limits::default())
}

/// The error of a reply that is too long.
pub(crate) fn too_long(limits: &Limits) -> ParseEditsError {
    let bytes_max = limits.reply_bytes_max;
    of_reply(Fault::TooLong { bytes_max })
}

fn of_reply(fault: Fault) -> ParseEditsError {
    let problem = ReplyProblem {
        block: 1,
        line: 1,
        path: None,
        fault,
    };
    ParseEditsError {
        problems: vec![problem],
    }
}

/// A reply that is being read.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    place: Place,
    /// Index of the line that is read next.
    at: usize,
    /// The start of a line that belongs to what was read before.
    cut: Option<Cut>,
    changes: ChangeSet,
    problems: Vec<ReplyProblem>,
    /// Fences of which it can be told only at the end whether they were what they seemed.
    doubts: Vec<Doubt>,
    /// Indexes of the lines at which fences of edits begin, in order.
    starts: Vec<usize>,
    /// Files of edits that may be no more than data, and the indexes of their lines.
    data: Vec<(String, usize)>,
    /// Index of a line after the last block of a fence that belongs to none.
    stray: Option<usize>,
    /// What was opened in prose and never closed, such as the fence of an example.
    left_open: usize,
    /// Bytes that were looked through for the ends of these.
    searched: usize,
    /// Fenced blocks that name no file.
    fences: usize,
    /// Whether nothing more is to be read.
    over: bool,
    begun: bool,
}

/// An edit that is under way at the end of what has arrived.
#[derive(Debug)]
pub(crate) struct Pause {
    /// Index of its first line.
    pub(crate) at: usize,
    /// The form that reads it, and what it knows of it.
    pub(crate) opening: Option<(&'static str, Opening)>,
}

impl Reading {
    /// The edits so far.
    pub(crate) fn edits(&self) -> &[Edit] {
        &self.changes.edits
    }

    /// Reads on until the lines are used up or more of them are needed.
    pub(crate) fn advance(
        &mut self,
        text: &str,
        spans: &[Span],
        whole: bool,
        limits: &Limits,
    ) -> Option<Pause> {
        if !self.begun {
            self.begun = true;
            self.place.only_edits = true;
        }
        while self.at < spans.len() && !self.over {
            let lines = Lines::new(text, spans, whole, self.cut);
            let (name, stop) = match self.step(lines, limits) {
                Ok(()) => continue,
                Err(stopped) => stopped,
            };
            match stop {
                Stop::More(opening) => {
                    return Some(Pause {
                        at: self.at,
                        opening: opening.map(|opening| (name, opening)),
                    });
                }
                Stop::Refused {
                    at,
                    path,
                    fault,
                    end,
                } => {
                    self.refuse(at, path, fault);
                    self.go_to(end.max(self.at + 1));
                }
            }
        }
        None
    }

    /// Reads what begins at the next line.
    fn step(&mut self, lines: Lines<'_>, limits: &Limits) -> Result<(), (&'static str, Stop)> {
        let line = lines.at(self.at);
        let closed = |fence: &Fence| fence.closed_by(line);
        if self.place.envelope.is_none() && self.place.fence.as_ref().is_some_and(closed) {
            let stray = self.stray.take();
            if let Some((fence, line)) = self.place.fence.take().zip(stray) {
                let fault = Fault::Malformed {
                    line: line + 1,
                    said: "lines after its last block belong to no edit",
                    mend: "put a file's new lines between `=======` and `>>>>>>> REPLACE`",
                };
                self.refuse(fence.line, fence.path, fault);
            }
            self.go_to(self.at + 1);
            return Ok(());
        }
        if self.place.envelope.is_none() && self.place.fence.is_none() {
            if thinking_tag(line, "</").is_some() && !self.changes.edits.is_empty() {
                let fault = Fault::Malformed {
                    line: self.at + 1,
                    said: "thinking ends here of which the beginning is not marked, so the edits \
                           before it may be mere thoughts",
                    mend: "send the edits alone",
                };
                self.refuse(self.at, None, fault);
            }
            let thought = thinking(lines, self.at, self.begins(lines));
            match thought.map_err(|stop| ("", stop))? {
                Thought::None => {}
                Thought::LeftOpen => self.leave_open(lines.text_from(self.at).len()),
                Thought::Until(cut) => {
                    self.cut = Some(cut);
                    self.go_to(cut.line);
                    return Ok(());
                }
            }
        }
        if line.trim().is_empty() && self.place.envelope.is_none() {
            self.at += 1;
            return Ok(());
        }
        let scan = Scan {
            lines,
            place: &self.place,
        };
        if let Some(fence) = formats::opened(&scan, self.at).map_err(|stop| ("", stop))? {
            self.starts.push(fence.line);
            self.place.fence = Some(fence);
            self.go_to(self.at + 1);
            return Ok(());
        }
        for format in FORMATS {
            let found = format.read(&scan, self.at);
            if let Some(found) = found.map_err(|stop| (format.name(), stop))? {
                self.take(format.name(), found, limits);
                return Ok(());
            }
        }
        self.place.only_edits = false;
        if formats::is_frame(line) || self.is_fence_within(line) {
            self.refuse(self.at, None, formats::unread(self.at));
        }
        // Within a fence only its blocks change files: other lines after them would be lost.
        let after_block = self.place.fence.as_ref().is_some_and(|fence| {
            fence.form == Some("search-replace") && self.place.floor > fence.line + 1
        });
        if after_block {
            self.stray = self.stray.or(Some(self.at));
        }
        self.at += 1;
        Ok(())
    }

    /// Whether a line opens or closes a fence within a fence of edits, of which a line was lost then.
    fn is_fence_within(&self, line: &str) -> bool {
        self.place.fence.is_some() && Fence::opened_by(line, self.at).is_some()
    }

    /// Whether nothing but blank lines has been read so far.
    fn begins(&self, lines: Lines<'_>) -> bool {
        self.place.only_edits
            && self.changes.edits.is_empty()
            && self.cut.is_none()
            && !lines.at(self.at).trim().is_empty()
    }

    /// Counts something that is opened and never closed, as so many bytes have shown.
    fn leave_open(&mut self, searched: usize) {
        self.left_open += 1;
        self.searched += searched;
        if self.left_open > LEFT_OPEN_MAX || self.searched > SEARCHED_BYTES_MAX {
            let fault = Fault::Malformed {
                line: self.at + 1,
                said: "very many fences, tags or brackets are opened that are never closed",
                mend: "close what is opened, and send the edits with little around them",
            };
            self.refuse(self.at, None, fault);
            self.over = true;
        }
    }

    fn go_to(&mut self, line: usize) {
        self.at = line;
        self.place.floor = line;
    }

    fn take(&mut self, format: &'static str, found: Found, limits: &Limits) {
        self.place.task |= found.task;
        if found.left_open {
            self.leave_open(found.searched);
            self.at = found.end;
            return;
        }
        if found.fenced && found.edits.is_empty() {
            self.fences += 1;
            self.place.only_edits = false;
            self.place.newest = None;
        }
        if found.fenced && !found.edits.is_empty() {
            self.starts.push(self.at);
        }
        for (path, at, change) in found.edits {
            if self.changes.edits.len() == limits.edits_max {
                let edits_max = limits.edits_max;
                self.refuse(at, None, Fault::TooManyEdits { edits_max });
                self.over = true;
                return;
            }
            match TreePath::parse(&path) {
                Ok(path) => self.changes.edits.push(Edit {
                    path,
                    block: self.changes.edits.len() + 1,
                    line: at + 1,
                    format,
                    change,
                }),
                Err(reason) => self.refuse(at, None, Fault::BadPath { reason }),
            }
            self.place.newest = (format == "search-replace").then(|| Newest {
                path,
                line: at,
                end: found.end,
                fence: self.place.fence.as_ref().map(|fence| fence.line),
            });
        }
        for (at, path, fault) in found.faults {
            self.refuse(at, path, fault);
        }
        self.stray = None;
        self.data.extend(found.data);
        self.doubts.extend(found.doubt);
        match found.inside {
            Some(Inside::Envelope(envelope)) => self.place.envelope = Some(envelope),
            Some(Inside::EnvelopeEnd) => self.place.envelope = None,
            None => {}
        }
        self.go_to(found.end);
    }

    fn refuse(&mut self, at: usize, path: Option<String>, fault: Fault) {
        if self.over {
            return;
        }
        self.over = self.problems.len() == PROBLEMS_MAX;
        let fault = if self.over {
            Fault::TooManyProblems
        } else {
            fault
        };
        self.problems.push(ReplyProblem {
            block: 0,
            line: at + 1,
            path,
            fault,
        });
    }

    /// The edits of a reply that has been read to its end.
    pub(crate) fn finish(
        mut self,
        text: &str,
        spans: &[Span],
    ) -> Result<ChangeSet, ParseEditsError> {
        if let Some(envelope) = self.place.envelope.take() {
            let missing = "the `*** End Patch` line";
            self.refuse(envelope.line, None, Fault::Truncated { missing });
        } else if let Some(fence) = self.place.fence.take() {
            let told = |problem: &ReplyProblem| problem.line > fence.line;
            if !self.problems.iter().any(told) {
                let missing = "the line that closes its fence";
                self.refuse(fence.line, None, Fault::Truncated { missing });
            }
        }
        self.refuse_examples();
        let lines = Lines::new(text, spans, true, None);
        for doubt in std::mem::take(&mut self.doubts) {
            if doubt.stands(lines, &self.starts) {
                let at = doubt.fence.line;
                self.refuse(at, Some(doubt.path), Fault::DoubtfulFence);
            }
        }
        if !self.problems.is_empty() {
            return Err(self.error());
        }
        if self.changes.edits.is_empty() {
            let fences = self.fences;
            return Err(of_reply(Fault::NoEdits { fences }));
        }
        Ok(self.changes)
    }
}

impl Reading {
    /// Refuses objects that are no more than a path and a content beside edits of other forms: they
    /// may be examples of data.
    fn refuse_examples(&mut self) {
        if self.changes.edits.iter().all(|edit| edit.format == "json") {
            return;
        }
        for (path, at) in std::mem::take(&mut self.data) {
            let fault = Fault::Malformed {
                line: at + 1,
                said: "it cannot be told whether this JSON is an edit or an example of data",
                mend: "give it `\"action\": \"write\"`, or write the file in the form of the other \
                       edits; name no path in an example",
            };
            self.refuse(at, Some(path), fault);
        }
    }

    /// The problems in the order of the reply, each numbered among the edits.
    fn error(self) -> ParseEditsError {
        let mut problems = self.problems;
        problems.sort_by_key(|problem| problem.line);
        for (before, problem) in problems.iter_mut().enumerate() {
            let earlier = |edit: &&Edit| edit.line < problem.line;
            let edits = self.changes.edits.iter().filter(earlier).count();
            problem.block = before + edits + 1;
        }
        ParseEditsError { problems }
    }
}

/// Beginnings of the names of the tags in which some models think aloud before they answer.
const THINKING: [&str; 3] = ["think", "reasoning", "reflection"];
const TAG_BYTES_MAX: usize = 80;

/// The name of the tag that a line begins with, after its `open` sign.
fn thinking_tag<'a>(line: &'a str, open: &str) -> Option<&'a str> {
    let (name, _) = line.trim_start().strip_prefix(open)?.split_once('>')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let known = THINKING.iter().any(|word| name.starts_with(word));
    (known && name.len() <= TAG_BYTES_MAX && name.chars().all(plain)).then_some(name)
}

/// What a line has to do with thinking.
enum Thought {
    /// Nothing.
    None,
    /// It opens some that is never closed, as prose about such tags does.
    LeftOpen,
    /// It opens some that ends there.
    Until(Cut),
}

/// Where the thinking ends that opens at a line. Where a reply begins with thinking, or the tag
/// stands alone on its line, it has to end.
fn thinking(lines: Lines<'_>, at: usize, begins: bool) -> Result<Thought, Stop> {
    let Some(name) = thinking_tag(lines.at(at), "<") else {
        return Ok(Thought::None);
    };
    let close = format!("</{name}>");
    let mut index = at;
    while let Some(line) = lines.get(index)? {
        if let Some(found) = line.find(&close) {
            return Ok(Thought::Until(lines.cut(index, found + close.len())));
        }
        index += 1;
    }
    // Prose about such a tag has other words beside it.
    if begins || lines.at(at).trim() == format!("<{name}>") {
        return Err(Stop::Refused {
            at,
            path: None,
            fault: Fault::Truncated {
                missing: "the end of the thinking",
            },
            end: index,
        });
    }
    Ok(Thought::LeftOpen)
}
