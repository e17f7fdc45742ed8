//! Programs that start other programs: the call inside is what counts.

use crate::command::{
    field,
    program::{Call, quoted},
    rule::{Effect, Rules},
    screen::Screen,
};

/// Lines that GNU parallel makes and that are looked at.
const PARALLEL_MAX: usize = 64;

/// A program that starts what its arguments say.
struct Wrapper {
    names: &'static [&'static str],
    /// Options followed by a value.
    valued: &'static [&'static str],
    /// Arguments before the inner call.
    skipped: usize,
    /// Whether variables may stand before the inner call.
    assigns: bool,
}

const fn wrapper(
    names: &'static [&'static str],
    valued: &'static [&'static str],
    skipped: usize,
    assigns: bool,
) -> Wrapper {
    Wrapper {
        names,
        valued,
        skipped,
        assigns,
    }
}

const WRAPPERS: &[Wrapper] = &[
    wrapper(&["env"], &["-u", "--unset", "-C", "--chdir"], 0, true),
    wrapper(
        &["sudo", "doas", "pkexec", "run0"],
        &[
            "-u", "-g", "-h", "-p", "-C", "-r", "-t", "-T", "-D", "-U", "--user",
        ],
        0,
        true,
    ),
    wrapper(&["nice", "renice"], &["-n", "--adjustment"], 0, false),
    wrapper(&["ionice"], &["-c", "-n", "-p"], 0, false),
    wrapper(
        &[
            "nohup",
            "setsid",
            "unbuffer",
            "fakeroot",
            "proxychains",
            "proxychains4",
            "torsocks",
            "caffeinate",
            "busybox",
            "toybox",
            "xvfb-run",
            "dbus-run-session",
            "cross-env",
            "setarch",
            "linux64",
            "catchsegv",
            "winpty",
            "eatmydata",
            "chronic",
            "nyc",
            "c8",
        ],
        &["-s", "-o"],
        0,
        true,
    ),
    wrapper(
        &["timeout", "gtimeout"],
        &["-s", "-k", "--signal", "--kill-after"],
        1,
        false,
    ),
    wrapper(
        &["time", "gtime"],
        &["-f", "-o", "--format", "--output"],
        0,
        false,
    ),
    wrapper(&["stdbuf"], &["-i", "-o", "-e"], 0, false),
    wrapper(
        &["chrt", "taskset", "chroot", "gosu", "su-exec", "cpulimit"],
        &["-p", "-l"],
        1,
        false,
    ),
    wrapper(
        &["strace", "ltrace", "valgrind"],
        &["-e", "-o", "-p", "-s", "-u", "-E"],
        0,
        false,
    ),
    wrapper(
        &[
            "unshare",
            "nsenter",
            "systemd-run",
            "firejail",
            "bwrap",
            "runuser",
        ],
        &["-t", "-u", "-p", "--unit", "-S", "-G"],
        0,
        true,
    ),
    wrapper(
        &["rlwrap", "script-run", "prlimit", "numactl", "dotenv"],
        &["-e", "-f"],
        0,
        false,
    ),
];

/// Programs of which one subcommand starts what follows.
const RUNNERS: &[(&str, &[&str])] = &[
    ("uv", &["run"]),
    ("poetry", &["run"]),
    ("pipenv", &["run"]),
    ("pdm", &["run"]),
    ("hatch", &["run"]),
    ("rye", &["run"]),
    ("bundle", &["exec"]),
    ("npm", &["exec"]),
    ("pnpm", &["exec"]),
    ("yarn", &["exec"]),
    ("mise", &["exec", "x"]),
    ("rustup", &["run"]),
    ("direnv", &["exec"]),
    ("opam", &["exec"]),
    ("dotenvx", &["run"]),
    ("doppler", &["run"]),
    ("perf", &["stat", "record"]),
    ("pyenv", &["exec"]),
    ("rbenv", &["exec"]),
    ("asdf", &["exec"]),
    ("nvm", &["exec"]),
    ("volta", &["run"]),
    ("lerna", &["exec"]),
    ("nx", &["exec"]),
    ("atelier", &["exec"]),
];

