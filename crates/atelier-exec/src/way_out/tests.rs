//! The door as a command finds it: who is let through, who is not, and what is told.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::{
    Ledger, Refusal, Said, Traffic, WayOut, Why,
    address::{Lookup, Nearness, nearness},
    hide_proxies, keep, lead_to_door,
    places::{Place, Standing},
    settings::{Form, Settings},
};

fn said(variables: &[(&str, &str)], files: &[(Form, &str)]) -> Said {
    Said {
        variables: variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        files: files
            .iter()
            .map(|(form, text)| (*form, (*text).to_owned()))
            .collect(),
    }
}

fn out(registries: &[&str], said: &Said) -> WayOut {
    let registries: Vec<String> = registries.iter().map(|&text| text.to_owned()).collect();
    WayOut::new(&registries, said)
}

#[test]
fn known_and_named_hosts_may_be_reached_and_no_others() {
    let way_out = out(
        &[
            "Packages.Example",
            "10.1.2.3:8080",
            "*.mirror.example",
            "[fd00::7]:80",
        ],
        &Said::default(),
    );
    let check = |host: &str, port: u16, expected: Result<Standing, Why>| {
        assert_eq!(way_out.judge(host, port), expected, "{host}:{port}");
    };
    for (host, port) in [
        ("packages.example", 443),
        ("packages.example", 80),
        ("10.1.2.3", 8080),
        ("a.mirror.example", 443),
        ("a.b.mirror.example", 443),
        ("fd00::7", 80),
    ] {
        check(host, port, Ok(Standing::Named));
    }
    check("pypi.org", 443, Ok(Standing::Known));
    check("index.crates.io", 80, Ok(Standing::Known));
    for (host, port) in [("pypi.org", 22), ("packages.example", 22), ("10.1.2.3", 80)] {
        check(host, port, Err(Why::Port));
    }
    for host in [
        "example.org",
        "evil-pypi.org",
        "pypi.org.evil.example",
        "mirror.example",
        "evilmirror.example",
        ".mirror.example",
        "169.254.169.254",
        "2852039166",
        "0x7f.1",
        "127.0.0.1",
        "localhost",
        "::1",
        "github.com",
        "",
    ] {
        check(host, 443, Err(Why::NotNamed));
    }
}

#[test]
fn a_place_is_read_from_what_people_write() {
    let check = |text: &str, host: &str, port: u16| {
        let place = Place::parse(text).unwrap_or_else(|| panic!("{text}"));
        assert!(
            place.is_host(host) && place.is_port(port),
            "{text}: {place:?}"
        );
    };
    check(
        "https://user:password@Host.example/simple/",
        "host.example",
        443,
    );
    check(
        "http://host.example:3141/root/pypi/+simple",
        "host.example",
        3141,
    );
    check(
        "sparse+https://crates.example/index/",
        "crates.example",
        443,
    );
    check("host.example.", "host.example", 80);
    check("[::1]:4873", "::1", 4873);
    for text in [
        "",
        "ssh://host.example",
        "host:port",
        "ho st",
        "host/path",
        "*.",
        "a:1:2",
        "http://0.0.0.0/",
        "[::]:80",
    ] {
        assert_eq!(Place::parse(text), None, "{text}");
    }
}

#[test]
fn addresses_are_told_apart() {
    let check = |expected: Nearness, addresses: &[&str]| {
        for address in addresses {
            assert_eq!(nearness(address.parse().unwrap()), expected, "{address}");
        }
    };
    check(
        Nearness::World,
        &[
            "1.1.1.1",
            "203.0.113.5",
            "2606:4700::1111",
            "64:ff9b::101:101",
            "::ffff:1.1.1.1",
        ],
    );
    check(
        Nearness::Near,
        &[
            "127.0.0.1",
            "127.255.0.9",
            "10.0.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "198.18.0.1",
            "::1",
            "fd12::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:a00:1::",
        ],
    );
    check(
        Nearness::Nowhere,
        &[
            "0.0.0.0",
            "169.254.169.254",
            "100.100.100.200",
            "168.63.129.16",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "192.0.0.192",
            "::",
            "fe80::1",
            "ff02::1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "::127.0.0.1",
        ],
    );
}

