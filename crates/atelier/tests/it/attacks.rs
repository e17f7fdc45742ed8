//! Attacks on the sandbox through the real program, judged from outside: as whoever runs the tests
//! and, where that is the root user, as an ordinary user too.

mod host;
mod table;
mod works;

use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use host::{CANARY, Caller, Host, Verdict};
use table::{ATTACKS, Attack};
use works::{WORKS, Work};

/// How many attacks are under way at once.
const AT_ONCE: usize = 2;
/// Share of attacks that the light level must withstand, in hundredths.
const LIGHT_PERCENT_MIN: usize = 90;

/// Runs the attacks of a kind at a level; the names of those that came through, with what was seen.
fn attack(
    caller: Caller,
    level: &str,
    kind: &str,
    options: &[&'static str],
) -> Vec<(&'static str, String)> {
    let attacks: Vec<&Attack> = ATTACKS
        .iter()
        .filter(|attack| attack.name.starts_with(kind))
        .collect();
    let next = AtomicUsize::new(0);
    let lost = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(attack) = attacks.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Verdict::Lost(seen) = Host::new(caller).suffer(attack, level, options) {
                        lost.lock().unwrap().push((attack.name, seen));
                    }
                }
            });
        }
    });
    lost.into_inner().unwrap()
}

fn withstands(caller: Caller) {
    let lost = attack(caller, "strong", "", &[]);
    assert!(lost.is_empty(), "{} came through: {lost:#?}", lost.len());
}

fn withstands_most(caller: Caller) {
    let lost = attack(caller, "light", "", &[]);
    let known: BTreeSet<&str> = ATTACKS
        .iter()
        .filter(|attack| !attack.light)
        .map(|attack| attack.name)
        .collect();
    let new: Vec<_> = lost
        .iter()
        .filter(|(name, _)| !known.contains(name))
        .collect();
    assert!(new.is_empty(), "{} came through: {new:#?}", new.len());
    let safe = ATTACKS.len() - lost.len();
    let percent = safe * 100 / ATTACKS.len();
    assert!(percent >= LIGHT_PERCENT_MIN, "{percent} %: {lost:#?}");
}

fn works(caller: Caller, level: &str, wanted: impl Fn(&Work) -> bool) {
    let mut failed = Vec::new();
    for work in WORKS.iter().filter(|work| wanted(work)) {
        let host = Host::new(caller);
        if let Err(seen) = host.work(work, level) {
            failed.push((work.name, seen));
        }
    }
    assert!(
        failed.is_empty(),
        "{} do not work: {failed:#?}",
        failed.len()
    );
}

#[test]
fn there_are_enough_attacks_and_each_has_a_name_of_its_own() {
    let names: BTreeSet<&str> = ATTACKS.iter().map(|attack: &Attack| attack.name).collect();
    assert_eq!(names.len(), ATTACKS.len());
    assert!(ATTACKS.len() >= 60, "{}", ATTACKS.len());
    assert!(WORKS.len() >= 20, "{}", WORKS.len());
}

#[test]
fn the_strong_level_withstands_everything() {
    withstands(Caller::Own);
}

#[test]
fn the_strong_level_withstands_everything_as_an_ordinary_user() {
    if let Some(caller) = Caller::ordinary() {
        withstands(caller);
    }
}

#[test]
fn the_light_level_withstands_most() {
    withstands_most(Caller::Own);
}

#[test]
fn the_light_level_withstands_most_as_an_ordinary_user() {
    if let Some(caller) = Caller::ordinary() {
        withstands_most(caller);
    }
}

/// Prints whatever an installing command finds of its user's settings.
const SEARCH: &str = "env; set; \
    cat $NPM_CONFIG_USERCONFIG $PIP_CONFIG_FILE $UV_CONFIG_FILE $GOENV $CARGO_HOME/*; \
    home=${PWD%/work}/home; cat $home/.* $home/.*/*; cat /proc/*/environ; \
    find $home $HOME /etc /tmp /opt -type f -size -16k -exec cat {} +; true";

#[test]
fn who_installs_sees_no_secret_but_of_a_registry_that_is_named() {
    for caller in [Some(Caller::Own), Caller::ordinary()]
        .into_iter()
        .flatten()
    {
        let seen = Host::new(caller).install("none.example.com", SEARCH);
        assert!(!seen.contains(CANARY), "{seen}");
        assert!(seen.contains("registry=https://npm.example.com/"), "{seen}");
        assert!(
            seen.contains("index-url = https://pypi.example.com/simple"),
            "{seen}"
        );
        let named = Host::new(caller).install("npm.example.com", SEARCH);
        let secrets: Vec<&str> = named.lines().filter(|line| line.contains(CANARY)).collect();
        let token = format!("//npm.example.com/:_authToken={CANARY}");
        assert!(!secrets.is_empty());
        assert!(secrets.iter().all(|line| *line == token), "{secrets:?}");
    }
}

#[test]
fn without_a_network_nothing_is_reached_at_any_level() {
    for caller in [Some(Caller::Own), Caller::ordinary()]
        .into_iter()
        .flatten()
    {
        for level in ["strong", "light"] {
            let lost = attack(caller, level, "net: ", &["--network", "none"]);
            assert!(lost.is_empty(), "{level}: {lost:#?}");
        }
    }
}

#[test]
fn what_must_work_works_in_the_strong_level() {
    works(Caller::Own, "strong", |_| true);
}

#[test]
fn what_must_work_works_in_the_strong_level_as_an_ordinary_user() {
    if let Some(caller) = Caller::ordinary() {
        works(caller, "strong", |work| caller.reaches(work.program));
    }
}

#[test]
fn what_must_work_works_in_the_light_level() {
    works(Caller::Own, "light", |_| true);
}

#[test]
fn what_must_work_works_in_the_light_level_as_an_ordinary_user() {
    if let Some(caller) = Caller::ordinary() {
        works(caller, "light", |work| caller.reaches(work.program));
    }
}
