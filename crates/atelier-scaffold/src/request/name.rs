//! The name of the project, fit for every toolchain.

use unicode_normalization::UnicodeNormalization;

use crate::request::{
    Kind, Language, kind,
    reserved::is_reserved,
    token::{Form, Statement, Word, listed, words},
};

/// Characters of a name.
const NAME_CHARS_MAX: usize = 32;

/// Content words that make up a name where none is given.
const NAME_WORDS_MAX: usize = 3;

/// Content words that are counted.
const COUNTED_MAX: usize = 400;

/// Statements in which a name is looked for.
const STATEMENTS_MAX: usize = 12;

/// Statements at the start in which a quoted word may be the name.
const QUOTED_STATEMENTS_MAX: usize = 3;

/// A project's name and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    /// The name in kebab-case.
    pub text: String,
    /// Whether the user gave it.
    pub given: bool,
}

/// The project's name: the one the user gives, or else the words that say what it is for.
pub(crate) fn find(statements: &[Statement], kind: Kind) -> Name {
    let near = statements
        .get(..statements.len().min(STATEMENTS_MAX))
        .unwrap_or_default();
    let given = near
        .iter()
        .find_map(introduced)
        .or_else(|| near.iter().take(QUOTED_STATEMENTS_MAX).find_map(quoted))
        .or_else(|| near.first().and_then(leading))
        .filter(|name| !kebab(name).is_empty());
    let base = given.as_deref().map_or_else(|| from_content(near), kebab);
    Name {
        text: usable(&base, kind),
        given: given.is_some(),
    }
}

/// A name in kebab-case that no toolchain refuses; never empty.
pub(crate) fn usable(name: &str, kind: Kind) -> String {
    let suffix = match kind {
        Kind::CommandLine => "cli",
        Kind::Library => "lib",
        Kind::HttpService => "service",
        Kind::WebPage => "page",
    };
    let name = kebab(name);
    if name.is_empty() {
        return format!("new-{suffix}");
    }
    let name = if name.starts_with(|c: char| c.is_ascii_digit()) {
        format!("{suffix}-{name}")
    } else {
        name
    };
    if is_reserved(&name) || name.len() < 2 {
        format!("{name}-{suffix}")
    } else {
        name
    }
}

/// Lower-case ASCII words joined by single hyphens. Accents are dropped, a change from small to
/// capital letters begins a word, and other scripts leave nothing.
pub(crate) fn kebab(text: &str) -> String {
    let mut name = String::new();
    let mut last_small = false;
    for c in text.nfkd().filter(|c| !is_mark(*c)) {
        if c.is_ascii_alphanumeric() {
            if c.is_ascii_uppercase() && last_small {
                name.push('-');
            }
            last_small = c.is_ascii_lowercase();
            name.push(c.to_ascii_lowercase());
        } else {
            last_small = false;
            if !matches!(c, '\'' | '’') && !name.ends_with('-') {
                name.push('-');
            }
        }
    }
    shortened(name.trim_matches('-')).to_owned()
}

fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// At most [`NAME_CHARS_MAX`] characters, cut between words where that is possible.
fn shortened(name: &str) -> &str {
    if name.len() <= NAME_CHARS_MAX {
        return name;
    }
    let cut = &name[..NAME_CHARS_MAX];
    if name.as_bytes().get(NAME_CHARS_MAX) == Some(&b'-') {
        return cut.trim_end_matches('-');
    }
    cut.rsplit_once('-').map_or(cut, |(whole, _)| whole)
}

const INTRODUCTIONS: &str = "called named titled codenamed dubbed appelé appelée nommé nommée namens genannt llamado \
    llamada chiamato chiamata";

/// The same in a script without blanks.
const DENSE_INTRODUCTIONS: &[&str] = &["名为", "名叫", "叫做", "称为", "叫"];

/// Things inside a project that have names of their own.
const PARTS: &str = "argument branch class column command constant database endpoint enum error field file files \
    flag folder directory function functions header interface key method option parameter \
    property route struct subcommand table trait type user value variable event record element \
    button section test";

