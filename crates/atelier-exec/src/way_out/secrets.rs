//! Settings of package managers without what is secret in them, but for the registries that the
//! operator names.

use url::Url;

use super::places::{Place, plain};

/// Parts of a setting's name that say that its value is somebody's word for who he is.
const SECRET: [&str; 9] = [
    "auth",
    "token",
    "password",
    "passwd",
    "secret",
    "username",
    "credential",
    "keyfile",
    "certfile",
];
/// Names that contain one of those and say nothing of it.
const PLAIN: [&str; 2] = ["always-auth", "authenticate"];
/// Characters that end an address in a text.
const ENDS: &str = "\"'<>,|()[]{}";

/// Hosts that the operator names: what a command needs to be let in there is passed to it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trusted(Vec<Place>);

impl Trusted {
    /// Of what the operator's configuration names.
    pub(crate) fn new(registries: &[String]) -> Self {
        let places = registries.iter().map(String::as_str);
        Self(places.filter_map(Place::parse).collect())
    }

    fn is_host(&self, host: &str) -> bool {
        let host = plain(host);
        self.0.iter().any(|place| place.is_host(&host))
    }

    /// A file of settings, line by line, without what is secret. Lines below a heading in brackets
    /// belong together.
    pub(crate) fn settings(&self, text: &str) -> String {
        let mut kept = String::with_capacity(text.len());
        let mut section: Vec<&str> = Vec::new();
        for line in text.split_inclusive('\n') {
            if line.trim_start().starts_with('[') {
                self.section(&section, &mut kept);
                section.clear();
            }
            section.push(line);
        }
        self.section(&section, &mut kept);
        kept
    }

    fn section(&self, lines: &[&str], kept: &mut String) {
        let is_section = lines
            .first()
            .is_some_and(|line| line.trim_start().starts_with('['));
        let here = is_section && lines.iter().any(|line| self.is_about(line));
        for line in lines {
            if here || !is_secret(line) || self.is_about_named(line) {
                kept.push_str(&self.addresses(line));
            }
        }
    }

    /// Whether a line names the address of a trusted host.
    fn is_about(&self, line: &str) -> bool {
        let hosts = urls(line).into_iter().filter_map(|(from, to)| {
            let url = Url::parse(line.get(from..to)?).ok()?;
            url.host_str().map(str::to_owned)
        });
        hosts.into_iter().any(|host| self.is_host(&host))
    }

    /// The same of a line that begins with a host: `//HOST/path:name=value`.
    fn is_about_named(&self, line: &str) -> bool {
        let line = line.trim_start();
        line.strip_prefix("//").is_some_and(|rest| {
            let url = Url::parse(&format!(
                "https://{}",
                rest.split('/').next().unwrap_or(rest)
            ));
            url.is_ok_and(|url| url.host_str().is_some_and(|host| self.is_host(host)))
        })
    }

    /// A text whose addresses name nobody who asks, but where a trusted host is asked.
    pub(crate) fn addresses(&self, text: &str) -> String {
        let mut kept = String::with_capacity(text.len());
        let mut rest = 0;
        for (from, to) in urls(text) {
            kept.push_str(text.get(rest..from).unwrap_or_default());
            kept.push_str(&self.address(text.get(from..to).unwrap_or_default()));
            rest = to;
        }
        kept.push_str(text.get(rest..).unwrap_or_default());
        kept
    }

    fn address(&self, address: &str) -> String {
        let Some((scheme, rest)) = address.split_once("://") else {
            return address.to_owned();
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (place, path) = rest.split_at(end);
        match place.rsplit_once('@') {
            Some((_, host)) if !self.is_host(host.split(':').next().unwrap_or(host)) => {
                format!("{scheme}://{host}{path}")
            }
            Some(_) | None => address.to_owned(),
        }
    }
}

/// Whether the name before the first `=`, `:` or blank says that something secret follows.
fn is_secret(line: &str) -> bool {
    let line = line.trim_start();
    let name = match line.strip_prefix("//") {
        // A host, then the name behind the last colon of what comes before the value.
        Some(rest) => {
            let before = rest.split('=').next().unwrap_or(rest);
            before.rsplit(':').next().unwrap_or(before)
        }
        None => line.split(['=', ':']).next().unwrap_or(line),
    };
    let name = name.trim().to_ascii_lowercase();
    !PLAIN.contains(&name.as_str()) && SECRET.iter().any(|part| name.contains(part))
}

/// Where addresses stand in a text.
fn urls(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find("://")) {
        let middle = from + at;
        let before = text.get(..middle).unwrap_or_default();
        let scheme = before
            .rfind(|c: char| !c.is_ascii_alphanumeric() && c != '+')
            .map_or(0, |place| {
                place + before[place..].chars().next().map_or(1, char::len_utf8)
            });
        let after = text.get(middle..).unwrap_or_default();
        let length = after
            .find(|c: char| c.is_whitespace() || ENDS.contains(c))
            .unwrap_or(after.len());
        found.push((scheme, middle + length));
        from = middle + length.max(1);
    }
    found
}

#[cfg(test)]
mod tests;
