//! `kill -9` of a parallel run, and of the processes it starts: what is begun is finished by the next
//! `resume`, nothing is paid for twice, and nothing of the user's is touched.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    process::{Child, Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use atelier_model::Digest;
use atelier_store::{Store, TrunkPoint};
use atelier_testkit::{Dialect, EditForm, Fixture, Mode, Script, repo_snapshot, wide};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::{
    killed::{check_untouched, in_flight, wait_until_gone},
    parallel::check_trunk,
    world::{Ended, World, end},
};

/// How many runs are killed, where more than usual are wanted.
const KILLS: &str = "ATELIER_TEST_KILLS";
/// How many runs are killed otherwise.
const KILLS_USUALLY: usize = 12;
/// The one kill that is looked at, to see again what failed.
const KILL: &str = "ATELIER_TEST_KILL";
/// Every so manieth kill meets a process that the program started.
const CHILD_EVERY: usize = 3;
/// Modules of the fixture, and tasks at once.
const MODULES: u32 = 3;
/// Milliseconds the model takes.
const LATENCY_MS: u64 = 40;
/// Runs that are killed at the same time.
const AT_ONCE: usize = 2;
const LOOK: Duration = Duration::from_micros(500);
const WAIT_MAX: Duration = Duration::from_mins(2);

/// What the same run does when nobody kills it.
struct Baseline {
    fixture: Fixture,
    work: Vec<String>,
    requests: usize,
    events: u64,
}

/// What a kill met.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Met {
    Atelier,
    Child,
    Nothing,
}

#[test]
fn a_parallel_run_killed_anywhere_goes_on_and_pays_nothing_twice() {
    let baseline = baseline(wide(MODULES).unwrap());
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse().ok());
    let kills: usize = number(KILLS).unwrap_or(KILLS_USUALLY);
    let wanted: Vec<usize> = match number(KILL) {
        Some(one) => vec![one],
        None => (0..kills).collect(),
    };
    let (next, met) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(kill) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let kind = kill_and_resume(&baseline, *kill, kills);
                    *met.lock().unwrap().entry(kind).or_insert(0) += 1;
                }
            });
        }
    });
    let met: BTreeMap<Met, usize> = met.into_inner().unwrap();
    eprintln!("{} kills of {kills}: {met:?}", wanted.len());
    let missed = met.get(&Met::Nothing).copied().unwrap_or(0);
    // A run that was quicker than usual has ended before its last events.
    assert!(wanted.len() < 4 || missed * 4 <= wanted.len(), "{met:?}");
}

fn project(fixture: &Fixture, dirty: bool) -> World {
    let script = Script::new(Mode::Oracle)
        .with_fixture(fixture.clone())
        .with_form(EditForm::Whole)
        .with_latency_ms(LATENCY_MS);
    let world = World::with(script, Dialect::OpenAi).with_commit();
    if dirty {
        world.write("staged.txt", "staged\n");
        world.git(&["add", "staged.txt"]);
        world.write("NOTES.md", "# Notes of the user, changed\n");
    }
    world
}

fn baseline(fixture: Fixture) -> Baseline {
    let world = project(&fixture, false);
    world
        .run(&["build", "-j", "4", &fixture.requirement])
        .expect(0);
    Baseline {
        work: work(&world),
        requests: world.server().request_count(),
        events: world.events().len() as u64,
        fixture,
    }
}

/// The files that tasks made: documents tell of attempts and their order, which a kill may change.
fn work(world: &World) -> Vec<String> {
    let files = world.git(&["ls-tree", "-r", &world.branch()]);
    let is_python = |line: &&str| line.rsplit('.').next() == Some("py");
    let made = files.lines().filter(is_python);
    made.map(str::to_owned).collect()
}

fn kill_and_resume(baseline: &Baseline, kill: usize, kills: usize) -> Met {
    let dirty = kill % 2 == 1;
    let world = project(&baseline.fixture, dirty);
    let files = repo_snapshot(world.folder()).unwrap();
    let main = world.git(&["rev-parse", "main"]);
    let point = 1 + kill as u64 * (baseline.events - 1) / kills.max(1) as u64;
    let of_child = kill % CHILD_EVERY == CHILD_EVERY - 1;
    let met = strike(&world, &baseline.fixture, (kill, point), of_child);
    wait_until_gone(&world, kill as u64);

    let (before, log) = (world.server().request_count(), world.events());
    let trunk = trunk(&world);
    let kinds: BTreeSet<&str> = log
        .iter()
        .filter_map(|event| event["type"].as_str())
        .collect();
    if dirty || !kinds.contains("run.verified") {
        check_untouched(&world, &files, &main, kill as u64);
    }
    world.run(&["resume", "-j", "4"]).expect(0);

    check_paid(&world, baseline, (kill, met), before, &log);
    assert_eq!(work(&world), baseline.work, "kill {kill}");
    check_trunk(&world, &baseline.fixture);
    for point in trunk {
        let (commit, branch) = (point.commit, world.branch());
        // It fails where the commit is lost.
        world.git(&["merge-base", "--is-ancestor", &commit, &branch]);
    }
    if dirty {
        check_untouched(&world, &files, &main, kill as u64);
    } else {
        assert_eq!(
            world.git(&["rev-parse", "main"]),
            world.git(&["rev-parse", &world.branch()])
        );
        assert_eq!(world.git(&["status", "--porcelain"]), "", "kill {kill}");
    }
    wait_until_gone(&world, kill as u64);
    assert_eq!(
        world.git(&["worktree", "list"]).lines().count(),
        1,
        "kill {kill}"
    );
    check_every_point(&world);
    met
}

