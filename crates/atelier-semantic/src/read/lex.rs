//! Text to sentences of tokens: words, numbers, names, and what must stay letter for letter.

use crate::words::Words;

/// What a token is, as far as its letters tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sort {
    /// A word of the language, in lower case.
    Word,
    /// A word with a capital that its place in the sentence does not explain.
    Name,
    /// A number, without the commas between thousands.
    Number,
    /// Code, a quotation, a path, an identifier: counts letter for letter.
    Literal,
    /// A comma.
    Comma,
}

/// A token of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Token {
    pub(crate) sort: Sort,
    pub(crate) text: String,
}

/// A sentence, and whether it ends with a question mark.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Sentence {
    pub(crate) tokens: Vec<Token>,
    pub(crate) asks: bool,
}

/// Words before a colon that only label what follows.
const LABELS: &[&str] = &["q", "question", "prompt", "query", "request", "user", "ask"];

/// What closes a quotation that begins with a character.
fn closing(open: char) -> Option<char> {
    match open {
        '"' => Some('"'),
        '“' | '„' => Some('”'),
        '«' => Some('»'),
        '‘' => Some('’'),
        '`' => Some('`'),
        '\'' => Some('\''),
        _ => None,
    }
}

impl Token {
    pub(crate) fn word(text: &str) -> Self {
        Self {
            sort: Sort::Word,
            text: text.to_owned(),
        }
    }

    fn literal(text: &str) -> Self {
        Self {
            sort: Sort::Literal,
            text: text.to_owned(),
        }
    }

    /// Whether it is this word of the language.
    pub(crate) fn is(&self, word: &str) -> bool {
        self.sort == Sort::Word && self.text == word
    }
}

/// Takes a text apart.
pub(crate) fn sentences(text: &str, words: &Words) -> Vec<Sentence> {
    let mut lexer = Lexer {
        words,
        done: Vec::new(),
        open: Sentence::default(),
    };
    lexer.read(text);
    lexer.end(false);
    lexer.done
}

struct Lexer<'w> {
    words: &'w Words,
    done: Vec<Sentence>,
    open: Sentence,
}

impl Lexer<'_> {
    fn read(&mut self, text: &str) {
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if c == '\n' {
                self.end(false);
            }
            if c.is_whitespace() {
                rest = &rest[c.len_utf8()..];
                continue;
            }
            rest = match self.verbatim(rest) {
                Some(after) => after,
                None => self.chunk(rest),
            };
        }
    }

    /// Takes a quotation or a piece of code at the beginning of a text whole.
    fn verbatim<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        if let Some(body) = text.strip_prefix("```") {
            let end = body.find("```").unwrap_or(body.len());
            self.push(Token::literal(&body[..end]));
            return Some(body.get(end + 3..).unwrap_or_default());
        }
        let open = text.chars().next()?;
        let body = &text[open.len_utf8()..];
        let close = closing(open)?;
        let at = body.match_indices(close).map(|(at, _)| at).find(|at| {
            let after = body[at + close.len_utf8()..].chars().next();
            close != '\'' || !after.is_some_and(char::is_alphanumeric)
        })?;
        self.push(Token::literal(&body[..at]));
        Some(&body[at + close.len_utf8()..])
    }

    /// Takes what stands before the next white space.
    fn chunk<'t>(&mut self, text: &'t str) -> &'t str {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        let (chunk, after) = text.split_at(end);
        let chunk = chunk.trim_start_matches(['(', '[', '{']);
        // A quotation may follow an opening bracket.
        if chunk.chars().next().and_then(closing).is_some() {
            let from = text.len() - after.len() - chunk.len();
            let rest = &text[from..];
            return self.verbatim(rest).unwrap_or_else(|| {
                self.push(Token::literal(chunk));
                after
            });
        }
        let core = chunk.trim_end_matches(|c: char| ".,;:!?)]}…".contains(c));
        let tail = &chunk[core.len()..];
        if core.is_empty() {
            if !tail.is_empty() {
                self.close(tail, after);
            }
            return after;
        }
        self.core(core, tail);
        if tail.contains(':') && !after.trim().is_empty() {
            return self.payload(after);
        }
        self.close(tail, after);
        after
    }

    /// What follows a colon is given, not asked: it counts letter for letter.
    fn payload<'t>(&mut self, after: &'t str) -> &'t str {
        let label = match self.open.tokens.as_slice() {
            [token] => LABELS.contains(&token.text.as_str()) && self.done.is_empty(),
            _ => false,
        };
        if label {
            self.open.tokens.clear();
            return after;
        }
        self.push(Token::literal(after.trim()));
        ""
    }

    /// Adds the tokens that a chunk without its punctuation is.
    fn core(&mut self, core: &str, tail: &str) {
        let core = &core.replace('’', "'");
        if is_plain(core) {
            self.plain(core);
        } else if let Some(number) = number(core) {
            self.amount(core, &number);
        } else if self.words.is_name(&core.to_lowercase()) {
            self.name(core.to_lowercase());
        } else if tail.starts_with(')') && core.contains('(') {
            self.push(Token::literal(&format!("{core})")));
        } else {
            self.measure(core);
        }
    }

    fn plain(&mut self, core: &str) {
        let lower = core.to_lowercase();
        if self.words.is_name(&lower) {
            return self.name(lower);
        }
        let first = core.chars().next().is_some_and(char::is_uppercase);
        let inner = core.chars().skip(1).any(char::is_uppercase);
        let starts = self.open.tokens.is_empty();
        let (stem, ending) = apart(&lower, self.words);
        let is_pronoun = stem.first().is_some_and(|word| word == "i");
        if inner || (first && !starts && !is_pronoun) {
            let (base, is_owner) = match core.strip_suffix("'s") {
                Some(base) => (base, true),
                None => (core, false),
            };
            let sort = if inner { Sort::Literal } else { Sort::Name };
            let lower = base.to_lowercase();
            if self.words.is_name(&lower) {
                self.name(lower);
            } else {
                self.push(Token {
                    sort,
                    text: base.to_owned(),
                });
            }
            if is_owner {
                self.push(Token::word("'s"));
            }
            return;
        }
        for word in stem.iter().chain(&ending) {
            self.push(Token::word(word));
        }
    }

    fn name(&mut self, text: String) {
        self.push(Token {
            sort: Sort::Name,
            text,
        });
    }

    /// A number with the sign that says of what.
    fn amount(&mut self, core: &str, number: &str) {
        self.push(Token {
            sort: Sort::Number,
            text: number.to_owned(),
        });
        let sign = core.chars().find(|c| "$€£¥%".contains(*c));
        let unit = match sign {
            Some('$') => "dollars",
            Some('€') => "euros",
            Some('£') => "gbp",
            Some('¥') => "yen",
            Some('%') => "percent",
            _ => return,
        };
        self.push(Token::word(unit));
    }

    /// A number that its unit is written to, or anything else that counts letter for letter.
    fn measure(&mut self, core: &str) {
        let at = core.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(0);
        let (amount, unit) = core.split_at(at);
        match number(amount) {
            Some(number) if self.words.is_unit(unit) => {
                self.amount(amount, &number);
                self.push(Token::word(unit));
            }
            _ => self.push(Token::literal(core)),
        }
    }

    /// Acts on the punctuation behind a chunk.
    fn close(&mut self, tail: &str, after: &str) {
        let next = after.trim_start().chars().next();
        let goes_on = next.is_some_and(|c| c.is_lowercase() && !after.starts_with('\n'));
        if tail.contains(['?', '!']) || tail.contains(';') {
            self.end(tail.contains('?'));
        } else if tail.contains(['.', '…']) && !goes_on {
            self.end(false);
        } else if tail.contains(',') {
            self.push(Token {
                sort: Sort::Comma,
                text: ",".to_owned(),
            });
        }
    }

    fn push(&mut self, token: Token) {
        self.open.tokens.push(token);
    }

    fn end(&mut self, asks: bool) {
        let mut sentence = std::mem::take(&mut self.open);
        sentence.asks = asks;
        if !sentence.tokens.is_empty() {
            self.done.push(sentence);
        }
    }
}

