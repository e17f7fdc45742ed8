//! Steps that fail, hang, are killed or run out of something.

use std::{
    fs,
    net::TcpListener,
    process::Command,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use serde_json::json;

use crate::world::end;

use super::mill::{LEVELS, Mill, TALLY, at_both_levels, at_levels, step};

/// Steps of which the first fails: one after it, one beside it.
fn failing(mut mill: Mill) -> Mill {
    mill.write("src/bad.in", "no\n");
    mill.write("src/good.in", "yes\n");
    mill.steps = vec![
        step(
            "bad",
            "echo a remark at $(date +%s%N); grep yes src/bad.in > out/bad",
        )
        .reads(&["src/bad.in"])
        .writes(&["out/bad"]),
        step("after", "cp out/bad out/after")
            .reads(&["out/bad"])
            .writes(&["out/after"]),
        step("good", "cp src/good.in out/good")
            .reads(&["src/good.in"])
            .writes(&["out/good"]),
    ];
    mill
}

#[test]
fn a_failure_is_never_served_and_shown_each_time() {
    at_both_levels(|mill| {
        let mill = failing(mill);
        let mut logs = Vec::new();
        for good in ["ran", "spared"] {
            let wanted = format!("bad failed, after unreached, good {good}");
            let checked = mill.check_with(&["--keep-going"]).is(13, &wanted);
            assert_eq!(checked.of("bad")["exit"], json!(1));
            logs.push(checked.of("bad")["log"].clone());
        }
        assert_ne!(
            logs[0], logs[1],
            "the second log is one of a second execution"
        );
        let told = end(mill.command_for_people(&["check"]));
        assert_eq!(told.code, Some(13));
        assert!(told.all().contains("a remark at"), "{}", told.all());
        mill.write("src/bad.in", "yes\n");
        mill.check().is(0, "bad ran, after ran, good spared");
        mill.is_right();
        mill.write("src/bad.in", "no\n");
        mill.check_with(&["--keep-going"])
            .is(13, "bad failed, after unreached, good spared");
        // What failed is not there as if it had been made.
        mill.write("src/bad.in", "yes\n");
        mill.check()
            .is(0, "bad restored, after spared, good spared");
        mill.is_right();
    });
}

#[test]
fn without_keep_going_nothing_is_begun_after_a_failure() {
    let mill = failing(Mill::new("light"));
    let checked = mill.check_with(&["--jobs", "1"]);
    assert_eq!(checked.ended.code, Some(13), "{}", checked.ended.all());
    assert_eq!(checked.steps["bad"], "failed");
    assert_eq!(checked.steps["after"], "unreached");
    assert!(matches!(
        checked.steps["good"],
        "ran" | "cancelled" | "unreached"
    ));
    let said = checked.steps["good"] == "ran";
    assert_eq!(checked.executed.contains(&"good".to_owned()), said);
}

#[test]
fn what_ends_well_on_another_try_is_flaky_and_no_proof() {
    // In a machine of its own, no step can know that it was tried before.
    let mut mill = Mill::new("light");
    mill.write("src/x", "x");
    let script = format!("[ $(grep -c shaky {TALLY}) -ge 3 ] && echo made > out/it");
    mill.steps = vec![
        step("shaky", &script)
            .reads(&["src/x"])
            .writes(&["out/it"])
            .with("retries", json!(2)),
    ];
    let checked = mill.check().is(0, "shaky flaky");
    assert_eq!(checked.executed.len(), 3);
    let checked = mill.check().is(0, "shaky ran");
    assert_eq!(checked.executed.len(), 1);
    mill.check().is(0, "shaky spared");
    // A step that always fails is tried as often as it may be.
    mill.steps = vec![
        step("never", "false")
            .reads(&["src/x"])
            .writes(&["out/no"])
            .with("retries", json!(2)),
    ];
    let checked = mill.check().is(13, "never failed");
    assert_eq!(checked.executed.len(), 3);
}

#[test]
fn a_step_that_takes_too_long_is_ended_with_all_it_started() {
    at_both_levels(|mut mill| {
        mill.write("src/x", "x");
        let mark = mill.mark();
        let hang = format!(
            "echo half > out/it; (sh -c ': {mark} one; sleep 60; :' &) ; \
             setsid sh -c ': {mark} two; sleep 60; :' & sh -c ': {mark} three; sleep 60; :'"
        );
        mill.steps = vec![
            step("hang", &hang)
                .reads(&["src/x"])
                .writes(&["out/it"])
                .with("timeout_ms", json!(400)),
        ];
        let begun = Instant::now();
        let checked = mill.check().is(13, "hang failed");
        assert!(begun.elapsed() < Duration::from_secs(30));
        let failure = checked.of("hang")["failure"].to_string();
        assert!(failure.contains("not done after"), "{failure}");
        mill.wait_until_gone();
    });
}

#[test]
fn a_silent_step_is_ended_where_it_may_not_be_silent() {
    at_both_levels(|mut mill| {
        mill.write("src/x", "x");
        mill.steps = vec![
            step("mute", "sleep 60; echo made > out/it")
                .reads(&["src/x"])
                .writes(&["out/it"])
                .with("idle_timeout_ms", json!(300)),
        ];
        mill.check().is(13, "mute failed");
        mill.wait_until_gone();
    });
}

/// A step that writes half, waits as long as `hold` is there, and writes the rest; one before it,
/// and one after.
fn slow(mut mill: Mill) -> Mill {
    mill.write("src/first.in", "first\n");
    mill.write("src/slow.in", "slow\n");
    mill.write("hold", "");
    let mark = mill.mark();
    let slow = format!(
        "printf half > out/slow; [ ! -e hold ] || sh -c ': {mark} half done; sleep 60; :'; \
         cat out/first src/slow.in > out/slow"
    );
    mill.steps = vec![
        step("first", "cp src/first.in out/first")
            .reads(&["src/first.in"])
            .writes(&["out/first"]),
        step("slow", &slow)
            .reads(&["out/first", "src/slow.in"])
            .writes(&["out/slow"]),
        step("last", "cp out/slow out/last")
            .reads(&["out/slow"])
            .writes(&["out/last"]),
    ];
    mill
}

#[test]
fn a_kill_in_the_middle_of_a_step_leaves_nothing_wrong() {
    at_levels(&LEVELS, |mill| {
        let mill = slow(mill);
        let mut running = mill.start(&[]);
        mill.wait_for("half done");
        running.kill().unwrap();
        running.wait().unwrap();
        // Nobody is left who could write later.
        mill.wait_until_gone();
        fs::remove_file(mill.path("hold")).unwrap();
        mill.check().is(0, "first spared, slow ran, last ran");
        mill.is_right();
    });
}

#[test]
fn an_interrupted_check_keeps_what_was_finished() {
    for signal in [Signal::INT, Signal::TERM] {
        at_levels(&LEVELS, |mill| {
            let mill = slow(mill);
            let mut running = mill.start(&[]);
            mill.wait_for("half done");
            let id = Pid::from_raw(i32::try_from(running.id()).unwrap()).unwrap();
            kill_process(id, signal).unwrap();
            assert_eq!(running.wait().unwrap().code(), Some(11));
            assert_eq!(mill.processes(), Vec::<String>::new(), "no process is left");
            fs::remove_file(mill.path("hold")).unwrap();
            mill.check().is(0, "first spared, slow ran, last ran");
            mill.is_right();
        });
    }
}

#[test]
fn what_is_written_beside_the_outputs_does_not_get_out_of_the_sandbox() {
    let mut mill = Mill::new("strong");
    mill.write("src/x.in", "x\n");
    mill.write("src/y.in", "y\n");
    let script = "echo stray > stray; echo changed > src/y.in; rm -f src/z.in; cp src/x.in out/it";
    mill.write("src/z.in", "z\n");
    mill.steps = vec![step("it", script).reads(&["src/x.in"]).writes(&["out/it"])];
    mill.check().is(0, "it ran");
    assert!(!mill.path("stray").exists());
    assert_eq!(mill.read("src/y.in"), "y\n");
    assert_eq!(mill.read("src/z.in"), "z\n");
    mill.check().is(0, "it spared");
    mill.is_right();
}

#[test]
fn a_step_has_no_network() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut mill = Mill::new("strong");
    mill.write("src/x.in", "x\n");
    let script = format!(
        "if bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}' 2>/dev/null; then echo reached; else echo alone; fi > out/it"
    );
    mill.steps = vec![step("it", &script).reads(&["src/x.in"]).writes(&["out/it"])];
    mill.check().is(0, "it ran");
    assert_eq!(mill.read("out/it"), "alone\n");
}

