//! The chain from a requirement to its lines: verified, broken, signed and asked about.

use std::{fs, path::Path, process::Command};

use atelier_testkit::{Dialect, Mode, Script, chain};
use serde_json::Value;

use crate::world::{World, repository};

/// A world in which one or more tiny tasks were built.
fn built(tasks: u32) -> World {
    let fixture = chain(tasks).unwrap();
    let world = World::oracle(&fixture, Dialect::OpenAi)
        .in_folder("one")
        .with_commit();
    world.run(&["build", &fixture.requirement]).expect(0);
    world
}

fn verified(world: &World, args: &[&str]) -> Value {
    let args = [&["--json", "verify"], args].concat();
    world.run(&args).expect(0).json().remove(0)
}

fn link<'a>(chain: &'a Value, name: &str) -> &'a Value {
    let mut links = chain["links"].as_array().unwrap().iter();
    links.find(|link| link["name"] == name).unwrap()
}

#[test]
fn the_whole_chain_of_a_run_is_recomputed() {
    let world = built(2);
    let chain = verified(&world, &[]);
    assert_eq!(
        (&chain["holds"], &chain["complete"]),
        (&true.into(), &true.into())
    );
    for name in [
        "requirement",
        "prompts",
        "replies",
        "evidence",
        "criteria",
        "edits",
        "events",
        "trailers",
        "commits",
        "objects",
    ] {
        assert!(
            link(&chain, name)["checked"].as_u64().unwrap() > 0,
            "{name}"
        );
    }
    let run = chain["run"].as_str().unwrap();
    assert_eq!(verified(&world, &[run]), chain);
    assert_eq!(verified(&world, &["HEAD"]), chain);
    assert_eq!(world.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_clone_without_the_state_says_what_it_cannot_check() {
    let mut world = built(1);
    let clone = world.clone_of("main");
    let folder = clone.to_str().unwrap();
    fs::write(
        clone.join("atelier.toml"),
        "provider = \"openai\"\nmodel = \"none\"\n",
    )
    .unwrap();
    world.server = None;
    let chain = verified(&world, &["-C", folder]);
    assert_eq!(
        (&chain["holds"], &chain["complete"]),
        (&true.into(), &false.into())
    );
    let said = link(&chain, "replies")["unchecked"].as_str().unwrap();
    assert!(said.contains("not here"), "{said}");
    assert!(link(&chain, "commits")["checked"].as_u64().unwrap() > 2);
}

/// Flips one bit of a content of the state, in a copy of its database.
fn flip(world: &World, statement: &str) {
    let database = world.folder().join(".atelier/state.db");
    let script = "import sqlite3, sys\n\
                  base = sqlite3.connect(sys.argv[1])\n\
                  for (name,) in base.execute(\"SELECT name FROM sqlite_schema WHERE type='trigger'\").fetchall():\n    \
                  base.execute(f'DROP TRIGGER {name}')\n\
                  changed = base.execute(sys.argv[2]).rowcount\n\
                  base.commit()\n\
                  assert changed > 0, changed\n";
    let mut python = Command::new("python3");
    let ran = python
        .args(["-c", script])
        .arg(database)
        .arg(statement)
        .status();
    assert!(ran.unwrap().success(), "{statement}");
}

#[track_caller]
fn broken(statement: &str, named: &str) {
    let world = built(1);
    verified(&world, &[]);
    flip(&world, statement);
    world.run(&["verify"]).expect_failure(13, named);
}

#[test]
fn a_changed_reply_is_found() {
    broken(
        "UPDATE blobs SET data = CAST('x' || substr(CAST(data AS TEXT), 2) AS BLOB) WHERE digest IN (SELECT digest FROM replies LIMIT 1)",
        "replies: ",
    );
}

#[test]
fn a_changed_prompt_is_found() {
    broken(
        "UPDATE blobs SET data = CAST('x' || substr(CAST(data AS TEXT), 2) AS BLOB) WHERE digest IN (SELECT prompt FROM asks LIMIT 1)",
        "prompts: ",
    );
}

#[test]
fn changed_evidence_is_found() {
    broken(
        "UPDATE attempts SET evidence = replace(evidence, '\"exit\":0', '\"exit\":7')",
        "evidence: ",
    );
}

#[test]
fn a_changed_criterion_is_found_and_named() {
    let world = built(1);
    verified(&world, &[]);
    flip(
        &world,
        "UPDATE tasks SET acceptance = replace(acceptance, '\"tests_min\":1', '\"tests_min\":0')",
    );
    let ended = world.run(&["verify"]);
    for named in [
        "the plan has other criteria than its task: 1.1/A1",
        "criterion 1.1/A1 is not what the work was graded by",
        "the criteria of 1.1 are not those that were fixed before: 1.1/A1",
    ] {
        assert!(ended.all().contains(named), "{named}: {}", ended.all());
    }
    assert_eq!(ended.code, Some(13));
}

#[test]
fn a_changed_event_is_found() {
    broken(
        "UPDATE events SET body = replace(body, 'design', 'Design') WHERE seq = (SELECT min(seq) FROM events WHERE body LIKE '%design%')",
        "events: ",
    );
}

#[test]
fn a_changed_requirement_is_found() {
    broken(
        "UPDATE requirements SET body = body || '!'",
        "requirement: ",
    );
}

#[test]
fn a_changed_object_of_git_and_a_changed_lock_are_found() {
    let world = built(1);
    let blob = world.git(&["rev-parse", "HEAD:PROGRESS.md"]);
    let path = format!(".git/objects/{}/{}", &blob[..2], &blob[2..]);
    let path = world.folder().join(path);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let writable = Command::new("chmod").arg("+w").arg(&path).status();
    assert!(writable.unwrap().success());
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &bytes).unwrap();
    world.run(&["verify"]).expect_failure(13, "objects: ");
    fs::write(&path, whole).unwrap();

    let lock = world.git(&["show", "HEAD:atelier.lock"]);
    let reply = lock
        .lines()
        .find(|line| line.starts_with("reply = "))
        .unwrap();
    let message = world.git(&["log", "-1", "--format=%B"]);
    world.write("atelier.lock", lock.replace(reply, "reply = \"0\""));
    world.git(&["commit", "-q", "-a", "-m", &message]);
    world
        .run(&["verify", "HEAD"])
        .expect_failure(13, "read the lock");
}

#[test]
fn provenance_is_signed_and_others_verify_it() {
    let world = built(1);
    let folder = world.home.path();
    let (key, file) = (folder.join("key.pem"), folder.join("provenance.json"));
    let (key, file) = (key.to_str().unwrap(), file.to_str().unwrap());
    world
        .run(&["verify", "--provenance", file])
        .expect_failure(3, "no key is set");
    make_key(Path::new(key));
    let setting = format!("provenance_key={key}");
    world
        .run(&["-c", &setting, "verify", "--provenance", file])
        .expect(0);
    let envelope: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(envelope["payloadType"], "application/vnd.in-toto+json");
    let script = repository().join("conformance/provenance.py");
    let commit = world.git(&["rev-parse", "HEAD"]);
    let mut checked = Command::new("python3");
    let checked = checked
        .arg(script)
        .args([key, file, &commit])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&checked.stdout).into_owned()
        + &String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{said}");
    assert!(said.contains("signature holds"), "{said}");
}

