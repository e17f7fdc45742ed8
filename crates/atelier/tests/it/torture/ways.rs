//! What happens to commands, environments and programs, and what a person asks for.

use std::{collections::BTreeSet, fs};

use serde_json::json;

use crate::world::end;

use super::mill::{Checked, Mill, TALLY, at_both_levels, chmod, modified, step};

const ALL_RAN: &str = "gen ran, use ran, end ran, lone ran";
const ALL_SPARED: &str = "gen spared, use spared, end spared, lone spared";

fn checked(mill: Mill) -> Mill {
    let mill = mill.plain();
    mill.check().is(0, ALL_RAN);
    mill
}

#[test]
fn another_command_runs_and_stops_where_it_makes_the_same() {
    at_both_levels(|mill| {
        let mut mill = checked(mill);
        *mill.step_mut("gen") = step("gen", "grep -v '^#' < src/gen.in > out/gen.txt")
            .reads(&["src/gen.in"])
            .writes(&["out/gen.txt"]);
        mill.check()
            .is(0, "gen ran, use spared, end spared, lone spared");
        *mill.step_mut("gen") = step("gen", "cat src/gen.in > out/gen.txt")
            .reads(&["src/gen.in"])
            .writes(&["out/gen.txt"]);
        mill.check().is(0, "gen ran, use ran, end ran, lone spared");
        mill.is_right();
    });
}

#[test]
fn another_output_of_the_same_command_runs() {
    at_both_levels(|mut mill| {
        mill.write("src/x.in", "x\n");
        let both = step("both", "cp src/x.in out/a; cp src/x.in out/b").reads(&["src/x.in"]);
        mill.steps = vec![both.clone().writes(&["out/a"])];
        mill.check().is(0, "both ran");
        mill.steps = vec![both.writes(&["out/a", "out/b"])];
        mill.check().is(0, "both ran");
        mill.is_right();
    });
}

#[test]
fn declared_variables_count_and_no_others() {
    at_both_levels(|mut mill| {
        mill.write("src/x", "x");
        let script = "echo \"$SAID $PASSED\" > out/env; echo \"${OTHER-unset}\" > out/other";
        let env = step("env", script)
            .reads(&["src/x"])
            .writes(&["out/env", "out/other"])
            .with("env_pass", json!(["PASSED"]));
        mill.steps = vec![env.clone().with("env", json!({ "SAID": "one" }))];
        mill.check().is(0, "env ran");
        assert_eq!(mill.read("out/env"), "one \n");
        mill.env
            .insert("OTHER".to_owned(), "not declared".to_owned());
        mill.check().is(0, "env spared");
        assert_eq!(mill.read("out/other"), "unset\n");
        mill.env.insert("PASSED".to_owned(), "a".to_owned());
        mill.check().is(0, "env ran");
        mill.env.insert("PASSED".to_owned(), String::new());
        mill.check().is(0, "env ran");
        mill.env.insert("PASSED".to_owned(), "a".to_owned());
        mill.check().is(0, "env restored");
        mill.steps = vec![env.with("env", json!({ "SAID": "two" }))];
        mill.check().is(0, "env ran");
        assert_eq!(mill.read("out/env"), "two a\n");
    });
}

/// A program of the user's own that prints a version and makes something of it.
fn program(mill: &mut Mill, version: &str, remark: &str) {
    let folder = mill.world.home.path().join("bin");
    fs::create_dir_all(&folder).unwrap();
    let text = format!(
        "#!/bin/sh\n# {remark}\n[ \"$1\" = --version ] && echo maker {version} && exit\necho by {version}\n"
    );
    fs::write(folder.join("maker"), text).unwrap();
    chmod(&folder.join("maker"), 0o755);
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    mill.env.insert("PATH".to_owned(), path);
}

#[test]
fn another_version_of_a_program_runs() {
    at_both_levels(|mut mill| {
        mill.write("src/x", "x");
        let with = |name: &str, tool| {
            step(name, &format!("maker > out/{name}"))
                .reads(&["src/x"])
                .writes(&[&format!("out/{name}")])
                .with("tools", json!([tool]))
        };
        mill.steps = vec![
            with(
                "asked",
                json!({ "program": "maker", "version_args": ["--version"] }),
            ),
            with("read", json!({ "program": "maker" })),
        ];
        program(&mut mill, "1", "");
        mill.check().is(0, "asked ran, read ran");
        mill.check().is(0, "asked spared, read spared");
        modified(&mill.world.home.path().join("bin/maker"), -5000);
        mill.check().is(0, "asked spared, read spared");
        program(&mut mill, "2", "");
        mill.check().is(0, "asked ran, read ran");
        mill.is_right();
        program(&mut mill, "1", "");
        mill.check().is(0, "asked restored, read restored");
        mill.is_right();
    });
}

