//! Plans that can be executed, and each way in which one cannot.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{
    Acceptance, Check, ContextHints, Design, DevPlan, Expect, FileEntry, FileTree, Limits, Phase,
    PhaseOutline, RequirementItem, Step, TechnologyStack, TreePath,
};

use super::lint;

fn acceptance(check: Check) -> Acceptance {
    Acceptance {
        id: "A1".to_owned(),
        text: "it works".to_owned(),
        requirements: vec!["R1".to_owned()],
        check,
        expect: Expect::default(),
        timeout_seconds: None,
        must_fail_before: false,
    }
}

fn command(argv: &[&str]) -> Check {
    Check::Command {
        argv: argv.iter().map(|&word| word.to_owned()).collect(),
        cwd: None,
    }
}

fn step(number: &str) -> Step {
    Step {
        number: number.to_owned(),
        title: "Do it".to_owned(),
        description: "With its tests.".to_owned(),
        why: String::new(),
        requirements: vec!["R1".to_owned()],
        depends_on: Vec::new(),
        inputs: Vec::new(),
        outputs: vec![format!("src/{number}.rs")],
        owns: vec![format!("src/{number}.rs")],
        protected: Vec::new(),
        acceptance: vec![acceptance(command(&["cargo", "test"]))],
        context: ContextHints::default(),
    }
}

fn plan(steps: Vec<Step>) -> DevPlan {
    let design = Design {
        name: "demo".to_owned(),
        summary: String::new(),
        objectives: Vec::new(),
        requirements: vec![RequirementItem {
            id: "R1".to_owned(),
            text: "it works".to_owned(),
        }],
        technology_stack: TechnologyStack {
            language: "Rust".to_owned(),
            kind: "library".to_owned(),
            frameworks: Vec::new(),
            testing: String::new(),
        },
        architecture_overview: String::new(),
        components: Vec::new(),
        dependencies: Vec::new(),
        challenges: Vec::new(),
    };
    let outline = PhaseOutline {
        number: 1,
        title: "All".to_owned(),
        description: String::new(),
        requirements: vec!["R1".to_owned()],
        depends_on: Vec::new(),
    };
    DevPlan {
        design,
        summary: String::new(),
        phases: vec![Phase { outline, steps }],
    }
}

/// The plan with one step changed by `edit` has exactly one problem, and it says `said`.
fn check(said: &str, edit: impl FnOnce(&mut Step)) {
    let mut one = step("1.1");
    edit(&mut one);
    of_plan(said, &plan(vec![one]));
}

fn of_plan(said: &str, plan: &DevPlan) {
    let problems = lint(plan, &FileTree::default(), &Limits::default());
    let texts: Vec<&str> = problems
        .iter()
        .map(|problem| problem.text.as_str())
        .collect();
    assert_eq!(texts.len(), 1, "{texts:#?}");
    assert!(texts[0].contains(said), "{said:?} not in {texts:?}");
}

#[test]
fn a_plan_that_can_be_executed_has_no_problem() {
    let mut two = step("1.2");
    two.depends_on = vec!["1.1".to_owned()];
    two.inputs = vec!["src/1.1.rs".to_owned()];
    assert_eq!(
        lint(
            &plan(vec![step("1.1"), two]),
            &FileTree::default(),
            &Limits::default()
        ),
        []
    );
}

#[test]
fn a_step_must_be_complete() {
    check("names no output", |step| step.outputs.clear());
    check("has no title", |step| step.title = "  ".to_owned());
    check("stands twice", |step| {
        step.acceptance.push(step.acceptance[0].clone());
    });
    check("no globs", |step| {
        step.outputs = vec!["src/*.rs".to_owned()];
    });
    check("leaves the project", |step| {
        step.owns = vec!["../x".to_owned()];
    });
}

#[test]
fn every_requirement_is_proved() {
    let mut unproved = plan(vec![step("1.1")]);
    let item = RequirementItem {
        id: "R2".to_owned(),
        text: "it is fast".to_owned(),
    };
    unproved.design.requirements.push(item);
    of_plan("no acceptance proves requirement R2", &unproved);
    check("requirement R9, which the design does not have", |step| {
        step.acceptance.push(Acceptance {
            id: "A2".to_owned(),
            requirements: vec!["R9".to_owned()],
            ..step.acceptance[0].clone()
        });
    });
}

#[test]
fn every_check_can_run() {
    let cases = [
        (command(&[]), "the command is empty"),
        (command(&["cargo test --all"]), "must be split"),
        (command(&["cargo", "test", "&&", "true"]), "no shell"),
        (
            Check::Regex {
                path: "a.txt".to_owned(),
                pattern: "(".to_owned(),
            },
            "does not compile",
        ),
        (
            Check::File {
                path: "/etc/passwd".to_owned(),
                contains: None,
            },
            "absolute path",
        ),
        (
            Check::Human {
                question: " ".to_owned(),
            },
            "needs a question",
        ),
    ];
    for (bad, said) in cases {
        check(said, |step| step.acceptance = vec![acceptance(bad)]);
    }
    check("must begin with `/`", |step| {
        step.acceptance = vec![acceptance(Check::Http {
            start: vec!["./serve".to_owned()],
            method: "GET".to_owned(),
            path: "health".to_owned(),
            body: None,
        })];
    });
    check("does not compile", |step| {
        step.acceptance[0].expect.output = Some("[".to_owned());
    });
}

