//! `atelier audit`: what is on record of a run and of other programs' requests, and that every
//! change to it is found, by this program and by one in another language.

use std::{
    cell::RefCell,
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use atelier_model::{Checkpoint, Standing, check_export};
use atelier_store::AuditTrust;
use atelier_testkit::{Answer, Dialect, Mode, Script, chain};
use serde_json::{Value, json};

use crate::{
    gateway::Gateway,
    world::{KEY, World, repository},
};

/// Exports that are tampered with, and how many the other program is given at once.
const TAMPERINGS: u64 = 2_000;
const AT_ONCE: usize = 250;

/// A project that was built, and what was asked for in it.
fn built() -> (World, String) {
    let fixture = chain(2).unwrap();
    let world = World::oracle(&fixture, Dialect::OpenAi);
    world.run(&["build", &fixture.requirement]).expect(0);
    (world, fixture.requirement)
}

fn shown(world: &World, filter: &[&str]) -> Vec<Value> {
    let args = [&["--json", "audit", "show", "--last", "10000"], filter].concat();
    world.run(&args).expect(0).json()
}

fn kinds(entries: &[Value]) -> Vec<&str> {
    entries
        .iter()
        .map(|entry| entry["type"].as_str().unwrap())
        .collect()
}

/// The log as a file outside the project.
fn exported(world: &World) -> PathBuf {
    let path = world.home.path().join("export.jsonl");
    let named = path.to_string_lossy().into_owned();
    world.run(&["audit", "export", "--to", &named]).expect(0);
    path
}

/// Where the user's copies of checkpoints lie.
fn copies(world: &World) -> Vec<PathBuf> {
    let folder = world.home.path().join(".local/share/atelier/audit/copies");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect()
}

/// Chance that is the same every time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % end
    }
}

#[test]
fn every_call_of_a_run_is_on_record_and_no_text_is() {
    let (world, requirement) = built();
    let asks = world.server().request_count();
    let events = world.events();
    assert_eq!(shown(&world, &["--kind", "ask.finished"]).len(), asks);
    let all = shown(&world, &[]);
    assert_eq!(all.last().unwrap()["type"], "run.finished");
    for (entry, seq) in all.iter().zip(1..) {
        assert_eq!(entry["seq"], seq);
        // Facts that the store's own events do not say stand alone.
        let is_linked = events
            .iter()
            .any(|event| event["seq"] == entry["event"]["seq"]);
        assert_eq!(is_linked, entry["type"] != "key.used", "{entry}");
    }
    let spent: u64 = all
        .iter()
        .filter_map(|entry| {
            entry["fact"]["cost"]
                .as_u64()
                .filter(|_| entry["type"] == "ask.finished")
        })
        .sum();
    assert_eq!(all.last().unwrap()["fact"]["cost"], spent);

    let run = all[0]["run"].as_str().unwrap();
    assert_eq!(shown(&world, &["--run", &run[..12]]).len(), all.len());
    assert!(shown(&world, &["--run", "zzz"]).is_empty());
    let at = all[3]["at"].as_str().unwrap();
    let (before, after) = (
        shown(&world, &["--until", at]).len(),
        shown(&world, &["--since", at]).len(),
    );
    assert!(after > 0 && before + after == all.len(), "{before} {after}");
    let newest = world.run(&["--json", "audit", "show", "--last", "2"]);
    assert_eq!(newest.expect(0).json(), all[all.len() - 2..]);
    world
        .run(&["audit", "show", "--since", "yesterday"])
        .expect(2);

    let text = fs::read_to_string(exported(&world)).unwrap();
    let words = requirement.split_whitespace().collect::<Vec<_>>();
    assert!(!text.contains(KEY) && !text.contains(&words[..4].join(" ")));
}

