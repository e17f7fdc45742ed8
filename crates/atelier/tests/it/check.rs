//! `atelier check`, `steps` and `why` over real projects: what is executed, what is not, and why.

use std::fs;

use serde_json::{Value, json};

use crate::world::World;

/// A program in C with a test, both by its makefile.
fn program() -> World {
    let world = World::offline();
    world.write(
        "Makefile",
        "app: main.c\n\tcc -o app main.c\ntest: app\n\t./app && echo 1..1 && echo ok 1 - runs\n",
    );
    world.write("main.c", "int main(void) { return 0; }\n");
    world
}

/// Steps of a file: `up` makes a text of another in capitals, `twice` repeats what `up` made.
fn texts(world: &World) {
    world.write("in.txt", "a\n");
    let steps = json!([
        { "name": "up", "shell": "tr a-z A-Z < in.txt > up.txt", "inputs": ["in.txt"],
          "outputs": ["up.txt"] },
        { "name": "twice", "shell": "cat up.txt up.txt > twice.txt", "inputs": ["up.txt"],
          "outputs": ["twice.txt"] },
    ]);
    world.write("steps.json", steps.to_string());
}

/// What became of each step, by its name.
fn check(world: &World, args: &[&str], code: i32) -> Vec<(String, String)> {
    let all = [&["check", "--json"], args].concat();
    let lines = world.run(&all).expect(code).json();
    let over = lines.iter().filter(|line| line["type"] == "step_over");
    let mut steps: Vec<_> = over
        .map(|line| {
            let text = |name: &str| line["step"][name].as_str().unwrap().to_owned();
            (text("step"), text("verdict"))
        })
        .collect();
    steps.sort();
    steps
}

fn became(list: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(step, verdict): &(&str, &str)| ((*step).to_owned(), (*verdict).to_owned());
    list.iter().map(owned).collect()
}

const FILE: [&str; 2] = ["--steps", "steps.json"];

#[test]
fn a_program_is_built_and_tested_once() {
    let world = program();
    let ran = became(&[("build", "succeeded"), ("test", "succeeded")]);
    assert_eq!(check(&world, &[], 0), ran);
    let still = became(&[("build", "cut_off"), ("test", "cut_off")]);
    assert_eq!(check(&world, &[], 0), still);
    world.write("main.c", "int main(void) { return 1; }\n");
    let failed = became(&[("build", "succeeded"), ("test", "failed")]);
    assert_eq!(check(&world, &[], 13), failed);
    let again = became(&[("build", "cut_off"), ("test", "failed")]);
    assert_eq!(
        check(&world, &[], 13),
        again,
        "a failure is never used again"
    );
    world.write("main.c", "int main(void) { return 0; }\n");
    assert_eq!(check(&world, &[], 0), still, "as it was before");
}

#[test]
fn the_answer_for_people_counts_steps_and_tests() {
    let world = program();
    let first = world.run(&["check"]).expect(0);
    assert!(
        first.stdout.starts_with("2 steps: 2 ran in "),
        "{}",
        first.all()
    );
    assert!(first.stdout.contains(", 1 test"), "{}", first.all());
    let second = world.run(&["check", "--explain"]).expect(0);
    assert!(
        second.stdout.starts_with("2 steps: 2 unchanged in "),
        "{}",
        second.all()
    );
    assert!(
        second.all().contains("nothing has changed since"),
        "{}",
        second.all()
    );
}

#[test]
fn outputs_of_before_are_brought_back_and_work_stops_where_nothing_changes() {
    let world = World::offline();
    texts(&world);
    let ran = became(&[("twice", "succeeded"), ("up", "succeeded")]);
    assert_eq!(check(&world, &FILE, 0), ran);
    world.write("in.txt", "A\n");
    let cut = became(&[("twice", "cut_off"), ("up", "succeeded")]);
    assert_eq!(
        check(&world, &FILE, 0),
        cut,
        "`A` in capitals is what `a` is"
    );
    world.write("in.txt", "b\n");
    assert_eq!(check(&world, &FILE, 0), ran);
    world.write("in.txt", "a\n");
    let restored = became(&[("twice", "restored"), ("up", "restored")]);
    assert_eq!(check(&world, &FILE, 0), restored);
    let made = fs::read_to_string(world.folder().join("twice.txt")).unwrap();
    assert_eq!(made, "A\nA\n");
    fs::remove_file(world.folder().join("twice.txt")).unwrap();
    let one = became(&[("twice", "restored"), ("up", "cut_off")]);
    assert_eq!(check(&world, &FILE, 0), one);
}

