//! A machine with secrets, listeners and bystanders, and what became of them.

use std::{
    collections::BTreeMap,
    fs,
    net::{TcpListener, UdpSocket},
    os::{
        linux::net::SocketAddrExt,
        unix::{
            fs::{FileTypeExt, MetadataExt, PermissionsExt, chown},
            net::{SocketAddr, UnixListener},
            process::CommandExt,
        },
    },
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use super::{table::Attack, works::Work};

/// What no attack may lay its hands on.
pub(crate) const CANARY: &str = "canary-7f3d91c2";
/// What an attack prints that came through, as far as only it can tell.
const OPEN: &str = "OPEN";
/// What every attack prints first.
const BEGUN: &str = "BEGUN";
/// Number of the ordinary user.
const ORDINARY: u32 = 12_345;
/// Time after which an attack that should have been ended counts as one that was not.
const PATIENCE: Duration = Duration::from_secs(30);
/// Programs of an ordinary user.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";

/// Who runs the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Whoever runs the tests.
    Own,
    /// Somebody else without any rights.
    Ordinary,
}

impl Caller {
    /// Somebody without any rights, if that is somebody else.
    pub(crate) fn ordinary() -> Option<Self> {
        let own = fs::metadata("/proc/self").unwrap().uid();
        (own == 0).then_some(Self::Ordinary)
    }

    /// Whether a program lies where this caller may go.
    pub(crate) fn reaches(self, program: &str) -> bool {
        let path = self.path();
        let found = |folder: &str| Path::new(folder).join(program).exists();
        path.split(':').any(found)
    }

    fn path(self) -> String {
        match self {
            Self::Own => std::env::var("PATH").unwrap(),
            Self::Ordinary => PATH.to_owned(),
        }
    }
}

/// What came of an attack.
pub(crate) enum Verdict {
    Safe,
    /// It came through; what was seen.
    Lost(String),
}

/// A machine, as far as an attack may touch it.
pub(crate) struct Host {
    folder: TempDir,
    caller: Caller,
    tcp: TcpListener,
    udp: UdpSocket,
    socket: UnixListener,
    nameless: UnixListener,
    bystander: Child,
    marker: String,
}

