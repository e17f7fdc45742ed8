//! A file's bytes as lines that remember how they ended.

/// Bytes that open some UTF-8 files.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// A file, line by line.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    /// Whether it opens with a byte order mark, which is not part of its first line.
    mark: bool,
    /// Whether all of it is UTF-8.
    pub(crate) utf8: bool,
    /// Its lines.
    pub(crate) lines: Vec<Line>,
}

/// One line.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// Its bytes without its end.
    pub(crate) bytes: Vec<u8>,
    /// How it ends.
    pub(crate) end: End,
    /// Whether an edit put it there.
    pub(crate) fresh: bool,
}

/// How a line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// `\n`.
    Lf,
    /// `\r\n`.
    CrLf,
    /// The file ends without a line break.
    None,
}

impl End {
    fn bytes(self) -> &'static [u8] {
        match self {
            Self::Lf => b"\n",
            Self::CrLf => b"\r\n",
            Self::None => b"",
        }
    }
}

impl Line {
    /// The line as text; `None` where it is not UTF-8, so that nothing a reply says can match it.
    pub(crate) fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
    }
}

impl Text {
    /// Takes a file apart.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let body = bytes.strip_prefix(MARK);
        let lines = body
            .unwrap_or(bytes)
            .split_inclusive(|byte| *byte == b'\n')
            .map(|line| {
                let (bytes, end) = match line {
                    [line @ .., b'\r', b'\n'] => (line, End::CrLf),
                    [line @ .., b'\n'] => (line, End::Lf),
                    line => (line, End::None),
                };
                Line {
                    bytes: bytes.to_vec(),
                    end,
                    fresh: false,
                }
            })
            .collect();
        Self {
            mark: body.is_some(),
            utf8: std::str::from_utf8(bytes).is_ok(),
            lines,
        }
    }

    /// The file put together again.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = if self.mark { MARK.to_vec() } else { Vec::new() };
        for line in &self.lines {
            bytes.extend_from_slice(&line.bytes);
            bytes.extend_from_slice(line.end.bytes());
        }
        bytes
    }

    /// A new content in the manner of this file: with its mark, and with its line ends if they are
    /// all alike.
    pub(crate) fn manner(&self, content: &str) -> Vec<u8> {
        let mut ends = self.lines.iter().filter(|line| line.end != End::None);
        let windows = ends.next().is_some_and(|line| line.end == End::CrLf)
            && ends.all(|line| line.end == End::CrLf);
        let mut bytes = if self.mark { MARK.to_vec() } else { Vec::new() };
        let content = content.strip_prefix('\u{feff}').unwrap_or(content);
        if windows {
            bytes.extend_from_slice(content.replace('\n', "\r\n").as_bytes());
        } else {
            bytes.extend_from_slice(content.as_bytes());
        }
        bytes
    }

    /// How most lines of a range end.
    pub(crate) fn usual_end(&self, range: std::ops::Range<usize>) -> End {
        let most = |lines: &[Line]| {
            let windows = lines.iter().filter(|line| line.end == End::CrLf).count();
            let unix = lines.iter().filter(|line| line.end == End::Lf).count();
            match windows.cmp(&unix) {
                std::cmp::Ordering::Greater => Some(End::CrLf),
                std::cmp::Ordering::Less => Some(End::Lf),
                std::cmp::Ordering::Equal => None,
            }
        };
        let near = self.lines.get(range).and_then(most);
        near.or_else(|| most(&self.lines)).unwrap_or(End::Lf)
    }
}
