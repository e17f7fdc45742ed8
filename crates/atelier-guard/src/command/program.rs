//! One program that would start, or one builtin of the shell.

mod builtin;

use crate::command::{
    Judgement, field,
    place::Place,
    rule::{Effect, Program, Rules},
    screen::{COMMANDS_MAX, Screen},
    syntax::{Assignment, Piece, Word},
};

/// Calls inside of calls, such as `env env env …`.
const CALLS_DEPTH_MAX: usize = 24;

/// The extensions of scripts that are run by a shell.
const SCRIPTS: &[&str] = &[".sh", ".bash", ".zsh", ".run", ".command", ".bat", ".ps1"];

/// How variables end that name a program which other programs start.
const TOOLS: &[&str] = &[
    "SHELL", "_EDITOR", "_PAGER", "_COMMAND", "_CMD", "_RSH", "_OPENER", "_PROGRAM",
];

/// The same of programs that build tools start in any case.
const STARTERS: &[&str] = &["_LINKER", "_RUNNER", "_WRAPPER"];

/// A call of a program: its name without folders, and its arguments taken apart.
#[derive(Debug, Default)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) arguments: Vec<String>,
    pub(super) options: Vec<(String, Option<String>)>,
    pub(super) operands: Vec<String>,
}

impl Call {
    pub(super) fn new(name: &str, arguments: &[String], valued: &[String]) -> Self {
        let mut call = Self {
            name: name.to_owned(),
            arguments: arguments.to_vec(),
            ..Self::default()
        };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            if argument == "--" {
                call.operands.extend(rest.by_ref().cloned());
            } else if argument.len() < 2 || !argument.starts_with('-') {
                call.operands.push(argument.clone());
            } else if valued.contains(argument) {
                call.options.push((argument.clone(), rest.next().cloned()));
            } else if argument.starts_with("--") {
                let (name, value) = match argument.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (argument.as_str(), None),
                };
                call.options.push((name.to_owned(), value));
            } else {
                call.letters(argument, valued, &mut rest);
            }
        }
        call
    }

    /// `-xzf FILE`: letters, of which one may take the rest or the next argument.
    fn letters<'a>(
        &mut self,
        argument: &str,
        valued: &[String],
        rest: &mut impl Iterator<Item = &'a String>,
    ) {
        self.options.push((argument.to_owned(), None));
        for (at, letter) in argument.char_indices().skip(1) {
            let option = format!("-{letter}");
            if !valued.contains(&option) {
                self.options.push((option, None));
                continue;
            }
            let behind = &argument[at + letter.len_utf8()..];
            let value = if behind.is_empty() {
                rest.next().cloned()
            } else {
                Some(behind.to_owned())
            };
            self.options.push((option, value));
            return;
        }
    }

    pub(super) fn has(&self, options: &[&str]) -> bool {
        let mut given = self.options.iter();
        given.any(|(option, _)| options.contains(&option.as_str()))
    }

    /// The value of one of these options.
    pub(super) fn value(&self, options: &[&str]) -> Option<String> {
        self.values(options).into_iter().next()
    }

    pub(super) fn values(&self, options: &[&str]) -> Vec<String> {
        let given = self.options.iter();
        given
            .filter(|(option, _)| options.contains(&option.as_str()))
            .filter_map(|(_, value)| value.clone())
            .collect()
    }

    pub(super) fn line(&self) -> String {
        let mut line = self.name.clone();
        for argument in &self.arguments {
            line.push(' ');
            line.push_str(argument);
        }
        line
    }
}