impl Host {
    pub(crate) fn new(caller: Caller) -> Self {
        let folder = tempfile::Builder::new().prefix("host-").tempdir().unwrap();
        let path = folder.path();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        for name in [
            "work",
            "work/sub",
            "work/.atelier",
            "home",
            "home/.ssh",
            "outside",
        ] {
            fs::create_dir(path.join(name)).unwrap();
        }
        for (name, text) in [
            ("home/.ssh/id", CANARY),
            ("home/.bashrc", "# settings\n"),
            ("secret", CANARY),
            ("outside/file", "content\n"),
            ("work/file", "text\n"),
            ("work/sub/file", "text\n"),
            ("work/.atelier/state", CANARY),
        ] {
            fs::write(path.join(name), text).unwrap();
        }
        std::os::unix::fs::symlink(path.join("outside"), path.join("work/out")).unwrap();
        fs::write(path.with_extension("neighbour"), CANARY).unwrap();
        let marker = path.file_name().unwrap().to_string_lossy().into_owned();
        let socket = UnixListener::bind(path.join("socket")).unwrap();
        let nameless = SocketAddr::from_abstract_name(&marker).unwrap();
        let nameless = UnixListener::bind_addr(&nameless).unwrap();
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        for listener in [&socket, &nameless] {
            listener.set_nonblocking(true).unwrap();
        }
        tcp.set_nonblocking(true).unwrap();
        udp.set_nonblocking(true).unwrap();
        let mut bystander = command(caller, "sleep");
        let bystander = bystander
            .arg("600")
            .env("BYSTANDER", CANARY)
            .spawn()
            .unwrap();
        if caller == Caller::Ordinary {
            hand_over(path);
        }
        Self {
            folder,
            caller,
            tcp,
            udp,
            socket,
            nameless,
            bystander,
            marker,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    fn work_folder(&self) -> PathBuf {
        self.path().join("work")
    }

    /// The program, with a secret in its environment and another on a descriptor it never asked for.
    fn exec(&self, level: &str, options: &[&str], script: &str) -> Output {
        let secret = self.path().join("secret");
        let outer = format!("exec 9<'{}'; exec \"$@\"", secret.display());
        let mut command = command(self.caller, "bash");
        command
            .args(["-c", &outer, "bash", env!("CARGO_BIN_EXE_atelier"), "exec"])
            .args(["--level", level, "--write-back"])
            .args(["--report", &self.report_file().to_string_lossy()])
            .args(options);
        for (name, value) in self.told() {
            command.arg("--env").arg(format!("{name}={value}"));
        }
        command.args(["--", "bash", "-c", &format!("echo {BEGUN}\n{script}")]);
        command
            .current_dir(self.work_folder())
            .env_clear()
            .env("PATH", self.caller.path())
            .env("HOME", self.home())
            .env("TOKEN_OF_HOST", CANARY)
            .stdin(Stdio::null());
        command.output().unwrap()
    }

    /// Tools of whoever runs the tests lie in his home.
    fn home(&self) -> PathBuf {
        match self.caller {
            Caller::Own => std::env::var_os("HOME").unwrap().into(),
            Caller::Ordinary => self.path().join("home"),
        }
    }

    fn report_file(&self) -> PathBuf {
        self.path().join("report.json")
    }

    /// What an attacker knows of the machine.
    fn told(&self) -> BTreeMap<&'static str, String> {
        let path = |name: &str| self.path().join(name).display().to_string();
        BTreeMap::from([
            ("HOST_ROOT", format!("{}/", self.path().display())),
            ("VICTIM", self.bystander.id().to_string()),
            ("TCP", self.tcp.local_addr().unwrap().port().to_string()),
            ("UDP", self.udp.local_addr().unwrap().port().to_string()),
            ("SOCKET", path("socket")),
            ("MARKER", self.marker.clone()),
        ])
    }

    /// Lets an attack happen and looks what is left.
    pub(crate) fn suffer(mut self, attack: &Attack, level: &str, more: &[&'static str]) -> Verdict {
        let before = self.snapshot();
        let begun = Instant::now();
        let mut options = attack.options.to_vec();
        options.extend(more);
        let output = self.exec(level, &options, attack.script);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let said = format!(
            "{:?} {}{}",
            output.status,
            text.chars().take(600).collect::<String>(),
            String::from_utf8_lossy(&output.stderr)
        );
        let lost = |what: &str| Verdict::Lost(format!("{what}: {said}"));
        if !text.starts_with(BEGUN) {
            return lost("it was no attack");
        }
        let checks = [
            (text.contains(CANARY), "it saw a secret"),
            (
                text.lines().any(|line| line.starts_with(OPEN)),
                "it got through",
            ),
            (begun.elapsed() > PATIENCE, "it was not ended"),
            (self.snapshot() != before, "it changed files outside"),
            (self.reached(), "it reached a listener"),
            (!self.bystander_lives(), "it ended a bystander"),
            (self.survivors() > 0, "something of it is left"),
        ];
        if let Some((_, what)) = checks.iter().find(|(seen, _)| *seen) {
            return lost(what);
        }
        if let Some(bad) = self.bad_files() {
            return lost(&format!("it left {bad}"));
        }
        if let Some(limit) = attack.limit
            && !self.limits().contains(&limit.to_owned())
        {
            return lost(&format!(
                "the limit {limit} is not named: {:?}",
                self.limits()
            ));
        }
        if text.len() > 4 << 20 {
            return lost("it printed without an end");
        }
        Verdict::Safe
    }

    /// Lets a command install packages for a user whose settings are full of secrets; what it saw.
    pub(crate) fn install(&self, registries: &str, script: &str) -> String {
        let home = self.path().join("home");
        for (name, text) in secrets() {
            let file = home.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        if self.caller == Caller::Ordinary {
            hand_over(&home);
        }
        let mut command = command(self.caller, env!("CARGO_BIN_EXE_atelier"));
        let output = command
            .args(["-c", &format!("registries={registries}")])
            .args(["exec", "--network", "install", "--", "bash", "-c"])
            .arg(format!("echo {BEGUN}\n{script}"))
            .current_dir(self.work_folder())
            .env_clear()
            .env(
                "PATH",
                format!("{}:{PATH}", home.join(".cargo/bin").display()),
            )
            .env("HOME", &home)
            .env(
                "PIP_INDEX_URL",
                format!("https://me:{CANARY}@pypi.example.com/simple"),
            )
            .env("NPM_TOKEN", CANARY)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(text.starts_with(BEGUN), "it was no attack: {text}{said}");
        text
    }

    /// Runs what must work; what was seen if it does not.
    pub(crate) fn work(&self, work: &Work, level: &str) -> Result<(), String> {
        let output = self.exec(
            level,
            &["--env", "SCRATCH=/tmp"],
            &format!("set -e\n{}\necho WORKED", work.script),
        );
        let text = String::from_utf8_lossy(&output.stdout);
        if output.status.success() && text.trim_end().ends_with("WORKED") {
            return Ok(());
        }
        Err(format!(
            "{:?} {text}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ))
    }

    /// Everything outside the workspace that must stay as it is.
    fn snapshot(&self) -> Vec<(PathBuf, u32, Vec<u8>)> {
        let mut found = Vec::new();
        for folder in ["home", "home/.ssh", "outside", "work/.atelier", ""] {
            for entry in fs::read_dir(self.path().join(folder)).unwrap() {
                let path = entry.unwrap().path();
                let data = fs::symlink_metadata(&path).unwrap();
                let own = path.ends_with("work") || path.ends_with("report.json");
                if !own {
                    let bytes = if data.is_file() {
                        fs::read(&path).unwrap()
                    } else {
                        Vec::new()
                    };
                    found.push((path, data.mode(), bytes));
                }
            }
        }
        for name in [
            "/etc/ld.so.preload",
            "/etc/cron.d/attack",
            "/usr/bin/attack",
            "/tmp/attack",
            "/attack",
            "/run/attack",
        ] {
            if fs::symlink_metadata(name).is_ok() {
                found.push((name.into(), 0, Vec::new()));
            }
        }
        found.sort();
        found
    }

    fn reached(&self) -> bool {
        self.tcp.accept().is_ok()
            || self.udp.recv(&mut [0; 16]).is_ok()
            || self.socket.accept().is_ok()
            || self.nameless.accept().is_ok()
    }

    fn bystander_lives(&mut self) -> bool {
        let stat =
            fs::read_to_string(format!("/proc/{}/stat", self.bystander.id())).unwrap_or_default();
        let state = stat
            .rsplit(')')
            .next()
            .and_then(|rest| rest.trim().chars().next());
        matches!(state, Some('S' | 'R' | 'D'))
    }

    /// Processes that know this machine's name, but for those that belong to it.
    fn survivors(&self) -> usize {
        let entries = fs::read_dir("/proc").unwrap();
        let mine = entries.filter(|entry| {
            let Ok(entry) = entry else { return false };
            let path = entry.path();
            let environ = fs::read(path.join("environ")).unwrap_or_default();
            let wanted = format!("MARKER={}", self.marker);
            environ
                .windows(wanted.len())
                .any(|window| window == wanted.as_bytes())
        });
        mine.count()
    }

    /// Something in the workspace that must not come back from a command.
    fn bad_files(&self) -> Option<String> {
        let mut folders = vec![self.work_folder()];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = fs::read_dir(&folder) else {
                continue;
            };
            for entry in entries.flatten() {
                let path = entry.path();
                let data = fs::symlink_metadata(&path).unwrap();
                let kind = data.file_type();
                if kind.is_char_device() || kind.is_block_device() {
                    return Some(format!("a device {}", path.display()));
                }
                if data.mode() & 0o6000 != 0 && kind.is_file() {
                    return Some(format!("a file with its owner's rights {}", path.display()));
                }
                if kind.is_symlink() && !path.ends_with("out") {
                    let target = fs::read_link(&path).unwrap();
                    if target.is_absolute() || target.starts_with("..") {
                        return Some(format!("a link that leads out {}", path.display()));
                    }
                }
                if path.ends_with(".git") {
                    return Some("a repository".to_owned());
                }
                if kind.is_dir() {
                    folders.push(path);
                }
            }
        }
        None
    }

    fn limits(&self) -> Vec<String> {
        let text = fs::read_to_string(self.report_file()).unwrap_or_default();
        let report: Value = serde_json::from_str(&text).unwrap_or_default();
        let limits = report["limits"].as_array().cloned().unwrap_or_default();
        limits
            .iter()
            .filter_map(|limit| limit.as_str().map(str::to_owned))
            .collect()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.bystander.kill();
        let _ = self.bystander.wait();
        let _ = fs::remove_file(self.path().with_extension("neighbour"));
        // What an attack left may be nothing that a plain removal can remove.
        let _ = Command::new("chmod")
            .args(["-Rf", "u+rwX"])
            .arg(self.path())
            .output();
        let _ = Command::new("rm").arg("-rf").arg(self.path()).output();
    }
}

/// Where tools keep what lets their user in, below his home.
fn secrets() -> [(&'static str, String); 13] {
    [
        (
            ".npmrc",
            format!(
                "registry=https://npm.example.com/\n//npm.example.com/:_authToken={CANARY}\n//other.example.com/:_password={CANARY}\n"
            ),
        ),
        (
            ".config/pip/pip.conf",
            format!("[global]\nindex-url = https://me:{CANARY}@pypi.example.com/simple\n"),
        ),
        (
            ".config/uv/uv.toml",
            format!("[[index]]\nurl = \"https://me:{CANARY}@pypi.example.com/simple\"\n"),
        ),
        (
            ".config/go/env",
            format!("GOPROXY=https://me:{CANARY}@go.example.com\n"),
        ),
        (
            ".cargo/config.toml",
            format!(
                "[registries.own]\nindex = \"sparse+https://crates.example.com/\"\ntoken = \"{CANARY}\"\n"
            ),
        ),
        (
            ".cargo/credentials.toml",
            format!("[registry]\ntoken = \"{CANARY}\"\n"),
        ),
        (".pypirc", format!("[pypi]\npassword = {CANARY}\n")),
        (
            ".netrc",
            format!("machine npm.example.com login me password {CANARY}\n"),
        ),
        (
            ".docker/config.json",
            format!("{{\"auths\":{{\"x\":{{\"auth\":\"{CANARY}\"}}}}}}\n"),
        ),
        (
            ".config/gh/hosts.yml",
            format!("github.com:\n  oauth_token: {CANARY}\n"),
        ),
        (
            ".git-credentials",
            format!("https://me:{CANARY}@git.example.com\n"),
        ),
        (
            ".gitconfig",
            format!("[credential]\n\thelper = \"!echo {CANARY}\"\n"),
        ),
        (
            ".m2/settings.xml",
            format!("<password>{CANARY}</password>\n"),
        ),
    ]
}

/// A program started as the caller.
fn command(caller: Caller, program: &str) -> Command {
    let mut command = Command::new(program);
    if caller == Caller::Ordinary {
        command.uid(ORDINARY).gid(ORDINARY);
    }
    command
}

fn hand_over(folder: &Path) {
    chown(folder, Some(ORDINARY), Some(ORDINARY)).unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            hand_over(&path);
        } else if kind.is_socket() || kind.is_file() {
            chown(&path, Some(ORDINARY), Some(ORDINARY)).unwrap();
        }
    }
}
