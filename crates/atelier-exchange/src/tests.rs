//! Plans of other tools become ours, with everything they said; our own form loses nothing.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod awkward;
mod lossless;

use std::collections::BTreeSet;

use atelier_model::{DevPlan, Step};

use crate::{Exported, Files, Format, Import, ImportError, Planned, export, import, words};

const SPEC: &str = include_str!("../../../fixtures/plans/spec-kit/spec.md");
const PLAN: &str = include_str!("../../../fixtures/plans/spec-kit/plan.md");
const TASKS: &str = include_str!("../../../fixtures/plans/spec-kit/tasks.md");
const TASK_MASTER: &str = include_str!("../../../fixtures/plans/taskmaster/tasks.json");
const ISSUES: &str = include_str!("../../../fixtures/plans/github/issues.json");
const REST: &str = include_str!("../../../fixtures/plans/github/rest.json");

fn files(files: &[(&str, &str)]) -> Files {
    let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    files.iter().map(owned).collect()
}

fn feature() -> Files {
    files(&[
        ("specs/004/spec.md", SPEC),
        ("specs/004/plan.md", PLAN),
        ("specs/004/tasks.md", TASKS),
    ])
}

fn plan(given: &[(&str, &str)]) -> Planned {
    planned(&files(given))
}

fn planned(files: &Files) -> Planned {
    match import(None, files, None).unwrap() {
        Import::Plan(plan) => *plan,
        Import::Requirement { .. } => panic!("no plan"),
    }
}

fn step<'a>(plan: &'a DevPlan, number: &str) -> &'a Step {
    let mut steps = plan.steps();
    steps.find(|step| step.number == number).unwrap()
}

/// Every step as `number<what it waits for`.
fn order(plan: &DevPlan) -> Vec<String> {
    plan.steps()
        .map(|step| format!("{}<{}", step.number, step.depends_on.join(",")))
        .collect()
}

#[test]
fn a_feature_of_spec_kit_keeps_its_phases_stories_and_order() {
    let read = planned(&feature());
    assert_eq!(read.format, Format::SpecKit);
    assert_eq!(
        order(&read.plan),
        [
            "1.2<",
            "2.3<1.2",
            "2.4<1.2",
            "2.5<2.3,2.4",
            "3.6<2.3,2.4,2.5",
            "3.7<2.3,2.4,2.5",
            "3.8<3.6,3.7,2.3,2.5",
            "4.9<2.3,2.4,2.5",
            "4.10<4.9,3.8",
            "5.11<3.6,3.7,3.8,4.9,4.10",
        ]
    );
    let list = step(&read.plan, "3.8");
    assert_eq!(
        list.outputs,
        ["src/shopping/list.py", "src/shopping/__init__.py"]
    );
    assert_eq!(list.requirements, ["US1"]);
    assert!(
        list.description.contains("refuse an empty entry"),
        "{}",
        list.description
    );
    let ids: Vec<&str> = read
        .plan
        .design
        .requirements
        .iter()
        .map(|one| one.id.as_str())
        .collect();
    assert_eq!(ids, ["US1", "US2", "FR-001", "FR-002", "FR-003", "SC-001"]);
    assert_eq!(read.requirement, SPEC.trim());
    assert_eq!(read.plan.design.technology_stack.language, "Python");
    for kept in [
        "Commit after each task",
        "A small library",
        "T001 Create the folders",
    ] {
        assert!(
            read.plan.design.architecture_overview.contains(kept),
            "{kept} is lost"
        );
    }
    let notes = read.notes.join("\n");
    for told in [
        "it is done: T001",
        "1 questions open",
        "1 dependencies added",
    ] {
        assert!(notes.contains(told), "{told:?} is not in {notes}");
    }
}

#[test]
fn a_lone_list_of_tasks_is_enough() {
    let read = plan(&[("tasks.md", TASKS)]);
    assert_eq!(read.plan.steps().count(), 10);
    assert_eq!(step(&read.plan, "3.8").requirements, ["US1"]);
}

