//! `atelier exec` and `atelier doctor sandbox`: exit codes, reports, networks, and what is left.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::world::{Ended, World};

/// Time after which what must go away is taken not to.
const PATIENCE: Duration = Duration::from_mins(2);
/// Time-outs in a row.
const TIMEOUTS: usize = 50;
/// Commands under way at once, and how many there are.
const AT_ONCE: usize = 8;
const MANY: usize = 100;

fn exec(world: &World, args: &[&str]) -> Ended {
    world.run(&[&["exec"], args].concat())
}

fn report(world: &World, args: &[&str]) -> (Ended, Value) {
    let file = world.home.path().join("report.json");
    let name = file.display().to_string();
    let args = [&["--report", name.as_str()], args].concat();
    let ended = exec(world, &args);
    let text = fs::read_to_string(&file).unwrap_or_default();
    (ended, serde_json::from_str(&text).unwrap_or_default())
}

#[test]
fn it_exits_as_the_command_did() {
    let world = World::offline();
    for level in ["strong", "light"] {
        let run = |args: &[&str]| exec(&world, &[&["--level", level], args].concat()).code;
        assert_eq!(run(&["--", "true"]), Some(0));
        assert_eq!(run(&["--", "sh", "-c", "exit 7"]), Some(7));
        assert_eq!(run(&["--", "sh", "-c", "kill -9 $$"]), Some(137));
        assert_eq!(run(&["--wall", "300", "--", "sleep", "60"]), Some(124));
        assert_eq!(run(&["--", "no-such-program"]), Some(127));
        assert_eq!(run(&["--", "/usr/share"]), Some(126));
    }
}

#[test]
fn what_is_printed_is_handed_on() {
    let world = World::offline();
    let ended = exec(&world, &["--", "sh", "-c", "echo out; echo err >&2"]).expect(0);
    assert_eq!(ended.stdout, "out\nerr\n");
    let input = world.run_with(&["exec", "--stdin", "--", "cat"], b"input");
    assert_eq!(input.expect(0).stdout, "input");
    let nothing = world.run_with(&["exec", "--", "cat"], b"input");
    assert_eq!(nothing.expect(0).stdout, "");
}

#[test]
fn changes_are_taken_over_only_where_that_is_wanted() {
    let world = World::offline();
    world.write("old", "1");
    world.write("sub/kept", "1");
    let script = "echo 2 > old; echo 3 > new; rm -r sub; mkdir -p a/b; ln -s ../old a/l; \
                  ln -s /etc/passwd bad; mkdir .git; echo x > .git/config; mkfifo p; chmod 700 new";
    exec(&world, &["--", "sh", "-c", script]).expect(0);
    assert_eq!(fs::read_to_string(world.folder().join("old")).unwrap(), "1");
    assert_eq!(fs::read_dir(world.folder()).unwrap().count(), 2);
    let (ended, report) = report(&world, &["--write-back", "--", "sh", "-c", script]);
    ended.expect(0);
    assert_eq!(
        fs::read_to_string(world.folder().join("old")).unwrap(),
        "2\n"
    );
    assert_eq!(
        fs::read_to_string(world.folder().join("a/l")).unwrap(),
        "2\n"
    );
    let names: BTreeSet<String> = fs::read_dir(world.folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names, ["a", "new", "old"].map(str::to_owned).into());
    assert_eq!(report["returned"]["removed"], 1);
    let refused = report["returned"]["refused"].as_array().unwrap();
    assert_eq!(refused.len(), 3, "{refused:?}");
}

#[test]
fn the_report_names_level_limits_and_what_is_missing() {
    let world = World::offline();
    let (ended, strong) = report(&world, &["--wall", "300", "--", "sleep", "60"]);
    assert_eq!(ended.code, Some(124));
    assert_eq!(strong["level"], "strong");
    assert_eq!(strong["missing"], Value::Array(Vec::new()));
    assert_eq!(strong["limits"], serde_json::json!(["wall"]));
    assert_eq!(strong["exit"]["type"], "wall_timeout");
    let (ended, light) = report(&world, &["--level", "light", "--", "true"]);
    ended.expect(0);
    assert_eq!(light["level"], "light");
    assert!(!light["missing"].as_array().unwrap().is_empty());
    assert_eq!(light["exit"]["code"], 0);
}

#[test]
fn none_is_the_operators_word_and_never_the_projects() {
    let world = World::offline();
    world.write("atelier.toml", "sandbox = \"none\"\n");
    let refused = exec(&world, &["--", "true"]);
    assert_eq!(refused.code, Some(3), "{}", refused.all());
    assert!(
        refused.all().contains("ATELIER_SANDBOX"),
        "{}",
        refused.all()
    );
    let (ended, report) = report(&world, &["-c", "sandbox=none", "--", "true"]);
    ended.expect(0);
    assert_eq!(report["level"], "none");
    let wrong = exec(&world, &["--level", "none", "--", "true"]);
    assert_eq!(wrong.code, Some(2), "{}", wrong.all());
}

#[test]
fn a_whole_home_is_no_workspace() {
    let world = World::offline();
    let home = world.home.path().display().to_string();
    for folder in ["/", &home] {
        let refused = exec(&world, &["--workdir", folder, "--", "true"]);
        let known = refused.all().contains("whole home");
        assert!(known && refused.code == Some(2), "{}", refused.all());
    }
}

#[test]
fn doctor_says_which_level_works() {
    let world = World::offline();
    let ended = world.run(&["doctor", "sandbox", "--json"]).expect(0);
    let found = ended.json();
    let state = |level: &str| {
        let of = |one: &&Value| one["text"].as_str().unwrap().starts_with(level);
        found.iter().find(of).unwrap()["state"].clone()
    };
    assert_eq!(
        (state("strong"), state("light")),
        ("ok".into(), "ok".into()),
        "{}",
        ended.all()
    );
}

