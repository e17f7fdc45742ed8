//! One project that is built again and again: its steps, what a check did, what should stand.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use atelier_model::Digest;
use serde_json::{Value, json};

use crate::world::{Ended, World, end};

/// How tightly the steps of a case are confined. Only the tightest keeps them from counting their
/// executions themselves.
pub(crate) const LEVELS: [&str; 3] = ["none", "light", "strong"];
/// Longest wait for a process to come or to go.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(2);
/// The folder that all steps write into.
const OUT: &str = "out";
/// Where steps count their executions.
pub(crate) const TALLY: &str = ".tally";

/// A step as data.
#[derive(Clone)]
pub(crate) struct Step(Value);

/// A step that runs a script.
pub(crate) fn step(name: &str, script: &str) -> Step {
    Step(json!({ "name": name, "shell": script, "inputs": [], "outputs": [] }))
}

impl Step {
    pub(crate) fn reads(self, paths: &[&str]) -> Self {
        self.with("inputs", json!(paths))
    }

    pub(crate) fn writes(self, paths: &[&str]) -> Self {
        self.with("outputs", json!(paths))
    }

    pub(crate) fn with(mut self, field: &str, value: Value) -> Self {
        self.0[field] = value;
        self
    }

    /// Another command at the end of its script.
    pub(crate) fn also(&mut self, command: &str) {
        self.0["shell"] = json!(format!("{}; {command}", self.script()));
    }

    pub(crate) fn name(&self) -> &str {
        self.0["name"].as_str().unwrap()
    }

    fn script(&self) -> &str {
        self.0["shell"].as_str().unwrap()
    }
}

/// What stands below a folder: kind, mode and content of each thing by its path.
pub(crate) type Standing = BTreeMap<String, String>;

/// A project with its steps.
pub(crate) struct Mill {
    pub(crate) world: World,
    pub(crate) steps: Vec<Step>,
    /// Variables of the program beyond those of the world.
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) level: &'static str,
    folder: PathBuf,
}

/// What one check did.
pub(crate) struct Checked {
    pub(crate) ended: Ended,
    /// What became of each step, in words of [`became`].
    pub(crate) steps: BTreeMap<String, &'static str>,
    /// The same as it was printed.
    reports: Vec<Value>,
    /// The steps that were executed, as they counted themselves; once for each time.
    pub(crate) executed: Vec<String>,
    /// Whether they could count themselves.
    counts: bool,
}

/// Does the same at both levels of confinement.
pub(crate) fn at_both_levels(case: impl Fn(Mill)) {
    at_levels(&["light", "strong"], case);
}