#[test]
fn tasks_with_subtasks_become_phases_with_steps() {
    let read = plan(&[("tasks.json", TASK_MASTER)]);
    assert_eq!(read.format, Format::TaskMaster);
    assert_eq!(order(&read.plan), ["2.1<", "2.2<2.1", "3.1<2.1,2.2"]);
    let mean = step(&read.plan, "2.1");
    assert_eq!(mean.outputs, ["src/mean.py"]);
    for kept in [
        "An empty list has none.",
        "One, two and no number.",
        "parentTaskId: 2",
    ] {
        assert!(mean.description.contains(kept), "{kept} is lost");
    }
    assert!(
        read.plan.phases[0]
            .outline
            .description
            .contains("complexityScore: 4")
    );
    let notes = read.notes.join("\n");
    for told in [
        "it is done: 1",
        "it was put off: 4",
        "9, which is not in the file",
        "web",
    ] {
        assert!(notes.contains(told), "{told:?} is not in {notes}");
    }
}

#[test]
fn a_list_is_chosen_by_its_tag() {
    let given = files(&[("tasks.json", TASK_MASTER)]);
    let Import::Plan(web) = import(None, &given, Some("web")).unwrap() else {
        panic!("no plan");
    };
    assert_eq!(order(&web.plan), ["1.1<"]);
    let missing = import(None, &given, Some("mobile"));
    assert!(
        matches!(missing, Err(ImportError::NoTag { .. })),
        "{missing:?}"
    );
    let untagged = r#"{"tasks": [{"id": "1", "title": "Only", "dependencies": ["1"]}]}"#;
    assert_eq!(order(&plan(&[("t.json", untagged)]).plan), ["1.1<1.1"]);
    let two = r#"{"a": {"tasks": []}, "b": {"tasks": []}}"#;
    let open = import(None, &files(&[("t.json", two)]), None);
    assert!(matches!(open, Err(ImportError::Tags(_))), "{open:?}");
}

#[test]
fn issues_depend_on_those_they_name() {
    let read = plan(&[("issues.json", ISSUES)]);
    assert_eq!(read.format, Format::GitHub);
    assert_eq!(order(&read.plan), ["1.4<", "3.7<1.4"]);
    let table = step(&read.plan, "3.7");
    assert_eq!(table.outputs, ["src/table.py"]);
    for kept in [
        "- [ ] columns are aligned",
        "Labels: feature",
        "Assigned to: ada",
        "issues/7",
    ] {
        assert!(table.description.contains(kept), "{kept} is lost");
    }
    let notes = read.notes.join("\n");
    for told in ["it is closed: #5", "#9, which is not in the file"] {
        assert!(notes.contains(told), "{told:?} is not in {notes}");
    }

    let rest = plan(&[("rest.json", REST)]);
    assert_eq!(order(&rest.plan), ["1.12<1.13", "1.13<"]);
    assert!(rest.notes.join("\n").contains("pull request: #14"));
}

