//! Rules and programs as data: what a program does to files, and which calls of it are what.

use std::{collections::HashMap, sync::LazyLock};

use regex::Regex;
use serde::{Deserialize, Deserializer};

use crate::command::{Judgement, program::Call};

/// What a program does with its operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Effect {
    /// They are no files, or files of the project.
    #[default]
    None,
    Read,
    /// They are read with everything below them.
    Walk,
    /// The first is a pattern or a script, the others are read.
    Pattern,
    Write,
    Remove,
    /// All but the last are read, the last is written.
    Copy,
    Link,
    /// The same, and the others are gone afterwards.
    Move,
}

/// A program that is known.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Program {
    names: Vec<String>,
    #[serde(default)]
    pub(super) effect: Effect,
    /// Options that are followed by a value.
    #[serde(default)]
    pub(super) valued: Vec<String>,
    /// Options whose value is a file that is written.
    #[serde(default)]
    pub(super) writes: Vec<String>,
    /// Options whose value is a file that is read.
    #[serde(default)]
    pub(super) reads: Vec<String>,
    /// Whether a call that no rule speaks of is asked about.
    #[serde(default)]
    pub(super) asks: bool,
}

/// A judgement on some calls of some programs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) name: String,
    /// Names of programs; all if left out.
    #[serde(default)]
    programs: Vec<String>,
    /// How the operands begin, any of these.
    #[serde(default)]
    words: Vec<String>,
    /// Options of which one must be given.
    #[serde(default)]
    options: Vec<String>,
    /// What one argument looks like.
    #[serde(default, deserialize_with = "pattern")]
    argument: Option<Regex>,
    /// What the whole call looks like, its words joined by blanks.
    #[serde(default, deserialize_with = "pattern")]
    line: Option<Regex>,
    pub(super) verdict: Judgement,
    pub(super) reason: String,
    /// Lines the rule speaks of, and lines it does not; a test holds them against it.
    #[serde(rename = "match")]
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the test of the rules"))]
    pub(super) matching: Vec<String>,
    #[serde(default)]
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the test of the rules"))]
    pub(super) not_match: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProgramFile {
    program: Vec<Program>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    rule: Vec<Rule>,
}

/// Everything that is known about programs.
#[derive(Debug)]
pub(super) struct Rules {
    programs: HashMap<&'static str, &'static Program>,
    rules: &'static [Rule],
    /// Places in `rules`, by program; those for every program under the empty name.
    by_program: HashMap<&'static str, Vec<usize>>,
}

static PROGRAMS: LazyLock<Vec<Program>> = LazyLock::new(|| {
    #[expect(
        clippy::expect_used,
        reason = "the text is part of the program, and a test reads it"
    )]
    let file: ProgramFile = toml::from_str(include_str!("../../rules/command/programs.toml"))
        .expect("programs are programs");
    file.program
});

static RULE_LIST: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    #[expect(
        clippy::expect_used,
        reason = "the text is part of the program, and a test reads it"
    )]
    let file: RuleFile =
        toml::from_str(include_str!("../../rules/command/rules.toml")).expect("rules are rules");
    file.rule
});

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let named = |program: &'static Program| {
        let names = program.names.iter();
        names.map(move |name| (name.as_str(), program))
    };
    let mut by_program: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, rule) in RULE_LIST.iter().enumerate() {
        if rule.programs.is_empty() {
            by_program.entry("").or_default().push(at);
        }
        for program in &rule.programs {
            by_program.entry(program.as_str()).or_default().push(at);
        }
    }
    Rules {
        programs: PROGRAMS.iter().flat_map(named).collect(),
        rules: &RULE_LIST,
        by_program,
    }
});

impl Rules {
    pub(super) fn builtin() -> &'static Self {
        &RULES
    }

    pub(super) fn program(&self, name: &str) -> Option<&'static Program> {
        self.programs.get(name).copied()
    }

    /// Whether anything is said about programs of this name.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.programs.contains_key(name) || self.by_program.contains_key(name)
    }

    /// Every rule that speaks of the call.
    pub(super) fn matching<'c>(&self, call: &'c Call) -> impl Iterator<Item = &'static Rule> + 'c {
        let for_program = self.by_program.get(call.name.as_str());
        let for_all = self.by_program.get("");
        let places: Vec<usize> = for_program
            .into_iter()
            .chain(for_all)
            .flatten()
            .copied()
            .collect();
        let rules = self.rules;
        places
            .into_iter()
            .map(move |at| &rules[at])
            .filter(|rule| rule.is_about(call))
    }

    #[cfg(test)]
    pub(super) fn all(&self) -> &'static [Rule] {
        self.rules
    }
}

impl Rule {
    fn is_about(&self, call: &Call) -> bool {
        let begins = |words: &String| {
            let mut wanted = words.split(' ');
            let mut given = call.operands.iter();
            wanted.all(|word| given.next().is_some_and(|operand| operand == word))
        };
        let options: Vec<&str> = self.options.iter().map(String::as_str).collect();
        let fits = |regex: &Regex| {
            call.arguments
                .iter()
                .any(|argument| regex.is_match(argument))
        };
        (self.words.is_empty() || self.words.iter().any(begins))
            && (self.options.is_empty() || call.has(&options))
            && self.argument.as_ref().is_none_or(fits)
            && self
                .line
                .as_ref()
                .is_none_or(|line| line.is_match(&call.line()))
    }
}

fn pattern<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Regex>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Regex::new(&text)
        .map(Some)
        .map_err(serde::de::Error::custom)
}
