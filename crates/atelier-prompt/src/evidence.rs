//! What checks printed, without what differs each time: how long it took, and where in the machine
//! it happened.
//!
//! The same failure then reads the same in every run, so that whoever asks about it asks the same.
//! What the tested program says, and where in its files, stays letter by letter.

mod order;
mod rules;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, sync::LazyLock};

use regex::{Regex, RegexSet};

use self::rules::{RULES, Rule};

/// Lines longer than this are no lines of a test runner; they stay as they are.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// The rules, ready to be used.
struct Compiled {
    /// Which rules a line may concern.
    any: RegexSet,
    rules: Vec<(Regex, &'static str)>,
}

static COMPILED: LazyLock<Compiled> = LazyLock::new(|| {
    let usable = |rule: &Rule| Regex::new(rule.pattern).ok().map(|regex| (regex, rule.put));
    let rules: Vec<_> = RULES.iter().filter_map(usable).collect();
    let patterns = rules.iter().map(|(regex, _)| regex.as_str());
    let any = RegexSet::new(patterns).unwrap_or_default();
    Compiled { any, rules }
});

/// What a check printed, as it would read at another time and in another place.
///
/// `folders` are folders of this machine, each with what stands for it.
pub fn lasting(text: &str, folders: &[(&str, &str)]) -> String {
    let mut lines: Vec<String> = text.lines().map(|line| of_line(line, folders)).collect();
    order::sort(&mut lines);
    let mut lasting = lines.join("\n");
    if text.ends_with('\n') {
        lasting.push('\n');
    }
    lasting
}

fn of_line(line: &str, folders: &[(&str, &str)]) -> String {
    let mut line = line.to_owned();
    for (folder, stands) in folders {
        if !folder.is_empty() && line.contains(folder) {
            line = line.replace(folder, stands);
        }
    }
    if line.len() > LINE_BYTES_MAX {
        return line;
    }
    let concerned = COMPILED.any.matches(&line);
    for at in concerned {
        if let Some((regex, put)) = COMPILED.rules.get(at)
            && let Cow::Owned(changed) = regex.replace_all(&line, *put)
        {
            line = changed;
        }
    }
    line
}
