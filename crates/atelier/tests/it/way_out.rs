//! `atelier exec --network install`: packages come through the door, and nothing else does.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs, UdpSocket},
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use serde_json::Value;

use crate::world::{Ended, World, end};

/// Number of an ordinary user.
const ORDINARY: u32 = 12_345;
/// Time after which a registry is taken not to be there.
const PATIENCE: Duration = Duration::from_secs(5);
/// A password that must never be seen inside.
const PASSWORD: &str = "canary-4c1b77d0";

/// Somebody on this machine who answers in HTTP, and notes what was asked.
struct StandIn {
    place: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl StandIn {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ended = Arc::new(AtomicBool::new(false));
        let (notes, over) = (heard.clone(), ended.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let mut stream = stream.unwrap();
                notes.lock().unwrap().push(head(&mut stream));
                // Somebody who does not wait for the answer does not want it.
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\npackage");
            }
        });
        Self {
            place,
            heard,
            ended,
            thread: Some(thread),
        }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.place));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count > 0) {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// The program as somebody: whoever runs the tests, or an ordinary user.
fn command(world: &World, args: &[&str], ordinary: bool) -> Command {
    let report = world.home.path().join("report.json").display().to_string();
    let first = ["exec", "--network", "install", "--report", &report];
    let mut command = world.command(&[&first, args].concat());
    if ordinary {
        hand_over(world.home.path().parent().unwrap());
        command
            .uid(ORDINARY)
            .gid(ORDINARY)
            .env("PATH", "/usr/local/bin:/usr/bin:/bin");
        for name in ["CARGO_HOME", "RUSTUP_HOME", "PYENV_ROOT"] {
            command.env_remove(name);
        }
    }
    command
}

fn hand_over(path: &Path) {
    chown(path, Some(ORDINARY), Some(ORDINARY)).unwrap();
    if fs::symlink_metadata(path).unwrap().is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            hand_over(&entry.unwrap().path());
        }
    }
}

/// Whoever runs the tests and, where that is the root user, an ordinary user too.
fn callers() -> Vec<bool> {
    let root = fs::metadata("/proc/self").unwrap().uid() == 0;
    if root { vec![false, true] } else { vec![false] }
}

