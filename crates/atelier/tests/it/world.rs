//! One project in a throwaway home, the program, and the model it talks to.

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use atelier_store::Store;
use atelier_testkit::{Dialect, EditForm, Fixture, Mode, Script, Server, ThrowawayHome, toolchain};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

/// A key that must never be seen in any output.
pub(crate) const KEY: &str = "sk-throwaway-0123456789abcdef";
/// Events of a run that are looked through.
const EVENTS_MAX: u32 = 10_000;
/// Time between two looks at what another process does.
const LOOK: Duration = Duration::from_millis(5);
/// Longest wait for something another process does.
const WAIT_MAX: Duration = Duration::from_mins(2);

/// What a finished program left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("standard output is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("standard error is UTF-8"),
        }
    }

    /// Everything that was said, for the message of a failing test.
    pub(crate) fn all(&self) -> String {
        format!(
            "exit {:?}\n--- stdout\n{}\n--- stderr\n{}",
            self.code, self.stdout, self.stderr
        )
    }

    /// Checks the exit code, and that no secret was printed.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.all());
        assert!(
            !self.all().contains(KEY),
            "the key is printed: {}",
            self.all()
        );
        self
    }

    /// Checks a failure: its code, that its page exists, and that cause and remedy are named.
    #[track_caller]
    pub(crate) fn expect_failure(self, code: i32, cause: &str) -> Self {
        let ended = self.expect(code);
        let page = repository().join(format!("docs/errors/{code}.md"));
        assert!(page.is_file(), "{} is missing", page.display());
        let error = ended.line("error: ");
        assert!(error.contains(cause), "no `{cause}` in: {}", ended.all());
        assert!(!ended.line("hint: ").is_empty(), "{}", ended.all());
        ended
    }

    /// The rest of the first line of standard error that begins so.
    #[track_caller]
    pub(crate) fn line(&self, begin: &str) -> &str {
        let mut lines = self
            .stderr
            .lines()
            .filter_map(|line| line.strip_prefix(begin));
        lines
            .next()
            .unwrap_or_else(|| panic!("no `{begin}` line in {}", self.all()))
    }

    /// Standard output as one JSON value a line.
    #[track_caller]
    pub(crate) fn json(&self) -> Vec<Value> {
        let parse =
            |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.stdout.lines().map(parse).collect()
    }
}

/// A project, its home and its model.
pub(crate) struct World {
    pub(crate) home: ThrowawayHome,
    pub(crate) server: Option<Server>,
    pub(crate) dialect: Dialect,
    folder: PathBuf,
}

impl World {
    /// An empty folder, and no model at all.
    pub(crate) fn offline() -> Self {
        let home = ThrowawayHome::new().unwrap();
        Self {
            folder: home.project(),
            home,
            server: None,
            dialect: Dialect::OpenAi,
        }
    }

    /// An empty folder, and a stand-in model.
    pub(crate) fn with(script: Script, dialect: Dialect) -> Self {
        Self {
            server: Some(Server::start(script).unwrap()),
            dialect,
            ..Self::offline()
        }
    }

    /// An empty folder, and a model that answers this fixture well.
    pub(crate) fn oracle(fixture: &Fixture, dialect: Dialect) -> Self {
        let script = Script::new(Mode::Oracle)
            .with_fixture(fixture.clone())
            .with_form(EditForm::Mixed);
        Self::with(script, dialect)
    }

    /// A user's repository, and a model that does this.
    pub(crate) fn building(script: Script) -> Self {
        Self::with(script, Dialect::OpenAi).with_commit()
    }

    /// Another model for what follows; the one before is gone.
    pub(crate) fn now_with(&mut self, script: Script) {
        self.server = Some(Server::start(script).unwrap());
    }

    /// The same home with another folder as the project.
    pub(crate) fn in_folder(mut self, name: &str) -> Self {
        self.folder = self.home.project().join(name);
        fs::create_dir_all(&self.folder).unwrap();
        self
    }

    /// The project's folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The stand-in.
    pub(crate) fn server(&self) -> &Server {
        self.server.as_ref().expect("this world has a server")
    }

    /// Requests that were sent more than once.
    pub(crate) fn repeated(&self) -> usize {
        let asked = self.server().requests();
        let unique: BTreeSet<_> = asked.iter().map(|seen| &seen.digest).collect();
        asked.len() - unique.len()
    }