#[test]
fn why_says_what_differs_and_what_was_the_last_time() {
    let world = World::offline();
    texts(&world);
    let why = |step: &str| world.run(&["why", step, FILE[0], FILE[1]]).expect(0).stdout;
    assert_eq!(
        why("up"),
        "up: would be executed, because it was never run before\n"
    );
    check(&world, &FILE, 0);
    assert!(
        why("up").starts_with("up: nothing has changed since"),
        "{}",
        why("up")
    );
    assert!(
        why("up").contains("because: it was never run before"),
        "{}",
        why("up")
    );
    world.write("in.txt", "c\n");
    let line = "up: would be executed, because input `in.txt` changed";
    assert!(why("up").starts_with(line), "{}", why("up"));
    check(&world, &FILE, 0);
    fs::remove_file(world.folder().join("up.txt")).unwrap();
    assert!(why("up").contains("not standing: up.txt"), "{}", why("up"));
    let unknown = world.run(&["why", "down", FILE[0], FILE[1]]);
    unknown.expect_failure(2, "find step `down`; there are up, twice");
}

#[test]
fn a_persons_words_on_a_step_come_before_those_of_its_recipe() {
    let world = program();
    world.write(
        "atelier.toml",
        "[steps.test]\nshell = \"echo 1..2; echo ok 1; echo ok 2\"\n\
         [steps.greet]\nargv = [\"echo\", \"hello\"]\nkind = \"build\"\n",
    );
    let lines = world.run(&["steps", "--json"]).expect(0).json();
    let origin = |name: &str| {
        let found = lines.iter().find(|line| line["step"]["name"] == name);
        found.unwrap()["origin"].as_str().unwrap().to_owned()
    };
    assert_eq!(origin("build"), "make");
    assert_eq!(origin("test"), "make, own");
    assert_eq!(origin("greet"), "own");
    let ended = world.run(&["check", "--json"]).expect(0).json();
    let test = ended
        .iter()
        .find(|line| line["step"]["step"] == "test")
        .unwrap();
    assert_eq!(test["step"]["tests"]["passed"], 2);

    world.write("atelier.toml", "[steps.test]\nretries = 99\n");
    let wrong = world.run(&["check"]);
    wrong.expect_failure(3, "`retries` is `99`, but must be at most 10");
}

#[test]
fn steps_are_chosen_by_name_and_kind_with_what_they_need() {
    let world = World::offline();
    texts(&world);
    let only = |name: &str| {
        let steps = check(&world, &[FILE[0], FILE[1], "--force", "--only", name], 0);
        steps.into_iter().map(|(step, _)| step).collect::<Vec<_>>()
    };
    assert_eq!(only("up"), ["up"]);
    assert_eq!(only("twice"), ["twice", "up"]);
    assert_eq!(only("build"), ["twice", "up"]);
    let wrong = world.run(&["check", "--steps", "steps.json", "--only", "down"]);
    wrong.expect_failure(2, "find step `down`: the steps are up, twice");
}

#[test]
fn only_what_a_change_concerns_is_looked_at() {
    let world = World::offline();
    let steps = json!([
        { "name": "a", "argv": ["true"], "inputs": ["a.txt"] },
        { "name": "b", "argv": ["true"], "inputs": ["b.txt"] },
        { "name": "c", "argv": ["true"], "inputs": ["c/**"], "depends_on": ["b"] },
    ]);
    world.write("steps.json", steps.to_string());
    let world = world.with_commit();
    let affected = || {
        let steps = check(&world, &[FILE[0], FILE[1], "--affected", "HEAD"], 0);
        steps.into_iter().map(|(step, _)| step).collect::<Vec<_>>()
    };
    assert!(affected().is_empty());
    world.write("a.txt", "a");
    assert_eq!(affected(), ["a"]);
    world.write("c/new", "c");
    assert_eq!(affected(), ["a", "b", "c"], "with what it depends on");
    let wrong = world.run(&["check", "--affected", "--help-me"]);
    wrong.expect(2);
    let wrong = world.run(&["check", FILE[0], FILE[1], "--affected=nowhere"]);
    wrong.expect_failure(2, "find the commit `nowhere`");
}

