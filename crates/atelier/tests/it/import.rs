//! Plans of other tools become runs; ours go out and come back.

use std::fs;

use atelier_testkit::{Dialect, EditForm, Mode, Script, StageSeen, chain};

use crate::world::{World, count, repository};

fn fixture(path: &str) -> String {
    repository()
        .join("fixtures/plans")
        .join(path)
        .display()
        .to_string()
}

/// A list of two tasks of which the second needs the first, as Task Master keeps it.
const LINKS: &str = r#"{"master": {"tasks": [{
    "id": 1, "title": "Links", "description": "A package.", "status": "in-progress",
    "dependencies": [], "priority": "high",
    "subtasks": [
        {"id": 1, "title": "Add link 1", "description": "Write chain/link_001.py, chain/__init__.py, tests/__init__.py and tests/test_link_001.py.", "status": "pending", "dependencies": []},
        {"id": 2, "title": "Add link 2", "description": "Write chain/link_002.py and tests/test_link_002.py.", "status": "pending", "dependencies": [1]}
    ]
}], "metadata": {"description": "A chain"}}}"#;

#[test]
fn an_imported_plan_is_executed_without_being_planned_again() {
    let script = Script::new(Mode::Oracle)
        .with_fixture(chain(2).unwrap())
        .with_form(EditForm::Whole);
    let world = World::with(script, Dialect::OpenAi).with_commit();
    world.write(".taskmaster/tasks/tasks.json", LINKS);
    let ended = world.run(&["plan", "import", "."]).expect(0);
    assert!(
        ended.stdout.contains("2 steps from taskmaster"),
        "{}",
        ended.all()
    );
    assert!(
        ended.stderr.contains("build and tests are their proof"),
        "{}",
        ended.all()
    );
    assert_eq!(world.server().request_count(), 0);

    world.run(&["run"]).expect(0);

    let asked: Vec<StageSeen> = world
        .server()
        .requests()
        .into_iter()
        .map(|seen| seen.stage)
        .collect();
    let planning = |stage: &StageSeen| !matches!(stage, StageSeen::Code { .. } | StageSeen::Docs);
    assert!(!asked.iter().any(planning), "{asked:?}");
    assert!(world.folder().join("chain/link_002.py").is_file());

    // The list with one more task changes the run that was made of it.
    let more = LINKS.replace(
        "\"dependencies\": [1]}",
        "\"dependencies\": [1]}, {\"id\": 3, \"title\": \"Add link 3\", \"description\": \"Write chain/link_003.py and tests/test_link_003.py.\", \"dependencies\": [2]}",
    );
    world.write(".taskmaster/tasks/tasks.json", more);
    let shown = world
        .run(&["--json", "plan", "import", "."])
        .expect(0)
        .json();
    assert_eq!(shown[0]["added"], serde_json::json!(["t1.3"]));
    assert_eq!(shown[0]["kept"], 2);
    let again = world.run(&["plan", "import", "."]).expect(0);
    assert!(
        again.stderr.contains("Nothing is different"),
        "{}",
        again.all()
    );
    assert_eq!(count(&world.events(), "plan.changed"), 1);
}

#[test]
fn plans_of_other_tools_become_runs() {
    let cases = [
        (fixture("spec-kit"), "10 steps from spec-kit", "3.8"),
        (
            fixture("taskmaster/tasks.json"),
            "3 steps from taskmaster",
            "2.2",
        ),
        (fixture("github/issues.json"), "2 steps from github", "3.7"),
        (fixture("github/rest.json"), "2 steps from github", "1.12"),
    ];
    for (path, said, step) in cases {
        let world = World::offline().with_commit();
        let ended = world.run(&["plan", "import", &path]).expect(0);
        assert!(ended.stdout.contains(said), "{path}: {}", ended.all());
        assert!(
            !ended.stderr.trim().is_empty(),
            "{path}: what was decided is told"
        );
        let shown = world.run(&["show", "plan"]).expect(0);
        assert!(shown.stdout.contains(step), "{path}: {}", shown.all());
        let status = world.run(&["status"]).expect(0);
        assert!(
            status.stdout.contains("planned"),
            "{path}: {}",
            status.all()
        );
    }
}

