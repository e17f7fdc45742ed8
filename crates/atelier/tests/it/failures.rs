//! Models and servers that fail: the exit code says so, the message names cause and remedy, and
//! nothing that is not verified reaches anybody.

use std::{collections::BTreeMap, fs, net::TcpListener, path::Path};

use atelier_model::Digest;
use atelier_testkit::{
    Dialect, Fixture, Mode, Script, Times, UsageShown, chain, repo_snapshot, wide,
};

use crate::world::{Ended, World, count};

/// Waits so short that a test is not kept waiting, and far above what an answer takes.
const IMPATIENT: [&str; 8] = [
    "-c",
    "limits.first_byte_ms_max=1500",
    "-c",
    "limits.ask_idle_ms_max=1500",
    "-c",
    "limits.ask_total_ms_max=6000",
    "-c",
    "limits.ask_tries_max=2",
];

/// Dollars for a million tokens, so that a budget means something.
const PRICED: [&str; 4] = [
    "-c",
    "prices.standin-large.input=5",
    "-c",
    "prices.standin-large.output=25",
];

/// A user's repository with work under way, and what it looked like before the run.
struct Before {
    world: World,
    requirement: String,
    files: BTreeMap<String, (u32, Digest)>,
    main: String,
}

impl Before {
    fn new(script: Script, fixture: &Fixture, dialect: Dialect) -> Self {
        let script = script.with_fixture(fixture.clone());
        let world = World::with(script, dialect).with_commit();
        world.write("staged.txt", "staged\n");
        world.git(&["add", "staged.txt"]);
        world.write("NOTES.md", "# Notes of the user, changed\n");
        world.write("untracked/draft.txt", "a draft\n");
        Self {
            requirement: fixture.requirement.clone(),
            files: repo_snapshot(world.folder()).unwrap(),
            main: world.git(&["rev-parse", "main"]),
            world,
        }
    }

    fn build(&self, options: &[&str]) -> Ended {
        self.build_with(options, &[])
    }

    fn build_with(&self, options: &[&str], of_build: &[&str]) -> Ended {
        let args = [options, &["build", &self.requirement], of_build].concat();
        self.world.run(&args)
    }

    /// What holds after every end: nothing of the user's was touched, and what stands on the
    /// run's branch builds and passes its tests.
    #[track_caller]
    fn check(&self) {
        let world = &self.world;
        assert_eq!(repo_snapshot(world.folder()).unwrap(), self.files);
        assert_eq!(world.git(&["rev-parse", "main"]), self.main);
        assert_eq!(world.server().violations(), Vec::<String>::new());
        let branches = world.git(&["branch", "--list", "atelier/*"]);
        if branches.is_empty() {
            return;
        }
        let checkout = world.clone_of(&world.branch());
        if checkout.join("tests").is_dir() {
            let printed = world.build_by_hand(&checkout, "Python");
            assert!(printed.contains("\nOK"), "{printed}");
            return;
        }
        // No task was finished: there is nothing but the documents of the plan.
        let changed = world.git(&["diff", "--name-only", "main", &world.branch()]);
        let strange: Vec<_> = changed
            .lines()
            .filter(|path| Path::new(path).extension() != Some("md".as_ref()))
            .collect();
        assert!(strange.is_empty(), "{strange:?}");
    }

    /// A failure with this code: nothing was verified, and the last event says the same.
    #[track_caller]
    fn check_failed(&self, ended: Ended, code: i32, cause: &str) -> Ended {
        let ended = ended.expect_failure(code, cause);
        self.check();
        assert!(!ended.stdout.contains("verified"), "{}", ended.all());
        let events = self.world.events();
        assert_eq!(count(&events, "run.verified"), 0, "nothing was verified");
        let last = events.last().unwrap();
        assert_eq!(last["type"], "run.finished");
        assert_eq!(last["exit_code"], code);
        ended
    }

    /// A success: the branch holds a verified result, and the dirty checkout was left alone.
    #[track_caller]
    fn check_built(&self, ended: Ended) -> Ended {
        let ended = ended.expect(0);
        self.check();
        assert!(
            ended.stderr.contains("yours was left alone"),
            "{}",
            ended.all()
        );
        ended
    }

