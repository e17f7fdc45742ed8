//! Plans drawn by lot, executed on a manual clock by several processes that fail, die and oversleep,
//! through the real schedule, claims, leases, budgets and trunk of a store on disk.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod draw;
mod truth;
mod worker;

use std::{collections::BTreeSet, panic::AssertUnwindSafe};

use atelier_model::{
    Approval, Budget, Digest, MicroUsd, Run, RunId, RunMode, RunStatus, TaskId, TaskState,
    Timestamp,
};
use atelier_store::{Store, TaskOutline};
use futures_util::FutureExt;

use self::{
    draw::{Drawn, Lots, draw},
    truth::{BASE, Truth},
    worker::Process,
};

/// Plans that are executed where no other number is asked for.
const PLANS: u64 = 100;
/// How many plans are executed.
const COUNT: &str = "ATELIER_TEST_PLANS";
/// The one plan that is looked at, to see again what failed.
const SEED: &str = "ATELIER_TEST_SEED";
/// Most tasks of a plan.
const TASKS_MAX: u64 = 14;
/// Moments in which everything must have come to its end, for each task.
const MOMENTS_PER_TASK: usize = 400;
const NOON: i64 = 1_700_000_000_000;

/// What a plan met.
#[derive(Debug, Default)]
struct Tally {
    plans: u64,
    claims: u64,
    conflicts: u64,
    stale: u64,
    broke: u64,
    states: BTreeSet<TaskState>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "a failing seed is run again alone, and more of them now and then"
)]
fn number_in(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[tokio::test]
async fn any_plan_comes_to_an_end_that_holds() {
    let plans = number_in(COUNT).unwrap_or(PLANS);
    let seeds = number_in(SEED).map_or(1..=plans, |seed| seed..=seed);
    let mut tally = Tally::default();
    for seed in seeds {
        let mut lots = Lots::new(seed);
        let tasks = 1 + lots.below(TASKS_MAX);
        let workers = 1 + usize::try_from(lots.below(3)).unwrap();
        let plan = draw(&mut lots, tasks, workers);
        let executed = AssertUnwindSafe(execute(&plan, &mut lots, &mut tally)).catch_unwind();
        assert!(executed.await.is_ok(), "run it alone with {SEED}={seed}");
    }
    if tally.plans >= PLANS {
        // What never happened was never looked at.
        assert!(
            tally.conflicts > 10 && tally.stale > 0 && tally.broke > 0,
            "{tally:?}"
        );
        for state in [
            TaskState::Done,
            TaskState::Failed,
            TaskState::Blocked,
            TaskState::Pending,
        ] {
            assert!(tally.states.contains(&state), "{tally:?}");
        }
    }
}

#[tokio::test]
async fn two_processes_share_many_tasks_without_doing_one_twice() {
    let mut lots = Lots::new(7);
    let mut plan = draw(&mut lots, 200, 2);
    (plan.budget, plan.width, plan.trouble, plan.attempts_max) = (None, 4, u64::MAX, 8);
    for fate in &mut plan.fates {
        (fate.fails, fate.needs_person) = (0, false);
        // Each has a place of its own, so that both have something to do at any time.
        fate.task.owns = vec![format!("src/{}", fate.task.id)];
        fate.writes = vec![fate.task.id.as_str()[1..].parse::<u64>().unwrap() + 100];
        fate.reads.clear();
    }
    let mut tally = Tally::default();
    execute(&plan, &mut lots, &mut tally).await;
    assert_eq!(
        (tally.claims, tally.conflicts, tally.stale),
        (200, 0, 0),
        "{tally:?}"
    );
    assert_eq!(tally.states, BTreeSet::from([TaskState::Done]));
}

fn run(budget: Option<MicroUsd>) -> Run {
    Run {
        id: RunId::from_text("RUN"),
        requirement: "anything".to_owned(),
        requirement_digest: Digest::of("anything"),
        mode: RunMode::Build,
        approval: Approval::Never,
        budget: Budget {
            usd: budget,
            ..Budget::default()
        },
        base_branch: Some("main".to_owned()),
        base_commit: Some(BASE.to_owned()),
        branch: "atelier/RUN".to_owned(),
        trunk: None,
        status: RunStatus::Planning,
        exit_code: None,
        reason: String::new(),
        created_at: Timestamp::from_millis(NOON),
        ended_at: None,
    }
}

/// Executes a plan to its end, and looks at every moment of it.
async fn execute(plan: &Drawn, lots: &mut Lots, tally: &mut Tally) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let run = run(plan.budget);
    store.run_create(&run).await.unwrap();
    let tasks: Vec<_> = plan.fates.iter().map(|fate| fate.task.clone()).collect();
    store.task_add(&tasks, run.created_at).await.unwrap();
    let (mut truth, mut now, mut budget) = (Truth::default(), NOON, plan.budget);
    let mut processes = Vec::new();
    for index in 0..plan.workers {
        let own = Store::open(folder.path()).await.unwrap();
        let name = format!("w{index}");
        processes.push(Process::begin(&name, own, &run.id, plan, now).await);
    }
    let mut moments = MOMENTS_PER_TASK * (plan.fates.len() + 1);
    loop {
        for process in &mut processes {
            process.act(plan, lots, &mut truth, now).await;
        }
        let used = store.run_cost(&run.id).await.unwrap();
        let most = budget.unwrap_or(MicroUsd(u64::MAX));
        assert!(used.spent + used.reserved <= most, "{used:?} of {budget:?}");
        if processes.iter().all(|process| process.is_idle(now)) {
            if !processes.iter().any(|process| process.broke) || lots.one_in(2) {
                break;
            }
            // A person gives more, and everybody goes on.
            tally.broke += 1;
            budget = budget.map(|budget| budget + budget);
            let more = Budget {
                usd: budget,
                ..Budget::default()
            };
            let at = Timestamp::from_millis(now);
            store.run_budget_set(&run.id, more, at).await.unwrap();
            processes.iter_mut().for_each(Process::is_given_more);
        }
        moments -= 1;
        assert!(moments > 0, "it has no end");
        now = processes
            .iter()
            .map(|process| process.next(now))
            .min()
            .unwrap();
    }
    let broke = processes.iter().any(|process| process.broke);
    let (all, _) = store.task_outlines(&run.id).await.unwrap();
    truth.judge(&store.trunk_list(&run.id).await.unwrap(), &all);
    check_ends(&store, &run.id, &all, broke).await;
    tally.plans += 1;
    tally.claims += truth.claims;
    tally.conflicts += truth.conflicts;
    tally.stale += truth.stale;
    tally.states.extend(all.iter().map(|task| task.state));
}

/// Every task is at an end, with a reason where that is not what was wanted.
async fn check_ends(store: &Store, run: &RunId, all: &[TaskOutline], broke: bool) {
    let reasons = store.task_reasons(run).await.unwrap();
    let state = |id: &TaskId| all.iter().find(|task| task.id == *id).unwrap().state;
    for task in all {
        match task.state {
            TaskState::Done => {}
            TaskState::Failed | TaskState::Blocked => {
                let reason = reasons.get(&task.id).cloned().unwrap_or_default();
                assert!(!reason.is_empty(), "{} is {:?}", task.id, task.state);
            }
            TaskState::Ready => assert!(broke, "{} was never begun", task.id),
            TaskState::Pending => {
                let waits = task
                    .depends_on
                    .iter()
                    .any(|need| state(need) != TaskState::Done);
                assert!(waits || broke, "{} waits for nothing", task.id);
            }
            TaskState::Running
            | TaskState::Verifying
            | TaskState::Merging
            | TaskState::Cancelled
            | TaskState::Skipped
            | TaskState::Waived => panic!("{} ended as {:?}", task.id, task.state),
        }
    }
}
