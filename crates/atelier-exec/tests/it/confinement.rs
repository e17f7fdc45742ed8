//! What a command may not touch, and what it must be able to do all the same.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use atelier_exec::{Cap, Exit, Report, Support};
use tokio_util::sync::CancellationToken;

use crate::bench::{Bench, lives};

/// A bench on a machine that can confine; `None`, with a word on it, on one that cannot.
fn confined(abi_min: u32) -> Option<Bench> {
    let bench = Bench::new();
    match bench.sandbox.support() {
        Support::Landlock { abi } if *abi >= abi_min => Some(bench),
        level @ (Support::Landlock { .. } | Support::None { .. }) => {
            use std::io::Write;
            let _ = writeln!(
                std::io::stderr(),
                "skipped: needs Landlock {abi_min}, has {level:?}"
            );
            None
        }
    }
}

async fn shell(bench: &Bench, script: &str) -> Report {
    bench.run(&bench.shell(script)).await.unwrap()
}

/// Every file below a folder with its content.
fn snapshot(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push((path.display().to_string(), fs::read(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

#[tokio::test]
async fn a_home_cannot_be_removed() {
    let Some(bench) = confined(1) else { return };
    let home = bench.folder().join("home");
    fs::create_dir_all(home.join(".ssh")).unwrap();
    fs::write(home.join(".ssh/id"), "key").unwrap();
    fs::write(home.join("letter"), "text").unwrap();
    let before = snapshot(&home);
    let mut command = bench.shell("rm -rf \"$HOME\"; rm -rf ~/.ssh ~/letter; echo done");
    command
        .env
        .insert("HOME".into(), home.display().to_string());
    let report = bench.run(&command).await.unwrap();
    assert!(report.output.ends_with("done\n"));
    assert_eq!(snapshot(&home), before);
}

#[tokio::test]
async fn nothing_outside_can_be_written() {
    let Some(bench) = confined(3) else { return };
    let outside = bench.folder().join("outside");
    fs::create_dir(&outside).unwrap();
    let file = outside.join("file");
    fs::write(&file, "content").unwrap();
    std::os::unix::fs::symlink(&outside, bench.work().join("link")).unwrap();
    for attempt in [
        "echo x > ../outside/file",
        "echo x >> ../outside/file",
        "truncate -s 0 ../outside/file",
        "rm ../outside/file",
        "mv ../outside/file .",
        "ln ../outside/file here && echo x > here",
        "echo x > ../outside/new",
        "mkdir ../outside/new",
        "ln -s /etc ../outside/new",
        "mkfifo ../outside/new",
        "echo x > link/new",
        "mv link/file link/new",
        "cp -r . ../outside/new",
        "echo x > ../new",
        "touch /root/atelier-escape",
        "touch /home/atelier-escape",
        "touch /etc/atelier-escape",
        "touch /tmp/atelier-escape",
        "touch /var/tmp/atelier-escape",
        "echo x > /proc/$PPID/comm",
        "echo 1 > /proc/sys/kernel/core_pattern",
    ] {
        let report = shell(&bench, attempt).await;
        assert!(!report.exit.is_success(), "succeeded: {attempt}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "content");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    assert_eq!(fs::read_dir(bench.folder()).unwrap().count(), 2);
}

#[tokio::test]
async fn its_own_places_can_be_written() {
    let bench = Bench::new();
    let mut command = bench.shell(
        "mkdir -p a/b && echo x > a/b/c && mv a/b/c a/d && ln -s d a/e && rm -r a/b \
         && mkfifo pipe && echo y > ../other/f && mv ../other/f a/f && ln a/f a/g \
         && echo z > $TMPDIR/t && mv $TMPDIR/t a/t && cat a/d a/f a/t",
    );
    command.writable.push(bench.folder().join("other"));
    let report = bench.run(&command).await.unwrap();
    assert_eq!(
        (report.exit, report.output.as_str()),
        (Exit::Code(0), "x\ny\nz\n")
    );
}

#[tokio::test]
async fn everyday_devices_work() {
    let bench = Bench::new();
    let script = "echo x > /dev/null && head -c 3 /dev/zero | wc -c && head -c 3 /dev/urandom | wc -c \
        && echo out > /dev/stdout && echo err > /dev/stderr && echo m > /dev/shm/atelier-$$ \
        && rm /dev/shm/atelier-$$";
    let report = shell(&bench, script).await;
    assert_eq!(
        (report.exit, report.output.as_str()),
        (Exit::Code(0), "3\n3\nout\nerr\n")
    );
}

#[tokio::test]
async fn the_loopback_network_works() {
    let bench = Bench::new();
    let script = r#"
        use IO::Socket::INET;
        my $server = IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 1) or die "listen: $!";
        if (!fork) { my $peer = $server->accept; print $peer "hello\n"; exit }
        my $client = IO::Socket::INET->new("127.0.0.1:" . $server->sockport) or die "connect: $!";
        print <$client>;
    "#;
    let report = bench.run(&bench.command(&["perl", "-e", script])).await;
    let report = report.unwrap();
    assert_eq!(
        (report.exit, report.output.as_str()),
        (Exit::Code(0), "hello\n")
    );
}

#[tokio::test]
async fn a_process_outside_cannot_be_signalled() {
    let Some(bench) = confined(6) else { return };
    let mut bystander = std::process::Command::new("sleep")
        .arg("1000")
        .spawn()
        .unwrap();
    let report = shell(&bench, &format!("kill -KILL {}", bystander.id())).await;
    assert!(!report.exit.is_success());
    assert!(lives(bystander.id()));
    bystander.kill().unwrap();
    bystander.wait().unwrap();
    let report = shell(&bench, "kill -KILL $PPID; echo still here").await;
    assert!(report.output.ends_with("still here\n"));
    assert_eq!(report.exit, Exit::Code(0));
}

#[tokio::test]
async fn the_secrets_of_this_process_cannot_be_read_from_its_record() {
    let Some(bench) = confined(1) else { return };
    let script = format!("cat /proc/{}/environ", std::process::id());
    assert!(!shell(&bench, &script).await.exit.is_success());
    assert!(
        !shell(&bench, "cat /proc/$PPID/environ")
            .await
            .exit
            .is_success()
    );
}

#[tokio::test]
async fn rights_are_not_regained() {
    let bench = Bench::new();
    let report = shell(&bench, "grep NoNewPrivs /proc/self/status").await;
    assert_eq!(report.output, "NoNewPrivs:\t1\n");
}

#[tokio::test]
async fn one_file_and_what_is_printed_are_limited_where_nothing_is_said() {
    let bench = Bench::new();
    let report = bench
        .run(&bench.command(&["bash", "-c", "ulimit -f"]))
        .await
        .unwrap();
    let kib: u64 = report.output.trim().parse().unwrap();
    assert!(kib > 0 && kib <= 8 << 20, "{kib}");
    let heard = AtomicU64::new(0);
    let hear = |bytes: &[u8]| {
        heard.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    };
    let command = bench.command(&["yes"]);
    let cancel = CancellationToken::new();
    let endless = bench.sandbox.run(&command, &cancel, Some(&hear)).await;
    assert_eq!(endless.unwrap().usage.hit, [Cap::Output]);
    assert!(heard.into_inner() <= 1 << 30);
}