    fn requests(&self) -> usize {
        self.world.server().request_count()
    }
}

/// What a mode is tried with: a chain in every dialect, and tasks that stand for themselves with four
/// of them at once.
fn grounds() -> Vec<(Dialect, Fixture, [&'static str; 2])> {
    let chained = Dialect::ALL.map(|dialect| (dialect, chain(2).unwrap(), ["-j", "1"]));
    let side_by_side = (Dialect::OpenAi, wide(3).unwrap(), ["-j", "4"]);
    chained.into_iter().chain([side_by_side]).collect()
}

/// Runs one failing mode on all grounds.
fn fails(mode: &Mode, options: &[&str], code: i32, cause: &str) {
    for (dialect, fixture, jobs) in grounds() {
        let before = Before::new(Script::new(mode.clone()), &fixture, dialect);
        let ended = before.build_with(options, &jobs);
        before.check_failed(ended, code, cause);
    }
}

/// Runs one careless mode that still ends well, on all grounds.
fn succeeds(mode: &Mode, options: &[&str]) {
    for (dialect, fixture, jobs) in grounds() {
        let before = Before::new(Script::new(mode.clone()), &fixture, dialect);
        let ended = before.build_with(options, &jobs);
        before.check_built(ended);
    }
}

#[test]
fn noise_around_good_answers_does_no_harm() {
    succeeds(&Mode::OracleNoise, &[]);
}

#[test]
fn json_that_can_be_mended_is_mended() {
    succeeds(&Mode::MalformedJson { repairable: true }, &[]);
}

#[test]
fn a_first_try_that_fails_its_tests_is_mended_from_the_evidence() {
    for dialect in Dialect::ALL {
        let before = Before::new(Script::new(Mode::FailThenFix), &chain(2).unwrap(), dialect);
        let ended = before.build(&[]);
        let ended = before.check_built(ended);
        assert!(ended.stderr.contains("mended t1.1 t1.2"), "{}", ended.all());
        let seen = before.world.server().requests();
        let mended = seen.iter().filter(|seen| seen.reasks == 1).count();
        assert_eq!(mended, 2, "evidence goes back once a task");
    }
}

#[test]
fn passing_refusals_are_waited_out() {
    let times = Times::First(2);
    succeeds(&Mode::ServerError { status: 529, times }, &[]);
    succeeds(
        &Mode::RateLimited {
            retry_after: 0,
            times,
        },
        &[],
    );
    succeeds(&Mode::Truncated(Times::First(1)), &[]);
    succeeds(&Mode::SlowDrip { ms: 5 }, &[]);
}

#[test]
fn a_lazy_answer_is_no_work() {
    fails(&Mode::Lazy, &[], 13, "finish task t1.1");
}

#[test]
fn words_instead_of_edits_are_no_work() {
    fails(
        &Mode::ProseOnly { planning: false },
        &[],
        13,
        "finish task t1.1",
    );
}

#[test]
fn words_instead_of_a_plan_are_no_plan() {
    fails(
        &Mode::ProseOnly { planning: true },
        &[],
        13,
        "plan the work",
    );
}

#[test]
fn json_beyond_repair_is_no_plan() {
    fails(
        &Mode::MalformedJson { repairable: false },
        &[],
        13,
        "plan the work",
    );
}

#[test]
fn an_answer_without_its_end_is_no_answer() {
    fails(&Mode::Truncated(Times::Always), &IMPATIENT, 14, "ended");
}

#[test]
fn a_refused_key_is_told_at_once() {
    fails(&Mode::Unauthorized, &[], 3, "401");
}

#[test]
fn too_many_requests_end_the_run_after_the_last_try() {
    let times = Times::Always;
    fails(
        &Mode::RateLimited {
            retry_after: 0,
            times,
        },
        &IMPATIENT,
        14,
        "429",
    );
}

#[test]
fn a_wait_that_is_too_long_is_not_begun() {
    for dialect in Dialect::ALL {
        let mode = Mode::RateLimited {
            retry_after: 86_400,
            times: Times::Always,
        };
        let before = Before::new(Script::new(mode), &chain(1).unwrap(), dialect);
        let ended = before.build(&[]);
        before.check_failed(ended, 14, "429");
        assert_eq!(before.requests(), 1);
    }
}

#[test]
fn a_broken_server_ends_the_run_after_the_last_try() {
    let times = Times::Always;
    fails(
        &Mode::ServerError { status: 500, times },
        &IMPATIENT,
        14,
        "500",
    );
}

#[test]
fn a_server_that_never_answers_is_left() {
    fails(&Mode::Hang, &IMPATIENT, 14, "");
}

#[test]
fn a_server_that_falls_silent_is_left() {
    fails(&Mode::Stall, &IMPATIENT, 14, "");
}

#[test]
fn an_answer_that_drips_for_ever_is_left() {
    let options = [
        "-c",
        "limits.ask_total_ms_max=1000",
        "-c",
        "limits.ask_tries_max=2",
    ];
    fails(&Mode::SlowDrip { ms: 300 }, &options, 14, "");
}

#[test]
fn nobody_behind_the_address_is_told() {
    // The port was free a moment ago and is not listened on.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    for dialect in Dialect::ALL {
        let world = World::offline().with_commit();
        let url = format!("http://127.0.0.1:{port}");
        let options = [
            "--provider",
            dialect.provider(),
            "--model",
            "m",
            "--base-url",
            &url,
        ];
        let args = [&options[..], &IMPATIENT, &["build", "anything"]].concat();
        let ended = world.run(&args).expect_failure(14, "Connection refused");
        let address = format!("127.0.0.1:{port}");
        assert!(ended.stderr.contains(&address), "{}", ended.all());
    }
}

