//! The schedule over every small graph: nothing is forgotten, nothing is started too early, and what
//! is kept move by move is what would be found by looking at everything.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;

const ATTEMPTS: u32 = 3;

fn id(name: &str) -> TaskId {
    TaskId::from_text(name)
}

fn outline(name: &str, depends_on: &[&str]) -> TaskOutline {
    TaskOutline {
        id: id(name),
        depends_on: depends_on.iter().map(|name| id(name)).collect(),
        outputs: Vec::new(),
        owns: vec![format!("src/{name}")],
        priority: 0,
        state: TaskState::Ready,
        conflicts: 0,
    }
}

fn schedule(tasks: &[TaskOutline]) -> Schedule {
    Schedule::new(tasks, &BTreeMap::new(), None, ATTEMPTS).unwrap()
}

fn offered(schedule: &Schedule) -> Vec<String> {
    schedule.offered().iter().map(ToString::to_string).collect()
}

#[test]
fn a_higher_priority_goes_first_then_the_longer_chain() {
    let mut urgent = outline("c", &[]);
    urgent.priority = 10;
    let mut later = outline("d", &["b"]);
    later.state = TaskState::Pending;
    let tasks = [outline("a", &[]), outline("b", &[]), urgent, later];
    assert_eq!(offered(&schedule(&tasks)), ["c", "b", "a"]);
}

#[test]
fn measured_durations_make_the_longer_chain() {
    let tasks = [outline("a", &[]), outline("b", &[]), outline("c", &[])];
    let measured = BTreeMap::from([(id("a"), 10), (id("b"), 30)]);
    let schedule = Schedule::new(&tasks, &measured, None, ATTEMPTS).unwrap();
    // What nobody measured takes as long as the mean.
    assert_eq!(offered(&schedule), ["b", "c", "a"]);
}

#[test]
fn tasks_that_write_the_same_folder_do_not_run_at_once() {
    let mut inner = outline("b", &[]);
    inner.owns = vec!["src/a/part.rs".to_owned()];
    let mut schedule = schedule(&[outline("a", &[]), inner, outline("c", &[])]);
    schedule.moved(&id("a"), TaskState::Running);
    assert_eq!(offered(&schedule), ["c"]);
    schedule.moved(&id("a"), TaskState::Verifying);
    schedule.moved(&id("a"), TaskState::Merging);
    assert_eq!(offered(&schedule), ["c"]);
    schedule.moved(&id("a"), TaskState::Done);
    assert_eq!(offered(&schedule), ["b", "c"]);
}

#[test]
fn what_a_task_says_it_writes_is_its_own_where_it_says_no_more() {
    let of = |name: &str, outputs: &[&str]| TaskOutline {
        owns: Vec::new(),
        outputs: outputs.iter().map(|&path| path.to_owned()).collect(),
        ..outline(name, &[])
    };
    let tasks = [
        of("a", &["src/lib.rs"]),
        of("b", &["src/lib.rs"]),
        of("c", &[]),
        of("d", &[]),
    ];
    let mut schedule = schedule(&tasks);
    schedule.moved(&id("a"), TaskState::Running);
    schedule.moved(&id("c"), TaskState::Running);
    assert_eq!(offered(&schedule), ["d"]);
}

#[test]
fn whoever_conflicts_again_and_again_is_done_alone() {
    let mut schedule = schedule(&[outline("a", &[]), outline("b", &[]), outline("c", &[])]);
    for _ in 0..2 {
        schedule.learn(&refused("b", true));
    }
    schedule.moved(&id("a"), TaskState::Running);
    assert_eq!(offered(&schedule), Vec::<String>::new());
    schedule.moved(&id("a"), TaskState::Done);
    assert_eq!(offered(&schedule), ["b"]);
    schedule.moved(&id("b"), TaskState::Running);
    assert_eq!(offered(&schedule), Vec::<String>::new());
    schedule.moved(&id("b"), TaskState::Done);
    assert_eq!(offered(&schedule), ["c"]);
}

/// A task that was merging is ready again.
fn refused(name: &str, is_conflict: bool) -> TaskMoves {
    let states = [TaskState::Running, TaskState::Merging, TaskState::Ready];
    TaskMoves {
        moved: states.map(|state| (id(name), state)).to_vec(),
        conflicts: is_conflict.then(|| id(name)).into_iter().collect(),
        ..TaskMoves::default()
    }
}

#[test]
fn whoever_was_only_interrupted_is_not_done_alone() {
    let mut schedule = schedule(&[outline("a", &[]), outline("b", &[])]);
    for _ in 0..5 {
        schedule.learn(&refused("b", false));
    }
    schedule.moved(&id("a"), TaskState::Running);
    assert_eq!(offered(&schedule), ["b"]);
}

