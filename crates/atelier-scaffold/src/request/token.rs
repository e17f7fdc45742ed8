//! Statements and words of a requirement.

/// One sentence, list item or heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    /// The user's words on one line, without list and heading marks.
    pub text: String,
    /// Its words.
    pub words: Vec<Word>,
    /// How it stands in the requirement.
    pub form: Form,
}

/// How a statement stands in a requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Sentence of a paragraph.
    Sentence,
    /// List item.
    Item,
    /// Heading.
    Heading,
    /// `name: value`.
    Setting,
}

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// As written.
    pub text: String,
    /// In lower case.
    pub lower: String,
    /// Offset of its first byte in the statement.
    pub start: usize,
}

/// Statements that are looked at; a requirement of 64 KiB stays below.
const STATEMENTS_MAX: usize = 8192;

/// Words that say nothing about what a project is for.
const EMPTY_WORDS: &str = "a about above after again all also always am an and any app application are around as at \
    avec background based basic be because been before being below best better between both \
    build but by call called can can't cannot clean code con could create creates creating das \
    de der des description design develop developed die do does doesn't don't done down du e.g \
    each easily easy ein eine einen either el et etc every fast few file files first following \
    for from full fully further für generate get give given gives goal goals good great had \
    handle handles handling has have he hello help here hey hi high high-quality how i i'd i'll \
    i've i.e if implement in into introduction is it it's its itself just keep la language las \
    le les let let's lets lightweight like little los lot made make makes making manage manager \
    manages managing may me mine minimal mit modern more most much must my named need needed \
    needs new nice no nor not now of off on once one only onto or other our out over overview \
    own para per please possible pour production program programme project provide provides \
    providing purpose quality que quick quickly ready really requirement requirements robust \
    same set shall she should show simple simply small so some something spec specification \
    standard stdlib stuff such summary support supporting supports than thank thanks that that's \
    the their them then there these they thing things this those through tiny title titled to \
    too tool tools un una und under une until up upon us use used useful user users uses using \
    various very via von want wanted was way we we'd we'll well were what when where which while \
    who whose why will wish with within without work working works would write written y you \
    your zum zur";

impl Statement {
    fn new(text: &str, form: Form) -> Self {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let words = words(&text);
        Self { text, words, form }
    }

    /// Whether any of its words says what the project is for.
    pub(crate) fn says_something(&self) -> bool {
        self.words.iter().any(Word::says_something)
    }
}

impl Word {
    /// Whether the word says what the project is for.
    pub(crate) fn says_something(&self) -> bool {
        self.lower.chars().any(char::is_alphabetic) && !listed(EMPTY_WORDS, &self.lower)
    }
}

/// Takes a requirement apart into sentences, list items and headings; fenced code is left out.
pub(crate) fn statements(requirement: &str) -> Vec<Statement> {
    let mut parts = Parts::default();
    let mut fence: Option<&str> = None;
    for line in requirement.lines() {
        let line = line.trim_end();
        let mark = ["```", "~~~"]
            .into_iter()
            .find(|m| line.trim_start().starts_with(m));
        match (fence, mark) {
            (None, Some(mark)) => {
                parts.close();
                fence = Some(mark);
            }
            (Some(open), Some(mark)) if open == mark => fence = None,
            (Some(_), _) => {}
            (None, None) => parts.line(line),
        }
        if parts.done.len() >= STATEMENTS_MAX {
            break;
        }
    }
    parts.close();
    parts.done
}

/// Whether a word is in a list of words with blanks between them.
pub(crate) fn listed(list: &str, word: &str) -> bool {
    list.split_ascii_whitespace().any(|listed| listed == word)
}

