//! `atelier guard scan`: text and JSON lines in, spans out, and never a value.

use std::fs;

use serde_json::{Value, json};

use crate::world::{Ended, World, repository};

const SECRET: &str = "sk_live_fKtHF4vUCsMehGAkWvj7FAc9";

fn scan(args: &[&str], input: &str) -> Ended {
    let args = [&["guard", "scan"], args].concat();
    World::offline().run_with(&args, input.as_bytes())
}

#[test]
fn a_text_is_answered_with_places_and_never_with_values() {
    let text = format!("Grüße\nvon ana@correo.es,\nkey = \"{SECRET}\"\n");
    let ended = scan(&["-"], &text).expect(0);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{}", ended.all());
    assert!(
        lines[0].starts_with("2:5 EMAIL a… (13 characters)"),
        "{}",
        ended.all()
    );
    assert!(
        lines[1].starts_with("3:8 API_KEY … (32 characters)"),
        "{}",
        ended.all()
    );
    assert!(!ended.all().contains(SECRET) && !ended.all().contains("ana@"));
}

#[test]
fn json_lines_are_answered_with_json_lines_in_code_points() {
    let text = format!("näher: {SECRET}");
    let lines = format!(
        "{}\n\n{}\n",
        json!({"id": 7, "text": text, "kind": "x"}),
        json!({"id": "b", "text": ""})
    );
    for args in [&[][..], &["--jsonl"]] {
        let answers = scan(args, &lines).expect(0).json();
        let span = json!({"start": 7, "end": 39, "type": "API_KEY"});
        assert_eq!(
            answers,
            [
                json!({"id": 7, "spans": [span]}),
                json!({"id": "b", "spans": []})
            ]
        );
    }
}

#[test]
fn text_that_looks_like_json_lines_is_text_where_one_says_so() {
    let line = json!({"id": 1, "text": "ana@correo.es"}).to_string();
    let spans = scan(&["--text", "--json"], &line).expect(0).json();
    assert_eq!(spans.len(), 1);
    assert_eq!(spans[0]["type"], "span");
    assert_eq!(spans[0]["kind"], "EMAIL");
    assert_eq!(
        (&spans[0]["line"], &spans[0]["column"]),
        (&json!(1), &json!(17))
    );
}

#[test]
fn the_policy_chooses_and_a_finding_can_be_a_failure() {
    let text = format!("ana@correo.es {SECRET}");
    let kinds = |args: &[&str]| -> Vec<Value> {
        let spans = scan(&[args, &["--json"]].concat(), &text).expect(0).json();
        spans
            .into_iter()
            .map(|mut span| span["kind"].take())
            .collect()
    };
    assert_eq!(kinds(&["--policy", "all"]), ["EMAIL", "API_KEY"]);
    assert_eq!(kinds(&["--policy", "secrets"]), ["API_KEY"]);
    assert_eq!(kinds(&["--policy", "off"]), Vec::<Value>::new());
    scan(&["--fail"], &text).expect(13);
    scan(&["--fail"], "nothing to see").expect(0);
    scan(&["--policy", "some"], &text).expect(2);
}

#[test]
fn what_cannot_be_read_is_refused() {
    scan(&["nothing.txt"], "").expect_failure(2, "nothing.txt");
    scan(&["--jsonl"], "{\"id\": 1}\n").expect_failure(2, "line 1");
    let world = World::offline();
    world.write("bad.txt", b"a\xff");
    world
        .run(&["guard", "scan", "bad.txt"])
        .expect_failure(2, "UTF-8");
}

#[test]
fn a_whole_set_of_documents_is_answered_line_by_line() {
    let path = repository().join("fixtures/guard/held-back.jsonl");
    let world = World::offline();
    let answers = world
        .run(&["guard", "scan", &path.to_string_lossy()])
        .expect(0)
        .json();
    assert_eq!(
        answers.len(),
        fs::read_to_string(path).unwrap().lines().count()
    );
}
