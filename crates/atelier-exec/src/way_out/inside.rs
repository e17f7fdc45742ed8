//! What a command inside is told: where its door is, and nothing of the proxies outside.

use std::{collections::BTreeMap, fmt::Write};

use super::WayOut;

/// Variables by which tools find a proxy.
const PROXIES: [&str; 11] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "CARGO_HTTP_PROXY",
    "npm_config_proxy",
    "npm_config_https_proxy",
    "YARN_HTTP_PROXY",
    "YARN_HTTPS_PROXY",
];
/// Variables that say for which hosts there is none.
const DIRECT: [&str; 3] = ["NO_PROXY", "no_proxy", "npm_config_noproxy"];
/// Names by which a command calls its own machine.
const OWN: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// Variables with options for tools written in Java.
const JAVA: [&str; 4] = ["MAVEN_OPTS", "GRADLE_OPTS", "SBT_OPTS", "JAVA_TOOL_OPTIONS"];
/// Those whose tools fetch packages.
const JAVA_FETCHES: [&str; 3] = ["MAVEN_OPTS", "GRADLE_OPTS", "SBT_OPTS"];
/// What else Maven has to be told, or it looks at its own settings alone.
const MAVEN: &str = " -Daether.transport.http.useSystemProperties=true -Daether.connector.http.useSystemProperties=true";

/// Takes the user's proxies out of an environment: they cannot be reached from a network of one's
/// own, and may hold his password.
pub(crate) fn hide_proxies(env: &mut BTreeMap<String, String>) {
    env.retain(|name, _| {
        let name = name.to_ascii_lowercase();
        let proxy = name.ends_with("_proxy") || name.ends_with("_noproxy");
        !proxy || name == "goproxy" || name == "gonoproxy"
    });
    for name in JAVA {
        let Some(options) = env.get_mut(name) else {
            continue;
        };
        let of_proxy = |option: &str| {
            ["-Dhttp.", "-Dhttps.", "-Dsocks", "-Dftp."]
                .iter()
                .any(|begin| option.starts_with(begin))
                && option.to_ascii_lowercase().contains("proxy")
        };
        if options.split_whitespace().any(of_proxy) {
            let kept: Vec<&str> = options
                .split_whitespace()
                .filter(|option| !of_proxy(option))
                .collect();
            *options = kept.join(" ");
        }
    }
}

/// Lets tools find the door. Java's take it as options, beside those that they have already.
pub(crate) fn lead_to_door(env: &mut BTreeMap<String, String>, way_out: &WayOut, port: u16) {
    hide_proxies(env);
    let door = format!("http://127.0.0.1:{port}");
    for name in PROXIES {
        env.insert(name.to_owned(), door.clone());
    }
    // A registry on the user's machine is not on the command's.
    let own = OWN.into_iter().filter(|own| !way_out.is_elsewhere(own));
    let own = own.collect::<Vec<_>>().join(",");
    for name in DIRECT {
        env.insert(name.to_owned(), own.clone());
    }
    for name in JAVA_FETCHES {
        let options = env.entry(name.to_owned()).or_default();
        for protocol in ["http", "https"] {
            // Writing to a text does not fail.
            let _ = write!(
                options,
                " -D{protocol}.proxyHost=127.0.0.1 -D{protocol}.proxyPort={port}"
            );
        }
    }
    if let Some(options) = env.get_mut("MAVEN_OPTS") {
        options.push_str(MAVEN);
    }
}
