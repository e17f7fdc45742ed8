//! Which files a step reads.

use std::{fs, os::unix::fs::symlink};

use atelier_model::Digest;

use super::{Place, patterns};
use crate::{Found, Input, Survey};

fn place() -> Place {
    let place = Place::new();
    for path in [
        ".gitignore",
        ".github/ci.yml",
        ".git/config",
        ".atelier/state",
        "Makefile",
        "lib.c",
        "lib/one.c",
        "lib/one.o",
        "lib/sub/two.c",
        "lib/sub/.git/HEAD",
        "lib-extra/three.c",
        "out/made.c",
        "out/deep/made.h",
    ] {
        place.write(path, path);
    }
    fs::write(place.at(".gitignore"), "*.o\n/out\n").unwrap();
    symlink("lib", place.at("link")).unwrap();
    place
}

fn inputs(place: &Place, texts: &[&str]) -> String {
    let survey = Survey::default();
    let steps = [patterns(texts), patterns(&[])];
    let mut inputs = place.workspace.inputs(&survey, &steps).unwrap();
    assert_eq!(inputs.pop(), Some(Vec::new()));
    let paths: Vec<String> = inputs
        .remove(0)
        .into_iter()
        .map(|input| input.path)
        .collect();
    paths.join(" ")
}

#[test]
fn the_whole_tree_is_what_git_would_take() {
    let place = place();
    let expected = ".github/ci.yml .gitignore Makefile lib-extra/three.c lib.c lib/one.c \
                    lib/sub/two.c link";
    assert_eq!(inputs(&place, &["/"]), expected);
}

#[test]
fn patterns_name_files_in_order_and_once() {
    let place = place();
    assert_eq!(inputs(&place, &["lib/"]), "lib/one.c lib/sub/two.c");
    assert_eq!(inputs(&place, &["lib"]), "lib/one.c lib/sub/two.c");
    assert_eq!(
        inputs(&place, &["lib/*.c", "lib/**/*.c"]),
        "lib/one.c lib/sub/two.c"
    );
    assert_eq!(inputs(&place, &["*.c"]), "lib.c");
    assert_eq!(
        inputs(&place, &["**/*.c", "!lib/sub/"]),
        "lib-extra/three.c lib.c lib/one.c"
    );
    assert_eq!(
        inputs(&place, &["Makefile", "absent.c", "*.none"]),
        "Makefile absent.c"
    );
}

#[test]
fn what_git_leaves_out_counts_where_it_is_named() {
    let place = place();
    assert_eq!(inputs(&place, &["out/"]), "out/deep/made.h out/made.c");
    assert_eq!(inputs(&place, &["out/**/*.h"]), "out/deep/made.h");
    assert_eq!(inputs(&place, &["out/made.c"]), "out/made.c");
    assert_eq!(inputs(&place, &["lib/one.o"]), "lib/one.o");
    assert_eq!(inputs(&place, &["lib/*"]), "lib/one.c");
}

#[test]
fn a_new_file_is_seen_by_the_next_survey() {
    let place = place();
    let before = inputs(&place, &["lib/*.c"]);
    place.write("lib/zero.c", "");
    assert_eq!(inputs(&place, &["lib/*.c"]), before + " lib/zero.c");
}

#[test]
fn steps_see_what_stands_and_share_one_survey() {
    let place = place();
    let survey = Survey::default();
    let steps = [
        patterns(&["Makefile", "absent", "link"]),
        patterns(&["lib/sub/", "Makefile"]),
        patterns(&["lib/sub"]),
    ];
    let file = |path: &str| Input {
        path: path.to_owned(),
        found: Found::File {
            digest: Digest::of(path),
            size: path.len() as u64,
            executable: false,
        },
    };
    let other = |path: &str, found| Input {
        path: path.to_owned(),
        found,
    };
    let link = Found::Link {
        target: Digest::of("lib"),
    };
    let expected = [
        vec![
            file("Makefile"),
            other("absent", Found::Absent),
            file("lib/one.c"),
            file("lib/sub/two.c"),
            other("link", link),
        ],
        vec![file("Makefile"), file("lib/sub/two.c")],
        vec![file("lib/sub/two.c")],
    ];
    assert_eq!(place.workspace.inputs(&survey, &steps).unwrap(), expected);
    // The survey is of one moment.
    place.write("lib/sub/new.c", "");
    assert_eq!(place.workspace.inputs(&survey, &steps).unwrap(), expected);
    let now = place.workspace.inputs(&Survey::default(), &steps).unwrap();
    assert_eq!(now[2].len(), 2);
}

#[test]
fn where_a_link_leads_is_read_too() {
    let place = place();
    let link = |target: &str, path: &str| symlink(target, place.at(path)).unwrap();
    link("../out/made.c", "lib/a.c");
    link("a.c", "lib/b.c");
    link("../../..", "lib/up.c");
    link("/etc/passwd", "lib/away.c");
    link("loop", "loop");
    assert_eq!(inputs(&place, &["lib/b.c"]), "lib/a.c lib/b.c out/made.c");
    assert_eq!(inputs(&place, &["lib/b.c", "!out/"]), "lib/a.c lib/b.c");
    assert_eq!(
        inputs(&place, &["lib/*.c"]),
        "lib/a.c lib/away.c lib/b.c lib/one.c lib/up.c out/made.c"
    );
    assert_eq!(inputs(&place, &["loop"]), "loop");
    assert_eq!(
        inputs(&place, &["lib/"]),
        "lib/a.c lib/away.c lib/b.c lib/one.c lib/sub/two.c lib/up.c out/made.c"
    );
    // A folder that is a link.
    link("lib/sub", "other");
    assert_eq!(inputs(&place, &["other/"]), "lib/sub/two.c other");
}