#[test]
fn the_users_own_settings_name_registries_and_proxies() {
    let npmrc = "# registry=https://old.example/\nregistry=https://npm.example/\n\
                 @a:registry = http://127.0.0.1:4873/\nproxy=http://proxy.example:3128\n";
    let maven = "<settings xmlns=\"http://maven.example/SETTINGS\"><!-- <url>https://no.example</url> -->\
                 <mirror><url>https://m2.example/all</url></mirror></settings>";
    let said = said(
        &[
            ("PIP_INDEX_URL", "https://u:p@pip.example/simple"),
            ("GOPROXY", "https://go.example|https://go2.example,direct"),
            (
                "CARGO_REGISTRIES_OWN_INDEX",
                "sparse+https://cargo.example/",
            ),
            ("MOTD", "https://motd.example"),
            ("NO_PROXY", "npm.example, .inner.example"),
        ],
        &[(Form::Lines, npmrc), (Form::Elements, maven)],
    );
    let repository = "registry=https://nexus.example/repository/npm-proxy/";
    assert_eq!(
        out(&[], &self::said(&[], &[(Form::Lines, repository)])).judge("nexus.example", 443),
        Ok(Standing::Named)
    );
    let way_out = out(&[], &said);
    for (host, port) in [
        ("pip.example", 443),
        ("go.example", 443),
        ("go2.example", 443),
        ("cargo.example", 443),
        ("npm.example", 443),
        ("m2.example", 443),
        ("127.0.0.1", 4873),
    ] {
        assert_eq!(way_out.judge(host, port), Ok(Standing::Named), "{host}");
    }
    for host in [
        "motd.example",
        "old.example",
        "no.example",
        "maven.example",
        "proxy.example",
    ] {
        assert_eq!(way_out.judge(host, 443), Err(Why::NotNamed), "{host}");
    }
    assert!(way_out.way(true, "pypi.org", 443).is_some());
    assert!(way_out.way(false, "pypi.org", 80).is_some());
    assert!(way_out.way(true, "npm.example", 443).is_none());
    assert!(way_out.way(true, "a.inner.example", 443).is_none());
}

#[test]
fn a_proxy_is_a_way_and_never_a_place() {
    let said = said(
        &[
            ("HTTPS_PROXY", "http://user:secret@proxy.example:3128"),
            ("PIP_INDEX_URL", "http://proxy.example:3128/simple"),
        ],
        &[],
    );
    let way_out = out(&[], &said);
    assert_eq!(way_out.judge("proxy.example", 3128), Err(Why::NotNamed));
    assert!(!format!("{way_out:?}").contains("secret"));
    assert_eq!(Settings::of(&said).http, None);
}

#[test]
fn proxies_in_files_are_ways_too() {
    for line in [
        "proxy=http://proxy.example:3128",
        "https-proxy \"http://proxy.example:3128\"",
        "httpsProxy: \"http://proxy.example:3128\"",
        ":https_proxy: http://proxy.example:3128",
        "  https: http://proxy.example:3128",
        "proxy = proxy.example:3128",
        "\"https-proxy\"=\"http://proxy.example:3128\"",
    ] {
        let way_out = out(&[], &said(&[], &[(Form::Lines, line)]));
        let way = way_out.way(true, "pypi.org", 443);
        let shown = format!("{way:?}");
        assert_eq!(shown, "Some(Proxy(proxy.example:3128))", "{line}");
        let judged = way_out.judge("proxy.example", 3128);
        assert_eq!(judged, Err(Why::NotNamed), "{line}");
    }
    for line in ["- https://gems.example/", "https://gems.example/"] {
        let way_out = out(&[], &said(&[], &[(Form::Lines, line)]));
        let judged = way_out.judge("gems.example", 443);
        assert_eq!(judged, Ok(Standing::Named), "{line}");
        assert_eq!(way_out.way(true, "pypi.org", 443), None);
    }
}

