//! What is known of words: which mean the same, which only open or close a sentence, which decide.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::LazyLock,
};

/// Choices that one pattern may expand to.
const EXPANSIONS_MAX: usize = 2_048;

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    Words::parse(
        include_str!("../words/synonyms.txt"),
        include_str!("../words/frames.txt"),
        include_str!("../words/lists.txt"),
    )
});

/// A phrase, and what stands for it in a canonical sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Its words.
    pub(crate) words: Vec<String>,
    /// The list that the next word must be of.
    pub(crate) ahead: Option<String>,
    /// What takes its place.
    pub(crate) meaning: Vec<String>,
}

/// Phrases by their first word, the longest first.
pub(crate) type Frames = HashMap<String, Vec<Frame>>;

/// Every word and phrase that means more than its letters.
#[derive(Debug, Default)]
pub(crate) struct Words {
    synonyms: HashMap<String, String>,
    contractions: HashMap<String, Vec<String>>,
    lists: BTreeMap<String, HashSet<String>>,
    frames: BTreeMap<String, Frames>,
}

impl Words {
    /// What comes with the program.
    pub(crate) fn builtin() -> &'static Self {
        &WORDS
    }

    fn parse(synonyms: &str, frames: &str, lists: &str) -> Self {
        let mut words = Self::default();
        for (section, line) in sectioned(lists) {
            words.list_line(section, line);
        }
        for (section, line) in sectioned(frames) {
            words.frame_line(section, line);
        }
        for (section, line) in sectioned(synonyms) {
            words.synonym_line(section, line);
        }
        for frames in words.frames.values_mut().flat_map(HashMap::values_mut) {
            frames.sort_by_key(|frame| std::cmp::Reverse(frame.words.len()));
        }
        words
    }

    fn list_line(&mut self, section: &str, line: &str) {
        if section == "contractions" {
            if let Some((short, long)) = line.split_once('=') {
                let long = long.split_whitespace().map(str::to_owned).collect();
                self.contractions.insert(short.trim().to_owned(), long);
            }
            return;
        }
        let list = self.lists.entry(section.to_owned()).or_default();
        list.extend(line.split_whitespace().map(|word| word.replace('_', " ")));
    }

    fn frame_line(&mut self, section: &str, line: &str) {
        let (pattern, meaning) = line.split_once("=>").unwrap_or((line, ""));
        let table = self.frames.entry(section.to_owned()).or_default();
        for (words, chosen) in expand(pattern) {
            let (words, ahead) = match words.split_last() {
                Some((last, front)) if last.starts_with('+') => {
                    (front.to_vec(), Some(last[1..].to_owned()))
                }
                _ => (words, None),
            };
            let meaning = meaning.split_whitespace();
            let meaning = meaning.map(|word| match word.strip_prefix('$') {
                Some(place) => place
                    .parse::<usize>()
                    .ok()
                    .and_then(|place| chosen.get(place.saturating_sub(1)))
                    .cloned()
                    .unwrap_or_default(),
                None => word.to_owned(),
            });
            let frame = Frame {
                meaning: meaning.filter(|word| !word.is_empty()).collect(),
                ahead,
                words,
            };
            if let Some(first) = frame.words.first() {
                table.entry(first.clone()).or_default().push(frame);
            }
        }
    }

    /// `section` says how the words of a line are inflected.
    fn synonym_line(&mut self, section: &str, line: &str) {
        let mut forms = line.split_whitespace().map(|word| inflected(word, section));
        let Some(head) = forms.next() else { return };
        for other in forms {
            for (form, meaning) in other.iter().zip(&head) {
                if form.contains('_') {
                    self.phrase(form, meaning);
                } else {
                    self.synonyms.insert(form.clone(), meaning.clone());
                }
            }
        }
    }

    fn phrase(&mut self, phrase: &str, meaning: &str) {
        let words: Vec<String> = phrase.split('_').map(str::to_owned).collect();
        let table = self.frames.entry("phrase".to_owned()).or_default();
        if let Some(first) = words.first().cloned() {
            table.entry(first).or_default().push(Frame {
                words,
                ahead: None,
                meaning: vec![meaning.to_owned()],
            });
        }
    }

    /// The word that stands for all that mean the same.
    pub(crate) fn meaning<'a>(&'a self, word: &'a str) -> &'a str {
        self.synonyms.get(word).map_or(word, String::as_str)
    }

    /// Whether a word is on a list.
    pub(crate) fn lists(&self, list: &str, word: &str) -> bool {
        self.lists.get(list).is_some_and(|list| list.contains(word))
    }

    /// Whether a name means the same with and without its capital.
    pub(crate) fn is_name(&self, lower: &str) -> bool {
        self.lists("names", lower)
    }

    /// Whether a number may be written to this unit without a space.
    pub(crate) fn is_unit(&self, unit: &str) -> bool {
        self.lists("units", unit)
    }

    /// The words of a contraction that has no rule.
    pub(crate) fn contraction(&self, word: &str) -> Option<&[String]> {
        self.contractions.get(word).map(Vec::as_slice)
    }

    /// The phrases of a section that begin with a word, the longest first.
    pub(crate) fn frames(&self, section: &str, first: &str) -> &[Frame] {
        let table = self.frames.get(section);
        table
            .and_then(|table| table.get(first))
            .map_or(&[], Vec::as_slice)
    }
}

