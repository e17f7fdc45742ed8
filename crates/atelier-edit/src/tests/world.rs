//! Random files and random changes of them, with what must come out.

use atelier_model::{FileEntry, FileTree, TreePath};

use super::dice::Dice;

/// Lines that files have more than once.
const COMMON: &[&str] = &["", "}", "return x", "x = 1", "else:", "end", "{", "x = 1"];
/// Letters beyond ASCII that Latin-1 has too.
const LATIN: &[&str] = &["é", "ü", "ß", "Ñ"];
/// Characters that replies often write in a plainer way.
const TYPED: &[&str] = &["“say”", "it’s", "a – b", "x\u{a0}y"];
const PATHS: &[&str] = &[
    "src/main.rs",
    "a.py",
    "lib/deep/util.js",
    "docs/guide.md",
    "conf/app.toml",
    "web/index.html",
];

/// How a file is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Utf8,
    Marked,
    Utf16Little,
    Utf16Big,
    Latin1,
}

/// How the lines of a file end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    Lf,
    CrLf,
    Cr,
    Mixed,
}

/// One line and its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    end: &'static str,
    /// Whether a change put it there, or its end.
    new: bool,
}

/// A random file.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) path: &'static str,
    pub(super) lines: Vec<Line>,
    pub(super) coding: Coding,
    pub(super) ends: Ends,
    /// The indentation of one level.
    pub(super) unit: &'static str,
    pub(super) executable: bool,
}

/// A change of some lines, with lines around them that stay.
#[derive(Debug, Clone)]
pub(super) struct Hunk {
    /// Index of the first line that stays.
    pub(super) start: usize,
    pub(super) before: Vec<String>,
    pub(super) removed: Vec<String>,
    pub(super) added: Vec<String>,
    pub(super) after: Vec<String>,
}

impl Hunk {
    /// The lines it finds.
    pub(super) fn finds(&self) -> Vec<String> {
        [&self.before[..], &self.removed, &self.after].concat()
    }

    /// The lines it puts in their place.
    pub(super) fn puts(&self) -> Vec<String> {
        [&self.before[..], &self.added, &self.after].concat()
    }

    pub(super) fn end(&self) -> usize {
        self.start + self.before.len() + self.removed.len() + self.after.len()
    }
}

impl File {
    pub(super) fn draw(path: &'static str, plain: bool, dice: &mut Dice) -> Self {
        let coding = if plain || dice.one_in(2) {
            Coding::Utf8
        } else {
            dice.pick(&[
                Coding::Marked,
                Coding::Utf16Little,
                Coding::Utf16Big,
                Coding::Latin1,
            ])
        };
        let ends = if plain || dice.one_in(2) {
            Ends::Lf
        } else {
            dice.pick(&[Ends::CrLf, Ends::CrLf, Ends::Cr, Ends::Mixed])
        };
        let unit = dice.pick(&["    ", "  ", "\t"]);
        let mut depth = 0;
        let count = dice.within(1..28);
        let mut lines: Vec<Line> = (0..count)
            .map(|number| {
                depth = (depth + dice.below(3)).saturating_sub(1).min(4);
                let body = body(number, coding, dice);
                let text = if body.is_empty() {
                    body
                } else {
                    unit.repeat(depth) + &body
                };
                Line {
                    text,
                    end: end(ends, dice),
                    new: false,
                }
            })
            .collect();
        if dice.one_in(5) {
            lines.last_mut().unwrap().end = "";
            if lines.last().unwrap().text.is_empty() {
                lines.last_mut().unwrap().text = "last".to_owned();
            }
        }
        // Where the only line that has an end goes, nothing tells how lines end.
        let lone = lines.len() <= 2;
        let ends = if lone { Ends::Lf } else { ends };
        for line in lines.iter_mut().filter(|line| lone && !line.end.is_empty()) {
            line.end = "\n";
        }
        // Without a letter beyond ASCII nothing tells Latin-1, without a first line break CR.
        lines[0].text = match coding {
            Coding::Latin1 => "name é 0".to_owned(),
            Coding::Utf8 | Coding::Marked | Coding::Utf16Little | Coding::Utf16Big => {
                "name_0".to_owned()
            }
        };
        Self {
            path,
            lines,
            coding,
            ends,
            unit,
            executable: dice.one_in(4),
        }
    }

    pub(super) fn tree_path(&self) -> TreePath {
        TreePath::parse(self.path).unwrap()
    }

    pub(super) fn entry(&self) -> FileEntry {
        FileEntry {
            bytes: self.coding.bytes(&self.text()),
            executable: self.executable,
        }
    }

    /// Whether its last line has no end.
    pub(super) fn is_open(&self) -> bool {
        self.lines.last().is_some_and(|line| line.end.is_empty())
    }

