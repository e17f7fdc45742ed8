//! Whether the value of a setting is a secret, or stands for one, or is code or prose.

use std::{collections::HashSet, sync::LazyLock};

use aho_corasick::AhoCorasick;

use crate::check::Found;

/// Values that are named in examples instead of a secret.
const STAND_INS: &[&str] = &[
    "admin",
    "changeit",
    "changeme",
    "default",
    "disabled",
    "dummy",
    "empty",
    "enabled",
    "false",
    "foobar",
    "guest",
    "hidden",
    "insert",
    "masked",
    "none",
    "null",
    "optional",
    "pass",
    "passwd",
    "password",
    "postgres",
    "private",
    "public",
    "pwd",
    "redacted",
    "removed",
    "required",
    "root",
    "secret",
    "str",
    "string",
    "test",
    "testing",
    "todo",
    "token",
    "true",
    "undefined",
    "user",
    "value",
];

/// Parts by which a value says that it stands for one.
const STAND_IN_PARTS: &[&str] = &[
    "example",
    "placeholder",
    "your-",
    "your_",
    "yourpass",
    "yourtoken",
    "yourkey",
    "yoursecret",
    "my-secret",
    "my_secret",
    "replace",
    "change-me",
    "change_me",
    "changeme",
    "insert-",
    "insert_",
    "xxxx",
    "****",
    "....",
    "____",
    "----",
    "redacted",
    "0123456789abcdef",
    "1234567890",
    "abcdefgh",
    "<<",
    ">>",
];

/// Parts of expressions that fetch a value instead of being one.
const EXPRESSIONS: &[&str] = &[
    "${",
    "{{",
    "}}",
    "#{",
    "os.environ",
    "process.env",
    "getenv",
    "environ[",
    "env[",
    "env.",
    "env(",
    "secrets.",
    "vault:",
    "config.",
    "settings.",
    "self.",
    "this.",
    "req.",
    "request.",
    "params.",
    "://",
    "->",
    "=>",
    "()",
    "(?",
    "\\d",
    "\\w",
    "function",
    "lambda",
    "import.meta",
    "ssm:",
    "arn:aws",
    "secretsmanager",
    "op://",
];

/// Parts of a setting's name that make it no secret, although it speaks of one.
const HARMLESS_NAMES: &[&str] = &[
    "algorithm",
    "attempt",
    "attempts",
    "budget",
    "cache",
    "checksum",
    "column",
    "confirm",
    "confirmation",
    "count",
    "created",
    "digest",
    "enabled",
    "endpoint",
    "expired",
    "expires",
    "expiration",
    "expiry",
    "field",
    "file",
    "foreign",
    "hash",
    "hashed",
    "header",
    "hint",
    "id",
    "idempotency",
    "input",
    "issuer",
    "label",
    "last",
    "len",
    "length",
    "limit",
    "max",
    "message",
    "min",
    "name",
    "output",
    "path",
    "pattern",
    "placeholder",
    "policy",
    "primary",
    "prompt",
    "public",
    "regex",
    "required",
    "reset",
    "role",
    "sort",
    "partition",
    "strength",
    "template",
    "tokens",
    "tokenizer",
    "total",
    "ttl",
    "type",
    "updated",
    "uri",
    "url",
    "usage",
    "valid",
    "validation",
    "version",
];

/// The word that other words are joined to, as in `passwordlength`.
const PASSWORD: &str = "password";

/// Letters below which a token is no token.
const TOKEN_MIN: usize = 10;

/// Letters below which a password is no password.
const PASSWORD_MIN: usize = 4;

/// Bytes above which a password is no password.
const PASSWORD_MAX: usize = 160;

/// Letters below which letters alone are no password.
const PASSWORD_SIMPLE_MIN: usize = 8;

/// Letters below which the order of capitals tells nothing.
const SCRAMBLED_MIN: usize = 16;

/// Bits of information a letter carries at least in what a generator gives out.
const TOKEN_BITS: f64 = 2.8;

