//! However a command ends, nothing of it is left.

use std::{
    fs,
    process::{self, Stdio},
    sync::Mutex,
    time::Duration,
};

use atelier_exec::Exit;
use rustix::process::{Pid, Signal, kill_process};
use tokio_util::sync::CancellationToken;

use crate::bench::{Bench, helper, lives, until};

/// A family with a plain child, a child in its own session, a daemon whose parents are gone, a
/// stopped child, and one that hears no polite request. Each notes its number, then `ready` comes.
const FAMILY: &str = r#"
    keep() { sh -c "echo \$\$ > $1.tmp; mv $1.tmp $1.pid; trap '' TERM HUP; while :; do sleep 1000; done"; }
    keep child &
    setsid sh -c 'echo $$ > s.tmp; mv s.tmp session.pid; exec sleep 1000' &
    (setsid sh -c '(echo $(exec sh -c "echo \$PPID") > d.tmp; mv d.tmp daemon.pid; exec sleep 1000) &' &)
    sh -c 'echo $$ > t.tmp; mv t.tmp stopped.pid; kill -STOP $$; exec sleep 1000' &
    echo $$ > m.tmp; mv m.tmp main.pid
    while ! [ -e child.pid -a -e session.pid -a -e daemon.pid -a -e stopped.pid ]; do echo wait; sleep 0.01; done
    echo ready
"#;

fn all_gone(bench: &Bench) {
    let pids = bench.pids();
    assert_eq!(pids.len(), 5, "{pids:?}");
    let left: Vec<_> = pids.iter().filter(|(_, pid)| lives(**pid)).collect();
    assert!(left.is_empty(), "still there: {left:?}");
}

