//! Steps that could never be built right are refused, with what is wrong with them.

use serde_json::json;

use super::mill::{Mill, Step, step};

/// Checks that steps are refused before anything is executed, and that this is told.
#[track_caller]
fn is_refused(steps: Vec<Step>, told: &[&str]) {
    let mut mill = Mill::new("light");
    mill.write("src/x", "x");
    mill.steps = steps;
    let checked = mill.check();
    let all = checked.ended.all();
    assert_eq!(checked.ended.code, Some(3), "{all}");
    for told in told {
        assert!(checked.ended.stderr.contains(told), "no `{told}` in {all}");
    }
    assert!(checked.ended.stderr.contains("hint: "), "{all}");
    assert_eq!(checked.executed, Vec::<String>::new());
}

#[test]
fn a_step_that_reads_what_it_writes() {
    let it = step("mill", "true").reads(&["out/x"]).writes(&["out/x"]);
    is_refused(vec![it], &["`mill`", "out/x"]);
}

#[test]
fn two_steps_with_one_output() {
    let first = step("one", "true").reads(&["src/x"]).writes(&["out/x"]);
    let second = step("two", "true").reads(&["src/x"]).writes(&["out/x"]);
    is_refused(vec![first.clone(), second], &["`one`", "`two`", "out/x"]);
    let folder = step("two", "true").reads(&["src/x"]).writes(&["out/"]);
    is_refused(vec![first.clone(), folder], &["`one`", "`two`"]);
    let glob = step("two", "true").reads(&["src/x"]).writes(&["out/*"]);
    is_refused(vec![first, glob], &["`one`", "`two`"]);
}

#[test]
fn steps_in_a_circle() {
    let a = step("a", "true").reads(&["out/c"]).writes(&["out/a"]);
    let b = step("b", "true").reads(&["out/a"]).writes(&["out/b"]);
    let c = step("c", "true")
        .reads(&["src/x"])
        .writes(&["out/c"])
        .with("depends_on", json!(["b"]));
    is_refused(vec![a, b, c], &["`a`", "`b`", "`c`", "out/a"]);
    let own = step("own", "true")
        .reads(&["src/x"])
        .with("depends_on", json!(["own"]));
    is_refused(vec![own], &["`own`"]);
}

#[test]
fn names_that_are_nobodys_or_twice() {
    let it = step("it", "true")
        .reads(&["src/x"])
        .with("depends_on", json!(["nobody"]));
    is_refused(vec![it], &["`it`", "`nobody`"]);
    let twice = step("twice", "true").reads(&["src/x"]);
    is_refused(vec![twice.clone(), twice], &["`twice`"]);
}

#[test]
fn paths_that_lead_out() {
    for path in [
        "../x",
        "/../x",
        "out/../../x",
        "a\\b",
        ".git/config",
        ".atelier/checks",
    ] {
        let it = step("it", "true").reads(&["src/x"]).writes(&[path]);
        is_refused(vec![it], &["it"]);
    }
}

#[test]
fn words_that_are_none() {
    let it = step("it", "true").with("inptus", json!(["src/x"]));
    is_refused(vec![it], &["inptus"]);
    let it = step("it", "true").with("network", json!("everything"));
    is_refused(vec![it], &["everything"]);
    let it = step("it", "true").with("cpu", json!(0));
    is_refused(vec![it], &["it", "cpu"]);
}
