//! Ways out of programs of every day: options, verbs and lines of input by which they run, write or
//! remove something that their name says nothing of.

use crate::command::{
    field,
    place::Place,
    program::{Call, quoted},
    screen::Screen,
};

/// Programs, and their options whose value is code.
const CODE: &[(&[&str], &[&str])] = &[
    (&["R", "r", "littler"], &["-e"]),
    (
        &["tsx", "ts-node", "esno"],
        &["-e", "--eval", "-p", "--print"],
    ),
    (&["rake"], &["-e", "-E", "-p"]),
    (&["exiftool"], &["-if", "-p", "-execute"]),
    (&["gnuplot", "octave", "maxima"], &["-e", "--eval"]),
];

/// Programs, and their options whose value is a file of code.
const CODE_FILES: &[(&[&str], &[&str])] = &[
    (&["pandoc"], &["--filter", "-F", "--lua-filter", "-L"]),
    (&["mocha", "jest", "ava", "nyc"], &["--require", "-r"]),
    (&["cargo"], &["--manifest-path"]),
];

/// Programs, and the verbs behind which code stands.
const VERBS: &[(&str, &[&str])] = &[
    ("rails", &["runner", "r"]),
    ("crystal", &["eval"]),
    ("deno", &["eval"]),
    ("nim", &["e", "eval"]),
    ("emacsclient", &["--eval", "-e"]),
];

/// The value of an option, attached or in the next argument.
fn value_of<'a>(call: &'a Call, options: &[&str]) -> Vec<&'a str> {
    let mut found = Vec::new();
    for (at, argument) in call.arguments.iter().enumerate() {
        let (name, value) = match argument.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value)),
            Some(_) | None => (argument.as_str(), None),
        };
        if options.contains(&name) {
            let next = call.arguments.get(at + 1).map(String::as_str);
            found.extend(value.or(next));
        }
    }
    found
}

fn of<'a>(table: &'a [(&[&str], &[&str])], name: &str) -> &'a [&'a str] {
    table
        .iter()
        .find(|(names, _)| names.contains(&name))
        .map_or(&[], |(_, options)| options)
}

