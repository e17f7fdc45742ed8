//! Goes through a command line as a shell would, without starting anything.

mod shell;

use std::rc::Rc;

use crate::command::{
    Judgement, Verdict, Workspace, field,
    parse::{self, ParseError},
    place::{self, Place},
    syntax::{Command, Form, Item, Pipeline, RedirectionKind, Word},
};

pub(super) use shell::Shell;

/// Commands looked at for one line: calls, loops and nested lines may multiply them.
pub(super) const COMMANDS_MAX: usize = 1500;

/// How deep commands, calls and lines inside of lines go.
const DEPTH_MAX: usize = 90;

/// Rounds of a loop that are gone through.
const ROUNDS_MAX: usize = 256;

/// Bytes that one command hands to the next.
const STREAM_BYTES_MAX: usize = 64 << 10;

/// What is known while a line is gone through.
pub(super) struct Screen<'w> {
    pub(super) workspace: &'w Workspace,
    pub(super) shell: Shell,
    worst: Verdict,
    /// Every rule that spoke.
    #[cfg(test)]
    pub(super) heard: Vec<String>,
    pub(super) commands: usize,
    depth: usize,
    /// More than zero inside of what may or may not run.
    conditional: usize,
    /// More than zero in pipelines and in the background: where commands run side by side.
    pub(super) parallel: usize,
    /// How deep calls are inside of calls.
    pub(super) calls_depth: usize,
    /// The functions that are running, by name.
    calls: Vec<String>,
    /// Lines that run when the shell ends or gets a signal.
    pub(super) traps: Vec<String>,
    /// The functions that were called.
    called: Vec<String>,
}

impl<'w> Screen<'w> {
    pub(super) fn new(workspace: &'w Workspace) -> Self {
        Self {
            workspace,
            shell: Shell::in_folder(workspace.root()),
            worst: Verdict {
                verdict: Judgement::Allow,
                reason: "nothing in it is forbidden or unknown".to_owned(),
                rule: "none".to_owned(),
            },
            #[cfg(test)]
            heard: Vec::new(),
            commands: 0,
            depth: 0,
            conditional: 0,
            parallel: 0,
            calls_depth: 0,
            calls: Vec::new(),
            traps: Vec::new(),
            called: Vec::new(),
        }
    }

    pub(super) fn judge(mut self, line: &str) -> Verdict {
        if field::has_marks(line) {
            self.ask("unreadable", "it has control characters");
            return self.worst;
        }
        match parse::parse(line) {
            Ok(script) => {
                self.run(&script, "");
                for line in std::mem::take(&mut self.traps) {
                    self.line(&line, "");
                }
                self.uncalled();
            }
            Err(error) => self.unreadable(error),
        }
        self.worst
    }

    pub(super) fn unreadable(&mut self, error: ParseError) {
        self.ask(
            "unreadable",
            &format!("it does not parse: failed to {error}"),
        );
    }

    /// A function nobody calls here is looked at for what is forbidden anyway.
    fn uncalled(&mut self) {
        let functions: Vec<(String, Rc<Command>)> = self
            .shell
            .functions
            .iter()
            .filter(|(name, _)| !self.called.contains(name))
            .map(|(name, body)| (name.clone(), Rc::clone(body)))
            .collect();
        for (name, body) in functions {
            let before = self.worst.clone();
            self.call(&name, &body, None, "\0");
            if self.worst.verdict < Judgement::Forbid {
                self.worst = before;
            }
        }
    }

    /// Takes note of something; the gravest stays, the first of its kind.
    pub(super) fn note(&mut self, verdict: Judgement, rule: &str, reason: &str) {
        #[cfg(test)]
        self.heard.push(rule.to_owned());
        if verdict > self.worst.verdict {
            self.worst = Verdict {
                verdict,
                reason: reason.to_owned(),
                rule: rule.to_owned(),
            };
        }
    }

    /// What is not looked at is never allowed.
    pub(super) fn too_much(&mut self) {
        self.ask("too-much", "it has more in it than can be looked through");
    }

    pub(super) fn ask(&mut self, rule: &str, reason: &str) {
        self.note(Judgement::Ask, rule, reason);
    }

    pub(super) fn forbid(&mut self, rule: &str, reason: &str) {
        self.note(Judgement::Forbid, rule, reason);
    }

