//! Programs that talk to other machines: what they send, and to whom.

use crate::command::{
    field::{LOCAL, SECRET},
    place::Place,
    program::Call,
    screen::Screen,
};

/// Programs that send or fetch.
const SPEAKERS: &[&str] = &[
    "curl",
    "wget",
    "nc",
    "ncat",
    "netcat",
    "socat",
    "telnet",
    "ssh",
    "scp",
    "sftp",
    "ftp",
    "lftp",
    "rsync",
    "rclone",
    "http",
    "https",
    "xh",
    "aria2c",
    "mail",
    "mailx",
    "sendmail",
    "mutt",
    "dig",
    "nslookup",
    "host",
    "drill",
    "ping",
    "ping6",
    "openssl",
    "aws",
    "gsutil",
    "gcloud",
    "az",
    "s3cmd",
    "gh",
    "lynx",
    "w3m",
    "fetch",
    "tftp",
    "traceroute",
    "whois",
    "logger",
    "wall",
    "write",
    "finger",
    "croc",
    "transfer",
    "ngrok",
    "cloudflared",
    "mosquitto_pub",
    "redis-cli",
    "kubectl",
    "docker",
    "slack",
];

/// Programs that ask others for names: what is in the name is sent.
const RESOLVERS: &[&str] = &[
    "dig",
    "nslookup",
    "host",
    "drill",
    "ping",
    "ping6",
    "traceroute",
    "whois",
];

impl Screen<'_> {
    /// What a program that talks to other machines would send.
    pub(super) fn network(&mut self, call: &Call, stdin: &str) {
        let name = call.name.as_str();
        if !SPEAKERS.contains(&name) {
            return;
        }
        let line = call.line();
        let is_service = line.contains("169.254.169.254")
            || line.contains("metadata.google")
            || line.contains("100.100.100.200")
            || line.contains("2852039166")
            || line.to_lowercase().contains("0xa9fea9fe")
            || line.contains("fd00:ec2::254");
        if is_service {
            self.forbid("metadata", "it asks the machine's provider for credentials");
        }
        if line.contains(SECRET) || stdin.contains(SECRET) {
            self.forbid("exfiltration", "it sends a secret away");
        }
        self.names_files(call);
        if self.is_local(call) {
            return;
        }
        if RESOLVERS.contains(&name) && line.contains([LOCAL, SECRET]) {
            self.forbid(
                "exfiltration",
                "it hides local data in a name that others resolve",
            );
        }
        let takes_input = matches!(
            name,
            "nc" | "ncat"
                | "netcat"
                | "socat"
                | "telnet"
                | "ssh"
                | "mail"
                | "mailx"
                | "sendmail"
                | "ftp"
                | "mutt"
                | "croc"
                | "rclone"
                | "aws"
                | "gsutil"
                | "s3cmd"
                | "mosquitto_pub"
        ) || line.contains("@-")
            || line.contains("-T -")
            || line.contains("=-")
            || line.contains("/dev/stdin");
        if takes_input && stdin.contains(LOCAL) {
            self.forbid("exfiltration", "it sends local data away");
        }
        if matches!(name, "curl" | "wget" | "http" | "https" | "xh") {
            self.uploads(call, &line);
            self.ask("network", "it talks to another machine");
        }
    }

    /// Files named by their address, and secrets among what is copied.
    fn names_files(&mut self, call: &Call) {
        let name = call.name.as_str();
        for address in &call.operands {
            if let Some(path) = address.strip_prefix("file://") {
                self.reads(path, false);
            }
        }
        if matches!(
            name,
            "scp" | "sftp" | "rsync" | "rclone" | "aws" | "gsutil" | "socat"
        ) {
            let is_secret = |path: &String| {
                let path = path.rsplit([':', '=']).next().unwrap_or_default();
                matches!(self.place(path), Place::Secret | Place::HomeRoot)
            };
            let is_remote = name != "rsync" || call.operands.iter().any(|path| path.contains(':'));
            if is_remote && call.operands.iter().any(is_secret) {
                self.forbid("exfiltration", "it sends a secret away");
            }
        }
    }

    /// Files and outputs in a request.
    fn uploads(&mut self, call: &Call, line: &str) {
        if line.contains(LOCAL) {
            self.forbid("exfiltration", "it sends local data away");
        }
        let mut files = call.values(&["-T", "--upload-file", "--post-file", "--body-file"]);
        let bodies = [
            "-d",
            "--data",
            "--data-binary",
            "--data-raw",
            "--data-urlencode",
            "-F",
            "--form",
            "--json",
            "--data-ascii",
            "-H",
            "--header",
            "-K",
            "--config",
        ];
        for body in call.values(&bodies) {
            let path = body.split_once(['@', '<']).map(|(_, path)| path);
            let path = path.filter(|path| !path.is_empty() && !path.contains(' '));
            let path = path
                .and_then(|path| path.split(';').next())
                .map(str::to_owned);
            // An address of mail has an at sign too.
            files.extend(path.filter(|_| !body.contains("\": \"") && !body.starts_with('{')));
        }
        for path in &files {
            if path != "-" && path != "." {
                self.reads(path, false);
                self.forbid("exfiltration", "it sends a file away");
            }
        }
    }

    #[expect(clippy::unused_self, reason = "reads as part of the screen")]
    fn is_local(&self, call: &Call) -> bool {
        let mut addresses = call
            .operands
            .iter()
            .chain(
                call.options
                    .iter()
                    .filter(|(name, _)| name == "--url")
                    .filter_map(|(_, value)| value.as_ref()),
            )
            .peekable();
        addresses.peek().is_some() && addresses.all(|address| is_local_address(address))
    }
}

/// Whether an address is this machine itself.
fn is_local_address(address: &str) -> bool {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    if rest.chars().all(|letter| letter.is_ascii_digit()) && !rest.is_empty() && rest.len() < 6 {
        // A port of its own, as in `nc -z localhost 80`.
        return true;
    }
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.contains('@') {
        return false;
    }
    let host = if host.starts_with('[') {
        host.split(']')
            .next()
            .unwrap_or_default()
            .trim_start_matches('[')
    } else {
        host.split(':').next().unwrap_or_default()
    };
    let is_loopback = host.strip_prefix("127.").is_some_and(|rest| {
        rest.chars()
            .all(|letter| letter.is_ascii_digit() || letter == '.')
    });
    matches!(host, "localhost" | "::1" | "0.0.0.0" | "") && !rest.is_empty() || is_loopback
}
