//! Texts with personal data and secrets of every kind that the guard knows, none of which anybody
//! has ever seen.

use std::collections::BTreeSet;

use atelier_guard::{Guard, Policy};
use serde::Deserialize;

const FILES: [&str; 7] = [
    include_str!("../../atelier-guard/rules/contact.toml"),
    include_str!("../../atelier-guard/rules/credentials.toml"),
    include_str!("../../atelier-guard/rules/identity.toml"),
    include_str!("../../atelier-guard/rules/money.toml"),
    include_str!("../../atelier-guard/rules/network.toml"),
    include_str!("../../atelier-guard/rules/person.toml"),
    include_str!("../../atelier-guard/rules/tokens.toml"),
];

/// Draws at one example until it is a value with the right checksum.
const DRAWS_MAX: usize = 400;

/// Letters by which a value is recognised where it should not be.
const TRACE_LETTERS_MIN: usize = 6;

/// A value in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planted {
    /// Text around a value, with the value.
    pub text: String,
    /// The value.
    pub value: String,
    /// Its longest part without signs that change their form on the way, such as quotation marks.
    pub trace: String,
    /// The rule whose example it was made from.
    pub rule: String,
}

#[derive(Deserialize)]
struct File {
    rule: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    name: String,
    #[serde(rename = "match")]
    matches: Vec<String>,
}

/// Values of all rules in turn, the same for the same seed; no trace is found twice.
pub fn planted(count: usize, seed: u64) -> Vec<Planted> {
    let files = FILES
        .iter()
        .filter_map(|file| toml::from_str::<File>(file).ok());
    let rules: Vec<Rule> = files.flat_map(|file| file.rule).collect();
    let examples: Vec<(&str, &str)> = rules
        .iter()
        .flat_map(|rule| rule.matches.iter().map(|example| (&*rule.name, &**example)))
        .collect();
    let mut chance = Chance(seed | 1);
    let mut traces = BTreeSet::new();
    let mut planted = Vec::new();
    for (rule, example) in examples.iter().cycle().take(count.saturating_mul(4)) {
        if planted.len() == count {
            break;
        }
        let made = grown(rule, example, &mut chance);
        if let Some(made) = made.filter(|made| traces.insert(made.trace.clone())) {
            planted.push(made);
        }
    }
    planted
}

/// An example with other letters and digits in its span, where the guard finds all of it.
fn grown(rule: &str, example: &str, chance: &mut Chance) -> Option<Planted> {
    let (before, rest) = example.split_once('«')?;
    let (value, after) = rest.split_once('»')?;
    (0..DRAWS_MAX).find_map(|_| {
        let value = chance.varied(value);
        let text = format!("{before}{value}{after}");
        let span = before.len()..before.len() + value.len();
        let found = Guard::builtin().scan(&text, Policy::All);
        let is_whole = found.iter().any(|found| found.range() == span);
        let trace = trace(&value).to_owned();
        (is_whole && trace.len() >= TRACE_LETTERS_MIN).then(|| Planted {
            trace,
            text,
            rule: rule.to_owned(),
            value,
        })
    })
}

fn trace(value: &str) -> &str {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "@.-_:+/= ".contains(letter);
    let parts = value.split(|letter| !plain(letter));
    parts.max_by_key(|part| part.len()).unwrap_or_default()
}

/// Numbers that follow from a seed.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        // The generator of Marsaglia with 64 bits.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Another text of the same form: about a third of the letters and digits are others.
    fn varied(&mut self, value: &str) -> String {
        let mut vary = |letter: char| {
            let drawn = self.next();
            let from = |first: char, count: u64| {
                let step = u32::try_from(drawn / 3 % count).unwrap_or_default();
                char::from_u32(u32::from(first) + step).unwrap_or(letter)
            };
            match letter {
                _ if !drawn.is_multiple_of(3) => letter,
                '0'..='9' => from('0', 10),
                'a'..='f' => from('a', 6),
                'g'..='z' => from('g', 20),
                'A'..='F' => from('A', 6),
                'G'..='Z' => from('G', 20),
                other => other,
            }
        };
        value.chars().map(&mut vary).collect()
    }
}

#[cfg(test)]
mod tests;