/// Whether a generator may have given this out: no stand-in, no repetition.
pub(super) fn is_random(value: &str) -> bool {
    !is_stand_in(value) && !is_wordy(value) && bits_per_letter(value) >= 2.3
}

/// The value of a setting named like a key, without what follows it.
pub(super) fn token(found: Found<'_>) -> Option<Found<'_>> {
    if is_harmless(&found) {
        return None;
    }
    let found = trimmed(found);
    let value = found.value();
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    // Padding, and the seams of a value that is written in parts, are none of its letters.
    let seams = value
        .bytes()
        .filter(|byte| b"= \"'+".contains(byte))
        .count();
    let long = letters >= 20 && letters + seams == value.len() && is_mixed(value);
    let plausible = value.len() >= TOKEN_MIN
        && ((digits > 0 && letters > 0) || long)
        && bits_per_letter(value) >= TOKEN_BITS
        && !is_wordy(value)
        && !is_stand_in(value)
        && !is_expression(value)
        && !is_digest(value);
    plausible.then_some(found)
}

/// The value of a setting named like a password. What stands in quotes may be simpler.
pub(super) fn password(found: Found<'_>, quoted: bool) -> Option<Found<'_>> {
    if is_harmless(&found) {
        return None;
    }
    let found = if quoted { found } else { trimmed(found) };
    let value = found.value();
    let digits = value.bytes().any(|byte| byte.is_ascii_digit());
    let symbols = value
        .chars()
        .any(|letter| !letter.is_alphanumeric() && !"_-./ :,'’".contains(letter));
    let spaces = value.bytes().filter(|byte| *byte == b' ').count();
    let letters = value.bytes().any(|byte| byte.is_ascii_alphabetic());
    // Where the name is in capitals the value is no expression, whatever it looks like.
    let literal = quoted || !found.name().bytes().any(|byte| byte.is_ascii_lowercase());
    let simple = literal && is_mixed(value) && value.len() >= PASSWORD_SIMPLE_MIN && spaces == 0;
    let simple = simple || is_scrambled(value);
    let plausible = (PASSWORD_MIN..=PASSWORD_MAX).contains(&value.len())
        && (digits || (symbols && letters) || simple)
        && spaces <= 1
        && !is_hidden(value)
        && ((digits && symbols) || !is_stand_in(value))
        && !is_expression(value)
        && !is_call(value, literal)
        && !is_format(value);
    plausible.then_some(found)
}

pub(super) fn is_url_password(value: &str) -> bool {
    let template = value.starts_with(['$', '{', '<', '[', '%', '*'])
        && !value.contains(|letter: char| letter.is_ascii_digit());
    !template
        && !is_expression(value)
        && !is_stand_in_word(value)
        && !is_repetition(value)
        && !holds(&STAND_IN, value)
}

/// The value without punctuation of the sentence or the code around it.
fn trimmed(found: Found<'_>) -> Found<'_> {
    let mut value = found.value();
    if let Some(next) = next_parameter(value) {
        value = &value[..next];
    }
    loop {
        let shorter = value.trim_end_matches([',', ';', '.', '"', '\'', '`', ':', '\\']);
        let shorter = match shorter.strip_suffix([')', ']', '}']) {
            Some(rest) if !rest.contains(['(', '[', '{']) => rest,
            Some(_) | None => shorter,
        };
        if shorter.len() == value.len() {
            break;
        }
        value = shorter;
    }
    let bytes = value.len();
    found.cut(bytes)
}

/// Where the next parameter of a query begins, as in `secret&user=7`.
fn next_parameter(value: &str) -> Option<usize> {
    value.match_indices('&').map(|(at, _)| at).find(|at| {
        let rest = &value[at + 1..];
        let name = rest.split('=').next().unwrap_or_default();
        name.len() < rest.len()
            && name.len() > 1
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
    })
}

/// The longest word that makes a setting harmless.
const HARMLESS_BYTES_MAX: usize = 16;

static HARMLESS: LazyLock<HashSet<&'static [u8]>> =
    LazyLock::new(|| HARMLESS_NAMES.iter().map(|name| name.as_bytes()).collect());

fn is_harmless(found: &Found<'_>) -> bool {
    let harmless = |word: &str| {
        let mut small = [0; HARMLESS_BYTES_MAX];
        let small = small.get_mut(..word.len());
        small.is_some_and(|small| {
            small.copy_from_slice(word.as_bytes());
            small.make_ascii_lowercase();
            HARMLESS.contains(&*small)
        })
    };
    let mut words = words(found.name());
    words.any(|word| {
        let joined = word.len().checked_sub(PASSWORD.len()).and_then(|_| {
            let (begin, end) = word.split_at_checked(PASSWORD.len())?;
            begin.eq_ignore_ascii_case(PASSWORD).then_some(end)
        });
        harmless(word) || joined.is_some_and(harmless)
    })
}

/// The words of a setting's name, whether joined by signs or by capitals.
fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|letter: char| !letter.is_ascii_alphanumeric())
        .flat_map(|part| {
            let mut rest = part;
            std::iter::from_fn(move || {
                let bytes = rest.as_bytes();
                let next = bytes
                    .windows(2)
                    .position(|two| two[0].is_ascii_lowercase() && two[1].is_ascii_uppercase());
                let end = next.map_or(rest.len(), |at| at + 1);
                let (word, behind) = rest.split_at(end);
                rest = behind;
                (!word.is_empty()).then_some(word)
            })
        })
}

/// Parts in whatever case, all looked for at once.
fn parts(parts: &[&str]) -> Option<AhoCorasick> {
    let mut builder = AhoCorasick::builder();
    builder.ascii_case_insensitive(true).build(parts).ok()
}

static STAND_IN: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| parts(STAND_IN_PARTS));
static EXPRESSION: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| parts(EXPRESSIONS));