#[test]
fn a_command_is_told_of_its_door_and_not_of_the_users_proxies() {
    let mut env: BTreeMap<String, String> = [
        ("HTTPS_PROXY", "http://user:secret@proxy.example:3128"),
        (
            "npm_config_https_proxy",
            "http://user:secret@proxy.example:3128",
        ),
        (
            "MAVEN_OPTS",
            "-Xmx1g -Dhttps.proxyHost=proxy.example -Dhttps.proxyPassword=secret",
        ),
        ("GOPROXY", "https://go.example"),
        ("PATH", "/usr/bin"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    hide_proxies(&mut env);
    assert_eq!(env.len(), 3, "{env:?}");
    assert_eq!(env["MAVEN_OPTS"], "-Xmx1g");
    lead_to_door(&mut env, &out(&["127.0.0.1:4873"], &Said::default()), 3128);
    assert_eq!(env["HTTPS_PROXY"], "http://127.0.0.1:3128");
    assert_eq!(env["no_proxy"], "localhost,::1");
    assert!(env["MAVEN_OPTS"].contains("-Dhttps.proxyPort=3128"));
    assert!(env.values().all(|value| !value.contains("secret")));
}

/// A door, the hosts behind it, and what is counted.
struct Door {
    place: SocketAddr,
    ledger: Arc<Ledger>,
    keeper: JoinHandle<()>,
}

impl Drop for Door {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl Door {
    async fn open(mut way_out: WayOut, table: &[(&str, IpAddr)]) -> Self {
        let named = table
            .iter()
            .map(|(name, address)| ((*name).to_owned(), *address));
        way_out.lookup = Lookup::Table(named.collect());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let place = listener.local_addr().unwrap();
        let ledger = Arc::new(Ledger::default());
        let keeper = tokio::spawn(keep(listener, way_out, ledger.clone()));
        Self {
            place,
            ledger,
            keeper,
        }
    }

    /// Says something at the door, and reads until it is closed or the end is heard.
    async fn say(&self, words: &str, end: &str) -> String {
        let mut stream = TcpStream::connect(self.place).await.unwrap();
        stream.write_all(words.as_bytes()).await.unwrap();
        read(&mut stream, end).await
    }

    fn traffic(&self) -> Traffic {
        self.ledger.traffic()
    }
}

async fn read(stream: &mut TcpStream, end: &str) -> String {
    let mut heard = Vec::new();
    let mut piece = [0; 1024];
    loop {
        let count = stream.read(&mut piece).await.unwrap_or(0);
        heard.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&heard).into_owned();
        if count == 0 || text.contains(end) {
            return text;
        }
    }
}

/// Answers everybody with what was heard.
async fn host() -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let heard = read(&mut stream, "\r\n\r\n").await;
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{heard}END",
                heard.len() + 3
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (port, task)
}

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

#[tokio::test]
async fn a_named_host_is_reached_and_hears_nothing_of_the_door() {
    let (port, host) = host().await;
    let named = format!("packages.example:{port}");
    let door = Door::open(
        out(&[&named], &Said::default()),
        &[("packages.example", LOOPBACK)],
    )
    .await;
    let words = format!(
        "GET http://{named}/a?b HTTP/1.1\r\nHost: elsewhere.example\r\nProxy-Authorization: x\r\n\
         Connection: X-Hop\r\nX-Hop: 1\r\nX-Kept: 2\r\n\r\n"
    );
    let heard = door.say(&words, "END").await;
    let expected = format!("GET /a?b HTTP/1.1\r\nhost: {named}\r\nx-kept: 2\r\n\r\nEND");
    let body = heard.split_once("\r\n\r\n").map(|(_, body)| body);
    assert_eq!(
        body.map(str::to_lowercase),
        Some(expected.to_lowercase()),
        "{heard}"
    );
    let tunnel = format!("CONNECT {named} HTTP/1.1\r\nHost: {named}\r\n\r\n");
    let mut stream = TcpStream::connect(door.place).await.unwrap();
    stream.write_all(tunnel.as_bytes()).await.unwrap();
    let promised = read(&mut stream, "\r\n\r\n").await;
    assert!(promised.starts_with("HTTP/1.1 200"), "{promised}");
    stream.write_all(b"anything\r\n\r\n").await.unwrap();
    let heard = read(&mut stream, "END").await;
    assert!(heard.ends_with("anything\r\n\r\nEND"), "{heard}");
    let traffic = door.traffic();
    assert_eq!(
        (traffic.connections, traffic.refused.len()),
        (2, 0),
        "{traffic:?}"
    );
    assert!(traffic.received_bytes > 0 && traffic.sent_bytes > 0);
    host.abort();
}

#[tokio::test]
async fn what_follows_on_one_connection_is_judged_anew() {
    let (port, host) = host().await;
    let named = format!("packages.example:{port}");
    let door = Door::open(
        out(&[&named], &Said::default()),
        &[("packages.example", LOOPBACK)],
    )
    .await;
    let mut stream = TcpStream::connect(door.place).await.unwrap();
    let first = format!("GET http://{named}/ HTTP/1.1\r\nHost: {named}\r\n\r\n");
    stream.write_all(first.as_bytes()).await.unwrap();
    assert!(read(&mut stream, "END").await.contains("200 OK"));
    let second = "GET http://example.org/ HTTP/1.1\r\nHost: x\r\n\r\n";
    stream.write_all(second.as_bytes()).await.unwrap();
    let heard = read(&mut stream, "registries").await;
    assert!(heard.starts_with("HTTP/1.1 403"), "{heard}");
    host.abort();
}

#[tokio::test]
async fn what_may_not_be_reached_is_refused_and_told_once() {
    let (port, host) = host().await;
    let (near, metadata) = (
        "192.168.7.7".parse().unwrap(),
        "169.254.169.254".parse().unwrap(),
    );
    let names = [
        ("pypi.org", LOOPBACK),
        ("registry.npmjs.org", near),
        ("named.example", metadata),
    ];
    let door = Door::open(out(&["named.example"], &Said::default()), &names).await;
    let asked = [
        format!("127.0.0.1:{port}"),
        "example.org:443".to_owned(),
        "example.org:443".to_owned(),
        "pypi.org:22".to_owned(),
        "pypi.org:443".to_owned(),
        "registry.npmjs.org:443".to_owned(),
        "named.example:443".to_owned(),
        "[::1]:443".to_owned(),
    ];
    for place in &asked {
        let words = format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n");
        let heard = door.say(&words, "\n\n").await;
        assert!(
            heard.starts_with("HTTP/1.1 403 reached for "),
            "{place}: {heard}"
        );
    }
    let plain = door.say(
        "GET http://169.254.169.254/latest HTTP/1.1\r\nHost: pypi.org\r\n\r\n",
        "\n\n",
    );
    assert!(plain.await.starts_with("HTTP/1.1 403"));
    let told = |refusal: &Refusal| (refusal.host.clone(), refusal.why.clone(), refusal.times);
    let traffic = door.traffic();
    let found: Vec<_> = traffic.refused.iter().map(told).collect();
    let owned = str::to_owned;
    let expected = vec![
        (owned("127.0.0.1"), Why::NotNamed, 1),
        (owned("169.254.169.254"), Why::NotNamed, 1),
        (owned("::1"), Why::NotNamed, 1),
        (owned("example.org"), Why::NotNamed, 2),
        (
            owned("named.example"),
            Why::Address { address: metadata },
            1,
        ),
        (owned("pypi.org"), Why::Port, 1),
        (owned("pypi.org"), Why::Address { address: LOOPBACK }, 1),
        (
            owned("registry.npmjs.org"),
            Why::Address { address: near },
            1,
        ),
    ];
    assert_eq!(found, expected);
    assert_eq!(traffic.connections, 0);
    let first = &traffic.refused[0];
    assert_eq!(
        first.to_string(),
        "reached for 127.0.0.1: not among `registries`"
    );
    assert!(
        first.remedy().contains(&format!("127.0.0.1:{port}")),
        "{}",
        first.remedy()
    );
    host.abort();
}

#[tokio::test]
async fn what_is_no_request_of_a_proxy_is_none() {
    let door = Door::open(out(&[], &Said::default()), &[]).await;
    for words in [
        "GET / HTTP/1.1\r\nHost: pypi.org\r\n\r\n",
        "GET https://pypi.org/ HTTP/1.1\r\nHost: pypi.org\r\n\r\n",
        "CONNECT pypi.org HTTP/1.1\r\nHost: pypi.org\r\n\r\n",
        "GET ftp://pypi.org/ HTTP/1.1\r\nHost: pypi.org\r\n\r\n",
        "SSH-2.0-x\r\n\r\n",
    ] {
        let heard = door.say(words, "\n\n").await;
        assert!(heard.starts_with("HTTP/1.1 400"), "{words}: {heard}");
    }
    assert_eq!(door.traffic(), Traffic::default());
}

#[tokio::test]
async fn the_users_proxy_is_asked_and_shown_what_it_wants() {
    let (port, host) = host().await;
    let proxy = format!("http://user:p%40ss@127.0.0.1:{port}");
    let said = said(&[("http_proxy", proxy.as_str())], &[]);
    let door = Door::open(out(&[], &said), &[]).await;
    let words = "GET http://pypi.org/simple HTTP/1.1\r\nHost: pypi.org\r\n\r\n";
    let heard = door.say(words, "END").await;
    assert!(
        heard.contains("GET http://pypi.org/simple HTTP/1.1"),
        "{heard}"
    );
    let shown = "proxy-authorization: Basic dXNlcjpwQHNz";
    assert!(heard.contains(shown), "{heard}");
    let refused = door
        .say(
            "GET http://example.org/ HTTP/1.1\r\nHost: x\r\n\r\n",
            "\n\n",
        )
        .await;
    assert!(refused.starts_with("HTTP/1.1 403"), "{refused}");
    host.abort();
}

/// A proxy that opens a tunnel to whatever is named to itself.
async fn tunnels(status: &'static str) -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let asked = read(&mut stream, "\r\n\r\n").await;
        let answer = format!("HTTP/1.1 {status}\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
        let heard = read(&mut stream, "!").await;
        stream
            .write_all(heard.to_uppercase().as_bytes())
            .await
            .unwrap();
        asked
    });
    (port, task)
}