impl Screen<'_> {
    pub(super) fn simple(
        &mut self,
        assignments: &[Assignment],
        words: &[Word],
        stdin: &str,
    ) -> String {
        let fields = self.fields(words);
        self.defaults(&fields, words);
        for assignment in assignments {
            let values = match assignment.values.as_slice() {
                [one] => vec![self.text(one)],
                several => self.fields(several),
            };
            self.assigned(&assignment.name, &values.concat());
            if !fields.is_empty() {
                continue;
            }
            let mut old = self.shell.variables.get(&assignment.name).cloned();
            let old = old
                .take()
                .filter(|_| assignment.appends)
                .unwrap_or_default();
            let values = if old.len() == 1 && values.len() == 1 {
                vec![old.concat() + &values.concat()]
            } else {
                [old, values].concat()
            };
            self.set(&assignment.name, values);
        }
        let is_named = words.first().is_some_and(|word| !word.0.is_empty());
        match fields.split_first() {
            Some((name, arguments)) => self.with_assigned(assignments, name, arguments, stdin),
            None if is_named => String::new(),
            None => stdin.to_owned(),
        }
    }

    /// `rm -rf "${X:-build}"`: the default is known, but whether it is taken is not.
    fn defaults(&mut self, fields: &[String], words: &[Word]) {
        let removes = fields.first().is_some_and(|name| {
            matches!(
                name.rsplit('/').next(),
                Some("rm" | "rmdir" | "unlink" | "shred")
            )
        });
        let is_open = |piece: &Piece| match piece {
            Piece::Parameter(parameter) => {
                matches!(parameter.operator.as_str(), ":-" | "-")
                    && self.value(&parameter.name).is_none()
            }
            Piece::Plain(_)
            | Piece::Quoted(_)
            | Piece::Arithmetic(_)
            | Piece::Process(_)
            | Piece::Substitution { .. } => false,
        };
        if removes && words.iter().flat_map(|word| &word.0).any(is_open) {
            self.ask("remove", "it removes a path that is not known before");
        }
    }

    /// Variables before a call hold for the call alone.
    fn with_assigned(
        &mut self,
        assignments: &[Assignment],
        name: &str,
        arguments: &[String],
        stdin: &str,
    ) -> String {
        if assignments.is_empty() {
            return self.program(name, arguments, stdin);
        }
        let old = |assignment: &Assignment| {
            let name = assignment.name.clone();
            let values = self.shell.variables.get(&name).cloned();
            (name, values)
        };
        let before: Vec<_> = assignments.iter().map(old).collect();
        for assignment in assignments {
            let values = assignment
                .values
                .iter()
                .map(|value| self.text(value))
                .collect();
            self.shell.variables.insert(assignment.name.clone(), values);
        }
        let output = self.program(name, arguments, stdin);
        for (name, values) in before.into_iter().rev() {
            match values {
                Some(values) => self.shell.variables.insert(name, values),
                None => self.shell.variables.remove(&name),
            };
        }
        output
    }

    /// A variable that makes programs run something else.
    pub(super) fn assigned(&mut self, name: &str, value: &str) {
        match name {
            "LD_PRELOAD" | "LD_AUDIT" | "DYLD_INSERT_LIBRARIES" => {
                self.forbid("preload", "it puts foreign code into every program");
            }
            "LD_LIBRARY_PATH" | "PATH" | "PYTHONPATH" | "RUBYLIB" | "CLASSPATH" => {
                for folder in value.split(':') {
                    let place = self.place(folder);
                    if matches!(place, Place::Temporary | Place::TemporaryRoot) {
                        self.forbid(
                            "search-path",
                            "programs are found where anyone may put them",
                        );
                    } else if folder == "." {
                        self.ask("search-path", "it changes where programs are found");
                    }
                }
            }
            "HISTFILE" | "HISTSIZE" | "HISTFILESIZE" => self.remembers(name, value),
            "BASH_ENV" if !value.is_empty() => {
                self.forbid(
                    "startup-code",
                    "`BASH_ENV` makes every shell run other code",
                );
            }
            "BASH_ENV" | "PYTHONSTARTUP" | "PERL5OPT" | "RUBYOPT" | "PERL5LIB" | "ZDOTDIR"
            | "INPUTRC" | "GIT_CONFIG_GLOBAL" | "GIT_EXEC_PATH" | "NODE_PATH" | "PYTHONHOME" => {
                self.ask(
                    "startup-code",
                    &format!("`{name}` makes programs run other code"),
                );
            }
            "ENV" | "NODE_OPTIONS" | "JAVA_TOOL_OPTIONS" | "_JAVA_OPTIONS"
                if value.contains(['/', ' '])
                    || value.contains("require")
                    || value.contains("agent") =>
            {
                self.ask(
                    "startup-code",
                    &format!("`{name}` makes programs run other code"),
                );
            }
            "PROMPT_COMMAND"
            | "GIT_SSH_COMMAND"
            | "GIT_SSH"
            | "GIT_EXTERNAL_DIFF"
            | "GIT_PAGER"
            | "PAGER"
            | "MANPAGER"
            | "EDITOR"
            | "VISUAL"
            | "GIT_EDITOR"
            | "GIT_SEQUENCE_EDITOR"
            | "GIT_ASKPASS"
            | "SSH_ASKPASS"
            | "LESSOPEN"
            | "RUSTC_WRAPPER"
            | "GIT_PROXY_COMMAND"
            | "BROWSER"
            | "RSYNC_RSH"
            | "FCEDIT" => {
                self.line_apart(value.trim_start_matches(['|', '-']), "\0");
            }
            "PS1" | "PS2" | "PS4" => self.computed(value),
            name => self.tool_named(name, value),
        }
    }

    /// A variable that names a program by the end of its own name.
    fn tool_named(&mut self, name: &str, value: &str) {
        let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
        if matches!(name, "MAKEFLAGS" | "GNUMAKEFLAGS") && value.contains("eval") {
            self.ask("helper", "it gives make rules that may run something");
            for line in value.split([':', ';']) {
                self.line_apart(line, "");
            }
        } else if name.ends_with("RUSTFLAGS") && value.contains("linker=") {
            self.ask("helper", "it makes the compiler start another linker");
        } else if matches!(name, "CC" | "CXX" | "LD") || ends(STARTERS) {
            self.line_apart(value, "\0");
        } else if ends(TOOLS) || name.starts_with("GIT_CONFIG_VALUE") {
            self.suspected(|screen| {
                screen.line(value, "\0");
            });
        }
        if name.starts_with("GIT_CONFIG_") {
            self.ask("helper", "it gives git settings that may run something");
        }
    }

    /// Settings that decide which commands the shell remembers.
    pub(super) fn remembers(&mut self, name: &str, value: &str) {
        let is_history = matches!(name, "HISTFILE" | "HISTSIZE" | "HISTFILESIZE");
        if is_history && matches!(value, "" | "/dev/null" | "0") {
            self.forbid("history-off", "it keeps commands from being remembered");
        }
    }

    /// A program by its name, with its arguments; what it prints, as far as it is known.
    pub(super) fn program(&mut self, name: &str, arguments: &[String], stdin: &str) -> String {
        self.commands += 1;
        if self.calls_depth >= CALLS_DEPTH_MAX || self.commands > COMMANDS_MAX {
            self.ask("too-much", "it has calls inside of calls without end");
            return field::derived(stdin);
        }
        self.calls_depth += 1;
        let output = self.named(name, arguments, stdin);
        self.calls_depth -= 1;
        output
    }

    fn named(&mut self, name: &str, arguments: &[String], stdin: &str) -> String {
        if name.contains([field::NETWORK, field::DECODED]) {
            self.forbid(
                "hidden-program",
                "the name of the program is hidden or comes from elsewhere",
            );
            return field::derived(stdin);
        }
        if !field::is_known(name) {
            self.ask("unknown-program", "the program is not known before");
            self.suspects(arguments);
            let end = name.rsplit(field::is_unknown).next().unwrap_or_default();
            let end = end.rsplit('/').next().unwrap_or_default();
            if self.is_program(end) {
                self.suspected(|screen| {
                    screen.program(end, arguments, stdin);
                });
            }
            let rest = arguments.join(" ");
            return field::derived(stdin) + &field::origins(&rest);
        }
        if field::has_pattern(name) {
            self.forbid(
                "hidden-program",
                "the name of the program is hidden in a pattern",
            );
            return field::derived(stdin);
        }
        if let Some(alias) = self.shell.aliases.remove(name) {
            let line = format!("{alias} {}", quoted(arguments));
            let output = self.line(&line, stdin);
            self.shell.aliases.insert(name.to_owned(), alias);
            return output;
        }
        if let Some(body) = self.shell.functions.get(name).cloned() {
            return self.call(name, &body, Some(arguments.to_vec()), stdin);
        }
        let base = name.rsplit('/').next().unwrap_or(name);
        let is_asking = matches!(
            base,
            "test" | "[" | "export" | "declare" | "local" | "readonly" | "read" | "set"
        );
        if !is_asking
            && arguments
                .iter()
                .any(|argument| argument.contains(field::SECRET))
        {
            self.ask("secret", "it hands a secret on");
        }
        if name.contains('/') && self.is_own(name, base, stdin) {
            return field::LOCAL.to_string();
        }
        if !name.contains('/')
            && let Some(output) = self.builtin(base, arguments, stdin)
        {
            return output;
        }
        self.started(base, arguments, stdin)
    }

    /// A program by its path; whether there is nothing more to say about it.
    fn is_own(&mut self, path: &str, base: &str, stdin: &str) -> bool {
        let kept = self
            .resolved(path)
            .and_then(|path| self.shell.files.get(&path).cloned());
        if let Some(text) = kept.filter(|text| !text.is_empty()) {
            self.line_apart(&text, stdin);
            return true;
        }
        let is_known = Rules::builtin().knows(base);
        match self.place(path) {
            Place::Public | Place::System => false,
            Place::Workspace => {
                if SCRIPTS.iter().any(|end| base.ends_with(end)) || is_installer(base) {
                    self.ask("script", "it runs a script that nobody has looked at");
                }
                !is_known
            }
            Place::Harmless
            | Place::Socket
            | Place::Device
            | Place::Secret
            | Place::Startup
            | Place::WorkspaceRoot
            | Place::Ancestor
            | Place::Repository
            | Place::TemporaryRoot
            | Place::Temporary
            | Place::HomeRoot
            | Place::Home
            | Place::Outside
            | Place::Unknown => {
                let shown = field::shown(path);
                self.ask(
                    "unknown-program",
                    &format!("it runs a program outside the workspace: {shown}"),
                );
                !is_known
            }
        }
    }

    /// A program that is found by its name.
    fn started(&mut self, name: &str, arguments: &[String], stdin: &str) -> String {
        let rules = Rules::builtin();
        let name = plain_name(name);
        let program = rules.program(name);
        let valued = program.map(|program| program.valued.as_slice());
        let call = Call::new(name, arguments, valued.unwrap_or_default());
        let mut is_allowed = program.is_some_and(|program| !program.asks);
        for rule in rules.matching(&call) {
            is_allowed |= rule.verdict == Judgement::Allow;
            self.note(rule.verdict, &rule.name, &rule.reason);
        }
        self.touches(program, &call);
        if program.is_some_and(|program| program.effect == Effect::None && !program.looks) {
            self.names_paths(&call);
        }
        let output = self.wrapped(&call, stdin);
        if program.is_none() && output.is_none() {
            self.suspects(arguments);
        }
        if output.is_none() && !is_allowed {
            let shown = field::shown(name);
            self.ask(
                "unknown-program",
                &format!("nothing is known about this call of `{shown}`"),
            );
        }
        self.network(&call, stdin);
        output.unwrap_or_else(|| self.printed(&call, stdin))
    }

    /// What nobody knows may be a wrapper or a shell: its arguments may be what runs.
    pub(super) fn suspects(&mut self, arguments: &[String]) {
        let first = arguments.iter().position(|word| !word.starts_with('-'));
        let inner = first.map_or(&[][..], |at| &arguments[at..]);
        if let Some((name, rest)) = inner.split_first()
            && self.is_program(name)
        {
            self.suspected(|screen| {
                screen.program(name, rest, "");
            });
        }
        for pair in arguments.windows(2) {
            let carries = matches!(
                pair[0].as_str(),
                "-c" | "-e"
                    | "-lc"
                    | "-ic"
                    | "-C"
                    | "--command"
                    | "--exec"
                    | "--eval"
                    | "--call"
                    | "--run"
            );
            if carries {
                self.suspected(|screen| {
                    screen.line(&pair[1], "");
                });
            }
        }
    }

    /// Paths in the arguments of a program of which nobody knows what it does with them.
    fn names_paths(&mut self, call: &Call) {
        let mut is_output = false;
        for argument in &call.arguments {
            let (option, path) = option_and_path(argument);
            let writes = option.starts_with("-o")
                || option.starts_with("--out")
                || option == "--one-top-level="
                || option.is_empty() && is_output;
            is_output = matches!(
                argument.as_str(),
                "-o" | "--output" | "--out-dir" | "--outdir"
            );
            // Two slashes begin the name of a target of a build tool.
            let climbs = !option.is_empty() && path.starts_with("..");
            if !(path.starts_with('/') || climbs)
                || path.starts_with("//")
                || path.contains(char::is_whitespace)
                || option.contains(char::is_whitespace)
            {
                continue;
            }
            // `-Isrc/a` is an option with a path in the workspace, more likely than one of many
            // letters with a path of the machine: only what would be grave is judged.
            let letters = option.trim_start_matches('-');
            let glued =
                letters.len() > 2 && letters.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if glued && matches!(self.place(path), Place::Outside | Place::System) {
                continue;
            }
            if writes {
                self.writes(path);
            } else {
                self.reads(path, false);
            }
        }
    }

    fn touches(&mut self, program: Option<&Program>, call: &Call) {
        if let Some(program) = program {
            self.effects(program, call);
        }
        match call.name.as_str() {
            "rsync" if call.line().contains("--delete") => {
                if let Some(target) = call.operands.last() {
                    self.removes(target);
                }
            }
            "chattr" => call.operands.iter().for_each(|path| self.writes(path)),
            "dd" => {
                let endless = call.arguments.iter().any(|argument| {
                    matches!(
                        argument.strip_prefix("if="),
                        Some("/dev/zero" | "/dev/urandom" | "/dev/random" | "/dev/full")
                    )
                });
                let bounded = call
                    .arguments
                    .iter()
                    .any(|argument| argument.starts_with("count=") || argument == "of=/dev/null");
                if endless && !bounded {
                    self.forbid("fills-disk", "it writes until the disk is full");
                }
                for argument in &call.arguments {
                    if let Some(path) = argument.strip_prefix("of=") {
                        self.writes(path);
                    } else if let Some(path) = argument.strip_prefix("if=") {
                        self.reads(path, false);
                    }
                }
            }
            "chmod" | "chown" | "chgrp" | "setfacl" => {
                for path in call.operands.iter().skip(1) {
                    if self.place(path) != Place::Unknown {
                        self.writes(path);
                    }
                    if self.place(path) == Place::WorkspaceRoot && call.name != "chmod" {
                        self.ask("owner", "it changes the whole workspace");
                    }
                }
            }
            "find" => self.found(call),
            "ls" | "dir" | "tree" | "du" | "stat" | "exa" | "eza" | "file" | "realpath" => {
                for path in &call.operands {
                    if self.place(path) == Place::Secret {
                        self.reads(path, false);
                    }
                }
            }
            "sed" if call.has(&["-i", "--in-place"]) || call.line().contains(" -i") => {
                let given = call.has(&["-e", "-f", "--expression", "--file"]);
                for path in call.operands.iter().skip(usize::from(!given)) {
                    self.writes(path);
                }
            }
            "tar" | "bsdtar" => self.tar(call),
            _ => {}
        }
    }

    fn tar(&mut self, call: &Call) {
        let first = call.arguments.first().map_or("", String::as_str);
        let letters = if first.starts_with("--") { "" } else { first };
        let is_making = letters.contains(['c', 'r', 'u']) || call.has(&["--create", "--append"]);
        // Letters without a dash: `tar xzf FILE`.
        let bare = usize::from(!first.starts_with('-') && !first.is_empty());
        let mut operands = call.operands.iter().skip(bare);
        let mut archive = call.value(&["-f", "--file"]);
        if bare == 1 && letters.contains('f') {
            archive = operands.next().cloned();
        }
        match archive {
            Some(path) if is_making && path != "-" => self.writes(&path),
            Some(path) if path != "-" => self.reads(&path, false),
            _ => {}
        }
        if is_making {
            operands.for_each(|path| self.reads(path, true));
        } else if let Some(folder) = call.value(&["-C", "--directory"]) {
            self.writes(&folder);
        }
    }

    /// `find`: what it does with what it finds.
    fn found(&mut self, call: &Call) {
        let is_start = |argument: &&String| !argument.starts_with(['-', '(', '!']);
        let mut starts: Vec<String> = call
            .arguments
            .iter()
            .take_while(is_start)
            .cloned()
            .collect();
        if starts.is_empty() {
            starts.push(".".to_owned());
        }
        self.looks_through(&starts, call);
        let mut arguments = call.arguments.iter().enumerate();
        let named = name_test(call);
        let has_tests = named.is_some();
        let named = named.unwrap_or("\u{1}".to_owned());
        while let Some((at, argument)) = arguments.next() {
            match argument.as_str() {
                "-delete" => {
                    for start in &starts {
                        let found = format!("{start}/{named}");
                        self.removes(if has_tests { &found } else { start });
                        if has_tests {
                            self.removes_below(start);
                        }
                    }
                }
                "-exec" | "-execdir" | "-ok" | "-okdir" => {
                    let rest = &call.arguments[at + 1..];
                    let ends = |word: &String| word == ";" || word == "+";
                    let end = rest.iter().position(ends).unwrap_or(rest.len());
                    // What follows up to the end of the command is no test of its own.
                    arguments.by_ref().take(end).for_each(drop);
                    for start in &starts {
                        let found = format!("{start}/{named}");
                        let words: Vec<String> = rest[..end]
                            .iter()
                            .map(|word| word.replace("{}", &found))
                            .collect();
                        if let Some((name, arguments)) = words.split_first() {
                            self.program(name, arguments, "");
                        }
                    }
                }
                "-fprintf" | "-fprint" | "-fls" | "-fprint0" => {
                    if let Some((_, path)) = arguments.next() {
                        self.writes(path);
                    }
                }
                _ => {}
            }
        }
    }

    /// Looking for names outside of the workspace tells much already.
    fn looks_through(&mut self, starts: &[String], call: &Call) {
        for start in starts {
            match self.place(start) {
                Place::Secret => self.reads(start, false),
                Place::Ancestor | Place::HomeRoot | Place::Home => {
                    let hunted = name_test(call).is_some_and(|name| is_key(&name));
                    if hunted {
                        self.forbid("read", "it hunts for secrets");
                    }
                    self.ask("read", "it looks through folders outside the workspace");
                }
                Place::Harmless
                | Place::Socket
                | Place::Device
                | Place::Startup
                | Place::WorkspaceRoot
                | Place::Repository
                | Place::Workspace
                | Place::TemporaryRoot
                | Place::Temporary
                | Place::Public
                | Place::System
                | Place::Outside
                | Place::Unknown => {}
            }
        }
    }

    /// Some files below a folder go: that is for the folder's owner to say.
    fn removes_below(&mut self, folder: &str) {
        let place = self.place(folder);
        if !matches!(
            place,
            Place::Workspace | Place::WorkspaceRoot | Place::Temporary
        ) {
            self.removes(folder);
        }
    }
}