    /// Changes of this file that touch neither each other nor lines that stand twice.
    pub(super) fn hunks(&self, count: usize, dice: &mut Dice) -> Vec<Hunk> {
        let mut hunks: Vec<Hunk> = Vec::new();
        let mut from = 0;
        for number in 0..count {
            if from >= self.lines.len() {
                break;
            }
            let start = from + dice.below((self.lines.len() - from).min(6));
            if let Some(hunk) = self.hunk(start, number, dice) {
                from = hunk.end();
                hunks.push(hunk);
            }
        }
        hunks
    }

    pub(super) fn texts(&self) -> Vec<String> {
        self.lines.iter().map(|line| line.text.clone()).collect()
    }

    /// The lines after a change that is taken by the letter, blank ones aside at last: what it
    /// finds stands in the file once, with its blank lines or without, or at the place it names.
    pub(super) fn to_the_letter(&self, hunk: &Hunk) -> Vec<Vec<String>> {
        let texts = self.texts();
        let named = full(&texts[..hunk.start]).len();
        [
            spliced(&texts, &hunk.finds(), &hunk.puts(), hunk.start),
            spliced(
                &full(&texts),
                &full(&hunk.finds()),
                &full(&hunk.puts()),
                named,
            ),
        ]
        .into_iter()
        .flatten()
        .map(|lines| full(&lines))
        .collect()
    }

    pub(super) fn text(&self) -> String {
        self.lines
            .iter()
            .flat_map(|line| [line.text.as_str(), line.end])
            .collect()
    }

    /// This file with the lines of another one, in its own manner.
    pub(super) fn holding(&self, other: &Self) -> Self {
        let usual = match self.ends {
            Ends::CrLf => "\r\n",
            Ends::Cr => "\r",
            Ends::Lf | Ends::Mixed => "\n",
        };
        let mut lines = other.lines.clone();
        for line in &mut lines {
            line.end = usual;
        }
        Self {
            lines,
            ..self.clone()
        }
    }

    fn hunk(&self, start: usize, number: usize, dice: &mut Dice) -> Option<Hunk> {
        let sizes = [dice.below(4), dice.below(4), dice.below(4)];
        let mut ends = [start; 4];
        for (at, size) in sizes.into_iter().enumerate() {
            ends[at + 1] = (ends[at] + size).min(self.lines.len());
        }
        // Context grows downwards until the lines to find stand only once.
        while self.times(ends[0]..ends[3]) != 1 {
            if ends[3] == self.lines.len() {
                return None;
            }
            ends[3] += 1;
        }
        let text = |from: usize, to: usize| -> Vec<String> {
            self.lines[from..to]
                .iter()
                .map(|line| line.text.clone())
                .collect()
        };
        let removed = text(ends[1], ends[2]);
        let mut added = self.added(&removed, start, number, dice);
        // A blank last line without a line break is no line.
        if added.last().is_some_and(String::is_empty) {
            added.push(format!("added_end_{start}_{number}"));
        }
        Some(Hunk {
            start,
            before: text(ends[0], ends[1]),
            removed,
            added,
            after: text(ends[2], ends[3]),
        })
    }

    /// New lines, as deep as one of the lines around.
    fn added(&self, removed: &[String], at: usize, number: usize, dice: &mut Dice) -> Vec<String> {
        let near = &self.lines[at.min(self.lines.len() - 1)].text;
        let near = removed.first().unwrap_or(near);
        let depth = &near[..near.len() - near.trim_start().len()];
        let least = usize::from(removed.is_empty());
        (0..dice.within(least..least + 4))
            .map(|line| match dice.below(8) {
                0 if line > 0 => String::new(),
                1 if line > 0 => format!("{depth}}} ; {at}_{number}_{line}"),
                2 if self.coding != Coding::Latin1 => {
                    format!("{depth}added_{at}_{number}_{line} €")
                }
                _ => format!("{depth}added_line_{at}_{number}_{line}(é)"),
            })
            .collect()
    }

    /// How often lines stand in the file, however loosely they are compared.
    fn times(&self, range: std::ops::Range<usize>) -> usize {
        let loose = |line: &Line| plain(line.text.trim());
        let full = |line: &String| !line.is_empty();
        let wanted: Vec<String> = self.lines[range].iter().map(loose).filter(full).collect();
        let all: Vec<String> = self.lines.iter().map(loose).filter(full).collect();
        if wanted.is_empty() {
            return 0;
        }
        all.windows(wanted.len())
            .filter(|window| *window == wanted)
            .count()
    }

    /// The file with changes in it.
    pub(super) fn changed(&self, hunks: &[Hunk]) -> Self {
        let usual = match self.ends {
            Ends::CrLf => "\r\n",
            Ends::Cr => "\r",
            Ends::Lf | Ends::Mixed => "\n",
        };
        let open = self.is_open();
        let mut lines = self.lines.clone();
        let mut hunks: Vec<&Hunk> = hunks.iter().collect();
        hunks.sort_by_key(|hunk| std::cmp::Reverse(hunk.start));
        for hunk in hunks {
            let first = hunk.start + hunk.before.len();
            let new = hunk.added.iter().map(|text| Line {
                text: text.clone(),
                end: usual,
                new: true,
            });
            lines.splice(first..first + hunk.removed.len(), new);
        }
        let last = lines.len().saturating_sub(1);
        for (at, line) in lines.iter_mut().enumerate() {
            if at == last && open {
                line.end = "";
            } else if line.end.is_empty() {
                line.end = usual;
                line.new = true;
            }
        }
        Self {
            lines,
            ..self.clone()
        }
    }