#[test]
fn another_list_is_no_newer_state_of_one_that_is_named_alike() {
    let issues = |titles: &[&str]| {
        let issue = |title: &&str| format!(r#"{{"number": {}, "title": "{title}"}}"#, title.len());
        let list: Vec<String> = titles.iter().map(issue).collect();
        let text = format!("[{}]", list.join(","));
        let read = import(None, &files(&[("issues.json", text.as_str())]), None);
        match read.unwrap() {
            Import::Plan(plan) => *plan,
            Import::Requirement { .. } => panic!("it is a plan"),
        }
    };
    let before = issues(&["read", "write", "print it"]);
    for (now, is_newer) in [
        (&["read", "write", "print it", "add one"][..], true),
        (&["read"], true),
        (&["write", "sort all"], true),
        (&["read", "sort all", "add one"], false),
        (&["sort all"], false),
    ] {
        assert_eq!(issues(now).continues(&before.plan), is_newer, "{now:?}");
    }
    let same = Planned {
        format: Format::SpecKit,
        ..issues(&["sort all"])
    };
    assert!(same.continues(&before.plan), "its requirement says enough");
}

#[test]
fn prose_is_a_requirement() {
    let text = "# Tally\r\n\r\n## What\r\n\r\n- adds numbers\r\n- skips blanks\r\n\r\n```\r\n- no item\r\n```\r\n";
    let read = import(None, &files(&[("PRD.md", text)]), None).unwrap();
    let text = text.replace("\r\n", "\n").trim().to_owned();
    assert_eq!(
        read,
        Import::Requirement {
            text,
            statements: 2
        }
    );
}

#[test]
fn what_cannot_be_read_says_why() {
    let cases: [(&str, &str, &str); 8] = [
        ("a.json", "{\"x\": 1}", "tell in which form `a.json` is"),
        ("a.toml", "format = 2\n", "format 2"),
        ("a.toml", "x = 1\n", "`format`"),
        ("a.toml", "x = \n", "as TOML"),
        ("a.md", "   \n", "a requirement"),
        (
            "t.json",
            "{\"tasks\": [{\"id\": 1, \"status\": \"done\"}]}",
            "still to be done",
        ),
        (
            "t.json",
            "{\"tasks\": [3]}",
            "a task where there is something else",
        ),
        ("a.yaml", "x: 1", "tell in which form"),
    ];
    for (name, text, said) in cases {
        let error = import(None, &files(&[(name, text)]), None).unwrap_err();
        assert!(
            error.to_string().contains(said),
            "{said:?} is not in {error}"
        );
    }
    let none = import(None, &Files::new(), None).unwrap_err();
    assert!(none.to_string().contains("no file"), "{none}");
}

#[test]
fn exported_plans_can_be_read_by_the_reader_of_their_form() {
    let before = planned(&feature()).plan;
    let done = BTreeSet::from(["1.2".to_owned()]);
    let exported = Exported {
        run: None,
        requirement: "All of it",
        plan: &before,
        done: &done,
    };
    for format in [Format::SpecKit, Format::TaskMaster, Format::GitHub] {
        let written = export(format, &exported);
        let read = planned(&written);
        assert_eq!(read.format, format);
        let titles = |plan: &DevPlan| -> BTreeSet<String> {
            plan.steps()
                .map(|step| step.title.split(" in ").next().unwrap().to_owned())
                .collect()
        };
        let mut wanted = titles(&before);
        wanted.remove("Write pyproject.toml for Python 3.12");
        assert_eq!(titles(&read.plan), wanted, "{}", format.name());
        let edges = |plan: &DevPlan| -> BTreeSet<(String, String)> {
            let title = |number: &str| {
                step(plan, number)
                    .title
                    .split(" in ")
                    .next()
                    .unwrap()
                    .to_owned()
            };
            let of = |step: &Step| -> Vec<_> {
                step.depends_on
                    .iter()
                    .map(|need| (title(&step.number), title(need)))
                    .collect()
            };
            plan.steps().flat_map(of).collect()
        };
        let old: BTreeSet<_> = edges(&before)
            .into_iter()
            .filter(|(_, need)| wanted.contains(need))
            .collect();
        let new = edges(&read.plan);
        assert!(
            old.is_subset(&new),
            "{}: {:?} is lost",
            format.name(),
            old.difference(&new)
        );
    }
    let text = &export(Format::Markdown, &exported)["plan.md"];
    for word in [
        "### [x] 1.2",
        "### [ ] 3.8",
        "Depends on: 2.3, 2.4, 2.5",
        "FR-002",
    ] {
        assert!(text.contains(word), "{word:?} is not in {text}");
    }
}

#[test]
fn paths_are_told_from_words() {
    let cases: [(&str, &[&str]); 7] = [
        (
            "Write `src/a.rs` and tests/b_test.py.",
            &["src/a.rs", "tests/b_test.py"],
        ),
        ("See e.g. Node.js 20, example.com and v1.2", &[]),
        (
            "Create pyproject.toml, Makefile and .github/workflows/ci.yml",
            &["pyproject.toml", ".github/workflows/ci.yml"],
        ),
        ("in (src/x.go)", &["src/x.go"]),
        ("leave ../etc/passwd.txt and /etc/hosts.d alone", &[]),
        ("twice a/b.c a/b.c", &["a/b.c"]),
        ("the folder src/models/", &[]),
    ];
    for (text, wanted) in cases {
        assert_eq!(words::paths(text), wanted, "{text}");
    }
}

#[test]
fn titles_are_short_and_names_are_plain() {
    assert_eq!(words::title("\n  One line \nand more"), "One line");
    let long = words::title(&"word ".repeat(50));
    assert!(
        long.ends_with("word…") && long.chars().count() <= 101,
        "{long}"
    );
    assert_eq!(
        words::name("Shared Shopping – Lists!"),
        "shared-shopping-lists"
    );
    assert_eq!(words::name("日本"), "project");
}
