//! What the shell does itself, and small programs whose output is known.

use crate::command::{
    field::{self, LOCAL, SECRET, UNKNOWN},
    parse,
    place::{self, Place},
    screen::Screen,
};

impl Screen<'_> {
    /// What a builtin prints; none if this is not one.
    pub(super) fn builtin(
        &mut self,
        name: &str,
        arguments: &[String],
        stdin: &str,
    ) -> Option<String> {
        let joined = arguments.join(" ");
        let silent = String::new();
        if name == "hash" && arguments.iter().any(|option| option == "-p") {
            self.forbid("search-path", "it makes a name mean another program");
        }
        let output = match name {
            "true" | "false" | ":" | "return" | "exit" | "break" | "continue" | "wait" | "jobs"
            | "umask" | "shopt" | "ulimit" | "logout" | "bg" | "fg" | "hash" | "times" => silent,
            "test" | "[" | "let" | "unset" | "getopts" => {
                for argument in arguments {
                    self.computed(argument);
                }
                if name == "unset" {
                    self.unset(arguments);
                }
                silent
            }
            "cd" | "pushd" | "popd" => {
                self.changes_folder(name, arguments);
                silent
            }
            "echo" | "print" => Self::echoed(arguments),
            "printf" => self.printf(arguments),
            "pwd" => self.shell.folder.clone().unwrap_or_else(|| UNKNOWN.into()),
            "type" | "which" | "whereis" => format!("/usr/bin/{joined}"),
            "eval" => self.line(&joined, stdin),
            "source" | "." => self.sourced(arguments, stdin),
            "exec" | "builtin" | "command" => self.instead(name, arguments, stdin),
            "trap" => {
                let mut rest = arguments.iter().filter(|code| *code != "--");
                if let Some(code) = rest.next().filter(|code| *code != "-") {
                    self.traps.push(code.clone());
                }
                silent
            }
            "alias" => {
                for definition in arguments {
                    self.alias(definition);
                }
                silent
            }
            "unalias" => {
                for name in arguments {
                    self.shell.aliases.remove(name);
                }
                silent
            }
            "set" => self.positional(arguments),
            "shift" => {
                if let Some(given) = &mut self.shell.positional
                    && !given.is_empty()
                {
                    given.remove(0);
                }
                silent
            }
            "export" | "declare" | "local" | "readonly" | "typeset" => {
                self.declared(name, arguments)
            }
            "read" | "mapfile" | "readarray" => {
                self.read(name == "read", arguments, stdin);
                silent
            }
            _ => return None,
        };
        Some(output)
    }

    fn unset(&mut self, names: &[String]) {
        for name in names {
            self.remembers(name, "");
            self.shell.variables.remove(name);
            self.shell.functions.remove(name);
        }
    }

    fn changes_folder(&mut self, name: &str, arguments: &[String]) {
        let target = arguments
            .iter()
            .find(|argument| !argument.starts_with('-') || *argument == "-");
        let was_inside = self.shell.has_climbed
            || self
                .shell
                .folder
                .as_deref()
                .is_some_and(|folder| place::within(folder, self.workspace.root()).is_some());
        let is_relative = target.is_some_and(|folder| !folder.starts_with('/'));
        self.shell.folder = match target.map(String::as_str) {
            None if name == "cd" => Some(self.workspace.home().to_owned()),
            None | Some("-") => None,
            Some(folder) if field::is_known(folder) => self.resolved(folder),
            Some(_) => None,
        };
        let folder = self.shell.folder.as_deref();
        let is_outside =
            folder.is_some_and(|folder| place::within(folder, self.workspace.root()).is_none());
        self.shell.has_climbed = was_inside && is_relative && is_outside;
    }

    fn echoed(arguments: &[String]) -> String {
        let options =
            |argument: &&String| matches!(argument.as_str(), "-n" | "-e" | "-E" | "-ne" | "-en");
        let count = arguments.iter().take_while(options).count();
        let text = arguments[count..].join(" ");
        let escapes = arguments[..count].iter().any(|option| option.contains('e'));
        let text = if escapes { unescaped(&text) } else { text };
        format!("{text}\n")
    }

    fn printf(&mut self, arguments: &[String]) -> String {
        let mut rest = arguments;
        if let [option, name, behind @ ..] = rest
            && option == "-v"
        {
            self.computed(name);
            let text = formatted(behind);
            self.set(name, vec![text]);
            return String::new();
        }
        if rest.first().is_some_and(|first| first == "--") {
            rest = &rest[1..];
        }
        formatted(rest)
    }

    /// `alias NAME=LINE`.
    fn alias(&mut self, definition: &str) {
        let Some((name, line)) = definition.split_once('=') else {
            return;
        };
        self.shell.aliases.insert(name.to_owned(), line.to_owned());
        // Whoever uses the name later does not look at what it stands for.
        self.suspected(|screen| {
            screen.line(line, "\0");
        });
    }

    /// `source FILE`: the file's lines in this shell.
    fn sourced(&mut self, arguments: &[String], stdin: &str) -> String {
        let Some(path) = arguments.first() else {
            return String::new();
        };
        self.script(path, stdin, true)
    }

    /// A file with lines for a shell.
    pub(in crate::command) fn script(&mut self, path: &str, stdin: &str, is_here: bool) -> String {
        let kept = self
            .resolved(path)
            .and_then(|path| self.shell.files.get(&path).cloned());
        if let Some(text) = kept.filter(|text| !text.is_empty()) {
            return if is_here {
                self.line(&text, "\0")
            } else {
                self.line_apart(&text, "\0")
            };
        }
        if path == "/dev/stdin" || path == "-" || path == "/dev/fd/0" {
            return self.line(stdin, "\0");
        }
        let is_environment = is_here && path.ends_with("bin/activate");
        if is_environment && self.place(path) == Place::Workspace {
            return String::new();
        }
        self.reads(path, false);
        let shown = field::shown(path);
        self.ask(
            "script",
            &format!("it runs a script that nobody has looked at: {shown}"),
        );
        LOCAL.to_string()
    }

    fn instead(&mut self, name: &str, arguments: &[String], stdin: &str) -> String {
        let is_question = name == "command" && arguments.iter().any(|a| a == "-v" || a == "-V");
        if is_question {
            let program = arguments.last().map_or("", String::as_str);
            return format!("/usr/bin/{program}\n");
        }
        let mut rest = arguments;
        while let Some((first, behind)) = rest.split_first()
            && first.starts_with('-')
        {
            rest = if first == "-a" {
                behind.get(1..).unwrap_or_default()
            } else {
                behind
            };
        }
        match rest.split_first() {
            Some((name, arguments)) => {
                // Neither an alias nor a function stands in between.
                let functions = std::mem::take(&mut self.shell.functions);
                let aliases = std::mem::take(&mut self.shell.aliases);
                let output = self.program(name, arguments, stdin);
                self.shell.functions.extend(functions);
                self.shell.aliases.extend(aliases);
                output
            }
            None => String::new(),
        }
    }

    fn positional(&mut self, arguments: &[String]) -> String {
        if let [switch, option, ..] = arguments
            && switch == "+o"
            && option == "history"
        {
            self.remembers("HISTFILE", "");
        }
        match arguments.split_first() {
            None => {
                self.ask("environment", "it shows every variable, secrets among them");
                SECRET.to_string()
            }
            Some((first, rest)) if first == "--" => {
                self.shell.positional = Some(rest.to_vec());
                String::new()
            }
            Some((first, _)) if !first.starts_with(['-', '+']) => {
                self.shell.positional = Some(arguments.to_vec());
                String::new()
            }
            Some(_) => String::new(),
        }
    }

    fn declared(&mut self, name: &str, arguments: &[String]) -> String {
        let names: Vec<&String> = arguments.iter().filter(|a| !a.starts_with('-')).collect();
        if names.is_empty()
            && !arguments
                .iter()
                .any(|argument| argument.contains(['f', 'F']))
        {
            self.ask("environment", "it shows every variable, secrets among them");
            return SECRET.to_string();
        }
        for definition in names {
            let (name, value) = match definition.split_once('=') {
                Some((name, value)) => (name.trim_end_matches('+'), Some(value)),
                None => (definition.as_str(), None),
            };
            self.computed(name);
            if let Some(value) = value {
                let computes = ["-n", "-i"].map(str::to_owned);
                if arguments.iter().any(|option| computes.contains(option)) {
                    self.computed(value);
                }
                self.assigned(name, value);
                // With `-n` the value is the name of another variable.
                let is_name = arguments.iter().any(|option| option == "-n");
                let value = if is_name {
                    UNKNOWN.into()
                } else {
                    value.to_owned()
                };
                if parse::is_name(name) {
                    self.set(name, vec![value]);
                }
            }
        }
        let is_shown = name != "export" && arguments.iter().any(|argument| argument == "-p");
        if is_shown {
            UNKNOWN.into()
        } else {
            String::new()
        }
    }

    fn read(&mut self, is_line: bool, arguments: &[String], stdin: &str) {
        self.suspects(arguments);
        let mut skips = false;
        for name in arguments {
            if skips || name.starts_with('-') {
                skips = !skips
                    && (matches!(name.as_str(), "-d" | "-n" | "-u" | "-C" | "-c")
                        || is_line && matches!(name.as_str(), "-p" | "-t" | "-N" | "-i"));
                continue;
            }
            self.computed(name);
            let value = match stdin.lines().next() {
                Some(line) if stdin.lines().count() == 1 => line.to_owned(),
                _ => field::derived(stdin),
            };
            if parse::is_name(name) {
                self.shell.variables.insert(name.clone(), vec![value]);
            }
        }
    }

    /// What programs print whose output follows from their arguments.
    pub(in crate::command) fn answered(&self, name: &str, operands: &[String]) -> Option<String> {
        let first = operands.first().map_or("", String::as_str);
        let output = match name {
            "basename" => first.rsplit('/').next().unwrap_or_default().to_owned(),
            "dirname" => first
                .rsplit_once('/')
                .map_or(".", |(folder, _)| folder)
                .to_owned(),
            "realpath" | "readlink" => self.resolved(first)?,
            "mktemp" => "/tmp/made-now".to_owned(),
            "nproc" | "seq" | "date" | "wc" | "expr" | "getconf" | "sysctl" => "0".to_owned(),
            "uname" => "Linux".to_owned(),
            _ => return None,
        };
        Some(output)
    }

    /// Whether a path is one of the startup or secret places, for arguments of settings.
    pub(in crate::command) fn is_grave(&self, path: &str) -> bool {
        matches!(
            self.place(path),
            Place::Secret
                | Place::Startup
                | Place::System
                | Place::Public
                | Place::Device
                | Place::Ancestor
                | Place::HomeRoot
                | Place::Home
        )
    }
}

