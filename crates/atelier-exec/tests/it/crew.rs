//! Supervisors that carry out one command after the other, and what is left when they are killed.

use std::{collections::BTreeSet, fs, path::PathBuf};

use atelier_exec::{Command, Confinement, Exit, Report, Returns, Sandbox, SpawnError, Workspace};
use atelier_model::SandboxLevel;
use rustix::process::{Pid, Signal, kill_process};
use tokio_util::sync::CancellationToken;

use crate::bench::{Bench, helper, lives, until};

/// Commands at once.
const MANY: usize = 100;

async fn supervisor(bench: &Bench, script: &str) -> u32 {
    let report = bench.run(&bench.shell(script)).await.unwrap();
    assert!(report.exit.is_success(), "{}", report.output);
    report.output.trim().parse().unwrap()
}

fn kill(pid: u32) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
}

/// Where the private folders of this user's supervisors lie.
fn place() -> PathBuf {
    let user = rustix::process::geteuid().as_raw();
    std::env::temp_dir().join(format!("atelier-{user}"))
}

fn folders_of(supervisor: u32) -> usize {
    let begin = format!("{supervisor}-");
    let entries = fs::read_dir(place()).unwrap().flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&begin))
        .count()
}

/// Processes below this one, at any depth.
fn below() -> BTreeSet<u32> {
    let mut found = BTreeSet::from([std::process::id()]);
    loop {
        let before = found.len();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else {
                continue;
            };
            let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            let rest = stat.rsplit(')').next().unwrap_or_default();
            let parent = rest.split_ascii_whitespace().nth(1);
            let parent = parent.and_then(|parent| parent.parse().ok());
            if parent.is_some_and(|parent| found.contains(&parent)) && lives(pid) {
                found.insert(pid);
            }
        }
        if found.len() == before {
            found.remove(&std::process::id());
            return found;
        }
    }
}

fn strong(bench: &Bench, script: &str) -> Command {
    let mut command = bench.shell(script);
    command.writable.clear();
    command.confinement = Confinement {
        workspace: Some(Workspace {
            folder: bench.work(),
            returns: Returns::Nothing,
        }),
        ..Confinement::strong()
    };
    command
}

#[tokio::test]
async fn one_supervisor_carries_out_commands_that_are_confined_alike() {
    let bench = Bench::new();
    let first = supervisor(&bench, "echo $PPID").await;
    assert_eq!(supervisor(&bench, "cd /; echo $PPID").await, first);
    let mut other = bench.shell("echo $PPID");
    other.writable.push(bench.work().join("more"));
    let report = bench.run(&other).await.unwrap();
    assert_ne!(report.output.trim(), first.to_string());
    // A folder made anew is another, whatever it is called.
    fs::rename(bench.work(), bench.folder().join("old")).unwrap();
    fs::create_dir(bench.work()).unwrap();
    assert_ne!(supervisor(&bench, "echo x > file; echo $PPID").await, first);
}

#[tokio::test]
async fn whoever_finds_something_left_takes_no_other_command() {
    let bench = Bench::new();
    for script in ["touch $TMPDIR/left", "chmod 755 $TMPDIR"] {
        let first = supervisor(&bench, &format!("{script}; echo $PPID")).await;
        assert_ne!(supervisor(&bench, "ls -A $TMPDIR; echo $PPID").await, first);
        assert_eq!(folders_of(first), 0);
    }
}

fn unconfined(bench: &Bench, script: &str) -> Command {
    let mut command = bench.shell(script);
    command.confinement.level = SandboxLevel::None;
    command
}

async fn free_supervisor(bench: &Bench, script: &str) -> u32 {
    let report = bench.run(&unconfined(bench, script)).await.unwrap();
    assert!(report.exit.is_success(), "{}", report.output);
    report.output.trim().parse().unwrap()
}

