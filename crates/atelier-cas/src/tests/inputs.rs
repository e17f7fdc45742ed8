//! Which files a step reads.

use std::{fs, os::unix::fs::symlink};

use super::{Place, patterns};

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
    let survey = place.workspace.survey().unwrap();
    place
        .workspace
        .inputs(&survey, &patterns(texts))
        .unwrap()
        .join(" ")
}

#[test]
fn the_whole_tree_is_what_git_would_take() {
    let place = place();
    let expected = ".github/ci.yml .gitignore Makefile lib-extra/three.c lib.c lib/one.c \
                    lib/sub/two.c link";
    assert_eq!(inputs(&place, &["/"]), expected);
    assert_eq!(
        place.workspace.survey().unwrap().paths().join(" "),
        expected
    );
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
