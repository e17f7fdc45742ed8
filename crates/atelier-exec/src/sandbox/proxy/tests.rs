//! Which hosts and addresses the door opens to.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

fn of(named_hosts: &[&str]) -> Registries {
    Registries {
        named: named_hosts.iter().filter_map(|host| named(host)).collect(),
    }
}

#[test]
fn registries_are_allowed_and_nothing_else() {
    let registries = of(&[
        "mirror.corp:8081",
        "https://user:pass@npm.corp/path",
        "[fd00::7]:90",
    ]);
    for (host, port, wanted) in [
        ("pypi.org", 443, Some(Where::Public)),
        ("PyPI.org", 443, Some(Where::Public)),
        ("static.crates.io", 443, Some(Where::Public)),
        ("pypi.org", 22, None),
        ("pypi.org.evil.net", 443, None),
        ("evilcrates.io", 443, None),
        ("example.org", 443, None),
        ("127.0.0.1", 443, None),
        ("169.254.169.254", 80, None),
        ("mirror.corp", 8081, Some(Where::Anywhere)),
        ("mirror.corp", 443, None),
        ("npm.corp", 443, Some(Where::Anywhere)),
        ("npm.corp", 80, None),
        ("fd00::7", 90, Some(Where::Anywhere)),
    ] {
        assert_eq!(registries.allow(host, port), wanted, "{host}:{port}");
    }
}

#[test]
fn only_addresses_out_in_the_world_are_public() {
    for (address, wanted) in [
        ("151.101.0.223", true),
        ("127.0.0.1", false),
        ("10.1.2.3", false),
        ("172.16.0.1", false),
        ("192.168.1.1", false),
        ("169.254.169.254", false),
        ("100.64.0.1", false),
        ("0.0.0.0", false),
        ("224.0.0.1", false),
        ("255.255.255.255", false),
        ("198.18.0.1", false),
        ("::1", false),
        ("::", false),
        ("::ffff:127.0.0.1", false),
        ("::ffff:151.101.0.223", true),
        ("fe80::1", false),
        ("fd00::1", false),
        ("2002:7f00:1::", false),
        ("2001:db8::1", false),
        ("64:ff9b::7f00:1", false),
        ("2a04:4e42::223", true),
    ] {
        assert_eq!(is_public(address.parse().unwrap()), wanted, "{address}");
    }
}

#[test]
fn requests_are_read_and_the_host_in_them_is_the_one_that_is_called() {
    let parse = |head: &str| Request::parse(head.as_bytes());
    let request = parse("CONNECT pypi.org:443 HTTP/1.1\r\nHost: evil\r\n\r\n").unwrap();
    assert_eq!((request.host.as_str(), request.port), ("pypi.org", 443));
    assert_eq!(request.forwarded, None);
    let request = parse(
        "GET http://mirror.corp:8081/a?b HTTP/1.1\r\nHost: evil\r\nProxy-Authorization: x\r\nAccept: */*\r\n\r\n",
    )
    .unwrap();
    assert_eq!((request.host.as_str(), request.port), ("mirror.corp", 8081));
    assert_eq!(
        String::from_utf8(request.forwarded.unwrap()).unwrap(),
        "GET /a?b HTTP/1.1\r\nHost: mirror.corp:8081\r\nConnection: close\r\nAccept: */*\r\n\r\n"
    );
    for bad in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET http://user@host/ HTTP/1.1\r\n\r\n",
        "CONNECT pypi.org HTTP/1.1\r\n\r\n",
        "CONNECT pypi.org:443\r\n\r\n",
        "GET https://pypi.org/ HTTP/1.1\r\n\r\n",
        "\r\n\r\n",
        "CONNECT [::1:443 HTTP/1.1\r\n\r\n",
    ] {
        assert_eq!(parse(bad), None, "{bad:?}");
    }
}
