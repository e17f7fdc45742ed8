//! Processors are shared out, given back and made up for; real makes keep to them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, fs, process::Command};

use tokio::time::{Duration, timeout};

use super::JobServer;

#[tokio::test]
async fn processors_are_taken_and_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let server = JobServer::open(folder.path(), 2).unwrap();
    let soon = Duration::from_secs(20);
    timeout(soon, server.take(2)).await.unwrap().unwrap();
    let third = timeout(Duration::from_millis(50), server.take(1)).await;
    assert!(third.is_err(), "there are two");
    server.give(1);
    timeout(soon, server.take(1)).await.unwrap().unwrap();
}

#[tokio::test]
async fn what_was_not_given_back_is_there_again_for_whoever_is_first() {
    let folder = tempfile::tempdir().unwrap();
    let server = JobServer::open(folder.path(), 2).unwrap();
    let soon = Duration::from_secs(20);
    let first = server.hold();
    timeout(soon, server.take(2)).await.unwrap().unwrap();
    let second = server.hold();
    let third = timeout(Duration::from_millis(50), server.take(1)).await;
    assert!(third.is_err(), "somebody holds on to those that are gone");
    drop((first, second));
    let _next = server.hold();
    timeout(soon, server.take(2)).await.unwrap().unwrap();
}

#[tokio::test]
async fn each_process_has_a_pipe_and_those_of_the_dead_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let mut dead = Command::new("true").spawn().unwrap();
    dead.wait().unwrap();
    let (left, alive) = (format!("jobserver.{}", dead.id()), "jobserver.1");
    for name in [left.as_str(), alive] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    let server = JobServer::open(folder.path(), 1).unwrap();
    assert!(!folder.path().join(&left).exists());
    assert!(folder.path().join(alive).exists());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    drop(server);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn other_programs_are_started_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let server = JobServer::open(folder.path(), 2).unwrap();
    let mut env = BTreeMap::new();
    let argv = vec!["/usr/bin/true".to_owned()];
    assert_eq!(server.lend(argv.clone(), &mut env), argv);
    assert!(env.is_empty());
}

/// Three makes of eight jobs each: of all 24 no more run at once than there are processors, and one
/// for each make, which has it without asking.
#[tokio::test]
async fn makes_beside_each_other_keep_to_what_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let server = JobServer::open(folder.path(), 4).unwrap();
    let job = "\t@echo b >> log; sleep 0.05; echo e >> log\n";
    let jobs: Vec<String> = (0..8).map(|at| format!("j{at}")).collect();
    let rules: Vec<String> = jobs.iter().map(|one| format!("{one}:\n{job}")).collect();
    let text = format!("all: {}\n{}", jobs.join(" "), rules.concat());
    fs::write(folder.path().join("Makefile"), text).unwrap();
    let mut children = Vec::new();
    for _ in 0..3 {
        let taken = timeout(Duration::from_secs(20), server.take(1));
        taken.await.unwrap().unwrap();
        let mut env = BTreeMap::new();
        let argv = server.lend(vec!["make".to_owned(), "all".to_owned()], &mut env);
        let mut command = Command::new(&argv[0]);
        command
            .args(&argv[1..])
            .envs(env)
            .current_dir(folder.path());
        children.push(command.spawn().unwrap());
    }
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    let (mut now, mut most) = (0_i32, 0);
    for line in log.lines() {
        now += if line == "b" { 1 } else { -1 };
        most = most.max(now);
    }
    assert_eq!((log.lines().count(), now), (48, 0));
    assert!((2..=4).contains(&most), "{most} at once");
}