#[tokio::test]
async fn a_tunnel_goes_through_the_users_proxy() {
    let (port, proxy) = tunnels("200 OK").await;
    let address = format!("127.0.0.1:{port}");
    let door = Door::open(out(&[], &said(&[("HTTPS_PROXY", &address)], &[])), &[]).await;
    let mut stream = TcpStream::connect(door.place).await.unwrap();
    let words = "CONNECT pypi.org:443 HTTP/1.1\r\nHost: pypi.org:443\r\n\r\n";
    stream.write_all(words.as_bytes()).await.unwrap();
    assert!(
        read(&mut stream, "\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 200")
    );
    stream.write_all(b"hello!").await.unwrap();
    assert_eq!(read(&mut stream, "!").await, "HELLO!");
    let asked = proxy.await.unwrap();
    assert!(
        asked.starts_with("CONNECT pypi.org:443 HTTP/1.1\r\n"),
        "{asked}"
    );
    let (port, proxy) = tunnels("407 Proxy Authentication Required").await;
    let address = format!("127.0.0.1:{port}");
    let door = Door::open(out(&[], &said(&[("HTTPS_PROXY", &address)], &[])), &[]).await;
    let heard = door.say(words, "\n\n").await;
    assert!(
        heard.starts_with("HTTP/1.1 502") && heard.contains("407"),
        "{heard}"
    );
    proxy.await.unwrap();
    let socks = said(&[("ALL_PROXY", "socks5://127.0.0.1:1080")], &[]);
    let door = Door::open(out(&[], &socks), &[]).await;
    let heard = door.say(words, "\n\n").await;
    assert!(
        heard.starts_with("HTTP/1.1 403") && heard.contains("http://"),
        "{heard}"
    );
}

#[test]
fn refused_hosts_beyond_those_that_are_named_are_counted() {
    let ledger = Ledger::default();
    for number in 0..100 {
        ledger.refused(&format!("{number}.example"), 443, Why::NotNamed);
    }
    ledger.refused("0.example", 443, Why::NotNamed);
    let traffic = ledger.traffic();
    assert_eq!((traffic.refused.len(), traffic.refused_more), (64, 36));
    assert_eq!(traffic.refused[0].times, 2);
}

#[test]
fn bytes_are_bounded_both_ways() {
    let ledger = Ledger::default();
    let most = usize::try_from(super::ledger::SENT_BYTES_MAX).unwrap();
    assert!(ledger.sent(most));
    assert!(!ledger.sent(1));
    let most = usize::try_from(super::ledger::RECEIVED_BYTES_MAX).unwrap();
    assert!(ledger.received(most));
    assert!(!ledger.received(1));
}