#[tokio::test]
async fn commands_that_nobody_confines_have_one_supervisor_too() {
    let bench = Bench::new();
    let first = free_supervisor(&bench, "echo $PPID").await;
    let mut elsewhere = unconfined(&bench, "pwd; echo $PPID");
    elsewhere.cwd = "/".into();
    elsewhere.confinement.network = atelier_model::Network::Loopback;
    let report = bench.run(&elsewhere).await.unwrap();
    assert_eq!(report.output, format!("/\n{first}\n"));
    // Nobody who is confined meets one who is not.
    assert_ne!(supervisor(&bench, "echo $PPID").await, first);
    assert_eq!(free_supervisor(&bench, "echo $PPID").await, first);
}

#[tokio::test]
async fn what_a_command_changes_of_itself_the_next_one_does_not_find() {
    let bench = Bench::new();
    let look = "umask; ulimit -a; env | sort; ls -l /proc/self/fd | wc -l; pwd; \
                grep -E 'Sig(Blk|Ign|Cgt)|Cpus_allowed:' /proc/self/status";
    let before = bench.run(&unconfined(&bench, look)).await.unwrap();
    let change = "umask 0; ulimit -n 64; ulimit -f 1; export X=1; exec 7</dev/null; cd /; \
                  trap '' HUP INT TERM; sleep 600 & echo $PPID";
    let first = free_supervisor(&bench, change).await;
    assert_eq!(free_supervisor(&bench, "echo $PPID").await, first);
    let after = bench.run(&unconfined(&bench, look)).await.unwrap();
    assert_eq!(after.output, before.output);
}

#[tokio::test]
async fn a_supervisor_whose_limits_were_changed_takes_no_other_command() {
    let bench = Bench::new();
    let change = "prlimit --pid $PPID --core=0:0 --stack=1048576:1048576 && echo $PPID";
    let first = free_supervisor(&bench, change).await;
    assert_ne!(free_supervisor(&bench, "echo $PPID").await, first);
}

#[tokio::test]
async fn a_command_that_kills_its_supervisor_has_no_result_and_the_next_has_another() {
    let bench = Bench::new();
    let first = free_supervisor(&bench, "echo $PPID").await;
    let killed = bench.run(&unconfined(&bench, "kill -9 $PPID")).await;
    assert!(
        matches!(killed, Err(SpawnError::HelperLost { .. })),
        "{killed:?}"
    );
    assert_ne!(free_supervisor(&bench, "echo $PPID").await, first);
}

#[tokio::test]
async fn ports_of_one_command_are_not_kept_from_the_next() {
    let bench = Bench::new();
    // Whoever hangs up first is the one whose port the kernel keeps.
    let server = "import os, socket as s\n\
                  a = s.socket(); a.bind(('127.0.0.1', 4321)); a.listen()\n\
                  b = s.create_connection(('127.0.0.1', 4321)); c, _ = a.accept()\n\
                  c.close(); b.recv(1); b.close(); print(os.getppid())";
    let mut seen = BTreeSet::new();
    for _ in 0..3 {
        let mut command = bench.command(&["python3", "-c", server]);
        command.confinement.network = atelier_model::Network::Loopback;
        command.confinement.host_network = false;
        let report = bench.run(&command).await.unwrap();
        assert!(report.exit.is_success(), "{}", report.output);
        seen.insert(report.output);
    }
    assert_eq!(seen.len(), 3);
}

#[tokio::test]
async fn a_supervisor_that_was_killed_is_replaced() {
    let bench = Bench::new();
    let first = supervisor(&bench, "echo $PPID").await;
    kill(first);
    until("it is gone", || !lives(first));
    let second = supervisor(&bench, "echo $PPID").await;
    assert_ne!(second, first);
    assert_eq!(folders_of(first), 0);
}