#[test]
fn what_a_removed_step_made_goes_with_it() {
    let world = World::offline();
    texts(&world);
    check(&world, &FILE, 0);
    let text = fs::read_to_string(world.folder().join("steps.json")).unwrap();
    let mut steps: Vec<Value> = serde_json::from_str(&text).unwrap();
    steps.pop();
    world.write("steps.json", json!(steps).to_string());
    assert_eq!(check(&world, &FILE, 0), became(&[("up", "cut_off")]));
    assert!(!world.folder().join("twice.txt").exists());
    assert!(world.folder().join("up.txt").exists());
}

#[test]
fn what_git_keeps_is_nothing_that_a_step_makes() {
    let world = World::offline().with_commit();
    world.write("src/a.txt", "by hand\n");
    world.git(&["add", "src/a.txt"]);
    let steps =
        json!([{ "name": "make", "shell": "echo made > src/a.txt", "outputs": ["src/**"] }]);
    world.write("steps.json", steps.to_string());
    let refused = world.run(&["check", "--steps", "steps.json"]);
    refused.expect_failure(3, "git keeps it");
    let kept = fs::read_to_string(world.folder().join("src/a.txt")).unwrap();
    assert_eq!(kept, "by hand\n");
}

#[test]
fn no_step_can_say_what_another_has_made() {
    let world = World::offline();
    texts(&world);
    check(&world, &FILE, 0);
    let id = fs::read_to_string(world.folder().join(".atelier/checks")).unwrap();
    let data = world.home.path().join(".local/share/atelier/checks");
    let records = data.join(id).join("v1/records");
    let before = fs::read(&records).unwrap();
    let shell = format!("echo forged >> '{}'", records.display());
    for level in ["light", "strong"] {
        let steps = json!([{ "name": "forge", "shell": shell, "sandbox": level }]);
        world.write("forge.json", steps.to_string());
        let refused = world.run(&["check", "--only", "forge", "--steps", "forge.json"]);
        assert_eq!(refused.code, Some(13), "{}", refused.all());
    }
    let after = fs::read(&records).unwrap();
    assert!(after.starts_with(&before));
    assert!(!after.windows(6).any(|part| part == b"forged"));
}

#[test]
fn a_failure_stops_the_others_or_not_as_it_is_asked_for() {
    let world = World::offline();
    let steps = json!([
        { "name": "bad", "argv": ["false"], "inputs": ["x"] },
        { "name": "after", "argv": ["true"], "inputs": ["x"], "depends_on": ["bad"] },
        { "name": "slow", "shell": "sleep 30", "inputs": ["x"] },
        { "name": "good", "argv": ["true"], "inputs": ["y"], "cpu": 4096 },
    ]);
    world.write("steps.json", steps.to_string());
    let stopped = check(&world, &[FILE[0], FILE[1], "-j", "2"], 13);
    let verdict = |steps: &[(String, String)], name: &str| {
        let found = steps.iter().find(|(step, _)| step == name);
        found.unwrap().1.clone()
    };
    assert_eq!(verdict(&stopped, "bad"), "failed");
    assert_eq!(verdict(&stopped, "after"), "not_reached");
    assert_eq!(verdict(&stopped, "slow"), "cancelled");
    let only = ["--only", "after,good", "--keep-going"];
    let gone_on = check(&world, &[&FILE[..], &only[..]].concat(), 13);
    assert_eq!(verdict(&gone_on, "good"), "succeeded");
}

#[test]
fn an_installation_is_made_anew_when_what_shows_it_is_gone() {
    let world = World::offline();
    world.write("lock", "1");
    let install = "mkdir -p modules && cp lock modules/.mark && date +%N > modules/big";
    let steps = json!([
        { "name": "install", "kind": "install", "shell": install, "inputs": ["lock"],
          "marks": ["modules/.mark"] },
        { "name": "use", "argv": ["cat", "modules/big"], "inputs": ["lock"],
          "depends_on": ["install"] },
    ]);
    world.write("steps.json", steps.to_string());
    let ran = became(&[("install", "succeeded"), ("use", "succeeded")]);
    let still = became(&[("install", "cut_off"), ("use", "cut_off")]);
    assert_eq!(check(&world, &FILE, 0), ran);
    assert_eq!(check(&world, &FILE, 0), still);
    fs::remove_dir_all(world.folder().join("modules")).unwrap();
    assert_eq!(
        check(&world, &FILE, 0),
        ran,
        "it is another one, of the same"
    );
    assert_eq!(check(&world, &FILE, 0), still);
}

