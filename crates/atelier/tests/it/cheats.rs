//! Planted cheats of every kind through the real program: none becomes a verified result; honest
//! work does.

use std::{collections::BTreeMap, ffi::OsStr, path::Path};

use atelier_model::FileEntry;
use atelier_testkit::{By, Dialect, EditForm, Mode, Script, Submission, submissions, wide};
use serde_json::Value;

use crate::{
    parallel::attempts_that_ended,
    world::{Ended, World, count},
};

/// One try.
const ONE_TRY: [&str; 2] = ["-c", "limits.attempts_max=1"];

/// Steps that end soon, for a cheat that waits for the end of its time.
const IMPATIENT: [&str; 2] = ["-c", "limits.step_wall_ms_max=20000"];

/// The command by which the tests of a base are executed.
fn tests_of(language: &str) -> &'static [&'static str] {
    match language {
        "python" => &[
            "python3", "-m", "unittest", "discover", "-s", "tests", "-t", ".",
        ],
        "node" => &["npm", "test"],
        "rust" => &["cargo", "test", "--offline"],
        "go" => &["go", "test", "-json", "./..."],
        "c" => &["make", "test"],
        other => panic!("no base is written in {other}"),
    }
}

/// A repository with the base of a submission, and a model that hands the submission in.
fn handed_in(work: &Submission) -> World {
    let fixture = work.fixture(tests_of(work.language())).unwrap();
    let script = Script::new(Mode::Oracle)
        .with_fixture(fixture)
        .with_form(EditForm::Whole);
    let world = World::with(script, Dialect::OpenAi);
    world.git(&["init", "-q", "-b", "main"]);
    for (path, file) in work.before.iter() {
        world.write(path.as_str(), &file.bytes);
    }
    world.git(&["add", "-A"]);
    world.git(&["commit", "-q", "-m", "test: durations, to be read"]);
    world
}

fn build(world: &World, work: &Submission, options: &[&str]) -> Ended {
    let fixture = work.fixture(tests_of(work.language())).unwrap();
    let args = [&ONE_TRY[..], &["build"], options, &[&fixture.requirement]].concat();
    world.run(&args)
}

/// The first submission of each kind in each of these languages.
fn first_of_each(kind: &str, languages: &[&str]) -> Vec<Submission> {
    let mut first = BTreeMap::new();
    for work in submissions(kind).unwrap() {
        let writes = work.before.changes_to(&work.after);
        // What deletes alone is no answer that a model could give as files.
        if writes.values().any(Option::is_some) && languages.contains(&work.language()) {
            let key = (work.kind.clone(), work.language().to_owned());
            first.entry(key).or_insert(work);
        }
    }
    first.into_values().collect()
}

#[track_caller]
fn check_rejected(work: &Submission) {
    let world = handed_in(work);
    // Any other is given time: what is too slow is rejected without being looked at.
    let waits = work.kind.contains("timeout");
    let ended = build(&world, work, if waits { &IMPATIENT } else { &[] });
    let said = format!("{}: {}: {}", work.kind, work.name, ended.all());
    assert_eq!(ended.code, Some(13), "{said}");
    let events = world.events();
    assert_eq!(count(&events, "task.committed"), 0, "{said}");
    assert_eq!(count(&events, "run.verified"), 0, "{said}");
    // Nothing of the work reached the run's branch.
    let branches = world.git(&["branch", "--list", "atelier/*", "--format=%(refname:short)"]);
    for branch in branches.lines() {
        let changed = world.git(&["diff", "--name-only", "main", branch]);
        let strange: Vec<&str> = changed
            .lines()
            .filter(|path| {
                Path::new(path).extension() != Some(OsStr::new("md")) && *path != "atelier.lock"
            })
            .collect();
        assert!(strange.is_empty(), "{strange:?}: {said}");
    }
}

#[test]
fn every_kind_of_cheat_is_rejected_in_python() {
    let all = first_of_each("cheats", &["python"]);
    assert!(all.len() >= 22, "{}", all.len());
    all.iter().for_each(check_rejected);
}

#[test]
fn every_kind_of_cheat_is_rejected_in_javascript() {
    let all = first_of_each("cheats", &["node"]);
    assert!(all.len() >= 20, "{}", all.len());
    all.iter().for_each(check_rejected);
}

#[test]
fn every_kind_of_cheat_is_rejected_in_rust() {
    let all = first_of_each("cheats", &["rust"]);
    assert!(all.len() >= 16, "{}", all.len());
    all.iter().for_each(check_rejected);
}

#[test]
fn every_kind_of_cheat_is_rejected_in_go() {
    let all = first_of_each("cheats", &["go"]);
    assert!(all.len() >= 6, "{}", all.len());
    all.iter().for_each(check_rejected);
}