#[test]
fn a_log_as_it_was_written_is_intact_and_every_entry_is_proved() {
    let (world, _) = built();
    let ended = world.run(&["audit", "verify"]).expect(0);
    assert!(ended.stdout.starts_with("intact: "), "{}", ended.all());
    let told = world.run(&["--json", "audit", "verify"]).expect(0).json();
    assert_eq!((told.len(), &told[0]["intact"]), (1, &json!(true)));
    assert_eq!(told[0]["copies"], 1);
    let entries = told[0]["entries"].as_u64().unwrap();
    for seq in [1, 2, entries] {
        let seq = seq.to_string();
        let proof = world
            .run(&["audit", "show", "--proof", &seq])
            .expect(0)
            .json();
        assert_eq!(proof[0]["holds"], true);
        assert_eq!(proof[0]["checkpoint"]["root"], told[0]["root"]);
        let growth = world
            .run(&["audit", "show", "--growth", &seq])
            .expect(0)
            .json();
        assert_eq!(growth[0]["holds"], true);
    }
    let beyond = (entries + 1).to_string();
    let none = world.run(&["audit", "show", "--proof", &beyond]);
    none.expect_failure(2, &format!("there are 1 to {entries}"));
    // Outside of any project there is a log of the user's own, which is empty.
    World::offline().run(&["audit", "verify"]).expect(0);
}

#[test]
fn a_changed_byte_of_the_state_is_found_and_located() {
    let (world, _) = built();
    let all = shown(&world, &["--kind", "ask.started"]);
    let (seq, ask) = (&all[2]["seq"], all[2]["fact"]["ask"].as_str().unwrap());
    let state = world.folder().join(".atelier/state.db");
    let tampering = format!(
        "import sqlite3, sys\n\
         state = sqlite3.connect(sys.argv[1])\n\
         state.execute('DROP TRIGGER audit_entries_no_update')\n\
         state.execute(\"UPDATE audit_entries SET body = replace(body, '{ask}', 'x') WHERE seq = {seq}\")\n\
         state.commit()\n"
    );
    let mut python = std::process::Command::new("python3");
    let done = python
        .arg("-c")
        .arg(tampering)
        .arg(&state)
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    let cause = format!("verify the audit log: entry {seq} was changed");
    world.run(&["audit", "verify"]).expect_failure(13, &cause);
    let told = world.run(&["--json", "audit", "verify"]).json();
    assert_eq!((&told[0]["first"], &told[0]["last"]), (seq, seq));
}

#[test]
fn a_state_put_back_to_an_older_one_is_found() {
    let (world, requirement) = built();
    let (state, kept) = (
        world.folder().join(".atelier"),
        world.home.path().join("kept"),
    );
    copy(&state, &kept);
    let entries = shown(&world, &[]).len();
    world.run(&["build", &format!("{requirement} And a help page.")]);
    let more = shown(&world, &[]).len();
    assert!(more > entries);
    fs::remove_dir_all(&state).unwrap();
    copy(&kept, &state);
    let cause = format!("entries {} to {more} were cut off", entries + 1);
    world.run(&["audit", "verify"]).expect_failure(13, &cause);
    // A state that is gone altogether is missed, too.
    fs::remove_dir_all(&state).unwrap();
    world.run(&["build", &requirement]).expect(0);
    let cause = format!("a log of {more} entries is gone");
    let ended = world.run(&["audit", "verify"]).expect_failure(13, &cause);
    assert!(ended.line("hint: ").contains("remove"), "{}", ended.all());
}

#[test]
fn commits_know_how_far_the_log_was() {
    let (world, _) = built();
    let message = world.git(&["log", "-1", "--format=%B"]);
    let said = message
        .lines()
        .find_map(|line| line.strip_prefix("Atelier-Audit: "));
    let size: u64 = said.unwrap().split(' ').next().unwrap().parse().unwrap();
    let state = world.folder().join(".atelier");
    let entries = shown(&world, &[]).len() as u64;
    assert!((1..entries).contains(&size), "{message}");
    // Whoever cuts off the log, and knows of the copy, too.
    let mut python = std::process::Command::new("python3");
    let database = state.join("state.db");
    let done = python.arg("-c").arg(CUT).arg(database).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    fs::remove_file(&copies(&world)[0]).unwrap();
    let cause = format!("entries 2 to {size} were cut off");
    world.run(&["audit", "verify"]).expect_failure(13, &cause);
}

