//! Where the hunks of a diff begin and end.

use super::{
    super::{
        Stop,
        hunk::{Hunk, HunkLine, Mark, Ranges, ranges},
    },
    is_hunk_head, is_names,
};
use crate::{
    change::Hints,
    parse::{Fault, Scan},
};

/// A reader of hunks.
pub(super) struct Bounds<'a, 'b> {
    pub(super) scan: &'b Scan<'a>,
    /// The number that hunks of one file share.
    pub(super) sequence: usize,
}

/// Some hunks.
pub(super) struct Hunks<'a> {
    pub(super) found: Vec<Hunk<'a>>,
    /// Index of the line after them.
    pub(super) end: usize,
    /// Whether the reply ends before the last of them does.
    pub(super) truncated: bool,
}

/// The lines of one hunk.
struct Body<'a> {
    lines: Vec<HunkLine<'a>>,
    end: usize,
    truncated: bool,
}

impl<'a> Bounds<'a, '_> {
    /// The hunks that begin at a line.
    pub(super) fn hunks(&self, from: usize) -> Result<Hunks<'a>, Stop> {
        let mut found = Vec::new();
        let mut at = from;
        let mut truncated = false;
        while let Some(line) = self.scan.inner(at)? {
            if line.trim().is_empty() {
                match self.head_after_blanks(at)? {
                    Some(head) => at = head,
                    None => break,
                }
                continue;
            }
            let named = line.starts_with("+++ ") || line.starts_with("--- ");
            let headless = found.is_empty() && self.scan.fence().is_some() && !named;
            let (hints, counts, from) = if line.starts_with("@@@") {
                return Err(self.merge(at));
            } else if is_hunk_head(line) {
                let (hints, counts) = self.head(line);
                (hints, counts, at + 1)
            } else if headless && line.starts_with(['+', '-', ' ']) && !self.is_file_head(at)? {
                (self.hints(), None, at)
            } else {
                break;
            };
            let body = self.body(from, counts)?;
            found.push(Hunk {
                at,
                hints,
                lines: Vec::new(),
            });
            if let Some(hunk) = found.last_mut() {
                fill(hunk, body.lines);
            }
            truncated = body.truncated;
            at = body.end;
        }
        Ok(Hunks {
            found,
            end: at,
            truncated,
        })
    }

    fn merge(&self, at: usize) -> Stop {
        Stop::Refused {
            at: self.sequence,
            path: None,
            fault: Fault::Malformed {
                line: at + 1,
                said: "it is the diff of a merge",
                mend: "send a diff against one version of the file",
            },
            end: at + 1,
        }
    }

    fn hints(&self) -> Hints {
        Hints {
            sequence: Some(self.sequence),
            ..Hints::default()
        }
    }

    /// What the head of a hunk says about its place, and its counts of lines.
    fn head(&self, line: &str) -> (Hints, Option<Ranges>) {
        let mut hints = self.hints();
        let head = line.trim_start_matches('@');
        let counts = ranges(head).map(|(ranges, _)| ranges);
        super::super::apply_patch::read_head(head, &mut hints);
        (hints, counts)
    }

    /// The head of another hunk, where only blank lines stand before it.
    fn head_after_blanks(&self, at: usize) -> Result<Option<usize>, Stop> {
        let mut next = at;
        while let Some(line) = self.scan.inner(next)? {
            if !line.trim().is_empty() {
                return Ok(is_hunk_head(line).then_some(next));
            }
            next += 1;
        }
        Ok(None)
    }

    /// Whether the part about another file begins at a line.
    fn is_file_head(&self, at: usize) -> Result<bool, Stop> {
        let line = self.scan.at(at);
        if line.starts_with("diff --git ") || line.starts_with("Index: ") {
            return Ok(true);
        }
        Ok(is_names(self.scan, at)? && self.scan.inner(at + 2)?.is_some_and(is_hunk_head))
    }

    fn body(&self, from: usize, counts: Option<Ranges>) -> Result<Body<'a>, Stop> {
        if let Some(ranges) = counts
            && let Some(body) = self.by_counts(from, ranges)?
        {
            return Ok(body);
        }
        self.by_shape(from, counts)
    }

    /// The lines of a hunk by the counts in its head; `None` where these are wrong.
    fn by_counts(&self, from: usize, ranges: Ranges) -> Result<Option<Body<'a>>, Stop> {
        let (Some((_, mut old)), Some((_, mut new))) = (ranges.old, ranges.new) else {
            return Ok(None);
        };
        let mut lines = Vec::new();
        let mut at = from;
        while old > 0 || new > 0 {
            let Some(line) = self.scan.inner(at)? else {
                return Ok(None);
            };
            let outside = is_hunk_head(line) || line.starts_with("diff --git ");
            let read = HunkLine::read(line);
            if !line.starts_with('\\') {
                let (less_old, less_new) = match read.mark() {
                    Mark::Kept | Mark::Bare => (1, 1),
                    Mark::Removed => (1, 0),
                    Mark::Added => (0, 1),
                };
                if outside || less_old > old || less_new > new {
                    return Ok(None);
                }
                old -= less_old;
                new -= less_new;
            }
            lines.push(read);
            at += 1;
        }
        if let Some(line) = self.scan.inner(at)?
            && line.starts_with("\\ ")
        {
            lines.push(HunkLine::read(line));
            at += 1;
        }
        let body = Body {
            lines,
            end: at,
            truncated: false,
        };
        Ok(self.is_boundary(at)?.then_some(body))
    }

    /// Whether a hunk may end before a line.
    fn is_boundary(&self, at: usize) -> Result<bool, Stop> {
        let Some(line) = self.scan.inner(at)? else {
            return Ok(true);
        };
        if line.trim_end() == "--" || is_names(self.scan, at)? {
            return Ok(true);
        }
        Ok(!line.starts_with(['+', '-', ' ', '\t']))
    }

    /// The lines of a hunk by their marks.
    fn by_shape(&self, from: usize, counts: Option<Ranges>) -> Result<Body<'a>, Stop> {
        let bare = self.scan.fence().is_none();
        let mut lines: Vec<HunkLine<'a>> = Vec::new();
        let mut at = from;
        let mut doubtful = false;
        while let Some(line) = self.scan.inner(at)? {
            if is_hunk_head(line) || self.is_file_head(at)? || line.trim_end() == "--" {
                break;
            }
            let marked = line.starts_with(['+', '-', ' ', '\\']);
            if bare && !marked {
                // Outside a fence nothing but its marks tells a hunk from the prose after it.
                doubtful = line.trim().is_empty() && self.goes_on_after_blanks(at)?;
                break;
            }
            lines.push(HunkLine::read(line));
            at += 1;
        }
        if doubtful {
            return Err(Stop::Refused {
                at: self.sequence,
                path: None,
                fault: Fault::Malformed {
                    line: at + 1,
                    said: "it cannot be told where a hunk ends: its counts of lines are wrong",
                    mend: "write the diff in a fence of backticks",
                },
                end: at,
            });
        }
        let cut_off = bare && self.scan.inner(at)?.is_none();
        Ok(Body {
            truncated: cut_off && counts.is_some_and(|ranges| lacks(&lines, ranges)),
            lines,
            end: at,
        })
    }

    /// Whether lines with marks follow the blank ones at a line.
    fn goes_on_after_blanks(&self, at: usize) -> Result<bool, Stop> {
        let mut next = at;
        while let Some(line) = self.scan.inner(next)? {
            if !line.trim().is_empty() {
                return Ok(line.starts_with(['+', '-', ' ']) && !self.is_file_head(next)?);
            }
            next += 1;
        }
        Ok(false)
    }
}

/// Whether a hunk has fewer lines than its head says.
fn lacks(lines: &[HunkLine<'_>], ranges: Ranges) -> bool {
    let count = |mark: Mark| {
        let mine = |line: &&HunkLine<'_>| {
            line.mark() == mark || matches!(line.mark(), Mark::Kept | Mark::Bare)
        };
        lines.iter().filter(mine).count()
    };
    let fewer =
        |range: Option<(usize, usize)>, mark| range.is_some_and(|(_, size)| count(mark) < size);
    fewer(ranges.old, Mark::Removed) || fewer(ranges.new, Mark::Added)
}

/// Puts lines into a hunk; those that say that the file ends without a line break change the line
/// before them.
fn fill<'a>(hunk: &mut Hunk<'a>, lines: Vec<HunkLine<'a>>) {
    for line in lines {
        if line.is_remark() {
            hunk.end_without_break();
        } else {
            hunk.lines.push(line);
        }
    }
    hunk.trim_end();
}