/// Does the same at some levels.
pub(crate) fn at_levels(levels: &[&'static str], case: impl Fn(Mill)) {
    for level in levels {
        eprintln!("level {level}");
        case(Mill::new(level));
    }
}

impl Mill {
    /// An empty project.
    pub(crate) fn new(level: &'static str) -> Self {
        let world = World::offline();
        let folder = world.folder().to_owned();
        Self {
            world,
            steps: Vec::new(),
            env: BTreeMap::new(),
            level,
            folder,
        }
    }

    /// Four steps: `gen`, `use` after it, `end` after that, and `lone`.
    ///
    /// `gen` leaves comments out, so that its input can change and its output not.
    pub(crate) fn plain(mut self) -> Self {
        self.write("src/gen.in", "# first\none\n");
        self.write("src/use.in", "two\n");
        self.write("src/lone.in", "three\n");
        self.steps = vec![
            step("gen", "grep -v '^#' src/gen.in > out/gen.txt")
                .reads(&["src/gen.in"])
                .writes(&["out/gen.txt"]),
            step("use", "cat out/gen.txt src/use.in > out/use.txt")
                .reads(&["out/gen.txt", "src/use.in"])
                .writes(&["out/use.txt"]),
            step("end", "sort out/use.txt > out/end.txt")
                .reads(&["out/use.txt"])
                .writes(&["out/end.txt"]),
            step("lone", "tr a-z A-Z < src/lone.in > out/lone.txt")
                .reads(&["src/lone.in"])
                .writes(&["out/lone.txt"]),
        ];
        self
    }

    pub(crate) fn step_mut(&mut self, name: &str) -> &mut Step {
        self.steps
            .iter_mut()
            .find(|step| step.name() == name)
            .unwrap()
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    pub(crate) fn store(&self) -> PathBuf {
        let id = fs::read_to_string(self.path(".atelier/checks")).unwrap();
        let data = self.world.home.path().join(".local/share/atelier");
        data.join("checks").join(id)
    }

    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Gives the project folder another name.
    pub(crate) fn moved(&mut self, name: &str) {
        let to = self.folder.with_file_name(name);
        fs::rename(&self.folder, &to).unwrap();
        self.folder = to;
    }

    /// Where executions are counted, which is no part of the project.
    fn tally(&self) -> PathBuf {
        self.path(TALLY)
    }

    /// A word that stands in the command line of every process of these steps and of no other.
    pub(crate) fn mark(&self) -> String {
        self.world.home.path().to_string_lossy().into_owned()
    }

    /// The steps as they are given to the program: each counts itself where it can reach the tally,
    /// and says something else each time.
    fn write_steps(&self) -> PathBuf {
        let mark = self.mark();
        let counted = |step: &Step| {
            let (name, script) = (step.name(), step.script());
            let folders = step.0["cwd"]
                .as_str()
                .map_or(0, |cwd| cwd.split('/').count());
            let tally = format!("{}{TALLY}", "../".repeat(folders));
            let script = format!(
                "# {mark}\n{{ echo {name} >> {tally}; }} 2>/dev/null || :\nmkdir -p {OUT}\n{script}"
            );
            step.clone().with("shell", json!(script)).0
        };
        let steps: Vec<Value> = self.steps.iter().map(counted).collect();
        let file = self.world.home.path().join("steps.json");
        // A check that was started before may be reading it.
        let fresh = file.with_extension("new");
        fs::write(&fresh, serde_json::to_vec(&steps).unwrap()).unwrap();
        fs::rename(fresh, &file).unwrap();
        file
    }

    /// The program, about to do something with the steps.
    pub(crate) fn command(&self, verb: &[&str]) -> Command {
        let mut command = self.command_for_people(verb);
        command.arg("--json");
        command
    }

    /// The same, to be read by people.
    pub(crate) fn command_for_people(&self, verb: &[&str]) -> Command {
        let steps = self.write_steps();
        let mut command = self.world.command(verb);
        command
            .current_dir(&self.folder)
            .arg("--steps")
            .arg(steps)
            .env("ATELIER_SANDBOX", self.level)
            .envs(&self.env);
        command
    }

    /// Checks everything.
    pub(crate) fn check(&self) -> Checked {
        self.check_with(&[])
    }

    pub(crate) fn check_with(&self, args: &[&str]) -> Checked {
        let command = self.command(&[&["check"], args].concat());
        self.checked(|| end(command))
    }

    /// What `why` says of a step.
    pub(crate) fn why(&self, step: &str) -> Value {
        let ended = end(self.command(&["why", step]));
        serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{}", ended.all()))
    }

    /// What was done while something happened.
    pub(crate) fn checked(&self, happens: impl FnOnce() -> Ended) -> Checked {
        let before = self.executions().len();
        let ended = happens();
        let executed = self.executions().split_off(before);
        Checked::new(ended, executed, self.level != "strong")
    }

    /// All executions so far that could be counted.
    pub(crate) fn executions(&self) -> Vec<String> {
        let text = fs::read_to_string(self.tally()).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// A check that goes on.
    pub(crate) fn start(&self, args: &[&str]) -> Child {
        let mut command = self.command(&[&["check"], args].concat());
        let quiet = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        quiet.spawn().unwrap()
    }

    /// Waits until a process of a step has this in its command line, beside the mark.
    pub(crate) fn wait_for(&self, text: &str) {
        self.wait(text, |lines| lines.iter().any(|line| line.contains(text)));
    }

    /// Waits until no process of a step is left.
    pub(crate) fn wait_until_gone(&self) {
        self.wait("nothing", <[String]>::is_empty);
    }

    fn wait(&self, what: &str, come: impl Fn(&[String]) -> bool) {
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            let lines = self.processes();
            if come(&lines) {
                return;
            }
            let late = Instant::now() > deadline;
            assert!(!late, "waited for {what}, there is {lines:#?}");
            thread::sleep(LOOK);
        }
    }

    /// Command lines of all living processes of steps.
    pub(crate) fn processes(&self) -> Vec<String> {
        let mark = self.mark();
        let lines = fs::read_dir("/proc").unwrap().flatten().filter_map(|one| {
            let line = fs::read(one.path().join("cmdline")).ok()?;
            Some(String::from_utf8_lossy(&line).replace('\0', " "))
        });
        lines.filter(|line| line.contains(&mark)).collect()
    }

    /// What stands where steps write.
    pub(crate) fn standing(&self) -> Standing {
        standing(&self.path(OUT))
    }

    /// What a plain shell makes of the same sources, without the engine: every script in the order
    /// of the list.
    pub(crate) fn by_shell(&self) -> Standing {
        let fresh = self.world.home.path().join("fresh");
        let _ = fs::remove_dir_all(&fresh);
        copy(&self.folder, &fresh, &[OUT, ".atelier", ".git", TALLY]);
        fs::create_dir(fresh.join(OUT)).unwrap();
        for step in &self.steps {
            let mut shell = self.world.home.command("sh");
            shell.args(["-e", "-c", step.script()]).current_dir(&fresh);
            shell.envs(&self.env);
            for (name, value) in step.0["env"].as_object().into_iter().flatten() {
                shell.env(name, value.as_str().unwrap());
            }
            let ended = end(shell);
            assert_eq!(ended.code, Some(0), "{}: {}", step.name(), ended.all());
        }
        standing(&fresh.join(OUT))
    }

    /// Checks that what stands is what a plain shell makes.
    #[track_caller]
    pub(crate) fn is_right(&self) {
        assert_eq!(self.standing(), self.by_shell());
    }
}

impl Checked {
    fn new(ended: Ended, executed: Vec<String>, counts: bool) -> Self {
        let reports: Vec<Value> = ended
            .stdout
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|event| event["type"] == "step_over")
            .map(|event| event["step"].clone())
            .collect();
        let word = |value: &Value, field: &str| value[field].as_str().unwrap().to_owned();
        Self {
            steps: reports
                .iter()
                .map(|one| (word(one, "step"), became(&word(one, "verdict"))))
                .collect(),
            ended,
            reports,
            executed,
            counts,
        }
    }

    /// Checks the exit code and what became of every step: `gen ran, use spared`. Where steps could count
    /// their executions, they must be those that are reported.
    #[track_caller]
    pub(crate) fn is(self, code: i32, wanted: &str) -> Self {
        let pairs = wanted.split(", ").filter(|pair| !pair.is_empty());
        let wanted: BTreeMap<String, &str> = pairs
            .map(|pair| pair.split_once(' ').unwrap())
            .map(|(step, word)| (step.to_owned(), word))
            .collect();
        let all = self.ended.all();
        assert_eq!(self.ended.code, Some(code), "{all}");
        assert_eq!(self.steps, wanted, "{all}");
        let counted: BTreeSet<&str> = self.executed.iter().map(String::as_str).collect();
        let of = |words: &[&str]| -> BTreeSet<&str> {
            let found = self.steps.iter().filter(|(_, word)| words.contains(word));
            found.map(|(step, _)| step.as_str()).collect()
        };
        let reported = of(&["ran", "flaky", "failed", "cancelled"]);
        let told = format!("{counted:?} counted themselves: {all}");
        assert!(counted.is_subset(&reported), "{told}");
        // One that failed or was ended may not have come so far.
        let sure = of(&["ran", "flaky"]);
        assert!(!self.counts || sure.is_subset(&counted), "{told}");
        self
    }

    /// What was said at the end of it.
    #[track_caller]
    pub(crate) fn sum(&self) -> Value {
        let events = self.ended.stdout.lines();
        let mut events = events.filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let sum = events.find(|event| event["type"] == "check");
        sum.unwrap_or_else(|| panic!("no end: {}", self.ended.all()))
    }

    /// The report on one step.
    #[track_caller]
    pub(crate) fn of(&self, step: &str) -> &Value {
        let found = self.reports.iter().find(|one| one["step"] == step);
        found.unwrap_or_else(|| panic!("no `{step}` in {}", self.ended.all()))
    }
}

/// What became of a step, in one word.
fn became(verdict: &str) -> &'static str {
    match verdict {
        "succeeded" => "ran",
        "up_to_date" | "cut_off" => "spared",
        "restored" => "restored",
        "flaky" => "flaky",
        "failed" => "failed",
        "not_reached" => "unreached",
        "cancelled" => "cancelled",
        other => panic!("`{other}` is no verdict"),
    }
}