#[test]
fn variables_from_outside_are_handed_on_by_name_and_never_told() {
    let world = World::offline();
    let steps = json!([
        { "name": "a", "shell": "test \"$WORD\" = \"$(cat word)\"", "inputs": ["word"],
          "env_pass": ["WORD"] },
    ]);
    world.write("steps.json", steps.to_string());
    world.write("word", "s3cret\n");
    let run = |word: &str| {
        let mut command = world.command(&["check", FILE[0], FILE[1], "--explain"]);
        command.env("WORD", word).env("OTHER", "x");
        crate::world::end(command)
    };
    run("s3cret").expect(0);
    let second = run("other").expect(13);
    let line = "environment `WORD` was `hidden`, is `hidden`";
    assert!(!second.all().contains("s3cret"), "{}", second.all());
    let why = world.run(&["why", "a", FILE[0], FILE[1]]).expect(0);
    assert!(why.stdout.contains(line), "{}", why.all());
}

#[test]
fn a_missing_program_needs_a_person() {
    let world = World::offline();
    let tools = json!([{ "program": "no-such-tool", "hint": "install it from its page" }]);
    let steps = json!([{ "name": "a", "argv": ["no-such-tool"], "inputs": ["x"], "tools": tools }]);
    world.write("steps.json", steps.to_string());
    let ended = world.run(&["check", FILE[0], FILE[1]]).expect(10);
    assert!(
        ended.all().contains("install it from its page"),
        "{}",
        ended.all()
    );
}

#[test]
fn reports_are_written_where_they_are_asked_for() {
    let world = program();
    let files = ["junit.xml", "page.html", "trace.json"];
    world
        .run(&[
            "check", "--junit", files[0], "--html", files[1], "--trace", files[2],
        ])
        .expect(0);
    let text = |name: &str| fs::read_to_string(world.folder().join(name)).unwrap();
    assert!(text(files[0]).contains("<testsuite"), "{}", text(files[0]));
    assert!(text(files[1]).contains("build"), "{}", text(files[1]));
    let trace: Value = serde_json::from_str(&text(files[2])).unwrap();
    assert_eq!(trace["traceEvents"].as_array().unwrap().len(), 3);
}

#[test]
fn a_version_that_a_file_wants_is_shown_and_one_that_contradicts_it_is_told() {
    let world = World::offline();
    world.write("calc.py", "def one():\n    return 1\n");
    world.write(
        "test_calc.py",
        "import unittest\nimport calc\n\nclass T(unittest.TestCase):\n    def test_one(self):\n        \
         self.assertEqual(calc.one(), 1)\n",
    );
    world.write(".python-version", "2.6\n");
    let steps = world.run(&["steps", "--json"]).expect(0).json();
    let test = steps.iter().find(|line| line["step"]["name"] == "test");
    let wants = json!([{ "program": "python3", "version": "2.6", "file": ".python-version" }]);
    assert_eq!(test.unwrap()["wants"], wants);
    assert!(
        world
            .run(&["steps"])
            .expect(0)
            .stdout
            .contains("python3 2.6 (.python-version)")
    );

    let told = |args: &[&str]| {
        let lines = world.run(args).expect(0).json();
        let told = lines
            .into_iter()
            .filter(|line| line["type"] == "version_mismatch");
        told.collect::<Vec<Value>>()
    };
    let first = told(&["check", "--json"]);
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!(first[0]["wanted"], "2.6");
    assert!(first[0]["found"].as_str().unwrap().starts_with("Python 3."));
    // Nothing is executed, so nothing is executed by the wrong version.
    assert_eq!(told(&["check", "--json"]), Vec::<Value>::new());
    world.write(".python-version", "3\n");
    assert_eq!(told(&["check", "--json"]), Vec::<Value>::new());
}

#[test]
fn a_failed_test_is_told_with_its_place_in_the_project() {
    let world = World::offline();
    world.write("package.json", r#"{"scripts": {"test": "node --test"}}"#);
    world.write(
        "test/sums.test.js",
        concat!(
            "const test = require('node:test');\n",
            "test('adds', () => {});\n",
            "test('carries # over', () => { throw new Error('lost one'); });\n",
        ),
    );
    let lines = world.run(&["check", "--json"]).expect(13).json();
    let over = lines
        .iter()
        .find(|line| line["type"] == "step_over")
        .unwrap();
    let tests = &over["step"]["tests"];
    assert_eq!((&tests["passed"], &tests["failed"]), (&json!(1), &json!(1)));
    let failure = json!({
        "name": "carries # over", "place": "test/sums.test.js:3", "message": "lost one",
    });
    assert_eq!(tests["failures"], json!([failure]));
}