/// Control characters become blanks; invisible characters that could disguise text are dropped.
pub(crate) fn visible(text: &str) -> String {
    text.chars()
        .filter(|c| !invisible(*c))
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// The statements so far and the paragraph or list item that is still open.
#[derive(Default)]
struct Parts {
    done: Vec<Statement>,
    open: String,
    item: bool,
}

impl Parts {
    fn line(&mut self, line: &str) {
        let clean = visible(line);
        let text = clean.trim();
        if let Some(heading) = heading(text) {
            self.close();
            self.push(heading, Form::Heading);
        } else if text.is_empty() || is_rule(text) {
            self.close();
        } else if is_setting(text) {
            self.close();
            self.push(text, Form::Setting);
        } else if let Some(item) = list_item(text) {
            self.close();
            self.item = true;
            item.clone_into(&mut self.open);
        } else {
            if self.item && !clean.starts_with([' ', '\t']) {
                self.close();
            }
            self.open.push(' ');
            self.open.push_str(text);
        }
    }

    fn close(&mut self) {
        let open = std::mem::take(&mut self.open);
        if std::mem::take(&mut self.item) {
            self.push(&open, Form::Item);
        } else {
            for sentence in sentences(&open) {
                self.push(sentence, Form::Sentence);
            }
        }
    }

    fn push(&mut self, text: &str, form: Form) {
        let statement = Statement::new(text, form);
        if !statement.words.is_empty() {
            self.done.push(statement);
        }
    }
}

fn heading(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches('#');
    let depth = line.len() - rest.len();
    ((1..=6).contains(&depth) && rest.starts_with(' ')).then(|| rest.trim().trim_end_matches('#'))
}

/// Names of settings that people put before a requirement.
const SETTINGS: &[&str] = &[
    "framework",
    "kind",
    "language",
    "name",
    "project",
    "project name",
    "project type",
    "title",
    "type",
];

/// Whether a line is a short `name: value` about the project.
fn is_setting(line: &str) -> bool {
    let line = line.trim_start_matches(['*', '-', ' ']);
    let Some((name, value)) = line.split_once(':') else {
        return false;
    };
    let name = name.trim_matches(['*', ' ']).to_lowercase();
    SETTINGS.contains(&name.as_str()) && (1..=4).contains(&value.split_whitespace().count())
}

fn is_rule(line: &str) -> bool {
    line.chars()
        .all(|c| matches!(c, '-' | '=' | '*' | '_' | '|' | ':' | ' '))
}

fn list_item(line: &str) -> Option<&str> {
    let marked = ["- ", "* ", "+ ", "• ", "– ", "· "]
        .into_iter()
        .find_map(|mark| line.strip_prefix(mark));
    let item = marked.or_else(|| {
        let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = line.len() - rest.len();
        let rest = rest.strip_prefix(". ").or_else(|| rest.strip_prefix(") "));
        rest.filter(|_| (1..=3).contains(&digits))
    })?;
    let item = item.trim_start();
    let boxes = ["[ ] ", "[x] ", "[X] "];
    Some(
        boxes
            .into_iter()
            .find_map(|mark| item.strip_prefix(mark))
            .unwrap_or(item),
    )
}

/// Sentences of a paragraph. A full stop ends one only before a blank and no small letter, so that
/// `e.g. this` and `main.rs` stay whole.
fn sentences(paragraph: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut from = 0;
    for (at, c) in paragraph.char_indices() {
        let end = at + c.len_utf8();
        let rest = &paragraph[end..];
        let ends = match c {
            '。' | '！' | '？' | '；' => true,
            '.' | '!' | '?' => {
                let next = rest.trim_start().chars().next();
                rest.starts_with(char::is_whitespace) && !next.is_some_and(char::is_lowercase)
            }
            _ => false,
        };
        if ends {
            found.push(&paragraph[from..end]);
            from = end;
        }
    }
    found.push(&paragraph[from..]);
    found
}

/// Words: runs of letters and digits, joined by `.`, `-`, `_`, `'`, with `+` and `#` at the end. Scripts that
/// write without blanks are kept apart from the others, so that a Latin name inside them is found.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let mut found: Vec<Word> = Vec::new();
    let mut start = None;
    let mut last_class = Class::Other;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        let class = Class::of(c);
        let goes_on = match class {
            Class::Joint => start.is_some() && last_class != Class::Dense,
            Class::Plain | Class::Dense => {
                class == last_class || (class == Class::Plain && last_class == Class::Joint)
            }
            Class::Other => false,
        };
        if !goes_on {
            if let Some(from) = start.take() {
                push_word(&mut found, text, from, at);
            }
            if matches!(class, Class::Plain | Class::Dense) {
                start = Some(at);
            }
        }
        last_class = if start.is_some() { class } else { Class::Other };
    }
    found
}

fn push_word(found: &mut Vec<Word>, text: &str, from: usize, to: usize) {
    let word = text[from..to].trim_end_matches(['.', '-', '_', '\'', '’']);
    let word = word
        .strip_suffix("'s")
        .or_else(|| word.strip_suffix("’s"))
        .unwrap_or(word);
    found.push(Word {
        text: word.to_owned(),
        lower: word.to_lowercase(),
        start: from,
    });
}

/// How a character takes part in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// A letter or digit of a script with blanks between words.
    Plain,
    /// A letter of a script without blanks between words.
    Dense,
    /// Joins two parts of one word.
    Joint,
    /// Everything else.
    Other,
}

impl Class {
    fn of(c: char) -> Self {
        match c {
            '\u{2e80}'..='\u{2fff}'
            | '\u{3040}'..='\u{30ff}'
            | '\u{3400}'..='\u{9fff}'
            | '\u{ac00}'..='\u{d7af}'
            | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{3ffff}' => Self::Dense,
            '.' | '-' | '_' | '\'' | '’' | '+' | '#' => Self::Joint,
            _ if c.is_alphanumeric() => Self::Plain,
            _ => Self::Other,
        }
    }
}
