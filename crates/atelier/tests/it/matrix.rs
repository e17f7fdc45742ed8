//! Every code with which a run can end, where it ends among tasks that stand for themselves.
//!
//! One of them is done at a time, then four at once. The code is the same, what stands is verified,
//! and the run goes on to its goal once the cause is gone.

use std::fs;

use atelier_testkit::{Fixture, Mode, Script, Times, crowded, repo_snapshot, wide};
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    killed::{check_untouched, wait_until_gone},
    parallel::check_trunk,
    parallel_kills::check_every_point,
    world::{World, code_of, count, oracle},
};

/// Tasks at once.
const JOBS: [&str; 2] = ["1", "4"];
/// Tasks that stand for themselves.
const MODULES: u32 = 3;
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

/// A run whose first task is done, and that all others wait for.
struct Begun {
    world: World,
    fixture: Fixture,
    jobs: &'static str,
    /// Events so far.
    told: usize,
}

impl Begun {
    fn new(fixture: Fixture, jobs: &'static str) -> Self {
        let world = World::building(oracle(&fixture));
        world.run(&["plan", &fixture.requirement]).expect(0);
        world.run(&["task", "execute", "1.1"]).expect(0);
        Self {
            told: world.events().len(),
            world,
            fixture,
            jobs,
        }
    }

    /// Goes on and must end with this code; then with a model that answers well, to the end.
    #[track_caller]
    fn check(mut self, script: Option<Script>, options: &[&str], (code, cause): (i32, &str)) {
        if let Some(script) = script {
            self.world.now_with(script);
        }
        let files = repo_snapshot(self.world.folder()).unwrap();
        let main = self.world.git(&["rev-parse", "main"]);
        let args = [&["resume", "-j", self.jobs], options].concat();
        self.world.run(&args).expect_failure(code, cause);
        check_untouched(&self.world, &files, &main, 0);
        self.goes_on(code);
    }

    /// What holds after an end before the goal, and that the goal is still reached.
    #[track_caller]
    fn goes_on(mut self, code: i32) {
        let log = self.world.events();
        let verified = count(&log[self.told..], "run.verified");
        assert_eq!(verified, 0, "it ended before its goal");
        let last = log.last().unwrap();
        assert_eq!(last["type"], "run.finished", "{last}");
        assert_eq!(last["exit_code"], code, "{last}");
        wait_until_gone(&self.world, 0);
        check_every_point(&self.world);
        self.world.now_with(oracle(&self.fixture));
        let retry = ["task", "retry", "1.3"];
        if code == 13 {
            self.world.run(&retry).expect(0);
        } else {
            let raised = ["resume", "-j", self.jobs, "--budget-calls", "500"];
            self.world
                .run(&[&raised[..], &["--yes"]].concat())
                .expect(0);
        }
        assert_eq!(self.world.repeated(), 0);
        check_trunk(&self.world, &self.fixture);
    }
}

/// One way to end, for one task at a time and for four at once.
#[track_caller]
fn ends(mode: &Mode, options: &[&str], end: (i32, &str)) {
    for jobs in JOBS {
        let fixture = wide(MODULES).unwrap();
        let script = Script::new(mode.clone()).with_fixture(fixture.clone());
        Begun::new(fixture, jobs).check(Some(script), options, end);
    }
}

#[test]
fn a_run_that_reaches_its_goal_ends_with_0() {
    for jobs in JOBS {
        let begun = Begun::new(wide(MODULES).unwrap(), jobs);
        begun.world.run(&["resume", "-j", jobs]).expect(0);
        check_trunk(&begun.world, &begun.fixture);
        // Once more: it says so again, and asks nobody.
        let asked = begun.world.server().request_count();
        begun.world.run(&["resume", "-j", jobs]).expect(0);
        assert_eq!(begun.world.server().request_count(), asked);
    }
}

#[test]
fn a_repository_that_cannot_be_written_ends_it_with_1() {
    for jobs in JOBS {
        let begun = Begun::new(wide(MODULES).unwrap(), jobs);
        let branch = begun.world.branch();
        let run = branch.rsplit('/').next().unwrap();
        // As a git that was killed leaves it behind.
        let attempt = format!(".git/refs/atelier/attempts/{run}/t1.3/1.lock");
        begun.world.write(&attempt, "");
        let ended = begun.world.run(&["resume", "-j", jobs]);
        ended.expect_failure(1, "refs/atelier/attempts");
        fs::remove_file(begun.world.folder().join(&attempt)).unwrap();
        begun.goes_on(1);
    }
}

