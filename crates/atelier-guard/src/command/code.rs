//! Code for other interpreters, held against what such code does when it does harm.
//!
//! This reads no grammar: it looks for the verbs and for the texts in quotes beside them. Code that
//! starts programs has its texts judged as lines, and is asked about whatever they are.

use std::sync::LazyLock;

use regex::Regex;

use crate::command::{
    field, parse,
    place::Place,
    program::{Call, is_installer},
    screen::Screen,
};

/// Texts of one piece of code that are looked at.
const TEXTS_MAX: usize = 64;

/// Programs that run code, and the letters of the options that carry it.
const INTERPRETERS: &[(&[&str], &str)] = &[
    (
        &["python", "python3", "python2", "pypy", "pypy3", "ipython"],
        "c",
    ),
    (&["perl"], "eE"),
    (&["ruby", "irb"], "e"),
    (&["node", "nodejs", "bun"], "ep"),
    (&["php"], "rR"),
    (
        &[
            "lua",
            "luajit",
            "Rscript",
            "julia",
            "osascript",
            "elixir",
            "groovy",
            "swift",
            "scala",
        ],
        "e",
    ),
    (&["deno"], ""),
    (&["tclsh", "expect", "wish"], "c"),
    (&["pwsh", "powershell"], "cC"),
    (&["guile"], "ce"),
    (&["clojure", "clj", "bb", "kotlin", "iex", "racket"], "e"),
    (&["sbcl", "erl", "ghc", "runghc"], "e"),
];

/// Languages whose verbs are less well known here: code of them is asked about.
const RARE: &[&str] = &[
    "tclsh",
    "expect",
    "wish",
    "pwsh",
    "powershell",
    "guile",
    "ghc",
    "runghc",
    "racket",
    "clojure",
    "clj",
    "bb",
    "kotlin",
    "iex",
    "sbcl",
    "erl",
    "swift",
    "scala",
    "groovy",
    "osascript",
];

static REMOVES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"unlink|\bdelete\(|rmtree|rmdir|rm_rf|rm_r\b|\bremove|\brmSync|\brm\(|rmdirSync|File\.delete|delete_file|FileUtils|\.truncate|remove-item|file delete|delete-file|delete-directory|fs\.rm",
    )
});
static STARTS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?i)\bsystem\b|popen|subprocess|\bexec(ute|File|Sync|FileSync|[lv][pe]{0,2})?\b|spawn|child_process|shell_exec|passthru|proc_open|`|%x|qx|os\.fork|\bfork\b|do shell script|Deno\.(run|Command)|run\(`|pcntl_exec|open3|shell-command|run-program|start-process|call-process|shell/sh|sys\.process|System\.Process|invoke-expression|\bsh[ (]+['\x22]|\biex\b",
    )
});
static CONNECTS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?i)socket|urllib|urlopen|requests\.|http\.client|https?://|net/http|Net::HTTP|fetch\(|require\(.https?|require\(.net|LWP|fsockopen|TCPSocket|curl_exec|smtplib|ftplib|paramiko|inet|dns\.",
    )
});
static WRITES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r#"(?i)['"][wa]b?\+?['"]|writeFile|appendFile|file_put_contents|writefile\(|write_text|File\.write|fopen|open[( ][^)]*['"]\s*\+?>|chmod|chown|symlink|copyfile|shutil\.(copy|move)|rename|makedirs|mkdir"#,
    )
});
static HIDES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?i)(exec|eval|system|loads|compile|Function)\b.*(base64|b64decode|fromhex|unhexlify|atob|rot13|codecs|decode|pack\(|chr\(|fromCharCode|decompress|marshal|gzinflate)|marshal\.loads|pickle\.loads",
    )
});
static RUNS_FETCHED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?is)(exec|eval|system|compile|Function)\s*[( ].*(urlopen|requests\.get|fetch|http|Net::HTTP|open-uri|URI\.open|file_get_contents)|open-uri.*eval|(urlopen|requests\.get|\bfetch|['\x22]\)?\.get|https?\.get|Net::HTTP|URI\.open)\s*\(.*\b(eval|exec|Function|vm\.run\w*)\s*\(",
    )
});
static REVERSES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?is)(socket|fsockopen|net\.|inet|['\x22]net['\x22]).*(dup2|subprocess|/bin/(ba|z|da)?sh|pty\.spawn|\bexec|child_process|popen|STDIN|spawn)",
    )
});
static KILLS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?is)os\.kill\(\s*-1|while.*(os\.)?fork|fork while|fork\(\)\s*for\b|fork\(\)\s*while|os\.setuid|setuid\(0|process\.kill\(\s*-1|reboot|ctypes\.CDLL|loop\s*\{\s*fork",
    )
});
static LISTENS: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"(?i)\.listen\(|createServer|\.bind\(|TCPServer|HTTPServer"));
static EVADES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"\beval\b|\bexec\b|__import__|importlib|getattr|ctypes|__builtins__|__class__|(^|[^.\w])compile\(|new Function|constructor\(|instance_eval|Kernel|\.send\(|LWP|loadstring|dofile|(^|[^.\w])load\(|globals\(\)|chr\(|fromCharCode|\bpack\(|require\(['\x22]\.[^'\x22]*([^n'\x22]|[^o'\x22]n|[^s'\x22]on|[^j'\x22]son|[^.'\x22]json)['\x22]|process\.(kill|binding)|vm\.run|\bsyscall|unsafe",
    )
});
static ENVIRONMENT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?i)dict\(os\.environ|os\.environ\s*[)\]]|print\(os\.environ|%ENV|ENV\.(to_h|each|inspect)|process\.env\s*([)\]]|$)|JSON\.stringify\(process\.env|getenv\(\)|\$_ENV|p ENV\b|puts ENV\b",
    )
});
static TEXT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r#""((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|`([^`]*)`|\b(?:qx|qq|q)\s*\{([^}]*)\}|\b(?:qx|qq|q)\(([^)]*)\)|\bqx/([^/]*)/|%[xqQ]?\{([^}]*)\}|%[xqQ]\(([^)]*)\)|<([/~.][^>]*)>"#,
    )
});