    pub(super) fn place(&self, path: &str) -> Place {
        let place = place::place(path, self.shell.folder.as_deref(), self.workspace);
        // A workspace may be in a temporary folder: what is beside it is still not its own.
        if matches!(place, Place::Temporary | Place::TemporaryRoot) && self.climbs(path) {
            return Place::Outside;
        }
        place
    }

    /// Whether a path leads out of the workspace from inside of it.
    fn climbs(&self, path: &str) -> bool {
        let root = self.workspace.root();
        if path.starts_with('/') {
            return place::within(path, root).is_some();
        }
        let folder = self.shell.folder.as_deref();
        self.shell.has_climbed || folder.is_some_and(|folder| place::within(folder, root).is_some())
    }

    /// Looks at what may run, for what is forbidden: all else about it is said already.
    pub(super) fn suspected(&mut self, look: impl FnOnce(&mut Self)) {
        let (worst, shell) = (self.worst.clone(), self.shell.clone());
        look(self);
        self.shell = shell;
        if self.worst.verdict < Judgement::Forbid {
            self.worst = worst;
        }
    }

    /// A further line inside of this one, in the same shell.
    pub(super) fn line(&mut self, text: &str, stdin: &str) -> String {
        if text.contains(field::NETWORK) {
            self.forbid("remote-code", "it runs what the network sends");
        } else if text.contains(field::DECODED) {
            self.forbid("hidden-code", "it runs code that is hidden by an encoding");
        } else if !field::is_known(text) {
            self.ask("unknown-code", "it runs text that is not known before");
        }
        match parse::parse(text) {
            Ok(script) => self.run(&script, stdin),
            Err(error) => {
                self.unreadable(error);
                field::derived(stdin)
            }
        }
    }

    /// The same in a shell of its own.
    pub(super) fn line_apart(&mut self, text: &str, stdin: &str) -> String {
        let before = self.shell.clone();
        let output = self.line(text, stdin);
        let files = std::mem::take(&mut self.shell.files);
        self.shell = before;
        self.shell.files = files;
        output
    }

    pub(super) fn run(&mut self, script: &[Item], stdin: &str) -> String {
        let mut output = String::new();
        for item in script {
            for (at, pipeline) in item.pipelines.iter().enumerate() {
                self.conditional += usize::from(at > 0);
                self.parallel += usize::from(item.in_background);
                let printed = self.pipeline(pipeline, stdin);
                self.parallel -= usize::from(item.in_background);
                self.conditional -= usize::from(at > 0);
                if output.len() + printed.len() <= STREAM_BYTES_MAX {
                    output.push_str(&printed);
                }
            }
        }
        output
    }

    fn pipeline(&mut self, pipeline: &Pipeline, stdin: &str) -> String {
        if let [command] = pipeline.as_slice() {
            return self.command(command, stdin);
        }
        let mut stream = stdin.to_owned();
        self.parallel += 1;
        for command in pipeline {
            let before = self.shell.clone();
            stream = self.command(command, &stream);
            let files = std::mem::take(&mut self.shell.files);
            self.shell = before;
            self.shell.files = files;
        }
        self.parallel -= 1;
        stream
    }

    /// One command; what it prints is handed back as far as it is known.
    pub(super) fn command(&mut self, command: &Command, stdin: &str) -> String {
        self.commands += 1;
        if self.commands > COMMANDS_MAX || self.depth >= DEPTH_MAX {
            self.ask("too-much", "it has more in it than can be looked through");
            return "\0".to_owned();
        }
        self.depth += 1;
        let (stdin, file) = self.redirected(command, stdin);
        let output = self.form(&command.form, &stdin);
        if file
            .as_deref()
            .is_some_and(|path| self.place(path) != Place::Harmless)
        {
            self.floods(&command.form);
        }
        self.depth -= 1;
        match file {
            None => output,
            Some(path) => {
                self.shell.keep(path, &output);
                String::new()
            }
        }
    }