#[tokio::test]
async fn a_command_that_ends_by_itself_leaves_no_process() {
    let bench = Bench::new();
    let command = bench.shell(&format!("{FAMILY} exit 7"));
    let report = bench.run(&command).await.unwrap();
    assert_eq!(report.exit, Exit::Code(7));
    assert!(report.output.ends_with(
        "ready
"
    ));
    all_gone(&bench);
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_ended_with_its_family() {
    let bench = Bench::new();
    let mut command = bench.shell(&format!("{FAMILY} while :; do echo on; sleep 0.05; done"));
    command.wall_ms = 5000;
    let report = bench.run(&command).await.unwrap();
    assert_eq!(report.exit, Exit::WallTimeout);
    all_gone(&bench);
}

#[tokio::test]
async fn a_silent_command_is_ended_with_its_family() {
    let bench = Bench::new();
    let mut command = bench.shell(&format!("{FAMILY} exec sleep 1000"));
    command.idle_ms = 3000;
    let report = bench.run(&command).await.unwrap();
    assert_eq!(report.exit, Exit::IdleTimeout);
    all_gone(&bench);
}

#[tokio::test]
async fn a_cancelled_command_is_ended_with_its_family() {
    let bench = Bench::new();
    let cancel = CancellationToken::new();
    let command = bench.shell(&format!("{FAMILY} exec sleep 1000"));
    let seen = Mutex::new(Vec::new());
    let ready = |bytes: &[u8]| {
        let mut seen = seen.lock().unwrap();
        seen.extend_from_slice(bytes);
        if seen.ends_with(b"ready\n") {
            cancel.cancel();
        }
    };
    let report = bench.sandbox.run(&command, &cancel, Some(&ready)).await;
    assert_eq!(report.unwrap().exit, Exit::Cancelled);
    all_gone(&bench);
}

#[tokio::test]
async fn a_dropped_run_ends_the_command() {
    let bench = Bench::new();
    let command = bench.shell(&format!("{FAMILY} exec sleep 1000"));
    let (told, mut ready) = tokio::sync::mpsc::unbounded_channel();
    let seen = Mutex::new(Vec::new());
    let tell = move |bytes: &[u8]| {
        let mut seen = seen.lock().unwrap();
        seen.extend_from_slice(bytes);
        if seen.ends_with(b"ready\n") {
            told.send(()).unwrap();
        }
    };
    let cancel = CancellationToken::new();
    tokio::select! {
        report = bench.sandbox.run(&command, &cancel, Some(&tell)) => panic!("ended: {report:?}"),
        _ = ready.recv() => {}
    }
    until("the family is gone", || {
        bench.pids().values().all(|pid| !lives(*pid))
    });
    all_gone(&bench);
}

#[test]
fn a_killed_parent_leaves_no_process() {
    let bench = Bench::new();
    let mut parent = process::Command::new(helper())
        .arg("run")
        .arg(bench.work())
        .args(["sh", "-c", &format!("{FAMILY} exec sleep 1000")])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    until("the family is complete", || bench.pids().len() == 5);
    assert!(bench.pids().values().all(|pid| lives(*pid)));
    let pid = Pid::from_raw(i32::try_from(parent.id()).unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    parent.wait().unwrap();
    until("the family is gone", || {
        bench.pids().values().all(|pid| !lives(*pid))
    });
}

#[tokio::test]
async fn a_command_that_hears_the_request_may_tidy_up() {
    let bench = Bench::new();
    let mut command = bench
        .shell("trap 'echo tidy > tidy; exit 0' TERM; echo ready; while :; do sleep 0.01; done");
    command.idle_ms = 1000;
    command.kill_grace_ms = 30_000;
    let report = bench.run(&command).await.unwrap();
    assert_eq!(report.exit, Exit::IdleTimeout);
    assert_eq!(
        fs::read_to_string(bench.work().join("tidy")).unwrap(),
        "tidy\n"
    );
}

#[tokio::test]
async fn a_signal_of_its_own_is_reported() {
    let bench = Bench::new();
    let report = bench.run(&bench.shell("kill -SEGV $$")).await.unwrap();
    assert_eq!(report.exit, Exit::Signal(11));
}

#[tokio::test]
async fn a_command_that_signals_its_group_reports_that_end() {
    let bench = Bench::new();
    let report = bench.run(&bench.shell("kill -KILL 0")).await.unwrap();
    assert_eq!(report.exit, Exit::Signal(9));
}

#[tokio::test]
async fn a_fork_storm_is_ended() {
    let bench = Bench::new();
    // Each keeps two children running until the number of files, and so of processes, is reached.
    let storm = "
        cat > storm.sh <<'END'
        [ $1 -gt 0 ] || exec sleep 1000
        sh storm.sh $(($1 - 1)) & sh storm.sh $(($1 - 1)) & echo on; wait
END
        exec sh storm.sh 7";
    let mut command = bench.shell(storm);
    command.wall_ms = 1500;
    let report = bench.run(&command).await.unwrap();
    assert_eq!(report.exit, Exit::WallTimeout);
    let marker = format!("PWD={}", bench.work().display());
    until("the storm is over", || !somebody_has(&marker));
}

#[tokio::test]
async fn a_command_with_too_many_processes_is_ended() {
    let bench = Bench::new();
    let mut command = bench.shell("for i in $(seq 60); do sleep 1000 & done; wait");
    command.processes_max = 50;
    let report = bench.run(&command).await.unwrap();
    // An ordinary user is refused the next process, the root user is counted.
    assert!(!report.exit.is_success());
    if rustix::process::geteuid().is_root() {
        assert_eq!(report.exit, Exit::Signal(9));
        assert_eq!(report.output, "\n[ended: more than 50 processes]\n");
    }
}

#[test]
fn a_parent_killed_at_any_moment_leaves_no_process() {
    let bench = Bench::new();
    for round in 0..40 {
        let mut parent = process::Command::new(helper())
            .arg("run")
            .arg(bench.work())
            .args(["sh", "-c", "setsid sleep 1000 & sleep 1000"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(round));
        parent.kill().unwrap();
        parent.wait().unwrap();
    }
    let marker = format!("HOME={}", bench.work().join(".home").display());
    until("nothing is left", || !somebody_has(&marker));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_supervisor_that_is_asked_to_end_ends_the_command() {
    let bench = Bench::new();
    let cancel = CancellationToken::new();
    let command = bench.shell("echo $$ > main.pid; echo $PPID; exec sleep 1000");
    let service = bench.sandbox.serve(&command, &cancel).await.unwrap();
    until("the command runs", || {
        service.output_so_far().ends_with('\n')
    });
    let supervisor = service.output_so_far().trim().parse().unwrap();
    kill_process(Pid::from_raw(supervisor).unwrap(), Signal::TERM).unwrap();
    until("the command has ended", || service.exited().is_some());
    assert_eq!(service.exited(), Some(Exit::Signal(15)));
    assert!(!lives(bench.pids()["main"]));
}

/// Whether a process has this entry in its environment.
fn somebody_has(entry: &str) -> bool {
    let processes = fs::read_dir("/proc").unwrap();
    processes.filter_map(Result::ok).any(|process| {
        let environment = fs::read(process.path().join("environ")).unwrap_or_default();
        environment
            .split(|byte| *byte == 0)
            .any(|part| part == entry.as_bytes())
    })
}