/// Whether a name to be looked for is that of a secret.
fn is_key(name: &str) -> bool {
    let words = [
        "id_",
        ".pem",
        ".key",
        ".env",
        "wallet",
        "credential",
        "passw",
        "secret",
        "token",
        ".kdbx",
        ".ssh",
        ".aws",
        ".p12",
        "authorized",
    ];
    words.iter().any(|word| name.contains(word))
}

/// The names that `find` looks for; none if it takes every name.
pub(super) fn name_test(call: &Call) -> Option<String> {
    const OTHERS: &[&str] = &[
        "-path",
        "-ipath",
        "-regex",
        "-iregex",
        "-wholename",
        "-newer",
        "-mtime",
        "-mmin",
        "-ctime",
        "-atime",
        "-amin",
        "-cmin",
        "-size",
        "-empty",
        "-perm",
        "-links",
        "-lname",
        "-samefile",
    ];
    let is_name = |argument: &String| argument == "-name" || argument == "-iname";
    if let Some(at) = call.arguments.iter().position(is_name) {
        let wanted = call.arguments.get(at + 1)?;
        return (wanted != "*").then(|| field::with_patterns(wanted));
    }
    let tests = |argument: &String| OTHERS.contains(&argument.as_str());
    call.arguments
        .iter()
        .any(tests)
        .then(|| "\u{1}x".to_owned())
}