    /// What a command reads instead, and the file that gets what it prints.
    fn redirected(&mut self, command: &Command, stdin: &str) -> (String, Option<String>) {
        let (mut stdin, mut file) = (stdin.to_owned(), None);
        for redirection in &command.redirections {
            let is_input = redirection.descriptor.is_none_or(|number| number == 0);
            if let RedirectionKind::HereDocument(body) = &redirection.kind {
                let body = body.get().cloned().unwrap_or_default();
                stdin = self.text(&body);
                continue;
            }
            let target = self.text(&redirection.target);
            match redirection.kind {
                RedirectionKind::HereString => stdin = format!("{target}\n"),
                RedirectionKind::HereDocument(_) => {}
                RedirectionKind::Read => {
                    self.reads(&target, false);
                    if is_input {
                        stdin = self.contents(&target);
                    }
                }
                RedirectionKind::ReadWrite => {
                    self.reads(&target, false);
                    self.writes(&target);
                }
                RedirectionKind::Duplicate => {
                    let number = target.trim_end_matches('-');
                    if !number
                        .chars()
                        .all(|digit| digit.is_ascii_digit() || digit == '\0')
                    {
                        self.writes(&target);
                        file = self.resolved(&target);
                    }
                }
                RedirectionKind::Write => {
                    self.writes(&target);
                    if redirection.descriptor.is_none_or(|number| number == 1) {
                        file = self.resolved(&target);
                    }
                }
            }
        }
        (stdin, file)
    }

    /// A program that prints without end into a file.
    fn floods(&mut self, form: &Form) {
        let Form::Simple { words, .. } = form else {
            return;
        };
        let fields = self.fields(words);
        let Some((name, arguments)) = fields.split_first() else {
            return;
        };
        let sources = ["/dev/zero", "/dev/urandom", "/dev/random", "/dev/full"];
        let copies = matches!(name.as_str(), "cat" | "tail" | "pv")
            && arguments
                .iter()
                .any(|path| sources.contains(&path.as_str()));
        if copies || name == "yes" {
            self.forbid("fills-disk", "it writes until the disk is full");
        }
    }

    pub(super) fn resolved(&self, path: &str) -> Option<String> {
        place::resolved(path, self.shell.folder.as_deref())
    }

    /// What is in a file, as far as this line tells.
    pub(super) fn contents(&self, path: &str) -> String {
        let resolved = self.resolved(path);
        let kept = resolved.and_then(|path| self.shell.files.get(&path));
        match (kept, self.place(path)) {
            (Some(kept), _) => kept.clone(),
            (None, Place::Secret) => field::SECRET.to_string(),
            (None, _) => field::LOCAL.to_string() + &field::origins(path),
        }
    }

    fn form(&mut self, form: &Form, stdin: &str) -> String {
        match form {
            Form::Simple { assignments, words } => self.simple(assignments, words, stdin),
            Form::Group(script) => self.run(script, stdin),
            Form::Subshell(script) => {
                let before = self.shell.clone();
                let output = self.run(script, stdin);
                let files = std::mem::take(&mut self.shell.files);
                self.shell = before;
                self.shell.files = files;
                output
            }
            Form::Choice(parts) => self.parts(parts, stdin),
            Form::Loop { condition, body } => {
                self.endless(condition, body);
                let first = self.run(condition, stdin);
                first + &self.rounds(|screen| screen.run(body, stdin))
            }
            Form::For { name, words, body } => self.for_each(name, words.as_deref(), body, stdin),
            Form::Case { word, branches } => {
                self.text(word);
                self.parts(branches, stdin)
            }
            Form::Function { name, body } => {
                self.shell.functions.insert(name.clone(), Rc::clone(body));
                String::new()
            }
            Form::Condition(words) => {
                for word in words {
                    let text = self.text(word);
                    self.computed(&text);
                }
                String::new()
            }
        }
    }

    /// Text that is computed with may run a substitution in a subscript.
    pub(super) fn computed(&mut self, text: &str) {
        if (text.contains("$(") || text.contains('`'))
            && let Ok(word) = parse::parse_text(text)
        {
            self.forbid(
                "hidden-code",
                "it runs a command from inside of a subscript",
            );
            self.text(&word);
        }
        // A name stands for its value, which is computed in turn.
        let names = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        let hides = |value: &String| value.contains("$(") || value.contains('`');
        let mut values = names.filter_map(|name| self.shell.variables.get(name));
        if values.any(|values| values.iter().any(hides)) {
            self.forbid(
                "hidden-code",
                "it runs a command from inside of a subscript",
            );
        }
    }

