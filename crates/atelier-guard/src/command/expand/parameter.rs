//! `$name` and `${name…}`: what a parameter stands for.

use crate::command::{
    field::{self, DECODED, SECRET, UNKNOWN},
    parse, place,
    screen::Screen,
    syntax::Parameter,
};

/// Bytes of a value from which a pattern is cut.
const TRIMMED_BYTES_MAX: usize = 512;

impl Parameter {
    /// Whether this is every value of a list, each apart.
    pub(super) fn is_list(&self) -> bool {
        let all = |word: &crate::command::syntax::Word| matches!(word.0.as_slice(), [crate::command::syntax::Piece::Quoted(text)] if text == "@");
        self.name == "@" || all(&self.subscript)
    }
}

impl Screen<'_> {
    /// The values a parameter stands for; one, unless it is a list.
    pub(super) fn parameter(&mut self, parameter: &Parameter) -> Vec<String> {
        if parameter.length {
            return vec!["0".to_owned()];
        }
        let mut values = self.value(&parameter.name);
        if parameter.indirect {
            let name = values.as_ref().map(|values| values.concat());
            values = name.and_then(|name| self.value(&name));
            if values.is_none() {
                return vec![UNKNOWN.into()];
            }
        }
        let subscript = self.text(&parameter.subscript);
        if let (Some(list), Ok(at)) = (&values, subscript.parse::<usize>()) {
            values = Some(list.get(at).cloned().into_iter().collect());
        }
        let argument = self.text(&parameter.argument);
        let unknown = || vec![unset(&parameter.name)];
        match parameter.operator.as_str() {
            ":-" | "-" => values.unwrap_or(vec![argument]),
            ":=" | "=" => values.unwrap_or_else(|| {
                let values = vec![argument];
                self.set(&parameter.name, values.clone());
                values
            }),
            ":+" | "+" => vec![argument],
            // The shell stops here where there is no value: it cannot be empty.
            ":?" | "?" if !place::is_secret_name(&parameter.name) => {
                values.unwrap_or_else(|| vec![field::LOCAL.into()])
            }
            "" | ":?" | "?" => values.unwrap_or_else(unknown),
            "@" if argument == "P" => {
                let text = values.unwrap_or_else(unknown).concat();
                vec![self.prompt(&text)]
            }
            "@" if argument == "E" => vec![DECODED.into()],
            operator => {
                let values = values.unwrap_or_else(unknown);
                let changed = |value: &String| changed(value, operator, &argument);
                values.iter().map(changed).collect()
            }
        }
    }

    /// A text whose substitutions run when it is shown.
    fn prompt(&mut self, text: &str) -> String {
        match parse::parse_text(text) {
            Ok(word) => self.text(&word),
            Err(_) => UNKNOWN.into(),
        }
    }

    pub(in crate::command) fn value(&self, name: &str) -> Option<Vec<String>> {
        if let Some(values) = self.shell.variables.get(name) {
            return Some(values.clone());
        }
        let one = |text: &str| Some(vec![text.to_owned()]);
        match name {
            "HOME" => one(self.workspace.home()),
            "PWD" => one(self.shell.folder.as_deref().unwrap_or("\0")),
            "TMPDIR" => one("/tmp"),
            "SHELL" | "BASH" => one("/bin/bash"),
            "PATH" => one("/usr/local/bin:/usr/bin:/bin"),
            "IFS" => one(" \t\n"),
            "?" | "$" | "!" | "#" | "UID" | "EUID" | "PPID" | "RANDOM" | "SECONDS" | "LINENO"
            | "SRANDOM" | "EPOCHSECONDS" | "COLUMNS" => one("0"),
            "-" => one("hB"),
            "@" | "*" => self.shell.positional.clone(),
            _ => {
                let at: usize = name.parse().ok()?;
                let given = self.shell.positional.as_ref()?;
                Some(given.get(at.checked_sub(1)?).cloned().into_iter().collect())
            }
        }
    }
}

/// What stands for a variable that nobody here has set.
fn unset(name: &str) -> String {
    if place::is_secret_name(name) {
        SECRET.into()
    } else {
        UNKNOWN.into()
    }
}

fn changed(value: &str, operator: &str, argument: &str) -> String {
    if !field::is_known(value) || !field::is_known(argument) {
        return field::derived(value);
    }
    match operator {
        "^^" => value.to_uppercase(),
        ",," => value.to_lowercase(),
        "^" => first_changed(value, |first| first.to_uppercase().collect()),
        "," => first_changed(value, |first| first.to_lowercase().collect()),
        ":" => substring(value, argument),
        "#" | "##" | "%" | "%%" => trimmed(value, operator, argument),
        "/" | "//" => {
            let (from, to) = argument.split_once('/').unwrap_or((argument, ""));
            if from.contains(['*', '?', '[', '#', '%']) || from.is_empty() {
                field::derived(value)
            } else if operator == "/" {
                value.replacen(from, to, 1)
            } else {
                value.replace(from, to)
            }
        }
        _ => field::derived(value),
    }
}

fn first_changed(value: &str, change: impl Fn(char) -> String) -> String {
    let mut letters = value.chars();
    let first = letters.next().map(change).unwrap_or_default();
    first + letters.as_str()
}

/// `offset` or `offset:length`; anything that has to be computed is unknown.
fn substring(value: &str, argument: &str) -> String {
    let (offset, length) = match argument.split_once(':') {
        Some((offset, length)) => (offset, Some(length)),
        None => (argument, None),
    };
    let Ok(offset) = offset.trim().parse::<i64>() else {
        return field::derived(value);
    };
    let count = value.chars().count();
    let back = usize::try_from(offset.unsigned_abs()).unwrap_or(count);
    let from = if offset < 0 {
        count.saturating_sub(back)
    } else {
        back
    };
    let length = match length.map(|length| length.trim().parse::<usize>()) {
        None => count,
        Some(Ok(length)) => length,
        Some(Err(_)) => return field::derived(value),
    };
    value.chars().skip(from).take(length).collect()
}

fn trimmed(value: &str, operator: &str, pattern: &str) -> String {
    if value.len() + pattern.len() > TRIMMED_BYTES_MAX {
        return field::derived(value);
    }
    let borders: Vec<usize> = value
        .char_indices()
        .map(|(at, _)| at)
        .chain([value.len()])
        .collect();
    // In a parameter a pattern passes over slashes too.
    let pattern = pattern.replace('*', "**");
    let fits = |at: &&usize| match operator {
        "#" | "##" => field::could_be(&pattern, &value[..**at]),
        _ => field::could_be(&pattern, &value[**at..]),
    };
    let found = match operator {
        "#" | "%%" => borders.iter().find(fits),
        _ => borders.iter().rev().find(fits),
    };
    match (found, operator) {
        (None, _) => value.to_owned(),
        (Some(at), "#" | "##") => value[*at..].to_owned(),
        // The folder above a first one is meant to be the root.
        (Some(0), "%") if value.starts_with('/') && pattern == "/**" => "/".to_owned(),
        (Some(at), _) => value[..*at].to_owned(),
    }
}