#[test]
fn lists_that_name_no_project_are_runs_of_their_own() {
    let issues = |titles: &[(u32, &str)]| {
        let issue = |(number, title): &(u32, &str)| serde_json::json!({"number": number, "title": title, "body": "", "state": "OPEN"});
        let list: serde_json::Value = titles.iter().map(issue).collect();
        list.to_string()
    };
    let tasks = |titles: &[(u32, &str)]| {
        let task = |(id, title): &(u32, &str)| serde_json::json!({"id": id, "title": title, "description": "", "status": "pending"});
        let tasks: serde_json::Value = titles.iter().map(task).collect();
        serde_json::json!({"master": {"tasks": tasks}}).to_string()
    };
    let (one, more) = (
        [(1, "Read the clock"), (2, "Show the hour")],
        [(1, "Read the clock"), (2, "Show the hour"), (3, "Ring")],
    );
    let other = [(1, "Read the map"), (2, "Show the way")];
    let world = World::offline().with_commit();
    let mut runs = Vec::new();
    for written in [issues(&one), issues(&other), tasks(&one), tasks(&other)] {
        world.write("list.json", written);
        let shown = world.run(&["--json", "plan", "import", "list.json"]);
        let shown = shown.expect(0).json();
        assert_eq!(shown[0]["type"], "plan.imported", "{shown:?}");
        runs.push(shown[0]["run"].as_str().unwrap().to_owned());
    }
    // A list with one more is that list, also after others.
    for (written, run) in [(issues(&more), &runs[0]), (tasks(&more), &runs[2])] {
        world.write("list.json", written);
        let changed = world.run(&["plan", "import", "list.json"]).expect(0);
        let said = format!("run {run} was made of it before");
        assert!(changed.stderr.contains(&said), "{}", changed.all());
    }
}

#[test]
fn prose_is_planned_by_the_model() {
    let fixture = chain(2).unwrap();
    let world = World::oracle(&fixture, Dialect::OpenAi).with_commit();
    let prose = format!(
        "# Chain\n\n## What\n\n- {}\n- Each is tested.\n",
        fixture.requirement.trim()
    );
    let file = world.home.path().join("PRD.md");
    fs::write(&file, &prose).unwrap();
    let ended = world
        .run(&["plan", "import", &file.display().to_string()])
        .expect(0);
    assert!(ended.stderr.contains("2 statements"), "{}", ended.all());
    assert!(ended.stdout.starts_with("planned "), "{}", ended.all());
    let shown = world.run(&["show", "requirement"]).expect(0);
    assert!(
        shown.stdout.contains("- Each is tested."),
        "{}",
        shown.all()
    );
}

#[test]
fn our_own_form_comes_back_as_it_went() {
    let fixture = chain(2).unwrap();
    let world = World::oracle(&fixture, Dialect::OpenAi).with_commit();
    world.run(&["plan", &fixture.requirement]).expect(0);
    let file = world.home.path().join("plan.toml").display().to_string();
    world.run(&["plan", "export", "-o", &file]).expect(0);
    let printed = world.run(&["plan", "export"]).expect(0);
    assert_eq!(
        printed.stdout.trim_end(),
        fs::read_to_string(&file).unwrap().trim_end()
    );
    let same = world.run(&["plan", "import", &file]).expect(0);
    assert!(
        same.stderr.contains("Nothing is different"),
        "{}",
        same.all()
    );
    assert_eq!(world.git(&["status", "--porcelain"]), "");

    // A plan that waits is changed too, and then executed as it reads now.
    let text = fs::read_to_string(&file)
        .unwrap()
        .replace("Add link 2", "Add the second link");
    fs::write(&file, text).unwrap();
    let changed = world.run(&["plan", "import", &file]).expect(0);
    assert!(changed.stdout.contains("1.2"), "{}", changed.all());
    world.run(&["run"]).expect(0);
    let listed = world.run(&["task", "list"]).expect(0);
    assert!(
        listed.stdout.contains("Add the second link"),
        "{}",
        listed.all()
    );

    for form in ["taskmaster", "github", "markdown"] {
        let printed = world.run(&["plan", "export", "--format", form]).expect(0);
        assert!(
            printed.stdout.contains("Add the second link"),
            "{}",
            printed.all()
        );
    }
    let folder = world.home.path().join("feature");
    let folder = folder.display().to_string();
    world
        .run(&["plan", "export", "--format", "spec-kit"])
        .expect_failure(2, "--output");
    world
        .run(&["plan", "export", "--format", "spec-kit", "-o", &folder])
        .expect(0);
    let tasks = fs::read_to_string(format!("{folder}/tasks.md")).unwrap();
    assert!(tasks.contains("- [X] T002 Add the second link"), "{tasks}");
}

