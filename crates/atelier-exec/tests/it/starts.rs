//! Commands that cannot start, and what a command finds when it does.

use std::{fs, os::unix::fs::PermissionsExt};

use atelier_exec::{Exit, Sandbox, SpawnError};
use tokio_util::sync::CancellationToken;

use crate::bench::Bench;

#[tokio::test]
async fn a_missing_program_is_no_verdict() {
    let bench = Bench::new();
    for name in ["no-such-program", "./no-such-program", "/no/such/program"] {
        let error = bench.run(&bench.command(&[name])).await.unwrap_err();
        assert!(error.is_commands_fault());
        let SpawnError::ProgramMissing { program } = error else {
            panic!("{name}: {error}");
        };
        assert_eq!(program, name);
    }
}

#[tokio::test]
async fn a_program_that_cannot_start_says_why() {
    let bench = Bench::new();
    let script = bench.work().join("script");
    fs::write(&script, "#!/no/such/interpreter\n").unwrap();
    let message = |error: SpawnError| error.to_string();
    let plain = bench.run(&bench.command(&["./script"])).await.unwrap_err();
    assert!(message(plain).contains("Permission denied"));
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let script = bench.run(&bench.command(&["./script"])).await.unwrap_err();
    assert!(message(script).contains("its interpreter is missing"));
    let mut command = bench.command(&["true"]);
    command.cwd = bench.work().join("missing");
    let folder = bench.run(&command).await.unwrap_err();
    assert!(message(folder).contains("there is no folder"));
    let nothing = bench.run(&bench.command(&[])).await.unwrap_err();
    assert!(matches!(nothing, SpawnError::NoProgram));
}

#[tokio::test]
async fn a_command_that_cannot_be_handed_over_is_refused() {
    let bench = Bench::new();
    let mut command = bench.command(&["true"]);
    command.stdin = vec![0; 17 * 1024 * 1024];
    let error = bench.run(&command).await.unwrap_err();
    assert!(matches!(error, SpawnError::TooLong { .. }), "{error}");
    command.stdin.truncate(16 * 1024 * 1024);
    assert!(bench.run(&command).await.unwrap().exit.is_success());
}

#[tokio::test]
async fn a_command_cancelled_before_it_began_does_not_begin() {
    let bench = Bench::new();
    let cancel = CancellationToken::new();
    cancel.cancel();
    let command = bench.shell("touch began");
    let report = bench.sandbox.run(&command, &cancel, None).await.unwrap();
    assert_eq!(report.exit, Exit::Cancelled);
    assert!(!fs::exists(bench.work().join("began")).unwrap());
}

#[tokio::test]
async fn a_helper_that_does_not_work_is_no_verdict() {
    let bench = Bench::new();
    for (helper, said) in [
        ("/no/such/helper", "start the sandbox helper"),
        ("/bin/true", "gone"),
    ] {
        let sandbox = Sandbox::new(helper.into());
        let command = bench.command(&["true"]);
        let ended = sandbox.run(&command, &CancellationToken::new(), None).await;
        let error = ended.unwrap_err();
        assert!(!error.is_commands_fault());
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[tokio::test]
async fn the_environment_is_what_was_given_and_a_temporary_folder() {
    let bench = Bench::new();
    let mut command = bench.command(&["env"]);
    command.env = [("PATH".to_owned(), "/usr/bin:/bin".to_owned())].into();
    let report = bench.run(&command).await.unwrap();
    let mut names: Vec<_> = report
        .output
        .lines()
        .filter_map(|line| line.split('=').next())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["PATH", "TEMP", "TMP", "TMPDIR"]);
}

#[tokio::test]
async fn the_temporary_folder_is_gone_afterwards_whatever_became_of_it() {
    let bench = Bench::new();
    let script =
        "cd $TMPDIR && pwd && mkdir -p shut/below && touch shut/below/file && chmod 000 shut
        i=0; while [ $i -lt 1500 ]; do mkdir d && cd d || exit 1; i=$((i+1)); done";
    let report = bench.run(&bench.shell(script)).await.unwrap();
    assert_eq!(report.exit, Exit::Code(0), "{}", report.output);
    let folder = report.output.trim();
    assert!(folder.starts_with("/tmp/atelier-"));
    assert!(!fs::exists(folder).unwrap());
}

#[tokio::test]
async fn nothing_open_in_this_process_is_open_in_a_command() {
    use std::os::fd::AsRawFd;
    let bench = Bench::new();
    // Not closed on exec, as descriptors are that a caller of this process left open.
    let (left_open, _other_end) = rustix::pipe::pipe().unwrap();
    let report = bench
        .run(&bench.command(&["ls", "/proc/self/fd"]))
        .await
        .unwrap();
    // The last one is the folder that is listed.
    assert_eq!(
        report.output,
        "0\n1\n2\n3\n",
        "left open: {}",
        left_open.as_raw_fd()
    );
}

#[tokio::test]
async fn a_command_has_no_terminal() {
    let bench = Bench::new();
    let report = bench.run(&bench.shell("exec < /dev/tty")).await.unwrap();
    assert!(!report.exit.is_success(), "{}", report.output);
}

#[tokio::test]
async fn a_core_is_never_dumped_and_processes_are_limited() {
    let bench = Bench::new();
    let mut command = bench.command(&["bash", "-c", "ulimit -c; ulimit -u"]);
    command.processes_max = 1234;
    let report = bench.run(&command).await.unwrap();
    let numbers = report.output.lines().map(str::parse::<u64>);
    let numbers: Vec<_> = numbers.map(Result::unwrap).collect();
    assert_eq!(numbers[0], 0);
    // The user's other processes come on top.
    assert!((1234..12_340).contains(&numbers[1]), "{numbers:?}");
}