/// `called X`, `named "X Y"`, `name: X`.
fn introduced(statement: &Statement) -> Option<String> {
    let words = &statement.words;
    let by_word = (0..words.len()).find_map(|index| {
        let word = &words[index];
        let after = &statement.text[word.start + word.text.len()..];
        let after = after.trim_start_matches(['*', ' ']);
        let after = match word.lower.as_str() {
            "name" => after
                .strip_prefix([':', '：'])?
                .trim_start_matches(['*', ' ']),
            lower if listed(INTRODUCTIONS, lower) && !names_a_part(words, index) => after,
            "it" if says_call_it(words, index) => after,
            _ => return None,
        };
        name_at_start(after)
    });
    by_word.or_else(|| {
        let text = &statement.text;
        DENSE_INTRODUCTIONS.iter().find_map(|mark| {
            let at = text.find(mark)?;
            name_at_start(text[at + mark.len()..].trim_start())
        })
    })
}

/// Whether `called` or `named` at an index follows something inside the project: `a command named`.
fn names_a_part(words: &[Word], index: usize) -> bool {
    let before = words[..index].iter().rev();
    let thing = before
        .map(|word| word.lower.as_str())
        .find(|word| !matches!(*word, "is" | "are" | "be" | "simply" | "just"));
    thing.is_some_and(|word| listed(PARTS, word))
}

fn name_at_start(text: &str) -> Option<String> {
    quoted_first(text).or_else(|| plain_first(text))
}

/// `call it`, `name it`: true at the word `it`.
fn says_call_it(words: &[Word], index: usize) -> bool {
    let before = index.checked_sub(1).map(|at| words[at].lower.as_str());
    words[index].lower == "it" && before.is_some_and(|word| matches!(word, "call" | "name"))
}

const QUOTES: &[(char, char)] = &[
    ('`', '`'),
    ('"', '"'),
    ('\'', '\''),
    ('“', '”'),
    ('‘', '’'),
    ('«', '»'),
    ('„', '“'),
    ('「', '」'),
    ('『', '』'),
    ('《', '》'),
];

/// The quoted text a text begins with.
fn quoted_first(text: &str) -> Option<String> {
    let first = text.chars().next()?;
    let close = QUOTES.iter().find(|(open, _)| *open == first)?.1;
    let inside = &text[first.len_utf8()..];
    let end = inside.find(close)?;
    let name = &inside[..end];
    let words = name.split_whitespace().count();
    ((1..=5).contains(&words) && name.len() <= 80).then(|| name.to_owned())
}

/// Words after `called` that begin no name.
const NO_NAMES: &str = "a an after and any as at before by every for from if in it on once only or that the then \
    this to twice when where which while with without is are";

/// The first word of a text, with the capitalised words that follow a capitalised one.
fn plain_first(text: &str) -> Option<String> {
    let words = words(text);
    let first = words.first().filter(|word| word.start == 0)?;
    if listed(NO_NAMES, first.lower.as_str()) {
        return None;
    }
    let capital = |word: &Word| word.text.starts_with(char::is_uppercase);
    let mut end = first.text.len();
    if capital(first) {
        for word in words.iter().skip(1).take(2) {
            let gap = text.get(end..word.start).unwrap_or_default();
            if gap != " " || !capital(word) {
                break;
            }
            end = word.start + word.text.len();
        }
    }
    text.get(..end).map(str::to_owned)
}

/// Words before a quoted name.
const INTRODUCES_QUOTED: &str = "a an api app application build cli create develop implement library make me module package \
    page program project script server service site the tool utility website write crate is";

/// A quoted name: at the start of a statement, right after a word such as `build`, or alone after a
/// colon at the end.
fn quoted(statement: &Statement) -> Option<String> {
    statement.text.char_indices().find_map(|(at, c)| {
        if !QUOTES.iter().any(|(open, _)| *open == c) {
            return None;
        }
        let name = quoted_first(&statement.text[at..])?;
        let command_like = name.starts_with(['-', '/', '.']) || name.contains(['/', '.', '(', '=']);
        let before = statement.words.iter().rfind(|word| word.start < at);
        let fits = before.is_none_or(|word| listed(INTRODUCES_QUOTED, word.lower.as_str()));
        let rest = &statement.text[at + name.len()..];
        let last = !words(rest).iter().any(|word| !name.contains(&word.text));
        let ends = last && statement.text[..at].trim_end().ends_with([':', '：']);
        ((fits || ends) && !command_like).then_some(name)
    })
}