#[test]
fn a_missing_program_is_named() {
    at_both_levels(|mut mill| {
        mill.write("src/x", "x");
        let tool = json!({ "program": "no-such-maker", "hint": "install the maker" });
        mill.steps = vec![
            step("it", "no-such-maker > out/it")
                .reads(&["src/x"])
                .writes(&["out/it"])
                .with("tools", json!([tool])),
        ];
        mill.check().is(10, "it failed");
        let ended = end(mill.command_for_people(&["check"]));
        assert_eq!(ended.code, Some(10), "{}", ended.all());
        for told in ["no-such-maker", "install the maker"] {
            assert!(ended.stderr.contains(told), "{}", ended.all());
        }
    });
}

#[test]
fn force_runs_everything_and_changes_nothing() {
    at_both_levels(|mill| {
        let mill = checked(mill);
        let before = mill.standing();
        mill.check_with(&["--force"]).is(0, ALL_RAN);
        assert_eq!(mill.standing(), before);
        mill.check().is(0, ALL_SPARED);
    });
}

#[test]
fn what_is_never_used_again_runs_each_time() {
    at_both_levels(|mut mill| {
        mill.write("src/x.in", "x\n");
        mill.steps = vec![
            step("never", "cp src/x.in out/never")
                .reads(&["src/x.in"])
                .writes(&["out/never"])
                .with("cacheable", json!(false)),
            step("after", "cp out/never out/after")
                .reads(&["out/never"])
                .writes(&["out/after"]),
        ];
        mill.check().is(0, "never ran, after ran");
        mill.check().is(0, "never ran, after spared");
        mill.is_right();
    });
}

#[test]
fn only_what_is_named_and_what_it_needs_is_looked_at() {
    at_both_levels(|mill| {
        let mill = mill.plain();
        mill.check_with(&["--only", "use"])
            .is(0, "gen ran, use ran");
        mill.check()
            .is(0, "gen spared, use spared, end ran, lone ran");
        mill.is_right();
        let wrong = mill.check_with(&["--only", "no-such-step"]).ended;
        assert_eq!(wrong.code, Some(2), "{}", wrong.all());
        assert!(wrong.stderr.contains("no-such-step"), "{}", wrong.all());
    });
}

#[test]
fn a_store_that_is_gone_costs_work_and_nothing_else() {
    at_both_levels(|mill| {
        let mill = checked(mill);
        fs::remove_dir_all(mill.store()).unwrap();
        mill.check().is(0, ALL_RAN);
        mill.is_right();
        mill.check().is(0, ALL_SPARED);
    });
}

#[test]
fn two_checks_at_once_make_what_one_makes() {
    at_both_levels(|mill| {
        let mill = mill.plain();
        for round in 0..4 {
            mill.write("src/gen.in", format!("round {round}\n"));
            mill.write("src/lone.in", format!("round {round}\n"));
            let mut others: Vec<_> = (0..2).map(|_| mill.start(&[])).collect();
            let third = mill.check().ended;
            assert_eq!(third.code, Some(0), "{}", third.all());
            for other in &mut others {
                assert_eq!(other.wait().unwrap().code(), Some(0));
            }
            mill.is_right();
            mill.check().is(0, ALL_SPARED);
        }
    });
}

#[test]
fn a_secret_that_is_passed_on_is_stored_nowhere() {
    let mut mill = Mill::new("strong");
    mill.write("src/x", "x");
    let secret = "throwaway-secret-8f31c0";
    mill.env.insert("PASSED".to_owned(), secret.to_owned());
    mill.steps = vec![
        step("it", "test -n \"$PASSED\"; echo made > out/it")
            .reads(&["src/x"])
            .writes(&["out/it"])
            .with("env_pass", json!(["PASSED"])),
    ];
    mill.check().is(0, "it ran");
    let mut open = vec![mill.path(".atelier"), mill.store()];
    let mut files = 0;
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            files += 1;
            let bytes = fs::read(&path).unwrap();
            let found = bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(!found, "{}", path.display());
        }
    }
    assert!(files > 2, "{files} files were looked at");
}

#[test]
fn jobs_are_never_more_than_there_may_be() {
    let mut mill = Mill::new("light");
    mill.write("src/x", "x");
    let script = format!(
        "echo begin >> {TALLY}.at; sleep 0.03; echo end >> {TALLY}.at; echo made > out/$NAME"
    );
    mill.steps = (0..12)
        .map(|at| {
            let name = format!("s{at}");
            step(&name, &script)
                .reads(&["src/x"])
                .writes(&[&format!("out/{name}")])
                .with("env", json!({ "NAME": name }))
        })
        .collect();
    let Checked { ended, steps, .. } = mill.check_with(&["--jobs", "3"]);
    assert_eq!(ended.code, Some(0), "{}", ended.all());
    assert_eq!(
        steps.values().collect::<BTreeSet<_>>(),
        BTreeSet::from([&"ran"])
    );
    let mut at_once = 0_i32;
    for line in fs::read_to_string(mill.path(&format!("{TALLY}.at")))
        .unwrap()
        .lines()
    {
        at_once += if line == "begin" { 1 } else { -1 };
        assert!((0..=3).contains(&at_once), "{at_once} at once");
    }
}