#[test]
fn dependencies_exist_and_form_no_circle() {
    check("step 7.7, which does not exist", |step| {
        step.depends_on = vec!["7.7".to_owned()];
    });
    let (mut one, mut two) = (step("1.1"), step("1.2"));
    one.depends_on = vec!["1.2".to_owned()];
    two.depends_on = vec!["1.1".to_owned()];
    of_plan("in a circle", &plan(vec![one, two]));
}

#[test]
fn an_input_exists_or_is_made_before() {
    check("reads `data.csv`", |step| {
        step.inputs = vec!["data.csv".to_owned()];
    });
    let mut early = step("1.1");
    early.inputs = vec!["src/1.2.rs".to_owned()];
    let mut late = step("1.2");
    late.depends_on = vec!["1.1".to_owned()];
    of_plan("reads `src/1.2.rs`", &plan(vec![early, late]));

    let mut there = step("1.1");
    there.inputs = vec!["data".to_owned()];
    let path = TreePath::parse("data/points.csv").unwrap();
    let files: FileTree = [(path, FileEntry::text("1"))].into_iter().collect();
    assert_eq!(lint(&plan(vec![there]), &files, &Limits::default()), []);
}

#[test]
fn steps_that_may_run_at_once_own_different_files() {
    let (one, mut two) = (step("1.1"), step("1.2"));
    two.owns = vec!["src".to_owned()];
    of_plan("both own `src/1.1.rs`", &plan(vec![one, two]));
}

#[test]
fn steps_are_told_apart_by_their_numbers() {
    let mut second = step("1.1");
    second.owns = vec!["src/other.rs".to_owned()];
    of_plan("step 1.1 stands twice", &plan(vec![step("1.1"), second]));
    let mut twice = plan(vec![step("1.1")]);
    let mut phase = twice.phases[0].clone();
    phase.steps = vec![step("1.2")];
    twice.phases.push(phase);
    of_plan("phase 1 stands twice", &twice);
}

#[test]
fn a_plan_of_another_tool_may_have_many_phases() {
    let limits = Limits {
        phases_max: 0,
        ..Limits::default()
    };
    let one = plan(vec![step("1.1")]);
    let files = FileTree::default();
    assert_eq!(super::executable(&one, &files, &limits), []);
    assert_eq!(
        lint(&one, &files, &limits)[0].text,
        "the plan has 1 phases; at most 0"
    );
}

#[test]
fn a_plan_has_a_size() {
    let empty = DevPlan {
        phases: Vec::new(),
        ..plan(Vec::new())
    };
    let problems = lint(&empty, &FileTree::default(), &Limits::default());
    assert_eq!(problems[0].text, "the plan has no phase");
    let small = Limits {
        steps_max: 1,
        ..Limits::default()
    };
    let problems = lint(
        &plan(vec![step("1.1"), step("1.2")]),
        &FileTree::default(),
        &small,
    );
    assert_eq!(problems[0].text, "the plan has 2 steps; at most 1");
}

#[test]
fn a_check_must_be_able_to_fail() {
    for program in ["true", "/bin/true", "echo", ":", "printf"] {
        check("run something that can fail", |step| {
            step.acceptance[0].check = Check::Command {
                argv: vec![program.to_owned(), "x".to_owned()],
                cwd: None,
            };
        });
    }
    for pattern in ["", ".*", "x?", "(?s).*"] {
        check("it proves nothing", |step| {
            step.acceptance[0].check = Check::Regex {
                path: "a".to_owned(),
                pattern: pattern.to_owned(),
            };
        });
    }
}

#[test]
fn a_command_runs_inside_the_project() {
    let command = |cwd: &str| Check::Command {
        argv: vec!["cargo".to_owned(), "test".to_owned()],
        cwd: Some(cwd.to_owned()),
    };
    for cwd in ["..", "../other", "/etc", "a/../../b", "~", "C:\\x", ".git"] {
        check("1.1/A1 cannot use the ", |step| {
            step.acceptance[0].check = command(cwd);
        });
    }
    for cwd in ["", ".", "./", "web", "web/"] {
        let mut one = step("1.1");
        one.acceptance[0].check = command(cwd);
        let problems = lint(&plan(vec![one]), &FileTree::default(), &Limits::default());
        assert_eq!(problems, [], "{cwd:?}");
    }
}

#[test]
fn a_plan_speaks_of_tests_unless_the_project_has_some() {
    let untested = || {
        let mut step = step("1.1");
        step.description.clear();
        step.acceptance = vec![acceptance(command(&["cargo", "run"]))];
        plan(vec![step])
    };
    let problems = |plan: &DevPlan, files: &FileTree| -> Vec<(Option<u32>, String)> {
        let found = lint(plan, files, &Limits::default()).into_iter();
        found.map(|one| (one.phase, one.text)).collect()
    };
    let found = problems(&untested(), &FileTree::default());
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, Some(1));
    assert!(found[0].1.contains("no step writes or runs a test"));

    let mut files = FileTree::default();
    files.put(
        TreePath::parse("tests/old.rs").unwrap(),
        FileEntry::text(""),
    );
    assert_eq!(problems(&untested(), &files), []);
    let mut writes = untested();
    writes.phases[0].steps[0]
        .outputs
        .push("tests/new.rs".to_owned());
    assert_eq!(problems(&writes, &FileTree::default()), []);
    let mut counts = untested();
    counts.phases[0].steps[0].acceptance[0].expect.tests_min = Some(1);
    assert_eq!(problems(&counts, &FileTree::default()), []);
}