/// What stands below a folder.
pub(crate) fn standing(folder: &Path) -> Standing {
    let mut found = Standing::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).into_iter().flatten() {
            let path = entry.unwrap().path();
            let data = path.symlink_metadata().unwrap();
            let what = if data.is_symlink() {
                format!("link to {}", fs::read_link(&path).unwrap().display())
            } else if data.is_dir() {
                open.push(path.clone());
                "folder".to_owned()
            } else {
                let kind = if data.mode() & 0o100 == 0 {
                    "file"
                } else {
                    "program"
                };
                format!("{kind} {}", Digest::of(fs::read(&path).unwrap()).short())
            };
            let name = path.strip_prefix(folder).unwrap().to_string_lossy();
            found.insert(name.into_owned(), what);
        }
    }
    found
}

/// Copies a folder without some names at its top.
pub(crate) fn copy(from: &Path, to: &Path, without: &[&str]) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (source, name) = (entry.path(), entry.file_name());
        if without.iter().any(|no| name == *no) {
            continue;
        }
        let target = to.join(&name);
        let data = source.symlink_metadata().unwrap();
        if data.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&source).unwrap(), target).unwrap();
        } else if data.is_dir() {
            copy(&source, &target, &[]);
        } else {
            fs::copy(&source, target).unwrap();
        }
    }
}

/// Sets the mode of a file.
pub(crate) fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Sets when a file was modified, by so many seconds from now.
pub(crate) fn modified(path: &Path, seconds: i64) {
    let now = std::time::SystemTime::now();
    let by = Duration::from_secs(seconds.unsigned_abs());
    let time = if seconds < 0 { now - by } else { now + by };
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(time).unwrap();
}
