//! What a model sees of a project, within the budget.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{
    ContextHints, DevPlan, EditForm, FileEntry, FileTree, Phase, PhaseOutline, RequirementItem,
    Step, Summary, Task, TaskId, TreePath,
};

use atelier_prompt::context::{Compression, Packed, data};
use proptest::prelude::*;

use super::{
    Context, Finished, Material, Reminders, forms, is_long, lines, long_documents, requirement,
    titles,
};
use crate::sample::{self, plan};

fn tree(files: &[(&str, &str)]) -> FileTree {
    let entry =
        |(path, text): &(&str, &str)| (TreePath::parse(path).unwrap(), FileEntry::text(*text));
    files.iter().map(entry).collect()
}

fn task(outputs: &[&str], files: &[&str]) -> Task {
    let context = ContextHints {
        files: sample::list(files),
        ..ContextHints::default()
    };
    Task {
        outputs: sample::list(outputs),
        context,
        ..sample::task()
    }
}

fn packed_in(
    task: &Task,
    plan: &DevPlan,
    files: &FileTree,
    bounds: (Compression, usize),
) -> Context {
    packed_with(task, plan, files, &[], bounds)
}

fn packed_with(
    task: &Task,
    plan: &DevPlan,
    files: &FileTree,
    finished: &[Finished],
    bounds: (Compression, usize),
) -> Context {
    let material = Material {
        task,
        plan,
        requirement: "",
        tree: files,
        reminders: &Reminders::default(),
        finished,
        are_many: false,
    };
    super::pack(material, bounds)
}

fn pack(task: &Task, plan: &DevPlan, files: &FileTree, tokens_max: usize) -> Packed {
    packed_in(task, plan, files, (Compression::Off, tokens_max)).packed
}

#[test]
fn what_a_task_changes_is_shown_whole() {
    let files = tree(&[
        ("Cargo.toml", "[package]"),
        ("src/lib.rs", "pub fn add() {}"),
        ("src/far/away.rs", "fn away() {}"),
        ("notes/hint.txt", "look here"),
    ]);
    let packed = pack(&task(&["src/lib.rs"], &["notes"]), &plan(), &files, 4_000);
    for shown in [
        "pub fn add() {}",
        "[package]",
        "look here",
        "src/far/away.rs",
    ] {
        assert!(
            packed.text.contains(shown),
            "{shown} is not in:\n{}",
            packed.text
        );
    }
    assert!(!packed.text.contains("fn away()"), "{}", packed.text);
}

#[test]
fn a_small_budget_drops_neighbours_before_the_work() {
    let long = "fn other() { /* a neighbour with a long body */ }\n".repeat(200);
    let files = tree(&[("src/lib.rs", "pub fn add() {}"), ("src/other.rs", &long)]);
    let packed = pack(&task(&["src/lib.rs"], &[]), &plan(), &files, 300);
    assert!(packed.text.contains("pub fn add() {}"));
    assert!(!packed.text.contains("fn other() {"));
}

#[test]
fn the_same_project_packs_to_the_same_bytes() {
    let files = tree(&[
        ("src/lib.rs", "pub fn add() {}"),
        ("src/b.rs", "b"),
        ("a.txt", "a"),
    ]);
    let once = pack(&task(&["src"], &[]), &plan(), &files, 1_000).text;
    assert_eq!(
        once,
        pack(&task(&["src"], &[]), &plan(), &files, 1_000).text
    );
}

#[test]
fn only_a_large_file_is_changed_in_parts() {
    let long = "line\n".repeat(200);
    let files = tree(&[("src/long.rs", &long), ("src/short.rs", "line\n")]);
    let short = task(&["src/short.rs", "src/new.rs"], &[]);
    assert_eq!(lines(&short, &files), [1]);
    assert_eq!(
        forms(&short, &files, EditForm::Whole),
        "Write every file whole."
    );
    let both = task(&["src/long.rs", "src/short.rs"], &[]);
    assert_eq!(lines(&both, &files), [200, 1]);
    for (form, means) in [
        (EditForm::SearchReplace, "SEARCH/REPLACE blocks"),
        (EditForm::DiffFenced, "SEARCH/REPLACE blocks"),
        (EditForm::ApplyPatch, "a patch"),
    ] {
        assert_eq!(
            forms(&both, &files, form),
            format!("Change `src/long.rs` with {means}; write every other file whole.")
        );
    }
}