#[test]
fn what_begins_anew_has_met_nobody_yet() {
    let mut schedule = schedule(&[outline("a", &[]), outline("b", &[])]);
    for _ in 0..2 {
        schedule.learn(&refused("b", true));
    }
    schedule.moved(&id("a"), TaskState::Running);
    assert_eq!(offered(&schedule), Vec::<String>::new());
    for state in [TaskState::Cancelled, TaskState::Pending, TaskState::Ready] {
        schedule.moved(&id("b"), state);
    }
    assert_eq!(offered(&schedule), ["b"]);
}

#[test]
fn only_what_is_wanted_is_offered() {
    let mut pending = outline("b", &["a"]);
    pending.state = TaskState::Pending;
    let tasks = [outline("a", &[]), pending, outline("c", &[])];
    let mut schedule = Schedule::new(&tasks, &BTreeMap::new(), Some(&id("b")), ATTEMPTS).unwrap();
    assert_eq!(offered(&schedule), ["a"]);
    schedule.moved(&id("a"), TaskState::Done);
    assert!(schedule.has_openable());
    schedule.moved(&id("b"), TaskState::Ready);
    assert_eq!(offered(&schedule), ["b"]);
    schedule.moved(&id("b"), TaskState::Done);
    assert!(schedule.is_complete() && !schedule.is_whole());
}

/// What may start, found by looking at everything.
fn looked_up(tasks: &[TaskOutline]) -> BTreeSet<TaskId> {
    let busy: Vec<&TaskOutline> = tasks.iter().filter(|t| t.state.is_under_way()).collect();
    let ready = tasks.iter().filter(|task| task.state == TaskState::Ready);
    let free = ready.filter(|task| busy.iter().all(|other| other.owns != task.owns));
    free.map(|task| task.id.clone()).collect()
}

const STATES: [TaskState; 11] = [
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

proptest! {
    /// Any acyclic graph is finished, in an order that respects it, within any width.
    #[test]
    fn any_graph_is_finished(
        edges in proptest::collection::vec(proptest::collection::vec(0..12_usize, 0..4), 1..12),
        width in 1..4_usize,
    ) {
        let name = |index: usize| format!("t{index:02}");
        let tasks: Vec<TaskOutline> = edges.iter().enumerate().map(|(index, needs)| {
            let earlier = needs.iter().filter(|need| **need < index);
            let needs: Vec<String> = earlier.map(|need| name(*need)).collect();
            let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
            TaskOutline { state: TaskState::Pending, ..outline(&name(index), &needs) }
        }).collect();
        let mut schedule = schedule(&tasks);
        let (mut running, mut done) = (Vec::new(), BTreeSet::new());
        for _ in 0..=tasks.len() * 2 {
            for index in schedule.openable.clone() {
                let id = tasks[index].id.clone();
                prop_assert!(tasks[index].depends_on.iter().all(|need| done.contains(need)));
                schedule.moved(&id, TaskState::Ready);
            }
            while running.len() < width {
                let Some(next) = schedule.offered().into_iter().next() else { break };
                schedule.moved(&next, TaskState::Running);
                running.push(next);
            }
            prop_assert_eq!(schedule.under_way(), running.len());
            if !running.is_empty() {
                let ended = running.remove(0);
                schedule.moved(&ended, TaskState::Done);
                done.insert(ended);
            }
        }
        prop_assert!(schedule.is_complete() && schedule.is_whole());
        prop_assert_eq!(done.len(), tasks.len());
    }

    /// Whatever moves come, in whatever order, what is kept is what looking at everything finds.
    #[test]
    fn what_is_kept_is_what_is_there(
        owns in proptest::collection::vec(0..4_usize, 2..9),
        moves in proptest::collection::vec((0..9_usize, 0..STATES.len()), 0..40),
    ) {
        let mut tasks: Vec<TaskOutline> = owns.iter().enumerate().map(|(index, folder)| {
            let before = format!("t{}", index.saturating_sub(1));
            let needs: &[&str] = if index % 3 == 1 { &[&before] } else { &[] };
            TaskOutline {
                owns: vec![format!("src/{folder}")],
                ..outline(&format!("t{index}"), needs)
            }
        }).collect();
        let mut schedule = Schedule::new(&tasks, &BTreeMap::new(), None, u32::MAX).unwrap();
        for (index, state) in moves {
            let index = index % tasks.len();
            tasks[index].state = STATES[state];
            schedule.moved(&tasks[index].id, STATES[state]);
            let fresh = Schedule::new(&tasks, &BTreeMap::new(), None, u32::MAX).unwrap();
            prop_assert_eq!(schedule.offered(), fresh.offered());
            prop_assert_eq!(&schedule.openable, &fresh.openable);
            prop_assert_eq!(schedule.left, fresh.left);
            let kept: BTreeSet<TaskId> = schedule.offered().into_iter().collect();
            prop_assert_eq!(kept, looked_up(&tasks));
        }
    }
}