/// A fresh key, as OpenSSL makes it.
fn make_key(path: &Path) {
    let mut openssl = Command::new("openssl");
    let made = openssl
        .args(["genpkey", "-algorithm", "ed25519", "-out"])
        .arg(path);
    assert!(made.status().unwrap().success());
}

#[test]
fn lines_tell_their_task_also_after_a_rename_and_people_theirs() {
    let world = built(1);
    let first = "chain/link_001.py";
    world.git(&["mv", first, "chain/renamed.py"]);
    world.git(&["commit", "-q", "-m", "refactor: rename"]);
    let text = fs::read_to_string(world.folder().join("chain/renamed.py")).unwrap();
    world.write("chain/renamed.py", format!("{text}# by hand\n"));
    world.git(&["commit", "-q", "-a", "-m", "docs: by hand"]);
    world.write("chain/renamed.py", format!("{text}# by hand\n# not yet\n"));

    let lines = world
        .run(&["--json", "blame", "chain/renamed.py"])
        .expect(0)
        .json();
    let (one, last) = (&lines[0], &lines[lines.len() - 2..]);
    assert_eq!(one["path_then"], first);
    let author = &one["author"];
    assert_eq!(author["task"], "t1.1");
    assert_eq!(author["model"], "standin-large");
    assert!(author["prompt"].as_str().unwrap().len() == 64, "{author}");
    assert!(
        author["requirement"]
            .as_str()
            .is_some_and(|text| !text.is_empty())
    );
    assert!(author["cost"].is_string());
    assert!(last[0]["author"]["person"].is_string(), "{}", last[0]);
    assert_eq!(last[0]["author"]["run"], Value::Null);
    assert_eq!(last[1]["author"], Value::Null);

    let shown = world.run(&["blame", "chain/renamed.py:1"]).expect(0);
    assert!(shown.stdout.contains("t1.1"), "{}", shown.all());
    assert!(shown.stdout.contains("by standin-large"), "{}", shown.all());
    assert_eq!(
        shown
            .stdout
            .lines()
            .filter(|line| line.contains(" | "))
            .count(),
        1
    );
}

