//! Every pair of a state and a fact, written out.

use std::{collections::BTreeSet, fmt::Debug};

use super::{Refused, RunFact, TaskFact, TaskState, next_run, next_task};
use crate::RunStatus;

/// What each fact makes of each state; `-` where it is refused.
const TASKS: &str = "
                  Pending    Ready      Running    Verifying  Merging    Done       Blocked    Failed     Cancelled  Skipped    Waived
DependenciesDone  Ready      -          -          -          -          -          -          -          -          -          -
Claimed           -          Running    -          -          -          -          -          -          -          -          -
Edited            -          -          Verifying  -          -          -          -          -          -          -          -
AttemptFailed     -          -          Running    Running    Running    -          -          -          -          -          -
AttemptsUsedUp    -          -          Failed     Failed     Failed     -          -          -          -          -          -
Verified          -          -          -          Merging    -          -          -          -          -          -          -
Merged            -          -          -          -          Done       -          -          -          -          -          -
MergeRefused      -          -          -          -          Ready      -          -          -          -          -          -
PersonNeeded      -          Blocked    Blocked    Blocked    Blocked    -          -          -          -          -          -
PersonAnswered    -          -          -          -          -          -          Ready      -          -          -          -
Interrupted       -          -          Ready      Ready      Ready      -          -          -          -          -          -
RetryAsked        -          -          -          -          -          Pending    Ready      Pending    Pending    Pending    Pending
CancelAsked       Cancelled  Cancelled  Cancelled  Cancelled  -          -          Cancelled  Cancelled  -          Cancelled  -
SkipAsked         Skipped    Skipped    Skipped    Skipped    -          -          Skipped    Skipped    Skipped    -          -
WaiveAsked        Waived     Waived     Waived     Waived     -          -          Waived     Waived     Waived     Waived     -
PlanChanged       Pending    Pending    -          -          -          Pending    Pending    Pending    Pending    Pending    Pending
";

/// The same for runs.
const RUNS: &str = "
                 Planning   Planned    Running    Verifying  Done       Stopped    Cancelled
PlanDrafted      Planned    -          -          -          -          -          -
PlanApproved     -          Running    -          -          -          -          -
TasksDone        -          -          Verifying  -          -          -          -
Verified         -          -          -          Done       -          -          -
Ended            Stopped    Stopped    Stopped    Stopped    -          -          -
Reopened         -          -          -          -          Stopped    -          Stopped
ResumedPlanning  -          -          -          -          -          Planning   -
ResumedRunning   -          -          -          -          -          Running    -
CancelAsked      Cancelled  Cancelled  Cancelled  Cancelled  -          Cancelled  -
";

const TASK_STATES: [TaskState; 11] = [
    TaskState::Pending,
    TaskState::Ready,
    TaskState::Running,
    TaskState::Verifying,
    TaskState::Merging,
    TaskState::Done,
    TaskState::Blocked,
    TaskState::Failed,
    TaskState::Cancelled,
    TaskState::Skipped,
    TaskState::Waived,
];

const TASK_FACTS: [TaskFact; 16] = [
    TaskFact::DependenciesDone,
    TaskFact::Claimed,
    TaskFact::Edited,
    TaskFact::AttemptFailed,
    TaskFact::AttemptsUsedUp,
    TaskFact::Verified,
    TaskFact::Merged,
    TaskFact::MergeRefused,
    TaskFact::PersonNeeded,
    TaskFact::PersonAnswered,
    TaskFact::Interrupted,
    TaskFact::RetryAsked,
    TaskFact::CancelAsked,
    TaskFact::SkipAsked,
    TaskFact::WaiveAsked,
    TaskFact::PlanChanged,
];

const RUN_STATUSES: [RunStatus; 7] = [
    RunStatus::Planning,
    RunStatus::Planned,
    RunStatus::Running,
    RunStatus::Verifying,
    RunStatus::Done,
    RunStatus::Stopped,
    RunStatus::Cancelled,
];

const RUN_FACTS: [RunFact; 9] = [
    RunFact::PlanDrafted,
    RunFact::PlanApproved,
    RunFact::TasksDone,
    RunFact::Verified,
    RunFact::Ended,
    RunFact::Reopened,
    RunFact::ResumedPlanning,
    RunFact::ResumedRunning,
    RunFact::CancelAsked,
];