/// A pattern of this file; a test finds one that is none.
fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

#[cfg(test)]
pub(super) fn patterns_compile() -> bool {
    [
        &REMOVES,
        &STARTS,
        &CONNECTS,
        &WRITES,
        &HIDES,
        &RUNS_FETCHED,
        &REVERSES,
        &KILLS,
        &LISTENS,
        &EVADES,
        &ENVIRONMENT,
        &TEXT,
    ]
    .into_iter()
    .all(|pattern| pattern.is_some())
}

fn fits(pattern: &LazyLock<Option<Regex>>, text: &str) -> bool {
    pattern
        .as_ref()
        .is_some_and(|pattern| pattern.is_match(text))
}

impl Screen<'_> {
    /// A program that runs code of its own language; none if this is not one.
    pub(super) fn interpreted(&mut self, call: &Call, stdin: &str) -> Option<String> {
        match call.name.as_str() {
            "awk" | "gawk" | "mawk" | "nawk" => self.awk(call, stdin),
            "jq" | "yq" => self.queried(call),
            "dc" | "bc" | "m4" => self.macros(call, stdin),
            "sed" | "gsed" => self.sed(call),
            "vim" | "vi" | "nvim" | "ex" | "view" | "vimdiff" | "emacs" | "ed" | "less"
            | "more" => {
                self.editor(call, stdin);
            }
            "make" | "gmake" => self.make(call, stdin),
            "npm" | "yarn" | "pnpm" | "bun" => self.scripts(),
            _ => {}
        }
        let (_, letters) = INTERPRETERS
            .iter()
            .find(|(names, _)| names.contains(&call.name.as_str()))?;
        self.interpreter(call, letters, stdin);
        // What it prints follows from nothing known.
        None
    }

    fn interpreter(&mut self, call: &Call, letters: &str, stdin: &str) {
        let mut rest = call.arguments.iter();
        let mut has_code = false;
        while let Some(argument) = rest.next() {
            let is_long = matches!(
                argument.as_str(),
                "--eval" | "-eval" | "--print" | "-Command" | "eval" | "-pe" | "-EncodedCommand"
            );
            let is_short = argument.len() <= 6
                && argument.starts_with('-')
                && !["--", "-M", "-I"]
                    .iter()
                    .any(|begin| argument.starts_with(begin))
                && argument.ends_with(|letter| letters.contains(letter));
            if argument == "-m" && call.name.starts_with("py") {
                let words: Vec<String> = rest.cloned().collect();
                return self.module(&words, stdin);
            }
            if let Some((name, code)) = argument.split_once('=')
                && matches!(name, "--eval" | "--print" | "-eval")
            {
                has_code = true;
                self.rare(call, code);
                self.code(code);
            } else if is_long || is_short {
                has_code = true;
                if argument == "-EncodedCommand" {
                    self.forbid("hidden-code", "it runs code that is hidden by an encoding");
                }
                if let Some(code) = rest.next() {
                    self.rare(call, code);
                    self.code(code);
                }
            } else if let Some(code) = attached(argument, letters) {
                has_code = true;
                self.code(code);
            } else if matches!(argument.as_str(), "-r" | "--require" | "-i" | "--import")
                && call.name == "node"
            {
                self.reads_code(rest.next());
            } else if argument == "-" {
                break;
            } else if !argument.starts_with('-') && has_code {
                let in_place = call.name == "perl" && call.has(&["-i"]);
                if in_place {
                    self.writes(argument);
                } else if call.name == "perl" || call.name == "ruby" {
                    self.reads(argument, false);
                }
            } else if !argument.starts_with('-') {
                return self.reads_code(Some(argument));
            } else if matches!(
                argument.as_str(),
                "--version" | "-V" | "-v" | "--help" | "-h" | "--test"
            ) {
                return;
            }
        }
        let builds = ["ghc", "kotlin", "clojure", "clj", "bb", "scala", "swift"];
        if !has_code && !stdin.is_empty() {
            self.rare(call, stdin);
            self.code(stdin);
        } else if builds.contains(&call.name.as_str()) {
            // Without code they build or run the project.
        } else if !has_code && call.name != "deno" && call.name != "bun" {
            self.ask(
                "unknown-code",
                "it starts an interpreter that reads more lines",
            );
        }
    }

    /// Code of a language whose verbs are not known here.
    fn rare(&mut self, call: &Call, code: &str) {
        if !RARE.contains(&call.name.as_str()) {
            return;
        }
        self.ask(
            "unknown-code",
            "it runs code of a language that is not known here",
        );
        let verbs = code.replace("Remove-Item", "rm");
        let verbs = verbs.replace("file delete -force", "rm -rf");
        let verbs = verbs.replace("exec ", "").replace("spawn ", "");
        self.suspected(|screen| {
            screen.line(&verbs, "");
            let texts = texts(code);
            screen.line_apart(&texts.join(" "), "");
            for text in &texts {
                screen.line_apart(text, "");
            }
        });
    }

    /// `jq` shows variables too.
    fn queried(&mut self, call: &Call) {
        let code = call.operands.first().map_or("", String::as_str);
        let is_border =
            |letter: char| !letter.is_ascii_alphanumeric() && letter != '.' && letter != '_';
        let mut words = code.split(is_border);
        if words.any(|word| word == "env" || word == "ENV") {
            self.forbid("environment", "it shows every variable, secrets among them");
        }
    }

    /// `!` of dc and of some bc at the beginning of a line, `syscmd` of m4.
    fn macros(&mut self, call: &Call, stdin: &str) {
        let code = call.arguments.join(" ") + stdin;
        let escapes = call.name == "bc" && code.trim_start().starts_with('!');
        if code.contains("syscmd") || escapes || call.name == "dc" && code.contains('!') {
            self.forbid("code-starts", "its code starts programs");
        }
    }

    /// `python -m MODULE`.
    fn module(&mut self, words: &[String], stdin: &str) {
        let Some((module, arguments)) = words.split_first() else {
            return;
        };
        match module.as_str() {
            "http.server" if is_bound_here(arguments) => {}
            "tarfile" | "zipfile" => self.archived(arguments),
            "http.server" | "smtpd" | "SimpleHTTPServer" => {
                self.ask("listener", "it opens a port for others");
            }
            "pty" | "code" => self.ask("unknown-code", "it starts an interpreter"),
            "timeit" => arguments.iter().for_each(|code| self.code(code)),
            name if self.is_program(name) => {
                self.program(name, arguments, stdin);
            }
            name if !field::is_known(name) => {
                self.ask("unknown-code", "its module is not known before");
            }
            _ => {}
        }
    }

    /// `python -m tarfile -e ARCHIVE FOLDER`, `-c ARCHIVE FILE…`, `-l ARCHIVE`.
    fn archived(&mut self, arguments: &[String]) {
        let mut paths = arguments.iter().filter(|word| !word.starts_with('-'));
        let has = |options: [&str; 2]| arguments.iter().any(|word| options.contains(&&**word));
        let archive = paths.next().map_or("", String::as_str);
        if has(["-c", "--create"]) {
            self.writes(archive);
            paths.for_each(|path| self.reads(path, true));
        } else {
            self.reads(archive, false);
            paths.for_each(|path| self.writes(path));
        }
    }

    /// A file with code.
    fn reads_code(&mut self, path: Option<&String>) {
        let Some(path) = path else { return };
        let kept = self
            .resolved(path)
            .and_then(|path| self.shell.files.get(&path).cloned());
        if let Some(text) = kept.filter(|text| !text.is_empty()) {
            return self.code(&text);
        }
        let name = path.rsplit('/').next().unwrap_or(path);
        let place = self.place(path);
        let is_own = matches!(
            place,
            Place::Workspace | Place::WorkspaceRoot | Place::Public
        );
        if !is_own || is_installer(name) || is_one_off(name) {
            let shown = field::shown(path);
            self.ask(
                "script",
                &format!("it runs a script that nobody has looked at: {shown}"),
            );
        }
    }

    /// Code of any language.
    pub(super) fn code(&mut self, code: &str) {
        if code.contains(field::NETWORK) {
            self.forbid("remote-code", "it runs what the network sends");
        } else if code.contains(field::DECODED) {
            self.forbid("hidden-code", "it runs code that is hidden by an encoding");
        } else if !field::is_known(code) {
            self.ask("unknown-code", "it runs code that is not known before");
        }
        if fits(&REVERSES, code) {
            self.forbid("reverse-shell", "its code gives a connection a shell");
        }
        if fits(&HIDES, code) {
            self.forbid(
                "hidden-code",
                "its code runs something hidden by an encoding",
            );
        }
        if fits(&RUNS_FETCHED, code) {
            self.forbid("remote-code", "its code runs what the network sends");
        }
        if fits(&KILLS, code) {
            self.forbid("harmful-code", "its code attacks the machine it runs on");
        }
        if fits(&EVADES, code) {
            self.ask(
                "unknown-code",
                "its code makes code, or reaches around the language",
            );
            self.suspected(|screen| {
                for text in texts(code) {
                    screen.line_apart(&text, "");
                }
            });
        }
        let connects = fits(&CONNECTS, code);
        if fits(&ENVIRONMENT, code) {
            if connects {
                self.forbid("exfiltration", "its code sends variables away");
            }
            self.ask(
                "environment",
                "its code shows every variable, secrets among them",
            );
        }
        if connects && !is_local(code) {
            self.ask("network", "its code talks to another machine");
        }
        if connects && (code.contains("169.254.169.254") || code.contains("metadata.google")) {
            self.forbid(
                "metadata",
                "its code asks the machine's provider for credentials",
            );
        }
        if connects
            && texts(code)
                .iter()
                .any(|text| text.starts_with('/') && self.is_grave(text))
        {
            self.forbid("exfiltration", "its code sends a file away");
        }
        if fits(&LISTENS, code) {
            self.ask("listener", "its code opens a port for others");
        }
        self.texts_of(code);
    }

    /// The texts in code, by what the code does with texts.
    fn texts_of(&mut self, code: &str) {
        let (removes, starts, writes) = (
            fits(&REMOVES, code),
            fits(&STARTS, code),
            fits(&WRITES, code),
        );
        if starts {
            self.ask("code-starts", "its code starts programs");
        }
        let texts: Vec<String> = texts(code);
        if texts.len() >= TEXTS_MAX {
            self.too_much();
        }
        if starts && texts.len() > 1 {
            // A list of arguments is a line too.
            self.line_apart(&texts.join(" "), "");
        }
        let all = texts.iter().all(|text| is_shell(text)) || code.contains("pty");
        if starts && all && texts.iter().any(|text| is_shell(text)) {
            self.forbid("code-starts", "its code opens a shell");
        }
        let mut has_path = false;
        for text in &texts {
            let bare = text.trim_start_matches(['>', '<', '+', '|', ' ']);
            let path = with_home(&field::with_patterns(bare), self.workspace.home());
            let is_piped = text.starts_with('|') || text.ends_with('|') && text.len() > 1;
            if is_piped && code.contains("open") {
                self.ask("code-starts", "its code starts programs");
                self.line_apart(bare.trim_end_matches('|'), "");
            }
            let is_path = path.starts_with(['/', '.']) && !path.contains(' ');
            has_path |= is_path;
            if starts && parse::parse(text).is_ok() {
                self.line_apart(text, "");
            }
            if self.place(&path) == Place::Secret {
                self.reads(&path, false);
            }
            if removes && (is_path || self.place(&path) != Place::Workspace) {
                self.removes(&path);
            }
            if writes && is_path {
                self.writes(&path);
            }
            if is_path && !removes && !writes && !starts && self.is_grave(&path) {
                self.reads(&path, false);
            }
        }
        let names_home = code.contains("expanduser")
            || code.contains("homedir")
            || code.contains("Path.home")
            || code.contains("Dir.home");
        if removes && names_home {
            self.forbid("remove", "its code removes from a home folder");
        }
        if removes && texts.is_empty() && !has_path {
            self.ask(
                "remove",
                "its code removes something that is not known before",
            );
        }
    }

    fn awk(&mut self, call: &Call, stdin: &str) {
        for path in call.values(&["-i", "--include", "-l", "--load"]) {
            self.reads_code(Some(&path));
        }
        for value in call.values(&["-v", "--assign"]) {
            if let Some((_, line)) = value.split_once('=') {
                self.suspected(|screen| {
                    screen.line(line, "");
                });
            }
        }
        let program = call
            .operands
            .first()
            .filter(|_| !call.has(&["-f", "--file"]));
        let Some(code) = program else {
            for path in call.values(&["-f", "--file"]) {
                self.reads_code(Some(&path));
            }
            return;
        };
        if code.contains("/inet/") {
            self.forbid("reverse-shell", "its code opens a connection");
        }
        let squeezed: String = code.split_whitespace().collect();
        let pipes = squeezed.contains("|\"")
            || squeezed.contains("\"|")
            || squeezed.contains("|getline")
            || squeezed.contains("|&");
        if code.contains("system(") || code.contains("system (") || pipes {
            self.ask("code-starts", "its code starts programs");
            if stdin.contains(field::NETWORK) {
                self.forbid("remote-code", "it runs what the network sends");
            }
            for text in texts(code) {
                self.line_apart(&text, "\0");
            }
        }
        if squeezed.contains(">\"") {
            for text in texts(code) {
                if text.contains('/') {
                    self.writes(&text);
                }
            }
        }
        if squeezed.contains("getline<\"") || squeezed.contains("<\"/") {
            for text in texts(code) {
                self.reads(&text, false);
            }
        }
        if squeezed.contains("ENVIRON") && !squeezed.contains("ENVIRON[\"") {
            self.ask("environment", "its code shows every variable");
        }
    }

    /// The commands `e`, `w`, `r` of sed, and the flags of `s`.
    fn sed(&mut self, call: &Call) {
        let mut scripts = call.values(&["-e", "--expression"]);
        if scripts.is_empty() && !call.has(&["-f", "--file"]) {
            scripts.extend(call.operands.first().cloned());
        }
        for path in call.values(&["-f", "--file"]) {
            self.reads_code(Some(&path));
        }
        for script in scripts {
            for command in sed_commands(&script) {
                match command {
                    SedCommand::Runs(line) => {
                        self.forbid("code-starts", "its sed script runs commands");
                        self.line_apart(&line, "\0");
                    }
                    SedCommand::Writes(path) => self.writes(&path),
                    SedCommand::Reads(path) => self.reads(&path, false),
                }
            }
        }
    }

    /// `vim -c '!…'`, `+!…`.
    fn editor(&mut self, call: &Call, stdin: &str) {
        let plus = call
            .arguments
            .iter()
            .filter_map(|argument| argument.strip_prefix('+'));
        let mut commands: Vec<String> = plus.map(str::to_owned).collect();
        let mut arguments = call.arguments.iter();
        while let Some(argument) = arguments.next() {
            let is_short = argument.len() <= 4 && !argument.starts_with("--");
            let is_command = argument.starts_with('-') && is_short && argument.ends_with('c');
            if is_command || matches!(argument.as_str(), "--cmd" | "--eval" | "-eval") {
                commands.extend(arguments.next().cloned());
            }
        }
        if !matches!(call.name.as_str(), "less" | "more") {
            commands.extend(stdin.lines().map(str::to_owned));
        }
        for command in commands {
            let mut words = command.split(|letter: char| !letter.is_ascii_alphabetic());
            if words.any(|word| matches!(word, "shell" | "sh" | "term" | "terminal")) {
                self.forbid("code-starts", "its editor starts a shell");
            }
            if let Some((_, line)) = command.split_once('!') {
                self.ask("code-starts", "its editor runs a command");
                self.line_apart(line, "\0");
            }
            let calls = ["system(", "delete(", "writefile(", "rename(", "libcall("];
            if calls.iter().any(|call| command.contains(call))
                || call.name == "emacs"
                || ["py", "lua", "perl", "ruby"]
                    .iter()
                    .any(|language| command.starts_with(language))
            {
                self.code(&command);
            }
        }
        if !matches!(call.name.as_str(), "less" | "more") {
            call.operands.iter().for_each(|path| self.writes(path));
        }
    }

    /// What a script of the project runs that this line has written.
    fn scripts(&mut self) {
        let path = self.resolved("package.json");
        let Some(text) = path.and_then(|path| self.shell.files.get(&path).cloned()) else {
            return;
        };
        for text in texts(&text) {
            self.suspected(|screen| {
                screen.line(&text, "");
            });
        }
    }

    /// `make -f -` and `--eval` bring rules of their own.
    fn make(&mut self, call: &Call, stdin: &str) {
        for operand in &call.operands {
            if let Some((name, value)) = operand.split_once('=') {
                if name == "SHELL" && !matches!(value, "sh" | "bash" | "/bin/sh" | "/bin/bash") {
                    self.ask("helper", "it makes make run another shell");
                }
                self.suspected(|screen| {
                    screen.line(value, "");
                });
            }
        }
        let mut rules = call.values(&["--eval", "-E"]);
        for name in ["Makefile", "makefile", "GNUmakefile"] {
            let path = self.resolved(name);
            let written = path.and_then(|path| self.shell.files.get(&path).cloned());
            for line in written.iter().flat_map(|text| text.split(['\n', ';', ':'])) {
                self.suspected(|screen| {
                    screen.line(line.trim_start_matches(['\t', '@', '-', ' ']), "");
                });
            }
        }
        if call
            .values(&["-f", "--file"])
            .iter()
            .any(|path| path == "-" || path == "/dev/stdin")
        {
            rules.push(stdin.to_owned());
        }
        for rule in rules {
            for line in rule.split(['\n', ';', ':']) {
                let line = line.trim_start_matches(['\t', '@', '-']);
                let shell = line
                    .split("$(shell ")
                    .nth(1)
                    .map(|rest| rest.trim_end_matches(')'));
                self.line_apart(shell.unwrap_or(line), "");
            }
        }
        for path in call.values(&["-C", "--directory", "-f", "--file"]) {
            if !matches!(
                self.place(&path),
                Place::Workspace | Place::WorkspaceRoot | Place::Harmless
            ) && path != "-"
            {
                self.ask("script", "it runs rules from outside the workspace");
            }
        }
    }
}