#[test]
fn a_budget_that_is_too_small_stops_before_the_call() {
    for dialect in Dialect::ALL {
        let script = Script::new(Mode::Oracle).with_usage(UsageShown::Expensive);
        let before = Before::new(script, &chain(2).unwrap(), dialect);
        let options = [
            &PRICED[..],
            &["build", "--budget", "0.01", &before.requirement],
        ]
        .concat();
        let ended = before.world.run(&options);
        let ended = before.check_failed(ended, 12, "budget");
        assert!(ended.stderr.contains("--budget"), "{}", ended.all());
        assert_eq!(before.requests(), 0);
    }
}

#[test]
fn tampered_tests_are_put_back_and_told_where_the_work_is_good() {
    for dialect in Dialect::ALL {
        let fixture = chain(4).unwrap();
        let mode = Mode::TamperTests { good: true };
        let before = Before::new(Script::new(mode), &fixture, dialect);
        let ended = before.build(&[]);
        let ended = before.check_built(ended);
        assert!(count(&before.world.events(), "tests.restored") > 0);
        assert!(ended.stderr.contains("restored"), "{}", ended.all());
        check_tests(&before, &fixture, 4);
    }
}

#[test]
fn bad_work_behind_silenced_tests_is_found() {
    for dialect in Dialect::ALL {
        let fixture = chain(3).unwrap();
        let mode = Mode::TamperTests { good: false };
        let before = Before::new(Script::new(mode), &fixture, dialect);
        let ended = before.build(&[]);
        let ended = before.check_failed(ended, 13, "finish task t1.2");
        let told = "ends the test process as if it had succeeded";
        assert!(ended.line("error: ").contains(told), "{}", ended.all());
        assert!(count(&before.world.events(), "tests.restored") > 0);
        assert!(ended.stderr.contains("restored"), "{}", ended.all());
        check_tests(&before, &fixture, 1);
    }
}

/// Every test file of the first links stands as its own task wrote it.
#[track_caller]
fn check_tests(before: &Before, fixture: &Fixture, links: usize) {
    let world = &before.world;
    let checkout = world.clone_of(&world.branch());
    let tree = fixture.tree();
    for link in 1..=links {
        let path = format!("tests/test_link_{link:03}.py");
        let wanted = tree.text(&path.parse().unwrap()).unwrap();
        let stands = fs::read_to_string(checkout.join(&path)).unwrap();
        assert_eq!(stands, wanted, "{path}");
    }
}