impl Screen<'_> {
    /// Looks at what a call does besides what its program is for.
    pub(super) fn hatches(&mut self, call: &Call, stdin: &str) {
        for code in value_of(call, of(CODE, &call.name)) {
            self.code(code);
        }
        for path in value_of(call, of(CODE_FILES, &call.name)) {
            self.foreign_code(path);
        }
        self.verbs(call);
        match call.name.as_str() {
            "cmake" => self.cmake(call, stdin),
            "go" => self.started_by_go(call),
            "sqlite3" | "sqlite" => self.sqlite(call, stdin),
            "psql" | "mysql" | "ftp" | "sftp" | "lftp" | "mail" | "mailx" => self.shell_out(stdin),
            "erb" if !stdin.is_empty() => self.code(stdin),
            "rename" | "prename" | "perl-rename" => {
                if let Some(code) = call
                    .operands
                    .first()
                    .filter(|code| code.contains(['(', '`']))
                {
                    self.code(code);
                }
            }
            "just" => self.just(call, stdin),
            "mvn" | "mvnw" => self.maven(call),
            "npm" | "pnpm" | "yarn" => self.package_scripts(call),
            "pdflatex" | "xelatex" | "lualatex" | "latex" | "latexmk" => self.latex(call),
            "protoc" => {
                for value in value_of(call, &["--plugin"]) {
                    self.foreign_code(value.rsplit('=').next().unwrap_or(value));
                }
            }
            "concurrently" => {
                for line in &call.operands {
                    self.line_apart(line, "");
                }
            }
            "asciinema" | "nodemon" => {
                for line in value_of(call, &["-c", "--command", "-x", "--exec"]) {
                    self.line_apart(line, "");
                }
            }
            "hyperfine" => {
                for line in value_of(call, &["-p", "--prepare", "-s", "--setup", "--cleanup"]) {
                    self.line_apart(line, "");
                }
            }
            "zip" | "tar" | "bsdtar" | "rsync" | "7z" | "7za" => self.moved_into(call),
            "chmod" | "chown" | "chgrp" => self.changed_below(call),
            _ => {}
        }
    }

    /// A file of code that a program of the project is told to load.
    fn foreign_code(&mut self, path: &str) {
        let is_own = matches!(self.place(path), Place::Workspace | Place::WorkspaceRoot);
        if !is_own && path.contains('/') {
            let shown = field::shown(path);
            self.ask(
                "script",
                &format!("it runs code from outside the workspace: {shown}"),
            );
        }
    }

    fn verbs(&mut self, call: &Call) {
        let Some((_, verbs)) = VERBS.iter().find(|(name, _)| *name == call.name) else {
            return;
        };
        let is_verb = |word: &String| verbs.contains(&word.as_str());
        if let Some(at) = call.arguments.iter().position(is_verb) {
            for code in &call.arguments[at + 1..] {
                self.code(code);
            }
        }
    }

    /// `cmake -E VERB …` does what other programs do.
    fn cmake(&mut self, call: &Call, stdin: &str) {
        let at = call.arguments.iter().position(|word| word == "-E");
        let words = at.and_then(|at| call.arguments.get(at + 1..));
        let Some((verb, words)) = words.and_then(<[String]>::split_first) else {
            return;
        };
        let name = match verb.as_str() {
            "env" | "time" | "touch" | "cat" | "tar" => verb,
            "rm" | "remove" | "remove_directory" => "rm",
            "copy" | "copy_if_different" | "copy_directory" | "copy_directory_if_different" => "cp",
            "rename" => "mv",
            "touch_nocreate" => "touch",
            "make_directory" => "mkdir",
            "create_symlink" | "create_hardlink" => "ln",
            "chdir" => {
                if let Some((folder, line)) = words.split_first() {
                    let folder = quoted(std::slice::from_ref(folder));
                    self.line_apart(&format!("cd {folder}; {}", quoted(line)), stdin);
                }
                return;
            }
            _ => return,
        };
        self.program(name, words, stdin);
    }

    /// `go test -exec LINE`, `go build -toolexec=LINE`, `go vet -vettool=FILE`, `go run PACKAGE@VERSION`.
    fn started_by_go(&mut self, call: &Call) {
        let mut arguments = call.arguments.iter();
        while let Some(argument) = arguments.next() {
            let option = argument.trim_start_matches('-');
            let line = match option.split_once('=') {
                Some(("exec" | "toolexec" | "vettool", line)) => Some(line),
                None if matches!(option, "exec" | "toolexec") && option != argument => {
                    arguments.next().map(String::as_str)
                }
                Some(_) | None => None,
            };
            if let Some(line) = line {
                self.line_apart(line, "");
            }
        }
        let of_others = |word: &String| word.contains('@') && !word.starts_with('-');
        if call.operands.first().is_some_and(|verb| verb == "run")
            && call.operands.iter().any(of_others)
        {
            self.ask("fetched-program", "it may fetch the program it runs");
        }
    }

    /// Lines with a dot before them, among the arguments or in what is read.
    fn sqlite(&mut self, call: &Call, stdin: &str) {
        let given = value_of(call, &["-cmd"]);
        let given = given
            .into_iter()
            .chain(call.operands.iter().map(String::as_str));
        for line in given.flat_map(str::lines).chain(stdin.lines()) {
            let line = line.trim();
            let (verb, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            match verb {
                ".shell" | ".system" => {
                    self.ask("code-starts", "its input starts programs");
                    self.line_apart(rest, "\0");
                }
                ".output" | ".once" | ".backup" | ".save" | ".clone" | ".log" | ".excel" => {
                    if let Some(line) = rest.strip_prefix('|') {
                        self.line_apart(line, "\0");
                    } else {
                        rest.split_whitespace().for_each(|path| self.writes(path));
                    }
                }
                ".read" | ".import" | ".restore" => {
                    rest.split_whitespace()
                        .for_each(|path| self.reads(path, false));
                }
                _ => {}
            }
        }
    }

    /// `! LINE` and `\! LINE` in what a program reads.
    fn shell_out(&mut self, stdin: &str) {
        for line in stdin.lines() {
            let line = line.trim();
            let escaped = line.strip_prefix("\\!").or_else(|| line.strip_prefix('!'));
            let escaped = escaped.or_else(|| line.strip_prefix("~!"));
            if let Some(line) = escaped {
                self.ask("code-starts", "its input starts programs");
                self.line_apart(line, "\0");
            }
        }
    }

    fn just(&mut self, call: &Call, stdin: &str) {
        let starts = |word: &String| word == "-c" || word == "--command";
        let Some(at) = call.arguments.iter().position(starts) else {
            return;
        };
        match &call.arguments[at + 1..] {
            [line] => self.line_apart(line, stdin),
            words => self.line_apart(&quoted(words), stdin),
        };
    }

    /// `mvn exec:exec -Dexec.executable=… -Dexec.args=…`.
    fn maven(&mut self, call: &Call) {
        let named = |name: &str| {
            let mut found = call.arguments.iter();
            found.find_map(|word| word.strip_prefix(name).map(str::to_owned))
        };
        if let Some(program) = named("-Dexec.executable=") {
            let arguments = named("-Dexec.args=").unwrap_or_default();
            self.ask("code-starts", "it starts a program");
            self.line_apart(&format!("{program} {arguments}"), "");
        }
    }

    /// `npm pkg set scripts.test=LINE`: a line for later.
    fn package_scripts(&mut self, call: &Call) {
        let is_set = matches!(call.operands.as_slice(), [pkg, set, ..] if pkg == "pkg" && set == "set")
            || call
                .operands
                .first()
                .is_some_and(|verb| verb == "set-script");
        if !is_set {
            return;
        }
        for word in call.operands.iter().skip(1) {
            let line = word.split_once('=').map_or(word.as_str(), |(_, line)| line);
            self.suspected(|screen| {
                screen.line(line, "");
            });
        }
    }

    /// `--shell-escape` and what is written with it.
    fn latex(&mut self, call: &Call) {
        let escapes = |word: &String| {
            let option = word.trim_start_matches('-');
            option != word && matches!(option, "shell-escape" | "enable-write18")
        };
        if !call.arguments.iter().any(escapes) {
            return;
        }
        self.ask("code-starts", "what it sets may start programs");
        for word in &call.arguments {
            if let Some((_, line)) = word.split_once("write18{") {
                self.line_apart(line.trim_end_matches('}'), "");
            }
        }
    }

    /// Archives that remove what they take in.
    fn moved_into(&mut self, call: &Call) {
        let moves = match call.name.as_str() {
            "zip" => call.has(&["-m", "--move"]),
            "7z" | "7za" => call.arguments.iter().any(|word| word == "-sdel"),
            "rsync" => call.has(&["--remove-source-files"]),
            _ => call.has(&["--remove-files"]),
        };
        if !moves {
            return;
        }
        let taken = match call.name.as_str() {
            "tar" | "bsdtar" => call.operands.as_slice(),
            "rsync" => &call.operands[..call.operands.len().saturating_sub(1)],
            // The first names the archive.
            _ => call.operands.get(1..).unwrap_or_default(),
        };
        for path in taken {
            self.removes(path);
        }
    }

    /// Rights or owners of all that is in a home or above it.
    fn changed_below(&mut self, call: &Call) {
        if !call.has(&["-R", "--recursive"]) {
            return;
        }
        for path in call.operands.iter().skip(1) {
            if matches!(self.place(path), Place::HomeRoot | Place::Ancestor) {
                self.forbid(
                    "owner",
                    "it changes who may use everything in a home folder",
                );
            }
        }
    }
}