/// `python3.12` is `python3`, `gcc-13` is `gcc`.
fn plain_name(name: &str) -> &str {
    let is_number = |letter: char| letter.is_ascii_digit() || letter == '.' || letter == '-';
    let bare = name.trim_end_matches(is_number);
    let rules = Rules::builtin();
    if rules.knows(name) || bare.is_empty() || !rules.knows(bare) {
        name
    } else {
        bare
    }
}

/// Whether a script changes more than the project by its name.
pub(super) fn is_installer(name: &str) -> bool {
    [
        "install",
        "setup",
        "bootstrap",
        "deploy",
        "publish",
        "release",
        "uninstall",
    ]
    .iter()
    .any(|word| name.starts_with(word))
}

/// The words as a line that reads back as the same words.
pub(super) fn quoted(words: &[String]) -> String {
    let quote = |word: &String| format!("'{}'", word.replace('\'', r"'\''"));
    words.iter().map(quote).collect::<Vec<_>>().join(" ")
}

/// An option and the path in it; the argument alone where it is none.
fn option_and_path(argument: &str) -> (&str, &str) {
    if let Some(at) = argument.find('=').filter(|_| argument.starts_with('-')) {
        let (option, path) = argument.split_at(at + 1);
        if !path.contains(['=', ',', ':']) {
            return (option, path);
        }
    }
    match argument.find(['/', '~']) {
        Some(at) if argument.starts_with('-') || argument[..at].ends_with('=') => {
            argument.split_at(at)
        }
        _ => ("", argument),
    }
}