    fn rounds(&mut self, round: impl FnOnce(&mut Self) -> String) -> String {
        self.conditional += 1;
        let output = round(self);
        self.conditional -= 1;
        output
    }

    fn parts(&mut self, parts: &[Vec<Item>], stdin: &str) -> String {
        self.rounds(|screen| parts.iter().map(|part| screen.run(part, stdin)).collect())
    }

    /// A loop without end that starts one process after the other.
    fn endless(&mut self, condition: &[Item], body: &[Item]) {
        let always = |word: &Word| {
            let text = word.0.first();
            matches!(text, Some(crate::command::syntax::Piece::Plain(text)) if text == "true" || text == ":" || text == "1")
        };
        let is_endless = condition.iter().any(|item| {
            item.pipelines
                .iter()
                .flatten()
                .any(|command| match &command.form {
                    Form::Simple { words, .. } | Form::Condition(words) => {
                        words.first().is_some_and(always)
                    }
                    Form::Group(_)
                    | Form::Subshell(_)
                    | Form::Choice(_)
                    | Form::Loop { .. }
                    | Form::For { .. }
                    | Form::Case { .. }
                    | Form::Function { .. } => false,
                })
        });
        if is_endless && body.iter().any(|item| item.in_background) {
            self.forbid("fork-bomb", "it starts processes without end");
        }
        if is_endless && self.grows(body) {
            self.forbid("fills-disk", "it writes until the disk is full");
        }
    }

    /// Whether each round writes into a file, and none waits or ends.
    fn grows(&mut self, body: &[Item]) -> bool {
        let mut writes = false;
        for command in body.iter().flat_map(|item| &item.pipelines).flatten() {
            let Form::Simple { words, .. } = &command.form else {
                return false;
            };
            let waits = [
                "sleep",
                "read",
                "break",
                "wait",
                "exit",
                "return",
                "inotifywait",
            ];
            let name = words.first().map(|name| self.text(name));
            if name.is_none_or(|name| waits.contains(&name.as_str())) {
                return false;
            }
            for redirection in &command.redirections {
                let target = self.text(&redirection.target);
                writes |= matches!(redirection.kind, RedirectionKind::Write)
                    && self.place(&target) != Place::Harmless;
            }
        }
        writes
    }

    fn for_each(
        &mut self,
        name: &str,
        words: Option<&[Word]>,
        body: &[Item],
        stdin: &str,
    ) -> String {
        let values = match words {
            Some(words) => self.fields(words),
            None => vec!["\0".to_owned()],
        };
        if values.len() > ROUNDS_MAX {
            self.too_much();
        }
        let mut output = String::new();
        for value in values.into_iter().take(ROUNDS_MAX) {
            if !name.is_empty() {
                self.shell.variables.insert(name.to_owned(), vec![value]);
            }
            output += &self.rounds(|screen| screen.run(body, stdin));
        }
        output.truncate(output.floor_char_boundary(STREAM_BYTES_MAX));
        output
    }

    /// Sets a variable; where that may not happen, two values make it unknown.
    pub(super) fn set(&mut self, name: &str, values: Vec<String>) {
        let is_other = self
            .shell
            .variables
            .get(name)
            .is_some_and(|old| *old != values);
        let values = if self.conditional > 0 && is_other {
            vec![field::derived(&values.concat())]
        } else {
            values
        };
        self.shell.variables.insert(name.to_owned(), values);
    }

    /// Calls a function with its arguments.
    pub(super) fn call(
        &mut self,
        name: &str,
        body: &Rc<Command>,
        arguments: Option<Vec<String>>,
        stdin: &str,
    ) -> String {
        if self.calls.iter().any(|running| running == name) {
            if self.parallel > 0 {
                self.forbid("fork-bomb", "a function starts itself over and over");
            } else {
                self.ask("endless", "a function calls itself");
            }
            return "\0".to_owned();
        }
        self.called.push(name.to_owned());
        self.calls.push(name.to_owned());
        let before = std::mem::replace(&mut self.shell.positional, arguments);
        let output = self.command(body, stdin);
        self.shell.positional = before;
        self.calls.pop();
        output
    }
}