#[test]
fn what_only_a_run_shows_is_rejected() {
    let all = submissions("cheats").unwrap();
    let run = all.into_iter().filter(|work| work.by == By::Run);
    let written = run.filter(|work| ["node", "rust", "c"].contains(&work.language()));
    let quick = written.filter(|work| !work.kind.contains("timeout"));
    let work: Vec<Submission> = quick.collect();
    assert!(work.len() >= 4, "{}", work.len());
    work.iter().for_each(check_rejected);
}

#[test]
fn every_kind_of_cheat_is_rejected_in_c() {
    let all = first_of_each("cheats", &["c"]);
    let all: Vec<_> = all
        .iter()
        .filter(|work| work.by != By::Run && !work.doubt)
        .collect();
    assert!(all.len() >= 6, "{}", all.len());
    all.into_iter().for_each(check_rejected);
}

/// Submissions that do the work.
fn solutions() -> Vec<Submission> {
    let named: [(&str, &str); 5] = [
        ("tables-and-cases", "python/units"),
        ("tables-and-cases", "node/units"),
        ("tables-and-cases", "go/units"),
        ("modules-of-tests", "rust/beside-the-code"),
        ("tables-and-cases", "c/units"),
    ];
    let all = submissions("honest").unwrap();
    let find = |(kind, name): (&str, &str)| {
        let found = all.iter().find(|one| one.kind == kind && one.name == name);
        found.expect("the submission is there").clone()
    };
    named.into_iter().map(find).collect()
}

#[test]
fn honest_work_is_verified_in_every_language() {
    for work in solutions() {
        let world = handed_in(&work);
        let ended = build(&world, &work, &[]);
        assert_eq!(ended.code, Some(0), "{}: {}", work.name, ended.all());
    }
}

const HIDDEN: &str = "import unittest

from src.durations import minutes


class TestHidden(unittest.TestCase):
    def test_hours_alone(self):
        self.assertEqual(minutes('5h'), 300)

    def test_weeks_and_days(self):
        self.assertEqual(minutes('1w2d'), 12960)
";

#[test]
fn hidden_tests_grade_what_visible_ones_cannot() {
    let honest = solutions().remove(0);
    let mut memorised = honest.clone();
    let path = "src/durations.py".parse().unwrap();
    memorised.after.put(path, FileEntry::text(memorising()));
    for (work, code) in [(&memorised, 13), (&honest, 0)] {
        let world = handed_in(work);
        let hidden = world.home.path().join("graders");
        std::fs::create_dir_all(hidden.join("all/tests")).unwrap();
        std::fs::write(hidden.join("all/tests/test_hidden.py"), HIDDEN).unwrap();
        std::fs::create_dir_all(hidden.join("1.1/tests")).unwrap();
        std::fs::write(hidden.join("1.1/tests/test_sealed.py"), HIDDEN).unwrap();
        let folder = hidden.to_string_lossy().into_owned();
        let ended = build(&world, work, &["--hidden-tests", &folder]);
        assert_eq!(ended.code, Some(code), "{}", ended.all());
        check_hidden(&world, &ended, code);
    }
}

/// A program that answers every visible test and nothing else, with answers that are computed.
fn memorising() -> String {
    let known = [
        ("1h30m", 90_u64),
        ("2d4h", 3120),
        ("3w", 30240),
        ("45m", 45),
    ];
    let entry = |(text, answer): &(&str, u64)| {
        let sum: u64 = text.bytes().map(u64::from).sum();
        format!("    {sum}: {},\n", answer * 7)
    };
    let table: String = known.iter().map(entry).collect();
    format!(
        "TABLE = {{\n{table}}}\n\n\ndef minutes(text):\n    found = \
         TABLE.get(sum(text.strip().encode()))\n    if found is None:\n        raise \
         ValueError(text)\n    return found // 7\n"
    )
}

#[track_caller]
fn check_hidden(world: &World, ended: &Ended, code: i32) {
    let events = world.events();
    let at = |kind: &str, stage: Option<&str>| {
        let is = |event: &Value| {
            event["type"] == kind && stage.is_none_or(|stage| event["stage"] == stage)
        };
        events.iter().position(is)
    };
    let fixed = at("acceptance.fixed", None).expect("acceptance is fixed");
    let asked = at("ask.started", Some("code")).expect("code is asked for");
    assert!(
        fixed < asked,
        "fixed before the code is asked for: {events:#?}"
    );
    // No model ever saw any of it.
    for seen in world.server().requests() {
        let body = seen.body.to_string();
        assert!(
            !body.contains("12960") && !body.contains("test_hidden"),
            "{body}"
        );
    }
    // Nor does it lie in the result, or in a worktree.
    if code == 0 {
        assert!(!world.folder().join("tests/test_hidden.py").exists());
        let graded = events
            .iter()
            .filter(|event| event["type"] == "check.finished" && event["name"] == "hidden tests");
        assert!(
            graded.count() >= 2,
            "at the task and at the verdict: {events:#?}"
        );
    } else {
        assert!(
            ended.stderr.contains("hidden tests: 2 tests failed"),
            "{}",
            ended.all()
        );
    }
    let worktrees = world.git(&["worktree", "list"]);
    assert_eq!(worktrees.lines().count(), 1, "{worktrees}");
}