/// Whether a server of `python -m http.server` answers this machine alone.
fn is_bound_here(arguments: &[String]) -> bool {
    let mut pairs = arguments.windows(2);
    pairs.any(|pair| {
        matches!(pair[0].as_str(), "-b" | "--bind")
            && matches!(pair[1].as_str(), "127.0.0.1" | "localhost" | "::1")
    })
}

/// Whether a file of code is run once, by its name, rather than being the project's program.
fn is_one_off(name: &str) -> bool {
    let name = name.to_lowercase();
    [
        "script",
        "download",
        "fetch",
        "migrat",
        "provision",
        "payload",
        "exploit",
        "untrusted",
        "cleanup",
        "wipe",
        "reset",
        "seed",
    ]
    .iter()
    .any(|word| name.contains(word))
}

/// Whether a text starts a shell and tells it nothing.
fn is_shell(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let name = words.next().and_then(|name| name.rsplit('/').next());
    matches!(name, Some("sh" | "bash" | "zsh" | "dash" | "ksh"))
        && words.all(|option| matches!(option, "-i" | "-p" | "-l"))
}

/// Code in the same argument as its option: `-e'print 1'`.
fn attached<'a>(argument: &'a str, letters: &str) -> Option<&'a str> {
    let rest = argument.strip_prefix('-')?;
    let first = rest.chars().next()?;
    let has_blank = rest.contains([' ', '(', ';']);
    (letters.contains(first) && has_blank).then(|| &rest[first.len_utf8()..])
}