fn holds(parts: &LazyLock<Option<AhoCorasick>>, value: &str) -> bool {
    parts.as_ref().is_some_and(|parts| parts.is_match(value))
}

/// Whether it is one of the words for a secret.
fn is_stand_in_word(value: &str) -> bool {
    STAND_INS
        .iter()
        .any(|word| word.eq_ignore_ascii_case(value))
}

fn is_stand_in(value: &str) -> bool {
    let end = value.len().checked_sub("here".len());
    let end = end.and_then(|from| value.as_bytes().get(from..));
    is_stand_in_word(value)
        || holds(&STAND_IN, value)
        || end.is_some_and(|end| end.eq_ignore_ascii_case(b"here"))
        || is_repetition(value)
        || is_enclosed(value)
}

/// Whether the letters are dots, stars or crosses, or the value is to be filled in.
fn is_hidden(value: &str) -> bool {
    let marks = ["xxxx", "XXXX", "****", "....", "____", "<<", ">>"];
    marks.iter().any(|mark| value.contains(mark))
        || is_repetition(value)
        || is_enclosed(value)
        || is_stand_in_word(value.trim_matches(|letter: char| !letter.is_ascii_alphanumeric()))
}

/// Whether it is a slot of a template.
fn is_enclosed(value: &str) -> bool {
    [('<', '>'), ('{', '}'), ('[', ']'), ('%', '%')]
        .into_iter()
        .any(|(open, close)| value.starts_with(open) && value.ends_with(close))
}

fn is_repetition(value: &str) -> bool {
    let mut letters = value.chars();
    let first = letters.next();
    letters.all(|letter| Some(letter) == first)
}

