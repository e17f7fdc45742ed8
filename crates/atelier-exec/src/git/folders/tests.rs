//! Folders changed entry by entry, without a repository.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::RefCell;

use super::*;

const ID: &str = "0123456789abcdef0123456789abcdef01234567";

fn raw(entries: &[(&str, &str)]) -> Vec<u8> {
    let digest: Vec<u8> = (0..20)
        .map(|at| u8::from_str_radix(&ID[at * 2..at * 2 + 2], 16).unwrap())
        .collect();
    let entry = |(mode, name): &(&str, &str)| {
        [format!("{mode} {name}\0").as_bytes(), digest.as_slice()].concat()
    };
    entries.iter().flat_map(entry).collect()
}

/// What is written after changes, the folders below first; a folder's id is its number.
fn written(before: &[(&str, &str)], changes: &[(&str, bool)]) -> Vec<String> {
    let mut root = Folder::parse(&raw(before), 40).unwrap();
    let below = |_: &str| Ok(Folder::parse(&raw(&[("100644", "old")]), 40).unwrap());
    for (path, is_put) in changes {
        let file = is_put.then_some((FILE, "new"));
        root.change(path, file, &below).unwrap();
    }
    let all = RefCell::new(Vec::new());
    root.write(&|lines| {
        let text = String::from_utf8_lossy(lines).replace(ID, "id");
        all.borrow_mut().push(text.replace(['\0', '\t'], " "));
        Ok(format!("#{}", all.borrow().len()))
    })
    .unwrap();
    all.into_inner()
}

#[test]
fn only_folders_on_the_way_to_a_change_are_written() {
    let before = [("40000", "far"), ("40000", "near"), ("100644", "x")];
    assert_eq!(
        written(&before, &[("near/a/b", true)]),
        [
            "100644 blob new b ",
            "040000 tree #1 a 100644 blob id old ",
            "040000 tree id far 040000 tree #2 near 100644 blob id x ",
        ]
    );
}

#[test]
fn a_folder_without_files_is_none() {
    let before = [("40000", "far"), ("40000", "near")];
    let after = written(&before, &[("near/old", false)]);
    assert_eq!(after, ["040000 tree id far "]);
    let after = written(&before[1..], &[("near/old", false)]);
    assert_eq!(after, Vec::<String>::new());
}

#[test]
fn what_is_put_takes_the_place_of_what_cannot_stand_beside_it() {
    let before = [("40000", "folder"), ("100644", "file")];
    let after = written(&before, &[("folder", true), ("file/below", true)]);
    assert_eq!(
        after,
        [
            "100644 blob new below ",
            "040000 tree #1 file 100644 blob new folder "
        ]
    );
}

#[test]
fn what_is_not_there_is_not_removed() {
    let before = [("40000", "folder"), ("100644", "file")];
    let gone = [
        ("folder", false),
        ("file/below", false),
        ("no/where", false),
    ];
    assert_eq!(
        written(&before, &gone),
        ["100644 blob id file 040000 tree id folder "]
    );
}

#[test]
fn modes_of_older_programs_are_read_as_those_of_today() {
    let before = [
        ("100664", "a"),
        ("100775", "b"),
        ("120000", "c"),
        ("160000", "d"),
        ("040000", "e"),
    ];
    assert_eq!(
        written(&before, &[]),
        ["100644 blob id a 100755 blob id b 120000 blob id c 160000 commit id d 040000 tree id e "]
    );
}

#[test]
fn what_is_no_folder_is_none() {
    let whole = raw(&[("100644", "a")]);
    for end in 1..whole.len() {
        assert_eq!(Folder::parse(&whole[..end], 40), None, "{end}");
    }
    assert_eq!(Folder::parse(b"no mode\0", 40), None);
    assert_eq!(Folder::parse(&raw(&[("9", "a")]), 40), None);
    assert_eq!(Folder::parse(&[], 40), Some(Folder::default()));
}