/// A stored reply is never asked for again; a killed check may be mended once more.
fn check_paid(
    world: &World,
    baseline: &Baseline,
    (kill, met): (usize, Met),
    before: usize,
    log: &[Value],
) {
    let (seen, open) = (world.server().requests(), in_flight(log));
    let (early, late) = seen.split_at(before);
    let unique: BTreeSet<&Digest> = early.iter().map(|seen| &seen.digest).collect();
    let again = late.iter().filter(|seen| unique.contains(&seen.digest));
    let again = again.count();
    assert!(
        again <= open,
        "kill {kill}: {again} asked again, {open} in flight"
    );
    assert_eq!(
        unique.len(),
        early.len(),
        "kill {kill}: asked twice in one life"
    );
    if met != Met::Child {
        let most = baseline.requests + open;
        assert!(
            seen.len() <= most,
            "kill {kill}: {} requests, {most} expected",
            seen.len()
        );
    }
}

/// Starts the run and kills it, or one of its children, once so many events are stored.
fn strike(world: &World, fixture: &Fixture, (kill, point): (usize, u64), of_child: bool) -> Met {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let folder = world.folder().join(".atelier");
    let store = runtime.block_on(Store::open(&folder)).unwrap();
    let mut command = world.command(&["--quiet", "build", "-j", "4", &fixture.requirement]);
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = quiet.stderr(Stdio::null()).spawn().unwrap();
    let met = if !is_reached(&runtime, &store, &mut child, point) {
        Met::Nothing
    } else if of_child {
        strike_child(&mut child, kill)
    } else {
        child.kill().unwrap();
        Met::Atelier
    };
    let status = child.wait().unwrap();
    if met != Met::Atelier {
        let code = status.code().expect("the program itself was not killed");
        let page = crate::world::repository().join(format!("docs/errors/{code}.md"));
        assert!(
            code == 0 || page.is_file(),
            "kill {kill}: exit {code} has no page"
        );
    }
    runtime.block_on(store.close());
    met
}

/// Whether the log comes to hold so many events before the program ends.
fn is_reached(runtime: &Runtime, store: &Store, child: &mut Child, point: u64) -> bool {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        if !runtime
            .block_on(store.event_list(point - 1, 1))
            .unwrap()
            .is_empty()
        {
            return true;
        }
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        assert!(Instant::now() < deadline, "point {point} is never reached");
        thread::sleep(LOOK);
    }
}

/// Kills a process that the program started, or that one of these started: which, the kill's number
/// says.
fn strike_child(child: &mut Child, kill: usize) -> Met {
    loop {
        let found = descendants(child.id());
        if !found.is_empty() {
            let victim = found[kill % found.len()];
            let mut command = Command::new("kill");
            let killed = command
                .args(["-9", &victim.to_string()])
                .stderr(Stdio::null());
            if killed.status().unwrap().success() {
                return Met::Child;
            }
        }
        if child.try_wait().unwrap().is_some() {
            return Met::Nothing;
        }
        thread::sleep(LOOK);
    }
}

fn descendants(of: u32) -> Vec<u32> {
    let mut parents: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(id) = entry.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        // A process that ends meanwhile has no parent any more.
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        if let Some(parent) = after_name.split_whitespace().nth(1) {
            parents.entry(parent.parse().unwrap()).or_default().push(id);
        }
    }
    let (mut open, mut found) = (vec![of], Vec::new());
    while let Some(next) = open.pop() {
        let children = parents.remove(&next).unwrap_or_default();
        found.extend(&children);
        open.extend(children);
    }
    found
}

/// Where the trunk of the only run ever stood.
pub(crate) fn trunk(world: &World) -> Vec<TrunkPoint> {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let folder = world.folder().join(".atelier");
    runtime.block_on(async {
        let store = Store::open(&folder).await.unwrap();
        let runs = store.run_list(2).await.unwrap();
        let points = match runs.as_slice() {
            [run] => store.trunk_list(&run.id).await.unwrap(),
            [] => Vec::new(),
            [_, _, ..] => panic!("there is one run"),
        };
        store.close().await;
        points
    })
}

/// Checks out every commit at which the trunk ever stood and that a task made, and tests it.
pub(crate) fn check_every_point(world: &World) {
    for point in trunk(world).iter().filter(|point| point.task.is_some()) {
        let folder = world.home.path().join(format!("at-{}", point.commit));
        let shown = folder.to_string_lossy();
        world.git(&["worktree", "add", "-q", "--detach", &shown, &point.commit]);
        let mut tests = world.home.command("python3");
        tests
            .args(["-m", "unittest", "discover", "-s", "tests", "-t", "."])
            .current_dir(&folder);
        let ended: Ended = end(tests);
        assert_eq!(ended.code, Some(0), "{point:?}: {}", ended.all());
    }
}