fn is_expression(value: &str) -> bool {
    let variable = value.strip_prefix('$').is_some_and(|name| {
        name.bytes()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == b'_')
            && name.starts_with(|letter: char| letter.is_ascii_alphabetic())
            && !(name.bytes().any(|letter| letter.is_ascii_lowercase())
                && name.bytes().any(|letter| letter.is_ascii_uppercase()))
    });
    let substituted = ["$(", "%("]
        .iter()
        .filter_map(|open| value.split_once(open))
        .any(|(_, inner)| inner.contains(')'));
    variable || substituted || holds(&EXPRESSION, value)
}

/// Whether a name is applied to something, as in `derive(key)` or `row[0]`.
fn is_call(value: &str, literal: bool) -> bool {
    let Some((name, _)) = value.split_once(['(', '[']) else {
        return false;
    };
    let starts = name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
    let plain = name
        .chars()
        .all(|letter| letter.is_ascii_alphabetic() || "_.:".contains(letter));
    let closed = value.ends_with([')', ']']);
    starts && plain && name.len() > 2 && (closed || !literal)
}

/// Whether it is the pattern of a regular expression or of a message.
fn is_format(value: &str) -> bool {
    value.starts_with("/^")
        || value.starts_with('^') && value.ends_with('$')
        || value == "%s"
        || value.contains("{}")
}

/// Whether it is a digest, which proves content and opens nothing.
fn is_digest(value: &str) -> bool {
    [
        "sha1-", "sha256", "sha384", "sha512", "md5", "blake", "ssh-rsa", "ssh-ed",
    ]
    .iter()
    .any(|name| {
        let begin = value.as_bytes().get(..name.len());
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(name.as_bytes()))
    })
}

/// Whether it consists of words and short numbers, as names of things do.
fn is_wordy(value: &str) -> bool {
    value.split(['-', '_', '.', '/', ':']).all(|part| {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        let word = part.trim_end_matches(|letter: char| letter.is_ascii_digit());
        let shouted = word.len() >= 16 && word.bytes().all(|byte| byte.is_ascii_uppercase());
        let plain = word.bytes().all(|byte| byte.is_ascii_alphabetic());
        let plain = plain && !is_mixed(word) && !shouted;
        plain && digits <= 4 && (digits == 0 || part.len() < 12)
    })
}

/// Whether capitals stand among small letters, not only in front.
fn is_mixed(value: &str) -> bool {
    let changes = value.as_bytes().windows(2);
    let up = changes.filter(|two| two[0].is_ascii_lowercase() && two[1].is_ascii_uppercase());
    up.count() >= 2
}

/// Whether capitals and small letters alternate as no words do.
fn is_scrambled(value: &str) -> bool {
    let pairs = || value.as_bytes().windows(2);
    let shouted = pairs().filter(|two| two[0].is_ascii_uppercase() && two[1].is_ascii_uppercase());
    let rises = pairs().filter(|two| two[0].is_ascii_lowercase() && two[1].is_ascii_uppercase());
    value.len() >= SCRAMBLED_MIN
        && !value.contains(' ')
        && shouted.count() >= 2
        && rises.count() >= 3
}

/// The logarithms of small numbers, each times its number.
static WEIGHTS: LazyLock<[f64; 256]> = LazyLock::new(|| {
    let mut weights = [0.0; 256];
    for (number, weight) in (0_u8..=u8::MAX).zip(&mut weights) {
        let number = f64::from(number);
        *weight = number * number.max(1.0).log2();
    }
    weights
});

/// Shannon's measure over the letters; of a long value, over those in front.
fn bits_per_letter(value: &str) -> f64 {
    let mut counts = [0_u8; 256];
    let letters = &value.as_bytes()[..value.len().min(usize::from(u8::MAX))];
    for byte in letters {
        counts[usize::from(*byte)] += 1;
    }
    let Ok(length) = u8::try_from(letters.len()) else {
        return 0.0;
    };
    let length = f64::from(length.max(1));
    let weights = &*WEIGHTS;
    let sum: f64 = counts
        .iter()
        .filter(|count| **count > 1)
        .map(|count| weights[usize::from(*count)])
        .sum();
    length.log2() - sum / length
}