/// A finished task that wrote these files.
fn finished(number: &str, outputs: &[&str], reply: &str) -> Finished {
    let task = Task {
        id: TaskId::from_text(format!("t{number}")),
        step: Some(number.to_owned()),
        title: format!("Do {number}"),
        outputs: sample::list(outputs),
        ..sample::task()
    };
    Finished::new(&task, reply)
}

const REPLY: &str = "## Implementation Steps\n\n1. Write the area.\n2. Test it.\n\n### File: `a`\n";

#[test]
fn the_interface_of_a_finished_task_is_there_whatever_the_budget() {
    let body = "    let sides = a * a;\n".repeat(400);
    let source = format!("/// The area.\npub fn area(a: u32) -> u32 {{\n{body}    sides\n}}\n");
    let files = tree(&[
        ("src/lib.rs", "mod far;\n"),
        ("far/area.rs", &source),
        ("far/tests/area_test.rs", "#[test] fn t() {}"),
        ("src/near.rs", &source.replace("area", "near")),
    ]);
    let done = [finished("1.1", &["far", "src/near.rs"], REPLY)];
    let task = task(&["src/lib.rs"], &[]);
    for tokens_max in [10, 300, 9_000] {
        let bounds = (Compression::Off, tokens_max);
        let shown = packed_with(&task, &plan(), &files, &done, bounds);
        let text = &shown.packed.text;
        assert!(text.contains("pub fn area(a: u32) -> u32"), "{text}");
        assert!(text.contains("pub fn near(a: u32) -> u32"), "{text}");
        assert!(!text.contains("fn t()"), "{text}");
        let far = shown.parts.iter().find(|part| part.name == "far/area.rs");
        let far = far.unwrap();
        assert_eq!(far.form, "without bodies");
        assert!(far.tokens * 10 < far.tokens_full, "{far:?}");
    }
    let alone = packed_with(&task, &plan(), &files, &[], (Compression::Off, 9_000));
    assert!(!alone.packed.text.contains("pub fn area"));
}

#[test]
fn what_finished_tasks_did_is_told_where_there_are_many() {
    let done = [
        finished("1.1", &["a.rs"], REPLY),
        finished("1.2", &["b.rs"], "no steps"),
    ];
    assert_eq!(done[0].said, ["Write the area.", "Test it."]);
    assert_eq!(done[1].said, [""; 0]);
    let (task, files) = (task(&["c.rs"], &[]), tree(&[("c.rs", "")]));
    let (plan, reminders) = (plan(), Reminders::default());
    let material = |are_many| Material {
        task: &task,
        plan: &plan,
        requirement: "",
        tree: &files,
        reminders: &reminders,
        finished: &done,
        are_many,
    };
    let bounds = (Compression::Off, 1_000);
    let told = super::pack(material(true), bounds).packed.text;
    let expected = "Finished tasks that this one builds on:\n- 1.1 Do 1.1: Write the area.; Test it.\n  1.1 wrote a.rs\n- 1.2 Do 1.2\n  1.2 wrote b.rs";
    assert!(told.contains(expected), "{told}");
    let few = super::pack(material(false), bounds).packed.text;
    assert!(!few.contains("Finished tasks"), "{few}");
}