#[test]
fn a_disk_that_is_full_gives_no_wrong_result() {
    for level in ["light", "strong"] {
        full_disk(Mill::new(level));
    }
}

/// The project on a file system of 3 MB that is full to the last but one; then there is room again.
fn full_disk(mut mill: Mill) {
    mill.steps = (0..6)
        .map(|at| {
            let script = format!(
                "head -c 150000 /dev/zero | tr '\\0' {at} > out/{at}; cat src/x.in >> out/{at}"
            );
            step(&format!("s{at}"), &script)
                .reads(&["src/x.in"])
                .writes(&[&format!("out/{at}")])
        })
        .collect();
    let program = mill.command(&["check", "--keep-going"]);
    let quoted = |text: &std::ffi::OsStr| format!("'{}'", text.to_string_lossy());
    let words: Vec<String> = std::iter::once(program.get_program())
        .chain(program.get_args())
        .map(quoted)
        .collect();
    let (check, folder) = (words.join(" "), mill.path(""));
    let script = format!(
        "mount -t tmpfs -o size=3m none {folder}; cd {folder}; mkdir src; echo x > src/x.in
         head -c 1900000 /dev/zero > filler
         {check} > ../full.json 2> ../full.err; echo $? > ../full.code
         rm filler; rm -rf out/5
         {check} > ../room.json 2> ../room.err; echo $? > ../room.code
         cp -R out ../made; {check} > ../again.json 2> ../again.err; echo $? > ../again.code",
        folder = folder.display(),
    );
    let spaces = if geteuid().is_root() { "-m" } else { "-Urm" };
    let mut unshare = Command::new("unshare");
    unshare.args([spaces, "sh", "-c", &script]).env_clear();
    for (name, value) in program.get_envs() {
        if let Some(value) = value {
            unshare.env(name, value);
        }
    }
    let output = unshare.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let beside = |name: &str| {
        fs::read_to_string(folder.join("..").join(name))
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let told = format!(
        "{}\n{}\n{}",
        beside("full.err"),
        beside("room.err"),
        beside("room.json")
    );
    // Full, it either gets by without the store or says so; with room, everything is right.
    let full = beside("full.code");
    assert!(
        ["0", "1", "13"].contains(&full.as_str()),
        "exit {full}: {told}"
    );
    if full != "0" {
        let said = beside("full.err") + &beside("full.json");
        assert!(said.contains("space"), "{said}");
    }
    assert_eq!(beside("room.code"), "0", "{told}");
    assert_eq!(beside("again.code"), "0", "{}", beside("again.err"));
    for at in 0..6 {
        let made = fs::read_to_string(folder.join(format!("../made/{at}"))).unwrap();
        assert_eq!(
            made,
            format!("{}x\n", at.to_string().repeat(150_000)),
            "output {at}"
        );
    }
}