/// Whether a chunk is a word: letters, with hyphens and apostrophes between them.
fn is_plain(core: &str) -> bool {
    let within = |c: char| c.is_alphabetic() || c == '-' || c == '\'';
    core.starts_with(char::is_alphabetic)
        && core.ends_with(|c: char| c.is_alphabetic() || c == '\'')
        && core.chars().all(within)
        && !core.contains("--")
}

/// The digits of a number, without the commas between thousands; `None` for anything else.
fn number(core: &str) -> Option<String> {
    let bare = core.trim_start_matches(['$', '€', '£', '¥']);
    let bare = bare.strip_suffix('%').unwrap_or(bare);
    let (sign, digits) = match bare.strip_prefix(['-', '−']) {
        Some(digits) => ("-", digits),
        None => ("", bare),
    };
    let mut groups = digits.split(',');
    let first = groups.next()?;
    let whole = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    let Some((last, middle)) = groups
        .collect::<Vec<_>>()
        .split_last()
        .map(|(last, middle)| {
            let middle: Vec<String> = middle.iter().map(|group| (*group).to_owned()).collect();
            ((*last).to_owned(), middle)
        })
    else {
        let (front, back) = first.split_once('.').unwrap_or((first, "0"));
        return (whole(front) && whole(back)).then(|| format!("{sign}{first}"));
    };
    let (end, fraction) = last.split_once('.').unwrap_or((&last, "0"));
    let is_grouped = whole(first)
        && first.len() <= 3
        && middle.iter().all(|group| whole(group) && group.len() == 3)
        && whole(end)
        && end.len() == 3
        && whole(fraction);
    is_grouped.then(|| format!("{sign}{first}{}{last}", middle.concat()))
}

/// A word taken apart where it is two in one, and what was shortened to an ending.
fn apart(lower: &str, words: &Words) -> (Vec<String>, Vec<String>) {
    let owned = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect();
    if let Some(parts) = words.contraction(lower) {
        return (parts.to_vec(), Vec::new());
    }
    let endings: [(&str, &[&str]); 6] = [
        ("n't", &["not"]),
        ("'re", &["are"]),
        ("'ll", &["will"]),
        ("'ve", &["have"]),
        ("'d", &["would"]),
        ("'s", &["'s"]),
    ];
    for (ending, meaning) in endings {
        if let Some(base) = lower.strip_suffix(ending).filter(|base| !base.is_empty()) {
            return (owned(&[base]), owned(meaning));
        }
    }
    if let Some(base) = lower.strip_suffix('\'') {
        return (owned(&[base]), owned(&["'s"]));
    }
    (owned(&[lower]), Vec::new())
}