#[test]
fn words_that_mean_nothing_end_it_with_2() {
    let begun = Begun::new(wide(1).unwrap(), "4");
    let asked = begun.world.server().request_count();
    for jobs in ["0", "many", "-1"] {
        let ended = begun.world.run(&["resume", &format!("--jobs={jobs}")]);
        assert!([Some(2), Some(3)].contains(&ended.code), "{}", ended.all());
        assert!(ended.stderr.contains(jobs), "{}", ended.all());
    }
    begun
        .world
        .run(&["resume", "NOSUCHRUN", "-j", "4"])
        .expect_failure(2, "NOSUCHRUN");
    assert_eq!(begun.world.server().request_count(), asked);
}

#[test]
fn a_refused_key_ends_it_with_3() {
    ends(&Mode::Unauthorized, &[], (3, "401"));
}

#[test]
fn a_question_without_an_answer_ends_it_with_10() {
    for jobs in JOBS {
        let begun = Begun::new(wide(MODULES).unwrap(), jobs);
        begun.check(None, &["--approval", "task"], (10, "task t1.2"));
    }
}

#[test]
fn a_person_who_stops_it_ends_it_with_11() {
    for jobs in JOBS {
        let fixture = wide(MODULES).unwrap();
        let mut begun = Begun::new(fixture.clone(), jobs);
        let world = &mut begun.world;
        let before = count(&world.events(), "ask.started");
        world.now_with(Script::new(Mode::Hang).with_fixture(fixture));
        let mut run = world.start(&["resume", "-j", jobs]);
        let at_once = jobs.parse::<usize>().unwrap().min(MODULES as usize);
        world.wait_for(&mut run, "ask.started", before + at_once);
        let process = Pid::from_child(&run);
        kill_process(process, Signal::INT).unwrap();
        assert_eq!(code_of(&mut run), 11);
        begun.goes_on(11);
    }
}

#[test]
fn a_budget_that_is_used_up_ends_it_with_12() {
    for jobs in JOBS {
        let begun = Begun::new(wide(MODULES).unwrap(), jobs);
        let most = begun.world.server().request_count() + 2;
        let options = ["--budget-calls", &most.to_string()];
        begun.check(None, &options, (12, &format!("{most} calls")));
    }
}

#[test]
fn a_task_that_never_passes_ends_it_with_13() {
    for jobs in JOBS {
        let fixture = wide(MODULES).unwrap();
        // Whatever it answers to the third task is wrong; all others are done beside it.
        let script = oracle(&fixture.clone().without("1.3"));
        let begun = Begun::new(fixture, jobs);
        let options = ["-c", "limits.attempts_max=1"];
        begun.check(Some(script), &options, (13, "t1.3"));
    }
}

#[test]
fn a_server_that_fails_ends_it_with_14() {
    let times = Times::Always;
    let broken = Mode::ServerError { status: 500, times };
    ends(&broken, &IMPATIENT, (14, "500"));
    ends(&Mode::Stall, &IMPATIENT, (14, ""));
}

#[test]
fn work_that_does_not_fit_together_ends_it_with_15_where_it_is_done_at_once() {
    let options = ["-c", "limits.attempts_max=1"];
    let begun = Begun::new(crowded(2).unwrap(), "4");
    begun.check(None, &options, (15, "names.txt"));
    // One after the other, each begins from what the one before has left.
    let begun = Begun::new(crowded(2).unwrap(), "1");
    let args = [&["resume", "-j", "1"], &options[..]].concat();
    begun.world.run(&args).expect(0);
    check_trunk(&begun.world, &begun.fixture);
}

#[test]
fn a_branch_that_somebody_moved_ends_it_with_15() {
    for jobs in JOBS {
        let begun = Begun::new(wide(MODULES).unwrap(), jobs);
        let (world, branch) = (&begun.world, begun.world.branch());
        let stood = world.git(&["rev-parse", &branch]);
        world.git(&["branch", "-f", &branch, "main"]);
        world.git(&["commit", "-q", "--allow-empty", "-m", "chore: mine"]);
        world.git(&["branch", "-f", &branch, "main"]);
        world
            .run(&["resume", "-j", jobs])
            .expect_failure(15, &branch);
        world.git(&["branch", "-f", &branch, &stood]);
        begun.goes_on(15);
    }
}