#[test]
fn a_task_says_why_it_ran_and_how_often() {
    let fixture = chain(1).unwrap();
    let script = Script::new(Mode::FailThenFix).with_fixture(fixture.clone());
    let world = World::with(script, Dialect::OpenAi)
        .in_folder("one")
        .with_commit();
    world.run(&["build", &fixture.requirement]).expect(0);
    let why = world
        .run(&["--json", "why", "t1.1"])
        .expect(0)
        .json()
        .remove(0);
    assert_eq!(
        (&why["type"], &why["state"]),
        (&"why.task".into(), &"done".into())
    );
    let attempts = why["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 2, "{why}");
    assert_eq!(attempts[0]["because"], "the task is new in this run");
    let second = attempts[1]["because"].as_str().unwrap();
    assert!(
        second.starts_with("a check of attempt 1 failed: "),
        "{second}"
    );
    let anew = attempts[1]["asked_anew"].as_str().unwrap();
    assert!(anew.contains("the number of messages differs"), "{anew}");
    let shown = world.run(&["why", "1.1"]).expect(0).stdout;
    assert!(
        shown.contains("its work stands verified in commit"),
        "{shown}"
    );
    world
        .run(&["why", "9.9"])
        .expect_failure(2, "find step `9.9`");
}

#[test]
fn state_that_cannot_be_read_is_not_taken_for_none() {
    let world = built(1);
    fs::write(world.folder().join(".atelier/state.db"), "no database").unwrap();
    for name in ["state.db-wal", "state.db-shm"] {
        // What is not there need not be removed.
        let _ = fs::remove_file(world.folder().join(".atelier").join(name));
    }
    for args in [["verify", "HEAD"], ["why", "t1.1"]] {
        let ended = world.run(&args);
        ended.expect_failure(1, "open the project's state");
    }
}

#[test]
fn a_commit_on_the_way_belongs_to_the_chain_of_its_run() {
    let world = built(2);
    let whole = verified(&world, &[]);
    let (run, all) = (
        whole["run"].as_str().unwrap(),
        world.git(&["rev-list", "HEAD~1"]),
    );
    let own = |commit: &&str| {
        world
            .git(&["log", "-1", "--format=%B", commit])
            .contains(run)
    };
    let commits: Vec<&str> = all.lines().filter(own).collect();
    assert!(commits.len() > 2, "{all}");
    for commit in commits {
        let chain = verified(&world, &[commit]);
        assert_eq!(
            (&chain["commit"], &chain["holds"]),
            (&whole["commit"], &true.into())
        );
    }
}

#[test]
fn a_history_that_was_rewritten_is_told() {
    const TOLD: &str = "history was rewritten";
    let world = built(2);
    let made = world.git(&["rev-parse", "HEAD"]);
    let rewritten = |told: &str| {
        world.run(&["verify"]).expect_failure(13, told);
        let clone = world.clone_of("main");
        let folder = clone.to_str().unwrap();
        world
            .run(&["-C", folder, "verify"])
            .expect_failure(13, told);
        world.git(&["reset", "-q", "--hard", &made]);
    };
    world.git(&["commit", "-q", "--amend", "-m", "docs: in my words"]);
    rewritten(TOLD);
    world.git(&["reset", "-q", "--soft", "HEAD~3"]);
    world.git(&["commit", "-q", "-m", "feat: some in one"]);
    rewritten(TOLD);
    world.git(&[
        "reset",
        "-q",
        "--soft",
        &world.git(&["rev-list", "--max-parents=0", "HEAD"]),
    ]);
    world.git(&["commit", "-q", "-m", "feat: all in one"]);
    rewritten(TOLD);
    let lock = world.git(&["show", "HEAD:atelier.lock"]);
    world.write("atelier.lock", format!("{lock}\n# mine\n"));
    world.git(&["commit", "-q", "-a", "-m", "chore: by hand"]);
    rewritten("the lock in HEAD is not the one that the run left");
    world.run(&["verify"]).expect(0);
}

#[test]
fn a_file_and_a_line_that_are_not_there_are_told() {
    let world = built(1);
    let told =
        |named: &str, cause: &str| drop(world.run(&["blame", named]).expect_failure(2, cause));
    told("chain/none.py", "the file `chain/none.py`");
    told("chain", "the file `chain`");
    told("chain/link_001.py:0", "the file `chain/link_001.py:0`");
    told("chain/link_001.py:999", "line 999 of `chain/link_001.py`");
}
