//! Why a step was executed: what was really changed must be what is told.

use std::{fs, thread};

use serde_json::{Value, json};

use super::{
    chances::{Chance, rounds},
    mill::{Mill, chmod, step},
};

/// Changes where time is short.
const CHANGES: usize = 60;
/// Steps that may be changed.
const STEPS: usize = 5;

#[test]
fn the_reason_that_is_told_is_what_was_changed() {
    thread::scope(|scope| {
        for (seed, level) in [(21, "light"), (22, "strong")] {
            scope.spawn(move || change_again_and_again(level, seed));
        }
    });
}

/// Steps beside each other, each with inputs, a variable, a passed one and a program; and one after
/// each.
fn project(level: &'static str) -> Mill {
    let mut mill = Mill::new(level);
    for at in 0..STEPS {
        mill.write(&format!("src/{at}/fixed.in"), format!("fixed {at}\n"));
        let (name, output) = (format!("s{at}"), format!("out/{at}"));
        let script =
            format!("{{ cat src/{at}/*; echo $SAID; echo $PASSED_{at}; maker{at}; }} > {output}");
        let tool = json!({ "program": format!("maker{at}"), "version_args": ["--version"] });
        mill.steps.push(
            step(&name, &script)
                .reads(&[&format!("src/{at}/**")])
                .writes(&[&output])
                .with("env", json!({ "SAID": "first" }))
                .with("env_pass", json!([format!("PASSED_{at}")]))
                .with("tools", json!([tool])),
        );
        let after = format!("out/after{at}");
        mill.steps.push(
            step(&format!("after{at}"), &format!("cat {output} > {after}"))
                .reads(&[&output])
                .writes(&[&after]),
        );
        program(&mill, at, 0);
    }
    let bin = mill.world.home.path().join("bin");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    mill.env.insert("PATH".to_owned(), path);
    mill
}

fn program(mill: &Mill, at: usize, version: usize) {
    let folder = mill.world.home.path().join("bin");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join(format!("maker{at}"));
    fs::write(&file, format!("#!/bin/sh\necho maker {version}\n")).unwrap();
    chmod(&file, 0o755);
}

fn change_again_and_again(level: &'static str, seed: u64) {
    let mut mill = project(level);
    let mut chance = Chance::new(seed);
    assert_eq!(mill.check().ended.code, Some(0));
    for round in 0..rounds(CHANGES).div_ceil(2) {
        let at = chance.below(STEPS);
        let wanted = change(&mut mill, at, round, &mut chance);
        let name = format!("s{at}");
        if round % 2 == 0 {
            let now = &mill.why(&name)["now"]["why"]["reason"];
            is_told(now, &wanted, round);
        }
        let checked = mill.check();
        assert_eq!(checked.ended.code, Some(0), "{}", checked.ended.all());
        is_told(&checked.of(&name)["explanation"]["reason"], &wanted, round);
        if round % 2 == 1 {
            let last = &mill.why(&name)["last"]["why"]["reason"];
            is_told(last, &wanted, round);
        }
        let after = &checked.of(&format!("after{at}"))["explanation"]["reason"];
        is_told(after, &json!({ "type": "dependency", "step": name }), round);
        // What has nothing to do with it was not executed.
        let executed = checked
            .steps
            .values()
            .filter(|word| **word == "ran")
            .count();
        assert_eq!(executed, 2, "round {round}: {}", checked.ended.all());
    }
}

/// Checks that a reason says all of what is wanted.
fn is_told(reason: &Value, wanted: &Value, round: usize) {
    for (field, value) in wanted.as_object().unwrap() {
        assert_eq!(
            &reason[field], value,
            "round {round}: `{field}` of {reason}"
        );
    }
}

/// Changes one thing of one step to what was never there, and says how it must be told.
fn change(mill: &mut Mill, at: usize, round: usize, chance: &mut Chance) -> Value {
    let name = format!("s{at}");
    match chance.below(7) {
        0 => {
            let file = fs::read_dir(mill.path(&format!("src/{at}")))
                .unwrap()
                .next();
            let name = file.unwrap().unwrap().file_name();
            let path = format!("src/{at}/{}", name.to_string_lossy());
            mill.write(&path, format!("changed {round}\n"));
            json!({ "type": "input", "path": path, "change": "changed" })
        }
        1 => {
            let path = format!("src/{at}/file{round}.in");
            let old = fs::read_dir(mill.path(&format!("src/{at}")))
                .unwrap()
                .next();
            let old = old.unwrap().unwrap().path();
            fs::remove_file(&old).unwrap();
            mill.write(&path, format!("moved {round}\n"));
            let gone = format!("src/{at}/{}", old.file_name().unwrap().to_string_lossy());
            // Both are told, the first in the order of the paths first.
            let (path, how) = if gone < path {
                (gone, "removed")
            } else {
                (path, "added")
            };
            json!({ "type": "input", "path": path, "change": how })
        }
        2 => {
            mill.step_mut(&name)
                .also(&format!("echo more {round} >> out/{at}"));
            json!({ "type": "command" })
        }
        3 => {
            let step = mill.step_mut(&name).clone();
            *mill.step_mut(&name) = step.with("env", json!({ "SAID": format!("said {round}") }));
            json!({ "type": "environment", "name": "SAID" })
        }
        4 => {
            let variable = format!("PASSED_{at}");
            mill.env.insert(variable.clone(), format!("passed {round}"));
            json!({ "type": "environment", "name": variable })
        }
        5 => {
            program(mill, at, round + 1);
            json!({ "type": "tool", "name": format!("maker{at}") })
        }
        _ => {
            let path = format!("src/{at}/new{round}.in");
            mill.write(&path, format!("new {round}\n"));
            json!({ "type": "input", "path": path, "change": "added" })
        }
    }
}