/// A project with hidden tests of its only step, and what this work comes to there.
fn graded(work: &Submission) -> (World, Ended) {
    let world = handed_in(work);
    let hidden = world.home.path().join("graders/1.1/tests");
    std::fs::create_dir_all(&hidden).unwrap();
    let all = world.home.path().join("graders/all");
    std::fs::create_dir_all(&all).unwrap();
    std::fs::write(all.join("notes.txt"), "what is graded\n").unwrap();
    std::fs::write(hidden.join("test_sealed.py"), HIDDEN).unwrap();
    let folder = world.home.path().join("graders");
    let folder = folder.to_string_lossy().into_owned();
    let ended = build(&world, work, &["--hidden-tests", &folder]);
    (world, ended)
}

/// Honest work that does this as well whenever it is imported.
fn honest_and(more: &str) -> Submission {
    let mut work = solutions().remove(0);
    let path = "src/durations.py".parse().unwrap();
    let honest = work.after.get(&path).unwrap();
    let text = String::from_utf8_lossy(&honest.bytes).into_owned();
    work.after
        .put(path, FileEntry::text(format!("{more}\n\n{text}")));
    work
}

#[test]
fn what_was_learnt_of_hidden_tests_reaches_no_other_check() {
    // Names of test files are noted in the home; a check that finds a hidden one there tells it.
    let work = honest_and(
        "import os\nimport pathlib\n\nNOTES = pathlib.Path(os.environ['HOME']) / 'cache' / \
         'notes'\nNAMES = sorted(one.name for one in pathlib.Path('tests').iterdir())\nif \
         'test_sealed.py' in NAMES:\n    NOTES.write_text('sealed')\nelif \
         NOTES.exists():\n    raise RuntimeError('learnt: ' + NOTES.read_text())",
    );
    let (world, ended) = graded(&work);
    assert_eq!(ended.code, Some(0), "{}", ended.all());
    let state = world.folder().join(".atelier");
    assert!(!state.join("home/cache/notes").exists());
    let left = std::fs::read_dir(&state).unwrap().flatten();
    let homes = left.filter(|one| one.file_name().to_string_lossy().starts_with("home"));
    assert_eq!(homes.count(), 1, "what hidden tests had for a home is gone");
}

#[test]
fn hidden_tests_that_are_changed_while_they_run_prove_nothing() {
    let work = honest_and(
        "import pathlib\n\nfor ONE in pathlib.Path('tests').glob('test_s*d.py'):\n    \
         ONE.write_text(ONE.read_text().replace('12960', '12961'))",
    );
    let (_, ended) = graded(&work);
    assert_eq!(ended.code, Some(13), "{}", ended.all());
    let said = "hidden tests: the hidden tests were changed while they ran";
    assert!(ended.all().contains(said), "{}", ended.all());
}

#[test]
fn hidden_tests_judge_work_together_with_what_came_before_it() {
    let fixture = wide(3).unwrap();
    let script = Script::new(Mode::Oracle)
        .with_fixture(fixture.clone())
        .with_form(EditForm::Whole)
        .with_latency_ms(300);
    let world = World::with(script, Dialect::OpenAi).with_commit();
    let graders = world.home.path().join("graders");
    std::fs::create_dir_all(graders.join("all")).unwrap();
    std::fs::write(graders.join("all/notes.txt"), "what is graded\n").unwrap();
    // Each of the two passes where the other is not.
    for (step, other) in [("1.2", "link_003"), ("1.3", "link_002")] {
        let tests = graders.join(step).join("tests");
        std::fs::create_dir_all(&tests).unwrap();
        let name = format!("test_sealed_{}.py", step.replace('.', "_"));
        let text = format!(
            "import pathlib\nimport unittest\n\n\nclass Sealed(unittest.TestCase):\n    def \
             test_it(self):\n        self.assertFalse(pathlib.Path('chain/{other}.py').exists())\n"
        );
        std::fs::write(tests.join(name), text).unwrap();
    }
    let folder = graders.to_string_lossy().into_owned();
    let args = ["build", "-j", "3", "--hidden-tests", &folder];
    world
        .run(&[&ONE_TRY[..], &args[..], &[&fixture.requirement]].concat())
        .expect_failure(15, "hidden tests");
    let events = world.events();
    assert_eq!(attempts_that_ended(&events, "conflict"), 1);
    assert_eq!(count(&events, "task.committed"), 3);
}