#[test]
fn what_cannot_be_imported_says_why() {
    let world = World::offline().with_commit();
    let write = |name: &str, text: &str| {
        let path = world.home.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let circle = r#"{"tasks": [{"id": 1, "title": "a", "dependencies": [2]}, {"id": 2, "title": "b", "dependencies": [1]}]}"#;
    let cases = [
        (write("circle.json", circle), "in a circle"),
        (write("other.json", "{\"x\": 1}"), "tell in which form"),
        (
            write("typo.toml", "format = 1\nrequirment = \"x\"\n"),
            "requirement",
        ),
        (
            world.home.path().join("none.json").display().to_string(),
            "none.json",
        ),
    ];
    for (path, said) in &cases {
        let ended = world.run(&["plan", "import", path]);
        assert_eq!(ended.code, Some(2), "{}", ended.all());
        assert!(ended.stderr.contains(said), "{said:?}: {}", ended.all());
    }
    world
        .run(&["plan", "import", "--format", "yaml", &cases[0].0])
        .expect_failure(2, "spec-kit");
    world
        .run(&["plan", "import", "."])
        .expect_failure(2, "a plan in");
    assert_eq!(
        world
            .run(&["status", "--all"])
            .stdout
            .lines()
            .filter(|line| line.contains("planned"))
            .count(),
        0
    );
}

#[test]
fn a_file_with_faults_is_refused_with_what_helps() {
    let cases = [
        (
            "twice.json",
            r#"{"tasks": [{"id": 1, "title": "A"}, {"id": 1, "title": "B"}]}"#,
            ["tell the tasks apart that are named 1", "a name of its own"],
        ),
        (
            "comma.json",
            "{\"tasks\": [\n  {\"id\": 1,}\n]}",
            ["line 2 column", "mend the file"],
        ),
        (
            "circle.json",
            r#"{"tasks": [{"id": 1, "title": "A", "dependencies": [2]}, {"id": 2, "title": "B", "dependencies": [1]}]}"#,
            ["failed to use the plan:", "in a circle"],
        ),
        (
            "empty.json",
            "",
            ["find anything in the plan", "guide on plans"],
        ),
        (
            "done.json",
            r#"{"tasks": [{"id": 1, "title": "A", "status": "done"}]}"#,
            ["still to be done", "open a task again"],
        ),
    ];
    let world = World::offline().with_commit();
    for (name, text, said) in cases {
        world.write(name, text);
        let ended = world.run(&["plan", "import", name]).expect(2);
        for words in said {
            let all = ended.all();
            assert!(all.contains(words), "{name}: {words:?} is not in {all}");
        }
    }
}

#[test]
fn a_long_list_is_read_at_once() {
    let world = World::offline().with_commit();
    let tasks = |count: u32| {
        let task = |id: u32| {
            serde_json::json!({
                "id": id, "title": format!("Task {id}"), "description": "word ".repeat(100),
                "dependencies": if id > 1 { vec![id - 1] } else { vec![] },
            })
        };
        let tasks: Vec<_> = (1..=count).map(task).collect();
        serde_json::json!({ "tasks": tasks }).to_string()
    };
    world.write("tasks.json", tasks(60));
    let ended = world.run(&["plan", "import", "tasks.json"]).expect(0);
    assert!(ended.stdout.contains("60 steps"), "{}", ended.all());
    let other = World::offline().with_commit();
    other.write("tasks.json", tasks(2000));
    let refused = other.run(&["plan", "import", "tasks.json"]).expect(2);
    let all = refused.all();
    assert!(all.contains("2000 steps; at most 200"), "{all}");
    assert!(all.contains("limits.steps_max"), "{all}");
}