    /// The program in the project, told about the model by its environment.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = self.home.command(env!("CARGO_BIN_EXE_atelier"));
        command.current_dir(&self.folder).args(args);
        if let Some(server) = &self.server {
            command
                .env("ATELIER_PROVIDER", self.dialect.provider())
                .env("ATELIER_MODEL", "standin-large")
                .env("ATELIER_BASE_URL", server.base_url())
                .env("ATELIER_KEY", KEY);
        }
        command
    }

    /// Runs the program to its end, with nothing on standard input.
    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        end(self.command(args))
    }

    /// Starts the program, which is heard by nobody.
    pub(crate) fn start(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null());
        quiet.stderr(Stdio::null()).spawn().unwrap()
    }

    /// Waits until the log holds this many events of a kind, which a program that was started sees to.
    #[track_caller]
    pub(crate) fn wait_for(&self, child: &mut Child, kind: &str, times: usize) {
        let runtime = runtime();
        let folder = self.folder.join(".atelier");
        let store = runtime.block_on(Store::open(&folder)).unwrap();
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            let events = runtime.block_on(store.event_list(0, EVENTS_MAX)).unwrap();
            let named = events.iter().filter(|event| event.kind.name() == kind);
            if named.count() >= times {
                break;
            }
            assert!(Instant::now() < deadline, "{times} {kind} never come");
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended before {times} {kind}");
            thread::sleep(LOOK);
        }
        runtime.block_on(store.close());
    }

    /// Runs the program to its end with this on its standard input.
    pub(crate) fn run_with(&self, args: &[&str], input: &[u8]) -> Ended {
        let mut command = self.command(args);
        command.stdin(Stdio::piped());
        feed(command, input)
    }

    /// Git in the project; it must succeed. Returns what it prints, without the last line end.
    #[track_caller]
    pub(crate) fn git(&self, args: &[&str]) -> String {
        self.git_in(&self.folder, args)
    }

    #[track_caller]
    fn git_in(&self, folder: &Path, args: &[&str]) -> String {
        let mut command = self.home.git();
        let output = command.current_dir(folder).args(args).output().unwrap();
        let ended = Ended::of(output);
        assert_eq!(ended.code, Some(0), "git {args:?}: {}", ended.all());
        ended.stdout.trim_end().to_owned()
    }

    /// Writes a file of the project.
    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Makes the project a repository with one commit of one file.
    pub(crate) fn with_commit(self) -> Self {
        self.git(&["init", "-q", "-b", "main"]);
        self.write("NOTES.md", "# Notes of the user\n");
        self.git(&["add", "NOTES.md"]);
        self.git(&["commit", "-q", "-m", "chore: notes"]);
        self
    }

    /// The branch of the only run.
    #[track_caller]
    pub(crate) fn branch(&self) -> String {
        let branches = self.git(&["branch", "--list", "atelier/*", "--format=%(refname:short)"]);
        let mut branches = branches.lines();
        let branch = branches.next().expect("there is a branch of a run");
        assert_eq!(branches.next(), None, "there is one branch");
        branch.to_owned()
    }

    /// A fresh clone of one branch of the project.
    #[track_caller]
    pub(crate) fn clone_of(&self, branch: &str) -> PathBuf {
        let name = format!("clone-{}", branch.replace('/', "-"));
        let into = self.home.path().join(name);
        // An earlier clone of the same branch may be out of date.
        let _ = fs::remove_dir_all(&into);
        let (from, to) = (self.folder.to_string_lossy(), into.to_string_lossy());
        self.git(&["clone", "-q", "--no-local", "--branch", branch, &from, &to]);
        into
    }

    /// Builds a checkout and runs all its tests with its own toolchain, by hand. Returns what was
    /// printed.
    #[track_caller]
    pub(crate) fn build_by_hand(&self, checkout: &Path, language: &str) -> String {
        for program in toolchain::programs(language) {
            let mut version = self.home.command(*program);
            let started = version.arg(toolchain::version_flag(program)).output();
            assert!(
                started.is_ok_and(|output| output.status.success()),
                "{program} is missing; `cargo xtask test` installs it"
            );
        }
        let mut printed = String::new();
        let commands = toolchain::build_and_test(language);
        assert!(!commands.is_empty(), "no toolchain for {language}");
        for argv in commands {
            let mut command = self.home.command(argv[0]);
            let output = command.current_dir(checkout).args(&argv[1..]).output();
            let ended = Ended::of(output.expect("the toolchain starts"));
            assert_eq!(ended.code, Some(0), "{argv:?}: {}", ended.all());
            printed.push_str(&ended.stdout);
            printed.push_str(&ended.stderr);
        }
        printed
    }

    /// The stored events of the newest run, in order.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<Value> {
        self.run(&["log", "--json"]).expect(0).json()
    }
}

/// A model that does what a fixture wants, and sends each file whole: that fits on whatever others
/// have merged meanwhile.
pub(crate) fn oracle(fixture: &Fixture) -> Script {
    Script::new(Mode::Oracle)
        .with_fixture(fixture.clone())
        .with_form(EditForm::Whole)
}

/// What drives the store of a project from outside.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// The exit code of a process that is about to end.
#[track_caller]
pub(crate) fn code_of(child: &mut Child) -> i32 {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code().expect("it ended by itself");
        }
        assert!(Instant::now() < deadline, "it does not end");
        thread::sleep(LOOK);
    }
}

/// Another program in the same folder, with the same environment.
pub(crate) fn around(like: &Command, program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .current_dir(like.get_current_dir().unwrap());
    let set = like
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    command.envs(set);
    command
}

/// Runs a program to its end, with nothing on standard input.
pub(crate) fn end(mut command: Command) -> Ended {
    let output = command.stdin(Stdio::null()).output();
    Ended::of(output.expect("the program starts"))
}

fn feed(mut command: Command, input: &[u8]) -> Ended {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    // A program that ends before it has read everything closes the pipe; its exit code tells.
    let _ = stdin.write_all(input);
    drop(stdin);
    Ended::of(child.wait_with_output().expect("the program ends"))
}

/// The root of this repository.
pub(crate) fn repository() -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR"));
    crates.join("../..").canonicalize().unwrap()
}

/// How many events of a kind there are.
pub(crate) fn count(events: &[Value], kind: &str) -> usize {
    events.iter().filter(|event| event["type"] == kind).count()
}
