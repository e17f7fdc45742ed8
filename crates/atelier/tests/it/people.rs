//! Two people on one project, each with a home and a model server of their own: every task is done
//! once, and nothing that either did is lost.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    process::{Child, Command, Stdio},
};

use atelier_testkit::{Fixture, Server, ThrowawayHome, wide};
use serde_json::Value;

use crate::{
    killed::wait_until_gone,
    parallel::check_trunk,
    parallel_kills::trunk,
    world::{KEY, World, count, oracle},
};

/// How many tasks there are, where more than usual are wanted.
const TASKS: &str = "ATELIER_TEST_TASKS";
/// How many there are otherwise.
const TASKS_USUALLY: u32 = 12;
/// Milliseconds the model takes: long enough that both have something under way.
const LATENCY_MS: u64 = 50;

/// Somebody else who works on the same project.
struct Other {
    home: ThrowawayHome,
    server: Server,
}

impl Other {
    fn new(fixture: &Fixture) -> Self {
        let script = oracle(fixture).with_latency_ms(LATENCY_MS);
        Self {
            home: ThrowawayHome::new().unwrap(),
            server: Server::start(script).unwrap(),
        }
    }

    /// The program as this person runs it: with the key store of the other one, without which nobody
    /// could read what that one was answered.
    fn command(&self, world: &World, args: &[&str]) -> Command {
        let theirs = world.home.path();
        let mut command = self.home.command(env!("CARGO_BIN_EXE_atelier"));
        command
            .current_dir(world.folder())
            .args(args)
            .env("ATELIER_DATA", theirs.join(".local/share/atelier"))
            .env("ATELIER_KEY_FILE", theirs.join(".config/atelier/key"))
            .env("ATELIER_PROVIDER", world.dialect.provider())
            .env("ATELIER_MODEL", "standin-large")
            .env("ATELIER_BASE_URL", self.server.base_url())
            .env("ATELIER_KEY", KEY);
        command
    }
}

fn start(mut command: Command) -> Child {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null());
    quiet.stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn two_people_at_one_run_do_each_task_once_and_lose_nothing() {
    let wanted = env::var(TASKS).ok().and_then(|text| text.parse().ok());
    let tasks: u32 = wanted.unwrap_or(TASKS_USUALLY);
    let fixture = wide(tasks - 1).unwrap();
    let world = World::building(oracle(&fixture).with_latency_ms(LATENCY_MS));
    let other = Other::new(&fixture);
    let build = world.command(&["--quiet", "build", "-j", "2", &fixture.requirement]);
    let mut first = start(build);
    world.wait_for(&mut first, "attempt.started", 1);
    let resume = other.command(&world, &["--quiet", "resume", "-j", "2"]);
    let second = start(resume);
    for person in [second, first] {
        let ended = person.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(0), "{said}");
    }
    wait_until_gone(&world, 0);

    let log = world.events();
    check_once(&log, tasks as usize);
    check_asked(&world, &other);
    check_trunk(&world, &fixture);
    let points = trunk(&world);
    let merged: BTreeSet<_> = points
        .iter()
        .filter_map(|point| point.task.as_ref())
        .collect();
    assert_eq!(merged.len(), tasks as usize);
    let branch = world.branch();
    for point in &points {
        // It fails where a commit that the trunk stood at is not part of the result.
        world.git(&["merge-base", "--is-ancestor", &point.commit, &branch]);
    }
    assert_eq!(
        world.git(&["rev-parse", "main"]),
        world.git(&["rev-parse", &branch])
    );
    world.build_by_hand(&world.clone_of(&branch), "Python");
}

/// Every task came to each state of its way once; nobody began what somebody else had begun.
fn check_once(log: &[Value], tasks: usize) {
    let mut came: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for event in log.iter().filter(|event| event["type"] == "task.state") {
        let (task, to) = (event["task"].as_str(), event["to"].as_str());
        *came.entry((task.unwrap(), to.unwrap())).or_default() += 1;
    }
    let more = came.iter().find(|(_, times)| **times != 1);
    assert_eq!(more, None, "{came:?}");
    for state in ["running", "verifying", "merging", "done"] {
        let reached = came.keys().filter(|(_, to)| *to == state).count();
        assert_eq!(reached, tasks, "{state}");
    }
    for kind in ["attempt.started", "attempt.finished", "task.committed"] {
        assert_eq!(count(log, kind), tasks, "{kind}");
    }
    for kind in ["run.created", "run.verified", "run.finished"] {
        assert_eq!(count(log, kind), 1, "{kind}");
    }
}

/// Both asked for tasks, and neither what the other had asked for.
fn check_asked(world: &World, other: &Other) {
    let (own, others) = (world.server().requests(), other.server.requests());
    assert_eq!(world.server().violations(), Vec::<String>::new());
    assert_eq!(other.server.violations(), Vec::<String>::new());
    let of_tasks = |seen: &[atelier_testkit::Seen]| {
        let of_tasks = seen.iter().filter(|seen| seen.stage.task().is_some());
        of_tasks.count()
    };
    let shares = (of_tasks(&own), of_tasks(&others));
    eprintln!("tasks asked for by each: {shares:?}");
    assert!(shares.0 > 0 && shares.1 > 0, "{shares:?}");
    let all: Vec<_> = own.iter().chain(&others).collect();
    let unique: BTreeSet<_> = all.iter().map(|seen| &seen.digest).collect();
    assert_eq!(unique.len(), all.len(), "something was asked twice");
}
