//! Rules and programs as data: what a program does to files, and which calls of it are what.

use std::{
    collections::HashMap,
    sync::{LazyLock, OnceLock},
};

use regex::Regex;
use serde::Deserialize;

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
    /// Whether paths among its arguments are looked at as names alone, or belong to another call.
    #[serde(default)]
    pub(super) looks: bool,
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
    argument: Option<Pattern>,
    /// What the whole call looks like, its words joined by blanks.
    line: Option<Pattern>,
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
    list: &'static [Rule],
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
        list: &RULE_LIST,
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
        let rules = self.list;
        places
            .into_iter()
            .map(move |at| &rules[at])
            .filter(|rule| rule.is_about(call))
    }

    #[cfg(test)]
    pub(super) fn all(&self) -> &'static [Rule] {
        self.list
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
        let fits = |pattern: &Pattern| {
            let mut arguments = call.arguments.iter();
            arguments.any(|argument| pattern.fits(argument))
        };
        (self.words.is_empty() || self.words.iter().any(begins))
            && (self.options.is_empty() || call.has(&options))
            && self.argument.as_ref().is_none_or(fits)
            && self
                .line
                .as_ref()
                .is_none_or(|line| line.fits(&call.line()))
    }
}

/// A regular expression that is made when it is first needed.
#[derive(Debug, Deserialize)]
#[serde(from = "String")]
struct Pattern {
    text: String,
    made: OnceLock<Option<Regex>>,
}

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        Self {
            text,
            made: OnceLock::new(),
        }
    }
}

impl Pattern {
    /// Text that is no expression fits nothing; a test finds it.
    fn fits(&self, text: &str) -> bool {
        let made = self.made.get_or_init(|| Regex::new(&self.text).ok());
        made.as_ref().is_some_and(|regex| regex.is_match(text))
    }
}

#[cfg(test)]
impl Rule {
    /// Whether the rule speaks of a line that is one plain call, or of a call inside of it.
    pub(super) fn is_named_for(&self, line: &str) -> bool {
        let workspace = crate::command::Workspace::new("/code/project", "/home/dev");
        let mut screen = crate::command::screen::Screen::new(&workspace);
        screen.line(line, "");
        screen.heard.contains(&self.name)
    }

    pub(super) fn patterns_compile(&self) -> bool {
        let patterns = [&self.argument, &self.line];
        patterns
            .into_iter()
            .flatten()
            .all(|pattern| Regex::new(&pattern.text).is_ok())
    }
}
