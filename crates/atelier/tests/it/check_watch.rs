//! `atelier check --watch`: every change is checked, and nothing else.

use std::{
    io::{BufRead as _, BufReader, Lines},
    process::{Child, ChildStdout, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::world::World;

struct Watching {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watching {
    fn start(world: &World) -> Self {
        let mut child = world
            .command(&["check", "--watch", "--json", "--steps", "steps.json"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Everything that is said until nothing is left to be done.
    fn round(&mut self) -> Vec<Value> {
        let mut events = Vec::new();
        for line in &mut self.lines {
            let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
            let over = event["type"] == "waiting";
            events.push(event);
            if over {
                break;
            }
        }
        events
    }

    fn stop(mut self) -> Option<i32> {
        let id = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(id, Signal::TERM).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Watching {
    /// A test that fails leaves nobody behind who watches for ever.
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn executed(events: &[Value]) -> Vec<&str> {
    let over = events.iter().filter(|event| event["type"] == "step_over");
    let executed = over.filter(|event| {
        let verdict = event["step"]["verdict"].as_str().unwrap();
        matches!(verdict, "succeeded" | "failed")
    });
    executed
        .map(|event| event["step"]["step"].as_str().unwrap())
        .collect()
}

/// How the last check ended that executed something.
fn exit(events: &[Value]) -> &Value {
    let ended = |event: &&Value| event["type"] == "check";
    &events.iter().rfind(ended).unwrap()["exit"]
}

fn changed(events: &[Value]) -> &Value {
    let told = |event: &&Value| event["type"] == "changed";
    &events.iter().find(told).unwrap()["paths"]
}

#[test]
fn every_change_is_checked_until_somebody_ends_it() {
    let world = World::offline();
    world.write("a.txt", "a\n");
    world.write("b.txt", "b\n");
    let step = |name: &str| {
        json!({
            "name": name, "shell": format!("grep -v wrong {name}.txt > {name}.out"),
            "inputs": [format!("{name}.txt")], "outputs": [format!("{name}.out")],
        })
    };
    world.write("steps.json", json!([step("a"), step("b")]).to_string());
    let mut watching = Watching::start(&world);
    let first = watching.round();
    assert_eq!(exit(&first), &json!(0));
    let mut names = executed(&first);
    names.sort_unstable();
    assert_eq!(names, ["a", "b"]);

    world.write("b.txt", "better\n");
    let second = watching.round();
    assert_eq!(changed(&second), &json!(["b.txt"]));
    assert_eq!(executed(&second), ["b"]);

    world.write("a.txt", "wrong\n");
    let third = watching.round();
    assert_eq!(exit(&third), &json!(13));
    assert_eq!(executed(&third), ["a"]);
    assert_eq!(watching.stop(), Some(13));
}