#[test]
fn titles_keep_to_their_budget_and_say_how_many_are_left_out() {
    let all = |count: usize| {
        let one = |at: usize| {
            let title = format!("Do the work of task number {at}");
            (TaskId::from_text(format!("t{at}")), at.to_string(), title)
        };
        (1..=count).map(one).collect::<Vec<_>>()
    };
    let few = titles(all(12), &[], true);
    assert_eq!(few.len(), 12);
    let needed = [TaskId::from_text("t1")];
    let done = titles(all(300), &needed, true);
    assert_eq!(done[0].0, "…");
    assert_eq!(done[0].1, format!("and {} more", 300 - (done.len() - 1)));
    assert_eq!(done[1].0, "1", "what is needed stays");
    assert_eq!(done.last().unwrap().0, "300", "and what is newest");
    let open = titles(all(300), &[], false);
    assert_eq!(open[0].0, "1");
    assert_eq!(open.last().unwrap().0, "…");
    assert!(open.len() < 60);
}

/// A plan of so many steps that all need a document, with one statement.
fn plan_needing(document: &str, steps: u32) -> DevPlan {
    let step = |number: u32| Step {
        number: format!("1.{number}"),
        context: ContextHints {
            documents: sample::list(&[document]),
            ..ContextHints::default()
        },
        ..atelier_plan::task_step(&sample::task())
    };
    let outline = PhaseOutline {
        number: 1,
        title: String::new(),
        description: String::new(),
        requirements: Vec::new(),
        depends_on: Vec::new(),
    };
    let mut plan = plan();
    plan.phases = vec![Phase {
        outline,
        steps: (1..=steps).map(step).collect(),
    }];
    plan.design.requirements = vec![RequirementItem {
        id: "R1".to_owned(),
        text: "It counts.".to_owned(),
    }];
    plan
}

#[test]
fn a_summary_stands_for_what_is_long_and_used_often() {
    let long = "The invoice has a number.\n\nThe shop is open on Sundays.\n\n".repeat(300);
    assert!(is_long(&long, &plan_needing("a.md", 20)));
    assert!(
        !is_long(&long, &plan_needing("a.md", 1)),
        "once is no saving"
    );
    assert!(!is_long("Short.", &plan_needing("a.md", 20)));
    assert!(!is_long(&long, &plan()), "nothing of it would be pinned");

    let now = tree(&[("a.md", &long), ("b.md", "short")]);
    let mut task = task(&["c.rs"], &[]);
    task.context.documents = sample::list(&["a.md", "b.md"]);
    let needing = plan_needing("a.md", 20);
    let found = long_documents(&task, &needing, (&now, &now));
    assert_eq!(found, [TreePath::parse("a.md").unwrap()]);
    let first = tree(&[("a.md", "other")]);
    assert_eq!(long_documents(&task, &needing, (&first, &now)), []);
    let few = plan_needing("a.md", 1);
    assert_eq!(long_documents(&task, &few, (&now, &now)), []);
    task.inputs = sample::list(&["a.md"]);
    assert_eq!(long_documents(&task, &needing, (&now, &now)), []);
}

#[test]
fn a_named_document_is_whole_where_it_is_short_and_told_with_its_passages_where_it_is_long() {
    let long = format!(
        "# Shop\n\nThe invoice has a number.\n\n{}",
        "The shop is open on Sundays.\n\n".repeat(400)
    );
    let files = tree(&[("a.md", &long), ("b.md", "# B\n\nWhole.\n\nText.\n")]);
    let mut task = task(&["c.rs"], &[]);
    task.title = "Print the invoice".to_owned();
    task.context.documents = sample::list(&["a.md", "./b.md"]);
    let shown = packed_in(&task, &plan(), &files, (Compression::Off, 9_000));
    let form = |name: &str| {
        let mut parts = shown.parts.iter();
        parts.find(|part| part.name == name).unwrap().form.clone()
    };
    assert_eq!(form("a.md"), "outline and passages");
    assert_eq!(form("b.md"), "whole");
    let text = &shown.packed.text;
    assert!(
        text.contains("Passages that concern the task:\n\nThe invoice has"),
        "{text}"
    );
    assert!(text.len() < 6_000, "{}", text.len());
}

