//! What a throwaway home keeps, and what could steer the next command.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, os::unix::fs::symlink, path::Path};

use super::{home_copy, home_remove, home_settle};

fn put(home: &Path, path: &str) {
    let path = home.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "x").unwrap();
}

#[test]
fn caches_stay_and_everything_that_steers_a_tool_goes() {
    let home = tempfile::tempdir().unwrap();
    let kept = [
        "cargo/registry/cache/a.crate",
        "cargo/git/db/a",
        "npm/_cacache/a",
        "go/pkg/mod/a",
        "go-build/00/a",
        "m2/org/a.jar",
        "pip/http/a",
        "cache/a/b",
        "pnpm/store/v10/a",
    ];
    let steering = [
        ".npmrc",
        ".mavenrc",
        ".gitconfig",
        ".profile",
        ".config/go/env",
        ".local/lib/python3.13/site-packages/usercustomize.py",
        "cargo/config.toml",
        "cargo/bin/cargo",
        "go/bin/tool",
        "gradle/init.d/a.gradle",
        "pnpm/pnpm",
        "anything",
    ];
    for path in kept.iter().chain(&steering) {
        put(home.path(), path);
    }
    home_settle(home.path()).unwrap();
    for path in kept {
        assert!(home.path().join(path).exists(), "{path}");
    }
    for path in steering {
        assert!(!home.path().join(path).exists(), "{path}");
    }
    home_settle(home.path()).unwrap();
}

#[test]
fn links_are_removed_and_never_followed() {
    let (home, user) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    put(user.path(), "precious.txt");
    put(user.path(), "registry/precious.txt");
    symlink(user.path(), home.path().join("cargo")).unwrap();
    symlink(user.path(), home.path().join("npm")).unwrap();
    put(home.path(), "go/pkg/mod/a");
    symlink(user.path(), home.path().join("go/bin")).unwrap();
    home_settle(home.path()).unwrap();
    assert!(user.path().join("precious.txt").exists());
    assert!(user.path().join("registry/precious.txt").exists());
    for link in ["cargo", "npm", "go/bin"] {
        assert!(
            fs::symlink_metadata(home.path().join(link)).is_err(),
            "{link}"
        );
    }
}

#[test]
fn a_home_that_is_not_there_needs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    home_settle(&folder.path().join("none")).unwrap();
}

#[test]
fn a_copy_has_what_was_fetched_and_nothing_that_steers_and_goes_its_own_way() {
    let place = tempfile::tempdir().unwrap();
    let (home, apart) = (place.path().join("home"), place.path().join("home-apart"));
    put(&home, "pip/http/a");
    put(&home, "cargo/registry/cache/a.crate");
    put(&home, "cargo/config.toml");
    put(&home, ".npmrc");
    symlink("a", home.join("pip/http/b")).unwrap();
    put(&apart, "left/behind");
    home_copy(&home, &apart).unwrap();
    let is_there = |path: &str| fs::symlink_metadata(apart.join(path)).is_ok();
    for path in [
        "pip/http/a",
        "pip/http/b",
        "cargo/registry/cache/a.crate",
        "cache",
    ] {
        assert!(is_there(path), "{path}");
    }
    for path in ["cargo/config.toml", ".npmrc", "left"] {
        assert!(!is_there(path), "{path}");
    }
    put(&apart, "pip/http/learnt");
    assert!(!home.join("pip/http/learnt").exists());
    home_remove(&apart).unwrap();
    home_remove(&apart).unwrap();
    assert!(!apart.exists() && home.join("pip/http/a").exists());
}