fn report(world: &World) -> Value {
    let text = fs::read_to_string(world.home.path().join("report.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// What a command tries, one a line: its name, and what came of it.
const TRIES: &str = r"
import os, socket, sys, urllib.request, urllib.error
named, port = sys.argv[1], int(sys.argv[1].split(':')[1])
door = os.environ['HTTPS_PROXY'][7:].split(':')
def told(name, what):
    try: print(name, what(), sep='\t')
    except urllib.error.HTTPError as e: print(name, e.code, sep='\t')
    except OSError as e: print(name, 'no way', sep='\t')
def say(text):
    s = socket.create_connection(door, 20); s.settimeout(20); s.sendall(text.encode())
    return s.recv(4096).decode().split(' ')[1]
def tunnel(place): return lambda: say('CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n' % (place, place))
def plain(url): return lambda: urllib.request.urlopen(url, timeout=20).read().decode()
def direct(place): return lambda: socket.create_connection(place, 3).close() or 'reached'
def udp(place, what):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(2)
    s.sendto(what, place)
    return s.recv(512) and 'reached'
question = b'\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03org\x00\x00\x01\x00\x01'
told('named', plain('http://%s/package' % named))
told('named through a tunnel', tunnel(named))
told('other host', tunnel('example.org:443'))
told('other host, plain', plain('http://example.org/'))
told('other port of the named', tunnel('127.0.0.1:%d' % (port ^ 1)))
told('other name of this machine', tunnel('localhost:%d' % port))
told('other spelling of this machine', tunnel('127.1:%d' % port))
told('number of this machine', tunnel('2130706433:%d' % port))
told('newer spelling of this machine', tunnel('[::ffff:127.0.0.1]:%d' % port))
told('nobody', tunnel('0.0.0.0:%d' % port))
told('address', tunnel('1.1.1.1:443'))
told('metadata', plain('http://169.254.169.254/latest/meta-data/'))
told('metadata, tunnel', tunnel('169.254.169.254:80'))
told('shell', tunnel('pypi.org:22'))
told('host by another field', lambda: say('GET http://example.org/ HTTP/1.1\r\nHost: %s\r\n\r\n' % named))
told('user before the host', tunnel('%s@example.org:443' % named))
told('no place', lambda: say('GET / HTTP/1.1\r\nHost: %s\r\n\r\n' % named))
told('direct to the named', direct(('127.0.0.1', port)))
told('direct to an address', direct(('1.1.1.1', 443)))
told('direct to a newer address', direct(('2606:4700:4700::1111', 443)))
told('direct to this machine', direct((sys.argv[2], port)))
told('question by datagram', lambda: udp(('1.1.1.1', 53), question))
told('question to the resolver', lambda: udp((sys.argv[3], 53), question))
told('datagram to this machine', lambda: udp(('127.0.0.1', int(sys.argv[4])), b'datagram'))
told('name', lambda: socket.getaddrinfo('pypi.org', 443) and 'found')
";

/// An address of this machine that others see, if it has one.
fn seen_address() -> String {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    let known = socket
        .connect("192.0.2.1:9")
        .and_then(|()| socket.local_addr());
    known.map_or_else(|_| "127.0.0.2".to_owned(), |place| place.ip().to_string())
}

fn resolver() -> String {
    let text = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let mut named = text
        .lines()
        .filter_map(|line| line.strip_prefix("nameserver "));
    named.next().unwrap_or("127.0.0.53").trim().to_owned()
}

#[test]
fn a_named_registry_is_reached_and_nothing_else() {
    for ordinary in callers() {
        let world = World::offline();
        let registry = StandIn::start();
        let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
        datagrams.set_nonblocking(true).unwrap();
        let datagram_port = datagrams.local_addr().unwrap().port().to_string();
        let place = registry.place.to_string();
        let (seen, resolver) = (seen_address(), resolver());
        let named = format!("registries={place}");
        let args = [
            "-c",
            &named,
            "--",
            "python3",
            "-c",
            TRIES,
            &place,
            &seen,
            &resolver,
            &datagram_port,
        ];
        let ended = end(command(&world, &args, ordinary)).expect(0);
        let found: BTreeMap<&str, &str> = ended
            .stdout
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .collect();
        assert_eq!(found.len(), 25, "{}", ended.all());
        for (name, what) in &found {
            let expected = match *name {
                "named" => "package",
                "named through a tunnel" => "200",
                "no place" => "400",
                name if name.contains("direct") || name.contains("datagram") => "no way",
                "question to the resolver" | "name" => "no way",
                _ => "403",
            };
            assert_eq!(*what, expected, "{name}: {}", ended.all());
        }
        let mut heard = registry.heard();
        // Through the tunnel nothing was said.
        heard.retain(|head| !head.is_empty());
        assert_eq!(heard.len(), 1, "{heard:?}");
        assert!(
            heard[0].starts_with("GET /package HTTP/1.1\r\n"),
            "{heard:?}"
        );
        assert!(datagrams.recv(&mut [0; 16]).is_err());
        told_once(&world, &ended);
    }
}

/// Each refused host stands in the report and on standard error once, with its remedy.
fn told_once(world: &World, ended: &Ended) {
    let report = report(world);
    let refused = report["way_out"]["refused"].as_array().unwrap();
    let of = |host: &str| {
        let found = refused.iter().filter(|one| one["host"] == host);
        found.collect::<Vec<_>>()
    };
    assert_eq!(of("169.254.169.254").len(), 1, "{refused:?}");
    assert_eq!(of("169.254.169.254")[0]["times"], 2);
    assert_eq!(of("pypi.org")[0]["why"]["reason"], "port");
    assert_eq!(report["way_out"]["connections"], 2);
    let lines: Vec<&str> = ended
        .stderr
        .lines()
        .filter(|line| line.contains("reached for example.org: not among `registries`"))
        .collect();
    // Once for each port.
    assert_eq!(lines.len(), 2, "{}", ended.all());
    assert!(
        lines[0].contains("add \"example.org\" to `registries`"),
        "{}",
        lines[0]
    );
}

#[test]
fn what_the_project_names_does_not_count() {
    let world = World::offline();
    let registry = StandIn::start();
    let place = registry.place.to_string();
    world.write("atelier.toml", format!("registries = [\"{place}\"]\n"));
    world.write(".npmrc", format!("registry=http://{place}/\n"));
    let index = format!("PIP_INDEX_URL=http://{place}/simple");
    let ask = "import os, socket, sys\n\
               s = socket.create_connection(os.environ['HTTP_PROXY'][7:].split(':'), 20)\n\
               s.sendall(('GET http://%s/package HTTP/1.1\\r\\nConnection: close\\r\\n\\r\\n' % sys.argv[1]).encode())\n\
               print(s.makefile().read(200))";
    let args = ["--env", &index, "--", "python3", "-c", ask, &place];
    let ended = end(command(&world, &args, false)).expect(0);
    assert!(ended.stdout.starts_with("HTTP/1.1 403"), "{}", ended.all());
    assert!(
        ended.stderr.contains("not among `registries`"),
        "{}",
        ended.all()
    );
    assert_eq!(registry.heard(), Vec::<String>::new());
    // The same in the user's own environment does.
    let mut own = command(&world, &["--", "python3", "-c", ask, &place], false);
    own.env("PIP_INDEX_URL", format!("http://{place}/simple"));
    assert!(end(own).expect(0).stdout.contains("package"));
}

#[test]
fn the_users_proxy_is_used_and_its_password_stays_outside() {
    let world = World::offline();
    let proxy = StandIn::start();
    let url = format!("http://user:{PASSWORD}@{}", proxy.place);
    let script = "env; cat /proc/self/environ /proc/1/environ /proc/1/cmdline 2>/dev/null; \
                  python3 -c \"import urllib.request as u; print(u.urlopen('http://pypi.org/simple').read())\"";
    let mut install = command(&world, &["--", "bash", "-c", script], false);
    install.env("http_proxy", &url).env("HTTPS_PROXY", &url);
    let ended = end(install).expect(0);
    assert!(ended.stdout.contains("package"), "{}", ended.all());
    assert!(!ended.all().contains(PASSWORD), "{}", ended.all());
    let heard = proxy.heard();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(
        heard[0].starts_with("GET http://pypi.org/simple HTTP/1.1\r\n"),
        "{heard:?}"
    );
    assert!(
        heard[0].contains("proxy-authorization: Basic "),
        "{heard:?}"
    );
    // Where there is no door, nothing is told of proxies at all.
    let args = ["exec", "--", "env"];
    let mut without = world.command(&args);
    without.env("http_proxy", &url).env("HTTPS_PROXY", &url);
    let ended = end(without).expect(0);
    assert!(
        !ended.stdout.to_lowercase().contains("_proxy="),
        "{}",
        ended.all()
    );
}

/// Whether a registry answers on this machine.
fn answers(host: &str) -> bool {
    let addresses = (host, 443).to_socket_addrs().into_iter().flatten();
    addresses
        .into_iter()
        .any(|address| TcpStream::connect_timeout(&address, PATIENCE).is_ok())
}

/// What installs a tiny package, from where, and what shows that it came.
const INSTALLS: [(&str, &str, &str); 3] = [
    (
        "pypi.org",
        "python3 -m pip download -q --no-deps --no-cache-dir -d got six && ls got",
        "six",
    ),
    (
        "registry.npmjs.org",
        "npm view is-odd@3.0.1 version",
        "3.0.1",
    ),
    (
        "index.crates.io",
        "mkdir -p c/src && cd c && touch src/lib.rs && printf '[package]\\nname=\"c\"\\nedition=\"2021\"\\n[dependencies]\\nitoa=\"1\"\\n' > Cargo.toml && cargo fetch -q && cat Cargo.lock",
        "itoa",
    ),
];

#[test]
fn packages_come_through_the_door() {
    for (host, script, sign) in INSTALLS {
        let world = World::offline();
        let ended = end(command(&world, &["--", "bash", "-c", script], false));
        let traffic = report(&world)["way_out"].clone();
        if answers(host) {
            assert_eq!(ended.code, Some(0), "{host}: {}", ended.all());
            assert!(ended.stdout.contains(sign), "{host}: {}", ended.all());
            assert!(traffic["received_bytes"].as_u64().unwrap() > 0, "{traffic}");
        } else {
            // Without a way there it fails, and says so.
            assert_ne!(ended.code, Some(0), "{host}: {}", ended.all());
        }
        assert_eq!(traffic["refused"], Value::Array(Vec::new()), "{host}");
    }
}