    /// Whether a file is this one; where line ends are mixed, new lines may end in any manner.
    pub(super) fn is(&self, file: &FileEntry) -> bool {
        if file.executable != self.executable {
            return false;
        }
        let expected = self.entry().bytes;
        if self.ends != Ends::Mixed || file.bytes == expected {
            return file.bytes == expected;
        }
        let mut rest = file.bytes.as_slice();
        let mark = self.coding.bytes("");
        let Some(body) = rest.strip_prefix(mark.as_slice()) else {
            return false;
        };
        rest = body;
        for line in &self.lines {
            let encoded = |text: &str| self.coding.bytes(text)[mark.len()..].to_vec();
            let Some(after) = rest.strip_prefix(encoded(&line.text).as_slice()) else {
                return false;
            };
            // Lines that are alike cannot be told one from the other.
            let free = line.new || COMMON.contains(&line.text.trim());
            let ends: &[&str] = match (free, line.end) {
                (true, "\n" | "\r\n") => &["\r\n", "\n"],
                (_, "") => &[""],
                (_, "\n") => &["\n"],
                (_, _) => &["\r\n"],
            };
            let found = ends
                .iter()
                .find_map(|end| after.strip_prefix(encoded(end).as_slice()));
            let Some(after) = found else {
                return false;
            };
            rest = after;
        }
        rest.is_empty()
    }
}

impl Coding {
    pub(super) fn bytes(self, text: &str) -> Vec<u8> {
        let units = || text.encode_utf16();
        match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Marked => [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            Self::Utf16Little => [
                vec![0xff, 0xfe],
                units().flat_map(u16::to_le_bytes).collect(),
            ]
            .concat(),
            Self::Utf16Big => [
                vec![0xfe, 0xff],
                units().flat_map(u16::to_be_bytes).collect(),
            ]
            .concat(),
            Self::Latin1 => text
                .chars()
                .map(|c| u8::try_from(u32::from(c)).unwrap())
                .collect(),
        }
    }
}

/// The lines that are not blank.
pub(super) fn full(lines: &[String]) -> Vec<String> {
    lines
        .iter()
        .filter(|line| !line.trim().is_empty())
        .cloned()
        .collect()
}

/// Lines with others in place of some that stand there once, or at a place.
fn spliced(lines: &[String], old: &[String], new: &[String], named: usize) -> Option<Vec<String>> {
    if old.is_empty() || old.len() > lines.len() {
        return None;
    }
    let stands = |at: &usize| lines[*at..*at + old.len()] == *old;
    let mut places: Vec<usize> = (0..=lines.len() - old.len()).filter(stands).collect();
    if places.len() > 1 {
        places.retain(|at| *at == named);
    }
    let start = places.pop().filter(|_| places.is_empty())?;
    let mut lines = lines.to_vec();
    lines.splice(start..start + old.len(), new.iter().cloned());
    Some(lines)
}

/// A few files with different paths.
pub(super) fn files(plain: bool, dice: &mut Dice) -> Vec<File> {
    let mut paths = PATHS.to_vec();
    dice.shuffle(&mut paths);
    let count = dice.within(1..4);
    paths.truncate(count);
    paths
        .into_iter()
        .map(|path| File::draw(path, plain, dice))
        .collect()
}

pub(super) fn tree(files: &[File]) -> FileTree {
    files
        .iter()
        .map(|file| (file.tree_path(), file.entry()))
        .collect()
}

/// A line as replies write it that know no typographic characters.
pub(super) fn plain(line: &str) -> String {
    line.replace(['“', '”'], "\"")
        .replace('’', "'")
        .replace('–', "-")
        .replace('\u{a0}', " ")
}

fn body(number: usize, coding: Coding, dice: &mut Dice) -> String {
    match dice.below(12) {
        0..3 => dice.pick(COMMON).to_owned(),
        3 => format!("word {} {number}", dice.pick(LATIN)),
        4 if coding != Coding::Latin1 => format!("text {} {number}", dice.pick(TYPED)),
        5 => format!("call(\"{number}\", 'a' - b)"),
        6 => format!("spare_{number} = {{}};  "),
        _ => format!("name_{number} = value[{number}]"),
    }
}

fn end(ends: Ends, dice: &mut Dice) -> &'static str {
    match ends {
        Ends::Lf => "\n",
        Ends::CrLf => "\r\n",
        Ends::Cr => "\r",
        Ends::Mixed => dice.pick(&["\n", "\r\n"]),
    }
}
