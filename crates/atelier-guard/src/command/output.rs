//! What programs print, as far as a line tells: what the next one in a pipe would read.

use crate::command::{
    field::{self, DECODED, LOCAL, NETWORK, SECRET},
    program::{Call, name_test},
    screen::Screen,
};

/// Programs that pass on part of what they read, unchanged.
const SIEVES: &[&str] = &[
    "sort", "uniq", "head", "tail", "grep", "egrep", "fgrep", "rg", "tee", "shuf", "less", "more",
    "tac", "pv",
];

/// Programs that turn what they read into something else.
const CHANGERS: &[&str] = &[
    "sed", "awk", "gawk", "mawk", "tr", "cut", "fold", "base64", "base32", "basenc", "xxd",
    "openssl", "gzip", "gunzip", "zcat", "bzip2", "bunzip2", "xz", "unxz", "zstd", "uudecode",
    "rev", "od", "hexdump", "gpg", "perl", "python", "python3", "ruby", "node", "php", "paste",
    "dd", "nl", "iconv", "jq", "lz4", "brotli",
];

impl Screen<'_> {
    pub(super) fn printed(&mut self, call: &Call, stdin: &str) -> String {
        let name = call.name.as_str();
        let operands = call.operands.as_slice();
        if let Some(output) = self.answered(name, operands) {
            return output;
        }
        match name {
            "cat" | "bat" => self.all_contents(operands, stdin),
            "curl" | "wget" | "fetch" | "aria2c" | "lynx" | "http" | "https" | "nc" | "ncat"
            | "netcat" | "socat" | "telnet" | "dig" | "nslookup" | "host" => {
                self.downloaded(call);
                NETWORK.to_string()
            }
            "printenv" | "history" => SECRET.to_string(),
            "find" | "fd" | "fdfind" => Self::listed_below(call),
            "ls" => Self::listed(operands),
            "git" => {
                let names = matches!(operands.first().map(String::as_str), Some("ls-files"))
                    || call.has(&["--name-only"]);
                if call.has(&["--show-toplevel"]) {
                    self.workspace.root().to_owned()
                } else if names {
                    "./\u{1}x\n".to_owned()
                } else {
                    LOCAL.to_string()
                }
            }
            "grep" | "rg" | "egrep"
                if call.has(&["-l", "--files-with-matches", "-L", "--files"]) =>
            {
                "./\u{1}x\n".to_owned()
            }
            _ if SIEVES.contains(&name) && !stdin.is_empty() => {
                if name == "tee" {
                    self.teed(operands, stdin)
                } else {
                    stdin.to_owned()
                }
            }
            // Letters by their numbers are text that nobody is to read.
            "awk" | "gawk" | "mawk" | "nawk" if operands.iter().any(|code| code.contains("%c")) => {
                DECODED.to_string()
            }
            _ if CHANGERS.contains(&name) => Self::changed(call, stdin),
            _ => {
                let rest: String = operands.concat();
                LOCAL.to_string() + &field::origins(stdin) + &field::origins(&rest)
            }
        }
    }

    fn teed(&mut self, operands: &[String], stdin: &str) -> String {
        for path in operands {
            if let Some(path) = self.resolved(path) {
                self.shell.keep(path, stdin);
            }
        }
        stdin.to_owned()
    }

    fn all_contents(&mut self, operands: &[String], stdin: &str) -> String {
        if operands.is_empty() {
            return stdin.to_owned();
        }
        let contents = |path: &String| {
            if path == "-" {
                stdin.to_owned()
            } else {
                self.contents(path)
            }
        };
        operands.iter().map(contents).collect()
    }

    /// Known text that goes through a program on its way is hidden text.
    fn changed(call: &Call, stdin: &str) -> String {
        let name = call.name.as_str();
        let decodes = call.has(&["-d", "-D", "--decode", "--decompress", "-r"])
            || matches!(name, "gunzip" | "zcat" | "bunzip2" | "unxz" | "uudecode")
            || call
                .operands
                .iter()
                .any(|operand| operand == "enc" || operand == "base64");
        let is_literal = !stdin.trim().is_empty() && field::is_known(stdin);
        let mut made = LOCAL.to_string() + &field::origins(stdin);
        if decodes || is_literal {
            made.push(DECODED);
        }
        made
    }

    fn listed(operands: &[String]) -> String {
        if operands.is_empty() {
            return "./\u{1}\n".to_owned();
        }
        let entry = |operand: &String| {
            if field::has_pattern(operand) || operand.contains('.') && !operand.starts_with('.') {
                format!("{operand}\n")
            } else {
                format!("{operand}/\u{1}\n")
            }
        };
        operands.iter().map(entry).collect()
    }

    fn listed_below(call: &Call) -> String {
        let is_start = |argument: &&String| !argument.starts_with(['-', '(', '!']);
        let starts = call.arguments.iter().take_while(is_start);
        let is_fd = call.name != "find";
        let mut starts: Vec<&str> = starts.map(String::as_str).collect();
        if starts.is_empty() || is_fd {
            starts = vec!["."];
        }
        let named = match name_test(call) {
            Some(named) => named,
            None if is_fd => "\u{1}x".to_owned(),
            None => "\u{1}".to_owned(),
        };
        let entry = |start: &str| format!("{start}/{named}\n");
        starts.into_iter().map(entry).collect()
    }

    /// The file a download goes to holds what the network sent.
    fn downloaded(&mut self, call: &Call) {
        let mut paths = call.values(&["-o", "-O", "--output", "--output-document"]);
        let is_wget = matches!(call.name.as_str(), "wget" | "aria2c");
        let names_itself = call.has(&["-O", "-OJ", "--remote-name", "-J"]) || is_wget;
        for address in &call.operands {
            if names_itself {
                paths.extend(
                    address
                        .trim_end_matches('/')
                        .rsplit('/')
                        .next()
                        .map(str::to_owned),
                );
            }
        }
        for path in paths.iter().filter(|path| *path != "-") {
            if let Some(path) = self.resolved(path) {
                self.shell.keep(path, "\u{5}");
            }
        }
    }
}