#[test]
fn a_requirement_is_told_by_its_summary_and_every_statement() {
    let made = Summary {
        goal: "A shop.".to_owned(),
        ..Summary::default()
    };
    let plan = plan_needing("a.md", 2);
    assert_eq!(requirement("long text", &plan, None), "long text");
    let told = requirement("long text", &plan, Some(&made));
    assert!(told.contains("has about 3 tokens"), "{told}");
    assert!(told.ends_with("A shop.\n\nWhat is required, word for word:\n- R1: It counts."));
}

/// A source with what compression leaves out of it.
const WORDY: &str = "// Why.\n\n\n\n/// The area.\npub fn area(a: u32) -> u32 {\n    // Once.   \n    let sides = a * a;\n    sides + sides + sides + sides + sides\n}\n";

#[test]
fn what_is_only_read_is_shown_in_fewer_words_and_the_difference_is_known() {
    let files = tree(&[
        ("src/lib.rs", WORDY),
        ("src/near.rs", &WORDY.replace("area", "near")),
        ("far/named.rs", &WORDY.replace("area", "named").repeat(2)),
        ("far/notes.txt", "a  \n\n\n\nb\n"),
        ("far/again.rs", &WORDY.replace("area", "named").repeat(2)),
    ]);
    let task = task(&["src/lib.rs"], &["far"]);
    let shown = packed_in(&task, &plan(), &files, (Compression::Safe, 9_000));
    let text = &shown.packed.text;
    assert!(text.contains(&data("src/lib.rs", WORDY)), "{text}");
    assert!(
        text.contains("### File: `src/near.rs` (without bodies)"),
        "{text}"
    );
    assert!(text.contains("pub fn near(a: u32) -> u32 { … }"), "{text}");
    assert!(
        text.contains("### File: `far/again.rs` (without comments)"),
        "{text}"
    );
    assert!(
        text.contains("### File: `far/named.rs`\n\nThe same text as `far/again.rs`."),
        "{text}"
    );
    assert!(text.contains(&data("far/notes.txt", "a\n\nb\n")), "{text}");
    let off = packed_in(&task, &plan(), &files, (Compression::Off, 9_000));
    assert_eq!(off.packed, pack(&task, &plan(), &files, 9_000));
    assert!(off.bytes_full.abs_diff(off.packed.text.len()) < 40);
    assert!(
        text.len() + 300 < shown.bytes_full,
        "{} of {}",
        text.len(),
        shown.bytes_full
    );
}

/// Lines of which sources are made, readable or not.
const LINES: &[&str] = &[
    "// a comment",
    "/* of",
    "more */ fn f() {",
    "}",
    "    let a = 1;   ",
    "",
    "",
    "\t\"// text\"",
    "def f():",
    "    # no",
    "fn area(a: u32) -> u32 { a * a + a * a + a }",
    "```",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_may_be_changed_is_never_shortened(
        sources in prop::collection::vec(prop::collection::vec(prop::sample::select(LINES), 0..30), 1..6),
        name in prop::sample::select(&["a.rs", "a.py", "a.ts", "a.txt"][..]),
        tokens_max in 0_usize..2_000,
    ) {
        let texts: Vec<String> = sources.iter().map(|lines| lines.join("\n")).collect();
        let paths: Vec<String> = (0..texts.len()).map(|at| format!("d{at}/{name}")).collect();
        let files: Vec<(&str, &str)> = paths.iter().zip(&texts).map(|(path, text)| (&**path, &**text)).collect();
        // The first half may be changed, the rest is only read.
        let changed = texts.len().div_ceil(2);
        let outputs: Vec<&str> = paths[..changed].iter().map(|path| &**path).collect();
        let read: Vec<&str> = paths[changed..].iter().map(|path| &**path).collect();
        let task = task(&outputs, &read);
        let shown = packed_in(&task, &plan(), &tree(&files), (Compression::Safe, tokens_max));
        for (path, text) in files.iter().take(changed) {
            prop_assert!(shown.packed.text.contains(&data(path, text)), "{}", path);
        }
    }
}