#[tokio::test]
async fn supervisors_end_with_whoever_has_them() {
    let bench = Bench::new();
    let light = supervisor(&bench, "echo $PPID").await;
    bench.run(&strong(&bench, "true")).await.unwrap();
    let waiting = below();
    assert!(waiting.contains(&light));
    drop(bench);
    until("all of them are gone", || below().is_empty());
    assert_eq!(folders_of(light), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_supervisor_killed_in_the_middle_leaves_nothing() {
    let bench = Bench::new();
    let sandbox = Sandbox::new(helper());
    let command = strong(&bench, "setsid sleep 600 & echo begun; sleep 600");
    let begun = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let told = begun.clone();
    let task = tokio::spawn(async move {
        let hear = |_: &[u8]| told.store(true, std::sync::atomic::Ordering::Relaxed);
        sandbox
            .run(&command, &CancellationToken::new(), Some(&hear))
            .await
    });
    until("it runs", || {
        begun.load(std::sync::atomic::Ordering::Relaxed)
    });
    let family = below();
    assert!(family.len() >= 4, "{family:?}");
    let name = |pid: &u32| fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let parent = format!(" {} ", std::process::id());
    let own = |pid: &&u32| name(pid).rsplit(')').next().unwrap().contains(&parent);
    let supervisor = *family.iter().find(own).unwrap();
    assert_eq!(folders_of(supervisor), 1);
    kill(supervisor);
    assert!(task.await.unwrap().is_err());
    until("nothing of it lives", || {
        !family.iter().any(|pid| lives(*pid))
    });
    bench.run(&bench.shell("true")).await.unwrap();
    assert_eq!(folders_of(supervisor), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_at_once_leave_nothing_behind() {
    let bench = Bench::new();
    let mounts = || {
        fs::read_to_string("/proc/self/mounts")
            .unwrap()
            .lines()
            .count()
    };
    let before = mounts();
    let mut running = tokio::task::JoinSet::new();
    for number in 0..MANY {
        let sandbox = bench.sandbox.clone();
        let script = format!("(setsid sleep 600 &); echo {number} > $TMPDIR/file; echo {number}");
        let command = if number % 2 == 0 {
            strong(&bench, &script)
        } else {
            bench.shell(&script)
        };
        running.spawn(async move {
            let ended = sandbox.run(&command, &CancellationToken::new(), None).await;
            (number, ended.unwrap())
        });
    }
    let reports: Vec<(usize, Report)> = running.join_all().await;
    assert_eq!(reports.len(), MANY);
    for (number, report) in reports {
        assert_eq!(
            (report.exit, report.output),
            (Exit::Code(0), format!("{number}\n"))
        );
    }
    drop(bench);
    let mut mine = BTreeSet::new();
    until("all of it is gone", || {
        mine.extend(below());
        below().is_empty()
    });
    assert_eq!(mounts(), before);
    assert!(mine.iter().all(|pid| folders_of(*pid) == 0));
}

#[tokio::test]
async fn the_state_beside_a_project_is_hidden_at_the_light_level_too() {
    let bench = Bench::new();
    let state = bench.work().join(".atelier");
    fs::create_dir_all(state.join("home")).unwrap();
    fs::write(state.join("store"), "secret").unwrap();
    let script = "cat .atelier/store; echo x > .atelier/store; rm -rf .atelier; mv .atelier moved; \
                  echo kept > .atelier/home/file; echo new > file; ls -A .atelier";
    let mut command = bench.shell(script);
    command.writable.push(state.join("home"));
    let report = bench.run(&command).await.unwrap();
    assert_eq!(report.usage.state_shown, None);
    assert!(!report.output.contains("secret"), "{}", report.output);
    assert!(report.output.ends_with("home\n"), "{}", report.output);
    let read = |path: PathBuf| fs::read_to_string(path).unwrap();
    assert_eq!(read(state.join("store")), "secret");
    assert_eq!(read(state.join("home/file")), "kept\n");
    assert_eq!(read(bench.work().join("file")), "new\n");
}