/// Whether git is told something to remember.
fn first_is_config(call: &Call) -> bool {
    call.operands.first().is_some_and(|verb| verb == "config")
}

/// Programs, and their options whose value is run.
const OPTIONS: &[(&[&str], &[&str])] = &[
    (
        &["tar", "bsdtar"],
        &[
            "--to-command",
            "--use-compress-program",
            "-I",
            "--rsh-command",
            "--info-script",
            "--new-volume-script",
            "-F",
        ],
    ),
    (&["rsync"], &["-e", "--rsh", "--rsync-path"]),
    (&["zip"], &["-TT", "--unzip-command"]),
    (&["sort"], &["--compress-program"]),
    (&["split"], &["--filter"]),
    (&["man"], &["-P", "--pager", "-H"]),
    (&["wget"], &["--use-askpass", "--use-server"]),
    (&["rg", "ripgrep"], &["--pre", "--hostname-bin"]),
    (&["gdb"], &["-ex", "--eval-command", "-x"]),
    (&["lldb"], &["-o", "-O", "--one-line"]),
    (&["gcc", "g++", "cc", "clang"], &["-wrapper"]),
    (&["complete", "compgen", "bind", "fc"], &["-C", "-x", "-e"]),
    (&["tcpdump"], &["-z"]),
    (&["psql"], &["-c"]),
    (&["fd", "fdfind"], &["-x", "-X", "--exec", "--exec-batch"]),
    (&["socat"], &[]),
];

/// The line for a shell in a command of a debugger.
fn debugged(command: &str) -> Option<&str> {
    let command = command.trim();
    ["shell ", "platform shell ", "!"]
        .iter()
        .find_map(|begin| command.strip_prefix(begin))
}

const TERMINALS: &[&str] = &[
    "xterm",
    "gnome-terminal",
    "konsole",
    "alacritty",
    "kitty",
    "x-terminal-emulator",
];

const SHELLS: &[&str] = &[
    "sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "fish", "rbash", "csh", "tcsh",
];