/// The text with `\n`, `\x41` and `\101` undone.
pub(in crate::command) fn unescaped(text: &str) -> String {
    let quoted = text.replace('\'', r"\'");
    let line = format!("$'{quoted}'");
    let Ok(script) = parse::parse(&line) else {
        return UNKNOWN.into();
    };
    let word = script
        .first()
        .and_then(|item| item.pipelines.first()?.first().cloned());
    match word.as_deref().map(|command| &command.form) {
        Some(crate::command::syntax::Form::Simple { words, .. }) => words
            .first()
            .and_then(|word| match word.0.first() {
                Some(crate::command::syntax::Piece::Quoted(text)) => Some(text.replace(r"\0", "")),
                _ => None,
            })
            .unwrap_or_else(|| UNKNOWN.into()),
        _ => UNKNOWN.into(),
    }
}

/// `printf FORMAT ARGUMENTS`, for formats of text.
fn formatted(arguments: &[String]) -> String {
    let Some((format, values)) = arguments.split_first() else {
        return String::new();
    };
    let format = unescaped(format);
    let mut values = values.iter();
    let mut output = String::new();
    loop {
        let before = values.len();
        let mut letters = format.chars();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                output.push(letter);
                continue;
            }
            let kind = letters.find(|next| next.is_ascii_alphabetic() || *next == '%');
            match kind {
                Some('%') => output.push('%'),
                Some('b') => output += &unescaped(values.next().map_or("", String::as_str)),
                _ => output += values.next().map_or("", String::as_str),
            }
        }
        if values.len() == 0 || values.len() == before {
            return output;
        }
    }
}