/// A registry on this machine that answers one request after the other.
fn registry() -> (
    String,
    std::thread::JoinHandle<()>,
    std::sync::Arc<std::sync::atomic::AtomicUsize>,
) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap().to_string();
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = asked.clone();
    let thread = std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 4096];
            let count = stream.read(&mut head).unwrap();
            if head[..count].starts_with(b"STOP") {
                return;
            }
            counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            assert!(head[..count].starts_with(b"GET /package HTTP/1.1\r\n"));
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\npackage")
                .unwrap();
        }
    });
    (place, thread, asked)
}

/// Asks a proxy for something; prints what it says.
const ASK: &str = "import os, socket, sys\n\
                   s = socket.create_connection(os.environ['HTTP_PROXY'][7:].split(':'), 5)\n\
                   s.sendall(('GET http://%s/package HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n' % sys.argv[1]).encode())\n\
                   while d := s.recv(4096): print(d.decode())\n";

#[test]
fn an_install_reaches_named_registries_and_nothing_else() {
    let world = World::offline();
    let (place, thread, asked) = registry();
    let named = format!("registries={place}");
    let ask = |place: &str| {
        let install = [
            "-c",
            &named,
            "--network",
            "install",
            "--",
            "python3",
            "-c",
            ASK,
            place,
        ];
        exec(&world, &install).expect(0).stdout
    };
    assert!(ask(&place).contains("package"));
    for elsewhere in ["example.org", "169.254.169.254", "127.0.0.1:1", "localhost"] {
        let said = ask(elsewhere);
        assert!(said.starts_with("HTTP/1.1 403"), "{elsewhere}: {said}");
    }
    let port = place.rsplit(':').next().unwrap();
    let direct = format!(
        "import socket\ntry: socket.create_connection(('127.0.0.1', {port}), 2); print('reached')\nexcept OSError: print('not reached')"
    );
    let past = [
        "-c",
        &named,
        "--network",
        "install",
        "--",
        "python3",
        "-c",
        &direct,
    ];
    assert_eq!(exec(&world, &past).expect(0).stdout, "not reached\n");
    let light = ["--level", "light", "--network", "install", "--", "true"];
    let refused = exec(&world, &light);
    assert_eq!(refused.code, Some(125), "{}", refused.all());
    assert!(refused.all().contains("strong"), "{}", refused.all());
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 1);
    std::net::TcpStream::connect(&place)
        .unwrap()
        .write_all(b"STOP")
        .unwrap();
    thread.join().unwrap();
}

/// Processes whose environment has this variable.
fn marked(marker: &str) -> usize {
    let entries = fs::read_dir("/proc").unwrap();
    let environs = entries.filter_map(|entry| fs::read(entry.unwrap().path().join("environ")).ok());
    let has = |environ: &Vec<u8>| {
        environ
            .windows(marker.len())
            .any(|part| part == marker.as_bytes())
    };
    environs.filter(has).count()
}

#[test]
fn after_a_timeout_nothing_is_left_each_time() {
    let world = World::offline();
    let marker = format!("MARKER={}", world.folder().display());
    let script =
        "trap '' TERM HUP INT; (setsid sleep 600 &) ; sleep 600 & kill -STOP $!; sleep 600";
    for round in 0..TIMEOUTS {
        let level = if round % 2 == 0 { "strong" } else { "light" };
        let args = [
            "--level", level, "--wall", "50", "--env", &marker, "--", "bash", "-c", script,
        ];
        assert_eq!(exec(&world, &args).code, Some(124), "round {round}");
        assert_eq!(marked(&marker), 0, "round {round}");
    }
}

fn temporary() -> BTreeSet<String> {
    let entries = fs::read_dir("/tmp").unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("atelier-")).collect()
}

fn mounts() -> usize {
    fs::read_to_string("/proc/self/mountinfo")
        .unwrap()
        .lines()
        .count()
}

fn groups(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    folders.map(|entry| 1 + groups(&entry.path())).sum()
}

#[test]
fn a_hundred_commands_at_once_leave_nothing_behind() {
    let world = World::offline();
    world.write("file", "text");
    let control = Path::new("/sys/fs/cgroup");
    let before = (mounts(), groups(control));
    let folders_before = temporary();
    let marker = format!("MARKER={}", world.folder().display());
    std::thread::scope(|scope| {
        for worker in 0..AT_ONCE {
            let (world, marker) = (&world, &marker);
            scope.spawn(move || {
                for _ in 0..MANY.div_ceil(AT_ONCE) {
                    let level = if worker % 4 == 3 { "light" } else { "strong" };
                    let script = "cat file; (setsid sleep 600 &); touch made; exit 5";
                    let args = [
                        "--level", level, "--env", marker, "--", "bash", "-c", script,
                    ];
                    let ended = exec(world, &args);
                    assert_eq!(
                        (ended.code, ended.stdout.as_str()),
                        (Some(5), "text"),
                        "{}",
                        ended.all()
                    );
                }
            });
        }
    });
    assert_eq!(marked(&marker), 0);
    assert_eq!((mounts(), groups(control)), before);
    // Commands of others come and go; what stays is ours.
    let mut left: BTreeSet<String> = temporary().difference(&folders_before).cloned().collect();
    let end = Instant::now() + PATIENCE;
    while !left.is_empty() {
        assert!(Instant::now() < end, "left behind: {left:?}");
        std::thread::sleep(Duration::from_millis(20));
        left = left.intersection(&temporary()).cloned().collect();
    }
}