/// Leaves the first entry of a log, which is signed alone, and no trace of the others in the state.
const CUT: &str = "
import sqlite3, sys
state = sqlite3.connect(sys.argv[1])
for name in ['entries_no_delete', 'checkpoints_no_delete', 'head_forward']:
    state.execute('DROP TRIGGER audit_' + name)
state.execute('DELETE FROM audit_entries WHERE seq > 1')
state.execute('DELETE FROM audit_checkpoints WHERE size > 1')
leaf = 'SELECT leaf FROM audit_entries'
state.execute('UPDATE audit_head SET size = 1, peaks = (' + leaf + '), signed = 1')
state.commit()
";

/// Copies the files of a folder.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[test]
fn requests_of_other_programs_are_on_record() {
    let answers = (0..2).map(|_| Answer::Text("A tree.".to_owned()));
    let script = Script::new(Mode::Scripted(answers.collect()));
    let world = World::with(script, Dialect::OpenAi);
    let gateway = Gateway::start(&world, &[]);
    let said = json!([{"role": "user", "content": "# DESIGN\nWhat stands there, quietly?"}]);
    let body = json!({"model": "code", "messages": said, "max_completion_tokens": 100});
    for _ in 0..2 {
        let answer = gateway.post("/v1/chat/completions", "", &body);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    gateway.stop();
    let entries = shown(&world, &["--kind", "request"]);
    assert_eq!(kinds(&entries), ["request.finished", "request.finished"]);
    let sources: Vec<_> = entries
        .iter()
        .map(|entry| entry["fact"]["source"].as_str().unwrap())
        .collect();
    assert_eq!(sources[0], "provider");
    assert_ne!(sources[1], "provider");
    for entry in &entries {
        assert_eq!(entry["fact"]["model"], "standin-large");
        assert_eq!(entry["fact"]["status"], 200);
    }
    let ended = world.run(&["audit", "verify"]).expect(0);
    assert!(ended.stdout.starts_with("intact: "), "{}", ended.all());
    let text = fs::read_to_string(exported(&world)).unwrap();
    assert!(!text.contains("quietly") && !text.contains(KEY));
}

#[test]
fn what_a_killed_gateway_answered_is_on_record_without_another_gateway() {
    let script = Script::new(Mode::Scripted(vec![Answer::Text("A tree.".to_owned())]));
    let world = World::with(script, Dialect::OpenAi);
    let gateway = Gateway::start(&world, &[]);
    let said = json!([{"role": "user", "content": "# DESIGN\nWhat stands there?"}]);
    let body = json!({"model": "code", "messages": said, "max_completion_tokens": 100});
    let answer = gateway.post("/v1/chat/completions", "", &body);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    gateway.kill();
    let entries = shown(&world, &["--kind", "request"]);
    assert_eq!(kinds(&entries), ["request.finished"]);
    let total = world.run(&["--json", "stats"]).expect(0).json();
    assert_eq!(total.last().unwrap()["requests"], 1);
}

/// Changes an export somehow.
fn tamper(export: &str, chance: &mut Chance) -> Vec<u8> {
    let mut lines: Vec<&str> = export.lines().collect();
    let (at, other) = (chance.below(lines.len()), chance.below(lines.len()));
    match chance.below(9) {
        0 => lines.swap(at, other),
        1 => drop(lines.remove(at)),
        2 => lines.insert(other, lines[at]),
        3 => lines.truncate(at),
        4 => drop(lines.drain(at.min(other)..=at.max(other))),
        kind => {
            let mut bytes = export.as_bytes().to_vec();
            let at = chance.below(bytes.len());
            match kind {
                5 => bytes.insert(at, b" \n0a\""[chance.below(5)]),
                6 => drop(bytes.remove(at)),
                7 => bytes.truncate(at),
                _ => bytes[at] ^= 1 << chance.below(8),
            }
            return bytes;
        }
    }
    (lines.join("\n") + "\n").into_bytes()
}

#[test]
fn a_verifier_in_another_language_agrees() {
    let script = repository().join("fixtures/audit/verify.py");
    let lines = fs::read_to_string(&script).unwrap().lines().count();
    assert!(lines <= 80, "{lines} lines");
    let (world, _) = built();
    let export = fs::read_to_string(exported(&world)).unwrap();
    let copy = copies(&world).remove(0);
    let kept: Value = serde_json::from_slice(&fs::read(&copy).unwrap()).unwrap();
    let kept: Checkpoint = serde_json::from_value(kept["checkpoint"].clone()).unwrap();
    let trust = AuditTrust {
        keys: [kept.key.clone()].into(),
        ..AuditTrust::default()
    };
    // Most checkpoints are the same in all of them.
    let known: RefCell<HashMap<(String, String), Standing>> = RefCell::default();
    let standing = |mark: &Checkpoint| {
        let signed = (mark.signed_text(), mark.signature.clone());
        let mut known = known.borrow_mut();
        *known.entry(signed).or_insert_with(|| trust.standing(mark))
    };
    let folder = world.home.path().join("exports");
    fs::create_dir_all(&folder).unwrap();
    let mut expected = Vec::new();
    for draw in 0..=TAMPERINGS {
        let mut chance = Chance(draw.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let tampered = match draw {
            0 => export.clone().into_bytes(),
            _ => tamper(&export, &mut chance),
        };
        let copies = vec![("copy".to_owned(), kept.clone())];
        let report = check_export(&tampered, &standing, copies);
        assert_eq!(report.is_intact(), tampered == export.as_bytes(), "{draw}");
        let path = folder.join(format!("{draw}.jsonl"));
        fs::write(&path, tampered).unwrap();
        expected.push((path, report.is_intact()));
    }
    for some in expected.chunks(AT_ONCE) {
        let mut command = std::process::Command::new("python3");
        command.arg(&script).arg("--checkpoint").arg(&copy);
        let answer = command
            .args(some.iter().map(|(path, _)| path))
            .output()
            .unwrap();
        let said = String::from_utf8(answer.stdout).unwrap();
        assert_eq!(said.lines().count(), some.len(), "{:?}", answer.stderr);
        for ((path, is_intact), line) in some.iter().zip(said.lines()) {
            let (named, said) = line.split_once(": ").unwrap();
            assert_eq!(named, path.to_string_lossy());
            assert_eq!(said.starts_with("intact"), *is_intact, "{line}");
        }
    }
    let tampered = expected.iter().filter(|(_, is_intact)| !is_intact).count();
    assert!(tampered > 1_900, "{tampered}");
}

#[test]
fn an_export_is_verified_wherever_its_key_is_trusted() {
    let (world, _) = built();
    let export = exported(&world);
    let named = export.to_string_lossy().into_owned();
    world.run(&["audit", "verify", &named]).expect(0);
    let copy = copies(&world).remove(0);
    let copy = copy.to_string_lossy().into_owned();
    world
        .run(&["audit", "verify", &named, "--checkpoint", &copy])
        .expect(0);

    let stranger = World::offline();
    let ended = stranger
        .run(&["audit", "verify", &named])
        .expect_failure(13, "unknown key");
    let hint = ended.line("hint: ").to_owned();
    let key = hint.rsplit(' ').next().unwrap();
    stranger
        .run(&["audit", "verify", &named, "--key", key])
        .expect(0);
    stranger
        .run(&["audit", "verify", &named, "--key", "abc"])
        .expect_failure(2, "64 hexadecimal digits");
    stranger
        .run(&["audit", "verify", "nowhere.jsonl"])
        .expect_failure(2, "nowhere.jsonl");

    let text = fs::read_to_string(&export).unwrap();
    fs::write(
        &export,
        text.replacen("\"seq\":4,\"task\"", "\"seq\":5,\"task\"", 1),
    )
    .unwrap();
    stranger
        .run(&["audit", "verify", &named, "--key", key])
        .expect_failure(13, "entry 4 was changed");
}