/// Writes the function out as a table with the layout of `expected`.
fn check<S: Copy + Debug, F: Copy + Debug>(
    expected: &str,
    states: &[S],
    facts: &[F],
    next: impl Fn(S, F) -> Result<S, Refused>,
) {
    let words = |line: &str| {
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let expected: Vec<_> = expected.trim().lines().map(words).collect();
    let mut actual = vec![
        states
            .iter()
            .map(|state| format!("{state:?}"))
            .collect::<Vec<_>>(),
    ];
    for fact in facts {
        let cell = |state: &S| match next(*state, *fact) {
            Ok(state) => format!("{state:?}"),
            Err(refused) => {
                assert_eq!(refused.state, format!("{state:?}"));
                assert_eq!(refused.fact, format!("{fact:?}"));
                "-".to_owned()
            }
        };
        let row = std::iter::once(format!("{fact:?}")).chain(states.iter().map(cell));
        actual.push(row.collect());
    }
    assert_eq!(actual, expected);
}

#[test]
fn every_fact_in_every_state_of_a_task() {
    check(TASKS, &TASK_STATES, &TASK_FACTS, next_task);
}

#[test]
fn every_fact_in_every_status_of_a_run() {
    check(RUNS, &RUN_STATUSES, &RUN_FACTS, next_run);
}

/// The tables would not notice a variant that was added and forgotten here: these matches do not
/// compile without it.
#[test]
fn the_tables_name_every_variant_once() {
    let states = |state: &TaskState| match state {
        TaskState::Pending => 0,
        TaskState::Ready => 1,
        TaskState::Running => 2,
        TaskState::Verifying => 3,
        TaskState::Merging => 4,
        TaskState::Done => 5,
        TaskState::Blocked => 6,
        TaskState::Failed => 7,
        TaskState::Cancelled => 8,
        TaskState::Skipped => 9,
        TaskState::Waived => 10,
    };
    let facts = |fact: &TaskFact| match fact {
        TaskFact::DependenciesDone => 0,
        TaskFact::Claimed => 1,
        TaskFact::Edited => 2,
        TaskFact::AttemptFailed => 3,
        TaskFact::AttemptsUsedUp => 4,
        TaskFact::Verified => 5,
        TaskFact::Merged => 6,
        TaskFact::MergeRefused => 7,
        TaskFact::PersonNeeded => 8,
        TaskFact::PersonAnswered => 9,
        TaskFact::Interrupted => 10,
        TaskFact::RetryAsked => 11,
        TaskFact::CancelAsked => 12,
        TaskFact::SkipAsked => 13,
        TaskFact::WaiveAsked => 14,
        TaskFact::PlanChanged => 15,
    };
    let statuses = |status: &RunStatus| match status {
        RunStatus::Planning => 0,
        RunStatus::Planned => 1,
        RunStatus::Running => 2,
        RunStatus::Verifying => 3,
        RunStatus::Done => 4,
        RunStatus::Stopped => 5,
        RunStatus::Cancelled => 6,
    };
    let run_facts = |fact: &RunFact| match fact {
        RunFact::PlanDrafted => 0,
        RunFact::PlanApproved => 1,
        RunFact::TasksDone => 2,
        RunFact::Verified => 3,
        RunFact::Ended => 4,
        RunFact::Reopened => 5,
        RunFact::ResumedPlanning => 6,
        RunFact::ResumedRunning => 7,
        RunFact::CancelAsked => 8,
    };
    let all = |count: usize| (0..count).collect::<Vec<_>>();
    assert_eq!(TASK_STATES.iter().map(states).collect::<Vec<_>>(), all(11));
    assert_eq!(TASK_FACTS.iter().map(facts).collect::<Vec<_>>(), all(16));
    assert_eq!(
        RUN_STATUSES.iter().map(statuses).collect::<Vec<_>>(),
        all(7)
    );
    assert_eq!(RUN_FACTS.iter().map(run_facts).collect::<Vec<_>>(), all(9));
}

/// Everything that can be reached from a state.
fn reached(from: TaskState) -> BTreeSet<TaskState> {
    let mut reached = BTreeSet::from([from]);
    loop {
        let further: BTreeSet<_> = reached
            .iter()
            .flat_map(|state| {
                TASK_FACTS
                    .iter()
                    .filter_map(|fact| next_task(*state, *fact).ok())
            })
            .chain(reached.iter().copied())
            .collect();
        if further == reached {
            return reached;
        }
        reached = further;
    }
}

#[test]
fn every_state_has_a_way_out_and_every_task_can_be_done_in_the_end() {
    for state in TASK_STATES {
        assert!(reached(state).contains(&TaskState::Done), "{state:?}");
        assert!(reached(state).len() > 1, "{state:?}");
    }
}

#[test]
fn a_done_task_is_taken_up_again_only_by_a_person() {
    let ways: Vec<_> = TASK_FACTS
        .into_iter()
        .filter(|fact| next_task(TaskState::Done, *fact).is_ok())
        .collect();
    assert_eq!(ways, [TaskFact::RetryAsked, TaskFact::PlanChanged]);
}

#[test]
fn every_run_has_a_way_on() {
    for status in RUN_STATUSES {
        let ways = RUN_FACTS
            .iter()
            .filter(|fact| next_run(status, **fact).is_ok());
        assert!(ways.count() > 0, "{status:?}");
    }
}

#[test]
fn done_is_reached_by_evidence_alone() {
    let ways = |to: TaskState| -> Vec<_> {
        let pairs = TASK_STATES
            .iter()
            .flat_map(|s| TASK_FACTS.iter().map(move |f| (*s, *f)));
        pairs
            .filter(|(state, fact)| next_task(*state, *fact) == Ok(to))
            .collect()
    };
    assert_eq!(
        ways(TaskState::Done),
        [(TaskState::Merging, TaskFact::Merged)]
    );
    assert_eq!(
        ways(TaskState::Merging),
        [(TaskState::Verifying, TaskFact::Verified)]
    );
    assert_eq!(
        ways(TaskState::Verifying),
        [(TaskState::Running, TaskFact::Edited)]
    );
}

#[test]
fn a_refusal_reads_after_failed_to() {
    let refused = next_task(TaskState::Done, TaskFact::Claimed);
    let said = refused.map_err(|refused| refused.to_string());
    assert_eq!(said, Err("move from Done by Claimed".to_owned()));
}