/// The lines of a file with the section each is in.
fn sectioned(file: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut section = "";
    file.lines().filter_map(move |line| {
        let line = Some(line.trim()).filter(|line| !line.starts_with('#'))?;
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            && !name.contains([' ', '|'])
        {
            section = name;
            return None;
        }
        (!line.is_empty()).then_some((section, line))
    })
}

/// Every way to say a pattern, with what was chosen in its groups. `(a|b)` is one of several,
/// `[a]` may be left out, `_` is a space within a choice.
fn expand(pattern: &str) -> Vec<(Vec<String>, Vec<String>)> {
    let mut all = vec![(Vec::new(), Vec::new())];
    for element in pattern.split_whitespace() {
        let (choices, is_group) = choices(element);
        let mut longer = Vec::with_capacity(all.len() * choices.len());
        for (words, chosen) in &all {
            for choice in &choices {
                let mut words: Vec<String> = words.clone();
                words.extend(
                    choice
                        .split('_')
                        .filter(|word| !word.is_empty())
                        .map(str::to_owned),
                );
                let mut chosen: Vec<String> = chosen.clone();
                if is_group {
                    chosen.push((*choice).to_owned());
                }
                longer.push((words, chosen));
            }
        }
        longer.truncate(EXPANSIONS_MAX);
        all = longer;
    }
    all
}

fn choices(element: &str) -> (Vec<&str>, bool) {
    let inside = |open, close| element.strip_prefix(open)?.strip_suffix(close);
    if let Some(body) = inside('(', ')') {
        return (body.split('|').collect(), true);
    }
    if let Some(body) = inside('[', ']') {
        return (body.split('|').chain([""]).collect(), true);
    }
    (vec![element], false)
}

/// A word in all its forms, in a fixed order.
fn inflected(word: &str, kind: &str) -> Vec<String> {
    let with = |ending: &str| attach(word, ending);
    match kind {
        "verbs" => vec![word.to_owned(), with("s"), with("ed"), with("ing")],
        "nouns" => vec![word.to_owned(), with("s")],
        "adjectives" => vec![word.to_owned(), with("er"), with("est")],
        _ => vec![word.to_owned()],
    }
}

/// A word with a regular ending.
fn attach(word: &str, ending: &str) -> String {
    // Of a phrase it is the first word that is inflected.
    if let Some((first, rest)) = word.split_once('_') {
        return format!("{}_{rest}", attach(first, ending));
    }
    let vowel = |c: char| "aeiou".contains(c);
    let chars: Vec<char> = word.chars().collect();
    let before = |back: usize| {
        chars
            .len()
            .checked_sub(back)
            .and_then(|at| chars.get(at))
            .copied()
    };
    let (last, second) = (before(1).unwrap_or('e'), before(2).unwrap_or('a'));
    let soft_y = last == 'y' && !vowel(second);
    let stem = || word.get(..word.len() - 1).unwrap_or_default();
    if ending == "s" {
        let hisses = ["s", "x", "z", "ch", "sh"]
            .iter()
            .any(|end| word.ends_with(end));
        return match (soft_y, hisses) {
            (true, _) => format!("{}ies", stem()),
            (false, true) => format!("{word}es"),
            (false, false) => format!("{word}s"),
        };
    }
    if last == 'e' {
        return format!("{}{ending}", stem());
    }
    if soft_y && ending != "ing" {
        return format!("{}i{ending}", stem());
    }
    let vowels = chars.iter().filter(|c| vowel(**c)).count();
    let third = before(3).unwrap_or('a');
    if vowels == 1 && !vowel(last) && !"wxy".contains(last) && vowel(second) && !vowel(third) {
        return format!("{word}{last}{ending}");
    }
    format!("{word}{ending}")
}

/// Words that a set of lists holds, for tests that look for contradictions.
#[cfg(test)]
impl Words {
    pub(crate) fn synonym_pairs(&self) -> std::collections::BTreeSet<(String, String)> {
        let pairs = self.synonyms.iter();
        pairs
            .map(|(word, meaning)| (word.clone(), meaning.clone()))
            .collect()
    }
}

#[cfg(test)]
mod tests;