fn is_local(code: &str) -> bool {
    let names = ["localhost", "127.0.0.1", "[::1]", "0.0.0.0"];
    names.iter().any(|name| code.contains(name))
        || !code.contains("://") && code.contains("import socket; print")
}

fn with_home(text: &str, home: &str) -> String {
    match text.strip_prefix("~/") {
        Some(rest) => format!("{home}/{rest}"),
        None if text == "~" => home.to_owned(),
        None => text.to_owned(),
    }
}

/// The texts in quotes.
fn texts(code: &str) -> Vec<String> {
    let Some(pattern) = TEXT.as_ref() else {
        return Vec::new();
    };
    let found = pattern.captures_iter(code).take(TEXTS_MAX);
    found
        .filter_map(|found| {
            found
                .iter()
                .skip(1)
                .flatten()
                .next()
                .map(|text| text.as_str().to_owned())
        })
        .filter(|text| !text.is_empty())
        .collect()
}

enum SedCommand {
    Runs(String),
    Writes(String),
    Reads(String),
}

/// The commands of a sed script that reach out of it.
fn sed_commands(script: &str) -> Vec<SedCommand> {
    let mut commands = Vec::new();
    let mut rest = script.trim_start();
    while !rest.is_empty() {
        rest = past_address(rest).trim_start_matches([' ', '\t', '{', '!']);
        let Some(command) = rest.chars().next() else {
            break;
        };
        rest = &rest[command.len_utf8()..];
        let line_end = rest.find('\n').unwrap_or(rest.len());
        match command {
            's' | 'y' => {
                let Some(border) = rest.chars().next() else {
                    break;
                };
                rest = past(past(&rest[border.len_utf8()..], border), border);
                let end = rest.find([';', '\n', '}']).unwrap_or(rest.len());
                let flags = &rest[..end];
                let (flags, path) = flags.split_once('w').unwrap_or((flags, ""));
                if command == 's' && flags.contains('e') {
                    commands.push(SedCommand::Runs(String::new()));
                }
                if !path.is_empty() {
                    commands.push(SedCommand::Writes(path.trim().to_owned()));
                }
                rest = &rest[end..];
            }
            'e' => {
                commands.push(SedCommand::Runs(rest[..line_end].trim().to_owned()));
                rest = &rest[line_end..];
            }
            'w' | 'W' | 'r' | 'R' => {
                let path = rest[..line_end].trim().to_owned();
                commands.push(if command.eq_ignore_ascii_case(&'w') {
                    SedCommand::Writes(path)
                } else {
                    SedCommand::Reads(path)
                });
                rest = &rest[line_end..];
            }
            'a' | 'i' | 'c' | ':' | 'b' | 't' | 'T' => rest = &rest[line_end..],
            _ => {
                let end = rest.find([';', '\n', '}']).unwrap_or(rest.len());
                rest = &rest[end..];
            }
        }
        rest = rest.trim_start_matches([';', '\n', ' ', '}', '\t']);
    }
    commands
}

/// Behind the next border that no backslash stands before.
fn past(text: &str, border: char) -> &str {
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        if letter == '\\' {
            letters.next();
        } else if letter == border {
            return &text[at + border.len_utf8()..];
        }
    }
    ""
}

fn past_address(text: &str) -> &str {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|letter: char| {
            letter.is_ascii_digit() || matches!(letter, ',' | '$' | '~' | '+' | ' ' | '!' | '\t')
        });
        let Some(behind) = rest.strip_prefix('/') else {
            return rest;
        };
        rest = past(behind, '/').trim_start_matches('I');
    }
}
