//! `kill -9` at every third event of one run, or at every one: the next `resume` goes on, nothing is
//! asked twice, and nothing of the user's is touched.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::Path,
    process::{Child, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use atelier_model::Digest;
use atelier_store::Store;
use atelier_testkit::{Dialect, Fixture, chain, repo_snapshot};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::world::{World, count};

/// Kill points this test is worth something from.
const POINTS_MIN: usize = 24;
/// Events from one kill to the next, which are clean and dirty in turn.
const STEP: usize = 3;
/// Runs that are killed at the same time.
const AT_ONCE: usize = 2;
/// Time between two looks at the log.
const LOOK: Duration = Duration::from_micros(300);
/// Longest wait for an event, or for processes to be gone.
const WAIT_MAX: Duration = Duration::from_mins(1);

/// What the same run does when nobody kills it.
struct Baseline {
    fixture: Fixture,
    files: String,
    requests: usize,
    events: u64,
}

#[test]
fn a_run_killed_at_any_event_goes_on_and_pays_nothing_twice() {
    let fixture = chain(2).unwrap();
    let baseline = baseline(fixture);
    let every = env::var_os("ATELIER_TEST_KILLS").is_some();
    let step = if every { 1 } else { STEP };
    let points: Vec<u64> = (1..baseline.events).step_by(step).collect();
    assert!(points.len() >= POINTS_MIN, "{} points", points.len());
    let (next, reached) = (AtomicUsize::new(0), Mutex::new(BTreeSet::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(point) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let at = kill_and_resume(&baseline, *point);
                    reached.lock().unwrap().insert(at);
                }
            });
        }
    });
    let reached = reached.into_inner().unwrap();
    eprintln!(
        "{} kills at {} different points",
        points.len(),
        reached.len()
    );
    // Events of one transaction cannot be told apart from outside, and a kill may come a moment
    // late.
    assert!(
        reached.len() >= POINTS_MIN,
        "only {} different points: {reached:?}",
        reached.len()
    );
}

/// The run as it is without a kill.
fn baseline(fixture: Fixture) -> Baseline {
    let world = project(&fixture, false);
    world.run(&["build", &fixture.requirement]).expect(0);
    let branch = world.branch();
    Baseline {
        files: files_of(&world, &branch),
        requests: world.server().request_count(),
        events: world.events().len() as u64,
        fixture,
    }
}

/// All files of a branch but the lock, which names its run.
pub(crate) fn files_of(world: &World, branch: &str) -> String {
    let all = world.git(&["ls-tree", "-r", branch]);
    let (lock, files): (Vec<&str>, Vec<&str>) =
        all.lines().partition(|line| line.ends_with("atelier.lock"));
    assert_eq!(lock.len(), 1, "{all}");
    files.join("\n")
}

/// A user's repository; with work under way, or clean.
fn project(fixture: &Fixture, dirty: bool) -> World {
    let world = World::oracle(fixture, Dialect::OpenAi).with_commit();
    world.write("untracked/draft.txt", "a draft\n");
    world.write(".git/info/exclude", "untracked/\n");
    if dirty {
        world.write("staged.txt", "staged\n");
        world.git(&["add", "staged.txt"]);
        world.write("NOTES.md", "# Notes of the user, changed\n");
    }
    world
}

/// Kills a fresh run after this event, looks, resumes, and looks again. Returns how many events
/// were stored when it died.
fn kill_and_resume(baseline: &Baseline, point: u64) -> usize {
    let dirty = point % 2 == 1;
    let world = project(&baseline.fixture, dirty);
    let files = repo_snapshot(world.folder()).unwrap();
    let main = world.git(&["rev-parse", "main"]);

    let words = ["build", &baseline.fixture.requirement];
    kill_after(&world, &words, point);
    wait_until_gone(&world, point);
    let before = world.server().request_count();
    let log = world.events();
    let delivering = !dirty && count(&log, "run.verified") > 0;
    if !delivering {
        check_untouched(&world, &files, &main, point);
    }
    world.run(&["resume"]).expect(0);

    let seen = world.server().requests();
    let in_flight = in_flight(&log);
    assert!(
        seen.len() <= baseline.requests + in_flight,
        "point {point}: {} requests, {} without a kill, {in_flight} in flight",
        seen.len(),
        baseline.requests
    );
    let (early, late) = seen.split_at(before);
    let early: BTreeSet<&Digest> = early.iter().map(|seen| &seen.digest).collect();
    let again = late.iter().filter(|seen| early.contains(&seen.digest));
    assert!(
        again.count() <= in_flight,
        "point {point}: a stored reply is asked again"
    );
    assert_eq!(world.server().violations(), Vec::<String>::new());
    let branch = world.branch();
    let made = files_of(&world, &branch);
    assert_eq!(made, baseline.files, "point {point}");
    if dirty {
        check_untouched(&world, &files, &main, point);
    } else {
        check_delivered(&world, &branch, point);
    }
    wait_until_gone(&world, point);
    log.len()
}