impl Screen<'_> {
    /// Looks at what the call starts; none if it starts nothing else.
    pub(super) fn wrapped(&mut self, call: &Call, stdin: &str) -> Option<String> {
        let name = call.name.as_str();
        if SHELLS.contains(&name) {
            return Some(self.shell_program(call, stdin));
        }
        if let Some(wrapper) = WRAPPERS
            .iter()
            .find(|wrapper| wrapper.names.contains(&name))
        {
            return Some(self.inner(wrapper, call, stdin));
        }
        if let Some(output) = self.runner(call, stdin) {
            return Some(output);
        }
        match name {
            name if TERMINALS.contains(&name) => {
                let starts = |word: &String| word == "-e" || word == "--";
                let at = call.arguments.iter().position(starts)?;
                Some(self.rest(&call.arguments[at + 1..], ""))
            }
            "npx" | "pnpx" | "bunx" | "uvx" => Some(self.package(call, stdin)),
            "tmux" | "screen" => {
                self.in_terminal(call);
                None
            }
            "xargs" => Some(self.xargs(&call.arguments, stdin)),
            "parallel" => Some(self.parallel_program(&call.arguments, stdin)),
            "watch" | "entr" | "watchexec" => {
                let line = self
                    .past_options(&call.arguments, &["-n", "--interval"])
                    .join(" ");
                Some(self.line_apart(&line, stdin))
            }
            "hyperfine" => {
                self.hatches(call, stdin);
                for line in &call.operands {
                    self.line_apart(line, "");
                }
                Some(field::LOCAL.to_string())
            }
            "su" | "script" | "flock" | "nix-shell" => self.given_line(call, stdin),
            "ssh" => {
                self.remote(call);
                Some(field::NETWORK.to_string())
            }
            "git" => {
                self.git(call);
                None
            }
            "at" | "batch" => {
                self.line_apart(stdin, "");
                None
            }
            _ => {
                self.helpers(call);
                self.hatches(call, stdin);
                self.interpreted(call, stdin)
            }
        }
    }

    /// `npm exec …` and its like; none if nothing is started so.
    fn runner(&mut self, call: &Call, stdin: &str) -> Option<String> {
        let (_, verbs) = RUNNERS.iter().find(|(runner, _)| *runner == call.name)?;
        let verb = call.operands.first()?;
        if !verbs.contains(&verb.as_str()) {
            return None;
        }
        let place = call.arguments.iter().position(|word| word == verb)?;
        for line in call.values(&["-c", "--call"]) {
            self.line_apart(&line, stdin);
        }
        Some(self.rest(&call.arguments[place + 1..], stdin))
    }

    /// `npx TOOL …` and its like.
    fn package(&mut self, call: &Call, stdin: &str) -> String {
        let calls = |word: &String| word == "-c" || word == "--call";
        let at = call.arguments.iter().position(calls);
        let words = &call.arguments[at.map_or(0, |at| at + 1)..];
        let tool = words.iter().find(|word| !word.starts_with('-'));
        let is_of_system = |tool: &String| {
            let program = Rules::builtin().program(tool);
            program.is_some_and(|program| program.looks || program.effect == Effect::Read)
        };
        if call.name != "uvx" && tool.is_some_and(is_of_system) {
            // A package of that name is another program.
            self.ask("fetched-program", "it may fetch the program it runs");
        }
        self.rest(words, stdin)
    }

    /// What runs in a terminal that stays behind.
    fn in_terminal(&mut self, call: &Call) {
        self.suspects(&call.arguments);
        let lines = call.arguments.iter().filter(|word| word.contains(' '));
        for line in lines {
            self.line_apart(line, "");
        }
    }

    /// `script -c LINE` and its like.
    fn given_line(&mut self, call: &Call, stdin: &str) -> Option<String> {
        let options = ["-c", "--command", "--run"];
        for line in call.values(&options) {
            self.line_apart(&line, stdin);
        }
        if call.name == "flock" && call.operands.len() > 1 && !call.has(&options) {
            return Some(self.rest(&call.operands[1..], stdin));
        }
        if call.name == "script" && call.operands.len() > 1 {
            return Some(self.rest(&call.operands[1..], stdin));
        }
        call.has(&options).then(|| field::LOCAL.to_string())
    }

    /// `env A=1 nice …`: variables, options, arguments, and then the call.
    fn inner(&mut self, wrapper: &Wrapper, call: &Call, stdin: &str) -> String {
        let (variables, folder) = (self.shell.variables.clone(), self.shell.folder.clone());
        let output = self.inner_call(wrapper, call, stdin);
        self.shell.variables = variables;
        self.shell.folder = folder;
        output
    }

    fn inner_call(&mut self, wrapper: &Wrapper, call: &Call, stdin: &str) -> String {
        let mut rest = call.arguments.as_slice();
        let mut skipped = wrapper.skipped;
        while let Some((first, behind)) = rest.split_first() {
            rest = behind;
            if call.name == "env" && (first == "-S" || first.starts_with("--split-string")) {
                let split = first.split_once('=').map(|(_, line)| line.to_owned());
                let line = split.unwrap_or_else(|| rest.join(" "));
                return self.line_apart(&line, stdin);
            }
            if call.name == "env" {
                let attached = first.strip_prefix("--chdir=");
                let given = rest.first().filter(|_| first == "-C" || first == "--chdir");
                if let Some(folder) = attached.or(given.map(String::as_str)) {
                    self.shell.folder = self.resolved(folder);
                }
            }
            if wrapper.valued.contains(&first.as_str()) {
                let traces = ["strace", "ltrace", "time", "gtime"].contains(&call.name.as_str());
                let file = rest.first().filter(|_| traces);
                if let Some(file) = file.filter(|_| first == "-o" || first == "--output") {
                    self.writes(file);
                }
                rest = rest.get(1..).unwrap_or_default();
            } else if first == "--" {
                break;
            } else if first.len() > 1 && first.starts_with('-') {
                if let Some(line) = first.strip_prefix("-S").filter(|_| call.name == "env") {
                    let line = format!("{line} {}", quoted(rest));
                    return self.line_apart(&line, stdin);
                }
            } else if let Some((name, value)) = first.split_once('=').filter(|_| wrapper.assigns) {
                self.assigned(name, value);
                self.shell
                    .variables
                    .insert(name.to_owned(), vec![value.to_owned()]);
            } else if skipped > 0 {
                skipped -= 1;
            } else {
                return self.program(first, rest, stdin);
            }
        }
        match rest.split_first() {
            Some((name, arguments)) => self.program(name, arguments, stdin),
            None if call.name == "env" => {
                self.ask("environment", "it shows every variable, secrets among them");
                field::SECRET.to_string()
            }
            None => field::derived(stdin),
        }
    }

    /// The call behind options without values.
    fn rest(&mut self, words: &[String], stdin: &str) -> String {
        let words = self.past_options(words, &["--with", "--python", "--extra", "-p"]);
        match words.split_first() {
            Some((line, [])) if line.contains(' ') => self.line_apart(line, stdin),
            Some((name, arguments)) => self.program(name, arguments, stdin),
            None => field::LOCAL.to_string(),
        }
    }

    #[expect(clippy::unused_self, reason = "reads as part of the screen")]
    fn past_options<'a>(&self, words: &'a [String], valued: &[&str]) -> &'a [String] {
        let mut rest = words;
        while let Some((first, behind)) = rest.split_first()
            && first.starts_with('-')
        {
            let skipped = usize::from(valued.contains(&first.as_str()));
            rest = behind.get(skipped..).unwrap_or_default();
            if first == "--" {
                break;
            }
        }
        rest
    }

    /// `sh -c LINE`, `sh FILE`, `… | sh`.
    fn shell_program(&mut self, call: &Call, stdin: &str) -> String {
        let mut rest = call.arguments.as_slice();
        let (mut is_line, mut only_checks) = (false, false);
        while let Some((first, behind)) = rest.split_first()
            && first.len() > 1
            && first.starts_with(['-', '+'])
        {
            let is_short = !first.starts_with("--");
            is_line |= is_short && first.contains('c') || first == "--command";
            if matches!(first.as_str(), "--rcfile" | "--init-file")
                && let Some(path) = behind.first()
            {
                self.script(path, stdin, false);
            }
            only_checks |= first == "-n" || first == "--version" || first == "--help";
            let valued = matches!(
                first.as_str(),
                "-o" | "-O" | "+o" | "+O" | "--rcfile" | "--init-file"
            );
            rest = behind.get(usize::from(valued)..).unwrap_or_default();
        }
        if only_checks {
            return String::new();
        }
        let talks = call.arguments.iter().any(|option| option == "-i");
        if talks && self.parallel > 0 && rest.is_empty() {
            self.forbid("reverse-shell", "it gives a pipe a shell to talk to");
        }
        let before = self.shell.positional.clone();
        let output = match rest.split_first() {
            Some((code, behind)) if is_line => {
                self.shell.positional = Some(behind.get(1..).unwrap_or_default().to_vec());
                if let Some(named) = behind.first() {
                    let named = vec![named.clone()];
                    self.shell.variables.insert("0".to_owned(), named);
                }
                self.line_apart(code, stdin)
            }
            Some((path, behind)) if !call.arguments.iter().any(|argument| argument == "-s") => {
                self.shell.positional = Some(behind.to_vec());
                self.script(path, stdin, false)
            }
            _ if stdin.is_empty() => {
                self.ask("unknown-code", "it starts a shell that reads more lines");
                field::LOCAL.to_string()
            }
            _ => self.line_apart(stdin, "\0"),
        };
        self.shell.positional = before;
        output
    }

    fn xargs(&mut self, arguments: &[String], stdin: &str) -> String {
        let listed = |word: &String| word == "-a" || word == "--arg-file";
        let listed = arguments.iter().position(listed);
        let listed = listed.and_then(|at| arguments.get(at + 1)).map(|path| {
            self.reads(path, false);
            self.contents(path)
        });
        let stdin = listed.as_deref().unwrap_or(stdin);
        let mut replaced = None;
        let mut rest = arguments;
        while let Some((first, behind)) = rest.split_first()
            && first.starts_with('-')
        {
            rest = behind;
            if matches!(first.as_str(), "-I" | "--replace") {
                replaced = rest.first().cloned();
            } else if let Some(mark) = first
                .strip_prefix("-I")
                .or(first.strip_prefix("--replace="))
            {
                replaced = Some(mark.to_owned());
            } else if first == "-i" {
                replaced = Some("{}".to_owned());
            }
            if matches!(
                first.as_str(),
                "-I" | "-n"
                    | "-P"
                    | "-L"
                    | "-d"
                    | "-E"
                    | "-s"
                    | "-a"
                    | "--max-args"
                    | "--max-procs"
                    | "--delimiter"
                    | "--arg-file"
                    | "--max-lines"
            ) {
                rest = rest.get(1..).unwrap_or_default();
            }
        }
        let is_whole = arguments
            .iter()
            .any(|option| option == "-0" || option == "--null");
        let given: Vec<String> = if is_whole && !stdin.contains('\u{1}') {
            vec![stdin.trim_end().to_owned()]
        } else {
            stdin.split_whitespace().map(str::to_owned).collect()
        };
        let Some((name, arguments)) = rest.split_first() else {
            return stdin.to_owned();
        };
        let (name, arguments) = match replaced {
            None => (name.clone(), [arguments, &given].concat()),
            Some(mark) => {
                let with = given.join(" ");
                let replace = |word: &String| word.replace(&mark, &with);
                (replace(name), arguments.iter().map(replace).collect())
            }
        };
        // Words that come in behind a script are its parameters, not its text.
        self.program(&name, &arguments, "")
    }

    /// GNU parallel: every argument makes a line for a shell.
    fn parallel_program(&mut self, arguments: &[String], stdin: &str) -> String {
        let words = self.past_options(arguments, &["-j", "--jobs", "-I", "-n", "-N", "--delay"]);
        let border = words.iter().position(|word| word.starts_with(":::"));
        let (command, given) = words.split_at(border.unwrap_or(words.len()));
        let mut given: Vec<String> = given.iter().skip(1).cloned().collect();
        if border.is_none() {
            given = stdin.lines().map(str::to_owned).collect();
        }
        if given.len() > PARALLEL_MAX {
            self.too_much();
        }
        let command = command.join(" ");
        for value in given.iter().take(PARALLEL_MAX) {
            let line = if command.contains("{}") {
                command.replace("{}", value)
            } else {
                format!("{command} {value}")
            };
            self.line_apart(&line, "");
        }
        if given.is_empty() {
            self.line_apart(&command, "");
        }
        field::LOCAL.to_string()
    }

    /// A command for another machine is held against the same rules.
    fn remote(&mut self, call: &Call) {
        let words = self.past_options(
            &call.arguments,
            &[
                "-i", "-p", "-o", "-l", "-F", "-L", "-R", "-D", "-J", "-b", "-c", "-e", "-m", "-W",
            ],
        );
        if words.len() > 1 {
            let line = words[1..].join(" ");
            self.line_apart(&line, "");
        }
        for option in call.values(&["-o"]) {
            let (name, value) = option.split_once('=').unwrap_or((&option, ""));
            if ["proxycommand", "localcommand", "knownhostscommand"]
                .contains(&name.to_lowercase().as_str())
            {
                self.forbid("helper", "it makes ssh run a command here");
                self.line_apart(value, "");
            }
        }
    }

    /// `git -c NAME=VALUE` and `git config NAME VALUE`: settings that run something.
    fn git(&mut self, call: &Call) {
        let mut settings = call.values(&["-c", "--config"]);
        if let [verb, name, value, ..] = call.operands.as_slice()
            && verb == "config"
        {
            settings.push(format!("{name}={value}"));
        }
        for setting in settings {
            let (name, value) = setting.split_once('=').unwrap_or((&setting, ""));
            let name = name.to_lowercase();
            let runs = matches!(
                name.as_str(),
                "core.editor"
                    | "core.pager"
                    | "core.sshcommand"
                    | "core.fsmonitor"
                    | "core.askpass"
                    | "core.gitproxy"
                    | "diff.external"
                    | "sequence.editor"
                    | "credential.helper"
                    | "gpg.program"
                    | "init.templatedir"
                    | "core.hookspath"
                    | "core.alternaterefscommand"
                    | "interactive.difffilter"
            ) || name.starts_with("alias.")
                || name.starts_with("filter.")
                || name.starts_with("pager.")
                || name.ends_with(".textconv")
                || name
                    .rsplit('.')
                    .next()
                    .is_some_and(|key| ["command", "cmd", "driver", "program"].contains(&key));
            if !runs {
                continue;
            }
            let harmless = matches!(
                value,
                "" | "cat" | "true" | "less" | "false" | "delta" | "/dev/null" | ":"
            );
            let is_alias_of_git = name.starts_with("alias.") && !value.starts_with('!');
            if !harmless && !is_alias_of_git {
                if first_is_config(call) {
                    self.forbid("helper", "it makes git run something from now on");
                }
                self.ask(
                    "helper",
                    &format!("the setting `{name}` makes git run something"),
                );
                self.line_apart(value.trim_start_matches('!'), "");
            }
        }
        let first = call.operands.first().map_or("", String::as_str);
        let verb = match first {
            "bisect" => "run",
            "submodule" => "foreach",
            _ => "",
        };
        if let Some(at) = call.arguments.iter().position(|word| word == verb) {
            let words = self.past_options(&call.arguments[at + 1..], &[]);
            let line = if words.len() == 1 {
                words.concat()
            } else {
                quoted(words)
            };
            self.line_apart(&line, "");
        }
        for line in call.values(&["--exec", "-x", "--upload-pack", "--receive-pack"]) {
            self.line_apart(&line, "");
        }
    }

    /// Options of other programs that name something to be run.
    fn helpers(&mut self, call: &Call) {
        if call.name == "gdb"
            && let Some(at) = call.arguments.iter().position(|word| word == "--args")
        {
            self.rest(&call.arguments[at + 1..], "");
        }
        let checkpoint = "--checkpoint-action";
        if let Some(action) = call.value(&[checkpoint])
            && let Some((_, line)) = action.split_once("exec=")
        {
            self.forbid("helper", "it makes tar run a command");
            self.line_apart(line, "");
        }
        let of_program = OPTIONS
            .iter()
            .find(|(names, _)| names.contains(&call.name.as_str()));
        let Some((_, options)) = of_program else {
            return;
        };
        for value in call.values(options) {
            let line = match call.name.as_str() {
                "psql" => match value.split_once("\\!") {
                    Some((_, line)) => line,
                    None => continue,
                },
                "gdb" | "lldb" => {
                    let Some(line) = debugged(&value) else {
                        self.code(&value);
                        continue;
                    };
                    line
                }
                "bind" => value.split_once(':').map_or("", |(_, line)| line),
                _ => &value,
            };
            self.line_apart(line, "\0");
        }
        if matches!(call.name.as_str(), "fd" | "fdfind") {
            self.found_by_fd(call, options);
        }
    }

    /// `fd PATTERN FOLDER -x …`: what it does with what it finds.
    fn found_by_fd(&mut self, call: &Call, options: &[&str]) {
        if let Some(at) = call
            .arguments
            .iter()
            .position(|argument| options.contains(&argument.as_str()))
        {
            let found = match call.operands.get(1) {
                Some(start) => format!("{start}/\u{1}x"),
                None => "./\u{1}x".to_owned(),
            };
            let rest = &call.arguments[at + 1..];
            let mut words: Vec<String> =
                rest.iter().map(|word| word.replace("{}", &found)).collect();
            if !rest.iter().any(|word| word.contains("{}")) {
                words.push(found);
            }
            self.rest(&words, "");
        }
    }

    /// Whether rules know the name: what an interpreter starts as a module.
    pub(super) fn is_program(&self, name: &str) -> bool {
        let _ = self;
        Rules::builtin().program(name).is_some()
    }
}
