//! Fenced blocks of Markdown.

/// An opened fence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// Index of the line that opens it.
    pub(crate) line: usize,
    /// The path that its info string or the line before it names.
    pub(crate) path: Option<String>,
    /// The form of the edits that it holds.
    pub(crate) form: Option<&'static str>,
    /// The first word of its info string, in lowercase.
    language: String,
    mark: char,
    count: usize,
    indent: usize,
}

/// How much deeper than its opening a closing fence may be indented.
const INDENT_SLACK: usize = 3;
const MARKS_MIN: usize = 3;

impl Fence {
    /// The fence that a line opens, with its info string.
    pub(crate) fn opened_by(text: &str, line: usize) -> Option<(Self, &str)> {
        let marks = Marks::of(text)?;
        let fence = Self {
            line,
            path: None,
            form: None,
            language: language(marks.info),
            mark: marks.mark,
            count: marks.count,
            indent: marks.indent,
        };
        Some((fence, marks.info))
    }

    /// Whether a line closes this fence.
    pub(crate) fn closed_by(&self, text: &str) -> bool {
        Marks::of(text).is_some_and(|other| {
            other.info.is_empty()
                && other.mark == self.mark
                && other.count >= self.count
                && other.indent <= self.indent + INDENT_SLACK
        })
    }

    /// Whether a line closes this fence although the lines in it have a mark before them, which a
    /// blank may be: it is indented no more than the fence.
    pub(crate) fn ended_by(&self, text: &str) -> bool {
        text.len() - text.trim_start().len() <= self.indent && self.closed_by(text)
    }

    /// Whether a line opens a fence that could stand inside this one and be closed by the same
    /// marks.
    pub(crate) fn nests(&self, text: &str) -> bool {
        Marks::of(text).is_some_and(|other| {
            !other.info.is_empty()
                && other.mark == self.mark
                && other.count >= self.count
                && other.indent <= self.indent + INDENT_SLACK
        })
    }

    /// Whether the fence is longer than it need be, as where its content has fences of its own.
    pub(crate) fn is_long(&self) -> bool {
        self.count > MARKS_MIN
    }

    /// Whether the fence may show other fences, as one that is long and holds Markdown.
    pub(crate) fn may_show_fences(&self) -> bool {
        let shows = ["markdown", "md", "mdx", "text", "txt"];
        self.is_long() && shows.contains(&self.language.as_str())
    }

    /// Whether the fence holds a file whose content may look like an edit: a patch that is kept, or
    /// a file behind a fence long enough for whatever it holds.
    pub(crate) fn holds_file(&self) -> bool {
        self.path.as_deref().is_some_and(|path| {
            let kept = matches!(path.rsplit_once('.'), Some((_, "diff" | "patch")));
            kept || self.is_long()
        })
    }

    /// Whether its info string leaves room for JSON.
    pub(crate) fn may_hold_json(&self) -> bool {
        matches!(
            self.language.as_str(),
            "" | "json" | "jsonc" | "json5" | "jsonl" | "ndjson"
        )
    }

    /// Whether its info string says that it holds JSON.
    pub(crate) fn is_of_json(&self) -> bool {
        self.may_hold_json() && !self.language.is_empty()
    }

    /// Whether its info string says that it holds diffs.
    pub(crate) fn is_of_diffs(&self) -> bool {
        matches!(self.language.as_str(), "diff" | "patch" | "udiff")
    }

    /// A line of the content without the indentation of the fence.
    pub(crate) fn content<'a>(&self, text: &'a str) -> &'a str {
        let spare = text.len() - text.trim_start_matches([' ', '\t']).len();
        &text[spare.min(self.indent)..]
    }
}

/// The marks with which a line opens or closes a fence.
struct Marks<'a> {
    mark: char,
    count: usize,
    indent: usize,
    /// What follows them.
    info: &'a str,
}

impl<'a> Marks<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let trimmed = text.trim_start();
        let mark = trimmed.chars().next().filter(|c| matches!(c, '`' | '~'))?;
        let alike = |byte: &u8| char::from(*byte) == mark;
        let count = trimmed.bytes().take_while(alike).count();
        let info = &trimmed[count..];
        let opens = count >= MARKS_MIN && (mark == '~' || !info.contains('`'));
        opens.then(|| Self {
            mark,
            count,
            indent: text.len() - trimmed.len(),
            info: info.trim(),
        })
    }
}

fn language(info: &str) -> String {
    let end = |c: char| c.is_whitespace() || c == ':' || c == '{';
    let word = info.trim_start().split(end).next().unwrap_or_default();
    word.to_ascii_lowercase()
}