pub(crate) fn check_untouched(
    world: &World,
    files: &BTreeMap<String, (u32, Digest)>,
    main: &str,
    at: u64,
) {
    assert_eq!(&repo_snapshot(world.folder()).unwrap(), files, "point {at}");
    assert_eq!(world.git(&["rev-parse", "main"]), main, "point {at}");
}

/// The clean checkout was fast-forwarded, and what git does not know is still there.
fn check_delivered(world: &World, branch: &str, at: u64) {
    let (main, result) = (
        world.git(&["rev-parse", "main"]),
        world.git(&["rev-parse", branch]),
    );
    assert_eq!(main, result, "point {at}");
    assert_eq!(world.git(&["status", "--porcelain"]), "", "point {at}");
    let draft = fs::read_to_string(world.folder().join("untracked/draft.txt")).unwrap();
    assert_eq!(draft, "a draft\n", "point {at}");
}

/// Asks that were sent and whose reply was not recorded.
pub(crate) fn in_flight(log: &[Value]) -> usize {
    let of = |kind: &str| -> BTreeSet<&str> {
        let events = log.iter().filter(|event| event["type"] == kind);
        events.filter_map(|event| event["ask"].as_str()).collect()
    };
    of("ask.started").difference(&of("ask.finished")).count()
}

/// Runs the program until this many events are stored, and ends it with force.
pub(crate) fn kill_after(world: &World, args: &[&str], point: u64) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    // The log is opened before the program starts, so that no event is missed.
    let store = runtime
        .block_on(Store::open(&world.folder().join(".atelier")))
        .unwrap();
    let mut command = world.command(&[&["--quiet"], args].concat());
    let quiet = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = quiet.spawn().unwrap();
    wait_for_event(&runtime, &store, &mut child, point);
    child.kill().unwrap();
    child.wait().unwrap();
    runtime.block_on(store.close());
}

fn wait_for_event(runtime: &Runtime, store: &Store, child: &mut Child, point: u64) {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        let found = runtime.block_on(store.event_list(point - 1, 1)).unwrap();
        if !found.is_empty() {
            return;
        }
        if let Some(status) = child.try_wait().unwrap() {
            panic!("point {point}: the program ended before it with {status}");
        }
        assert!(Instant::now() < deadline, "point {point} is never reached");
        thread::sleep(LOOK);
    }
}

/// Waits until no process works in this project any more; the killed program cannot see to it.
pub(crate) fn wait_until_gone(world: &World, at: u64) {
    let deadline = Instant::now() + WAIT_MAX;
    let root = world.folder().canonicalize().unwrap();
    loop {
        let left = processes_in(&root);
        if left.is_empty() {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "point {at}: left behind: {left:?}"
        );
        thread::sleep(Duration::from_millis(5));
    }
}

/// Command lines of the processes that stand in a folder or name it.
pub(crate) fn processes_in(root: &Path) -> Vec<String> {
    let root_text = root.to_string_lossy();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let numbered = entry.file_name().to_string_lossy().parse::<u32>();
        if !numbered.is_ok_and(|id| id != std::process::id()) {
            continue;
        }
        // A process that ends meanwhile has neither.
        let cwd = fs::read_link(entry.path().join("cwd")).unwrap_or_default();
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if cwd.starts_with(root) || line.contains(&*root_text) {
            found.push(line);
        }
    }
    found
}