/// `wordcount: counts words`, `wordcount - a tool`, or a heading of at most four words.
fn leading(statement: &Statement) -> Option<String> {
    let heading = statement.form == Form::Heading;
    let (head, words_max) = match (title_of(&statement.text), heading) {
        (Some(head), _) => (head, 2),
        (None, true) => (statement.text.as_str(), 4),
        (None, false) => return None,
    };
    let words = words(head);
    let file = head
        .rsplit_once('.')
        .is_some_and(|(_, end)| end.len() <= 3 && !end.is_empty());
    let content: Vec<_> = words.iter().filter(|word| names_content(word)).collect();
    let fits = words.len() <= words_max && !content.is_empty() && !file;
    fits.then(|| {
        let named: Vec<_> = content.iter().map(|word| word.text.as_str()).collect();
        named.join(" ")
    })
}

/// What stands before a colon or a dash.
fn title_of(text: &str) -> Option<&str> {
    [": ", " - ", " – ", " — ", "："]
        .into_iter()
        .filter_map(|mark| text.find(mark))
        .min()
        .map(|at| &text[..at])
}

/// Whether a word may be part of a name made from the requirement.
fn names_content(word: &Word) -> bool {
    let form = listed(FORM_WORDS, &word.lower);
    let file = word.text.contains('.');
    word.says_something() && !form && !file && !kebab(&word.text).is_empty()
}

/// Words of kinds and languages, which say how and not what.
const FORM_WORDS: &str = "api apis backend binary cli client command command-line commandline commands console crate \
    daemon dependencies dependency endpoint endpoints external go golang html http https \
    javascript js json landing lib libraries library line microservice module node node.js \
    nodejs npm package packages page pages portable programming python python3 rest rest-api \
    restful rust script sdk server servers service services single site software static std \
    terminal third-party ts typescript typed unit utility web webpage website tests test tested \
    testing stdin stdout offline third party css idiomatic kommandozeile kommandozeilenprogramm \
    bibliothek bibliothèque biblioteca webseite dienst";

/// Words that say what the project is for: the first ones of a first statement that names the kind
/// of project, or else the most frequent ones, in the order of their first use.
fn from_content(statements: &[Statement]) -> String {
    let told: Vec<_> = statements
        .iter()
        .filter(|s| s.form != Form::Setting)
        .collect();
    let opening = told.first().filter(|first| kind::is_named(first));
    let mut counts: Vec<(String, usize)> = opening.map(|first| count(&[first])).unwrap_or_default();
    if counts.len() < 2 {
        counts = count(&told);
        let mut frequent: Vec<usize> = counts.iter().map(|(_, times)| *times).collect();
        frequent.sort_unstable_by(|a, b| b.cmp(a));
        let least = frequent.get(NAME_WORDS_MAX - 1).copied().unwrap_or(1);
        counts.retain(|(_, times)| *times >= least);
    }
    let chosen = counts
        .into_iter()
        .map(|(word, _)| word)
        .take(NAME_WORDS_MAX);
    chosen.collect::<Vec<_>>().join("-")
}

/// The content words of statements, each with how often it stands there, in the order of first use.
fn count(statements: &[&Statement]) -> Vec<(String, usize)> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    let words = statements.iter().flat_map(|statement| &statement.words);
    for word in words.filter(|word| names_content(word)).take(COUNTED_MAX) {
        let parts = kebab(&word.lower);
        for part in parts.split('-').filter(|part| part.len() > 1) {
            let known = counts
                .iter_mut()
                .find(|(other, _)| stem(other) == stem(part));
            match known {
                Some((_, times)) => *times += 1,
                None => counts.push((part.to_owned(), 1)),
            }
        }
    }
    counts
}

/// A word without its plural.
fn stem(word: &str) -> &str {
    word.strip_suffix('s').unwrap_or(word)
}

/// Words that introduce a project and ask for nothing.
const INTRODUCING: &str = "a an and app application as build call called could create develop hello hi i implement in \
    is it let like make me my name named new please program project simple small that's the this \
    titled to tool us using want we with would write you need";

/// Words for what is introduced.
const INTRODUCED: &str = "api cli command command-line console crate http library line module npm package page rest \
    server service site terminal web webpage website";

/// Whether a statement asks for nothing but a project of a name, a kind and a language.
pub(crate) fn only_introduces(statement: &Statement, name: &Name) -> bool {
    if statement.form == Form::Setting {
        return true;
    }
    let own: Vec<&str> = name.text.split('-').filter(|_| name.given).collect();
    statement.words.iter().all(|word| {
        let part = kebab(&word.text);
        let names = !part.is_empty() && part.split('-').all(|piece| own.contains(&piece));
        names || introduces(&word.lower) || Language::from_name(&word.text).is_some()
    })
}

fn introduces(word: &str) -> bool {
    listed(INTRODUCING, word) || listed(INTRODUCED, word)
}
