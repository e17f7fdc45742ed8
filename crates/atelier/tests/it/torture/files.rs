//! What happens to the files that steps read.

use std::{fs, os::unix::fs::symlink};

use serde_json::json;

use super::mill::{Mill, at_both_levels, chmod, modified, step};

const ALL_RAN: &str = "gen ran, use ran, end ran, lone ran";
const ALL_SPARED: &str = "gen spared, use spared, end spared, lone spared";

/// A plain project that was checked once.
fn checked(mill: Mill) -> Mill {
    let mill = mill.plain();
    mill.check().is(0, ALL_RAN);
    mill.is_right();
    mill
}

#[test]
fn nothing_changed_runs_nothing() {
    at_both_levels(|mill| {
        let mill = checked(mill);
        mill.check().is(0, ALL_SPARED);
        mill.check().is(0, ALL_SPARED);
        mill.is_right();
    });
}

#[test]
fn a_touch_runs_nothing() {
    at_both_levels(|mill| {
        let mill = checked(mill);
        for path in ["src/gen.in", "src/use.in", "out/gen.txt", "out/end.txt"] {
            modified(&mill.path(path), -5000);
        }
        mill.check().is(0, ALL_SPARED);
        mill.is_right();
    });
}

#[test]
fn the_same_output_of_another_input_stops_there() {
    at_both_levels(|mill| {
        let mill = checked(mill);
        mill.write("src/gen.in", "# another remark\none\n");
        let wanted = "gen ran, use spared, end spared, lone spared";
        mill.check().is(0, wanted);
        mill.check().is(0, ALL_SPARED);
        mill.is_right();
    });
}

#[test]
fn going_back_restores() {
    at_both_levels(|mill| {
        let mill = checked(mill);
        let first = mill.standing();
        mill.write("src/gen.in", "other\n");
        mill.check().is(0, "gen ran, use ran, end ran, lone spared");
        mill.is_right();
        mill.write("src/gen.in", "# first\none\n");
        let wanted = "gen restored, use restored, end restored, lone spared";
        mill.check().is(0, wanted);
        assert_eq!(mill.standing(), first);
        mill.check().is(0, ALL_SPARED);
    });
}

#[test]
fn another_content_of_the_same_size_and_time_is_seen() {
    at_both_levels(|mill| {
        let mill = mill.plain();
        modified(&mill.path("src/use.in"), -5000);
        mill.check().is(0, ALL_RAN);
        let time = fs::metadata(mill.path("src/use.in"))
            .unwrap()
            .modified()
            .unwrap();
        mill.write("src/use.in", "TWO\n");
        let file = fs::File::options()
            .write(true)
            .open(mill.path("src/use.in"))
            .unwrap();
        file.set_modified(time).unwrap();
        mill.check()
            .is(0, "gen spared, use ran, end ran, lone spared");
        mill.is_right();
    });
}

#[test]
fn the_clock_may_go_back() {
    at_both_levels(|mill| {
        let mill = mill.plain();
        modified(&mill.path("src/use.in"), 86_400);
        mill.check().is(0, ALL_RAN);
        mill.check().is(0, ALL_SPARED);
        // The new content is older than the old one, by a day and by a year.
        for (content, seconds) in [("TWO\n", 0), ("two!\n", -31_536_000)] {
            mill.write("src/use.in", content);
            modified(&mill.path("src/use.in"), seconds);
            mill.check()
                .is(0, "gen spared, use ran, end ran, lone spared");
            mill.is_right();
        }
        // An output from the future is no reason either.
        modified(&mill.path("out/gen.txt"), 86_400);
        mill.check().is(0, ALL_SPARED);
        mill.is_right();
    });
}

#[test]
fn a_glob_gains_and_loses_files_and_cases() {
    at_both_levels(|mut mill| {
        mill.write("src/list/a.in", "a\n");
        mill.write("src/list/b.in", "b\n");
        mill.write("src/list/c.txt", "c\n");
        let script = "cd src/list; for one in *.in; do echo $one; cat $one; done > ../../out/list";
        mill.steps = vec![
            step("list", script)
                .reads(&["src/list/*.in"])
                .writes(&["out/list"]),
        ];
        let expect = |wanted: &str| {
            mill.check().is(0, wanted);
            mill.is_right();
        };
        expect("list ran");
        mill.write("src/list/d.in", "d\n");
        expect("list ran");
        fs::remove_file(mill.path("src/list/d.in")).unwrap();
        expect("list restored");
        fs::rename(mill.path("src/list/a.in"), mill.path("src/list/A.in")).unwrap();
        expect("list ran");
        mill.write("src/list/c.txt", "nothing that is read\n");
        expect("list spared");
        // The same content under the other's name.
        fs::rename(mill.path("src/list/A.in"), mill.path("src/list/z.in")).unwrap();
        expect("list ran");
    });
}

#[test]
fn a_missing_input_that_comes_is_seen() {
    at_both_levels(|mut mill| {
        let script = "cat src/perhaps.in > out/it 2>/dev/null || echo none > out/it";
        mill.write("src/other", "x");
        mill.steps = vec![
            step("it", script)
                .reads(&["src/perhaps.in"])
                .writes(&["out/it"]),
        ];
        mill.check().is(0, "it ran");
        mill.check().is(0, "it spared");
        mill.write("src/perhaps.in", "here\n");
        mill.check().is(0, "it ran");
        mill.is_right();
        fs::remove_file(mill.path("src/perhaps.in")).unwrap();
        mill.check().is(0, "it restored");
        mill.is_right();
    });
}

#[test]
fn what_a_link_leads_to_counts() {
    at_both_levels(|mut mill| {
        mill.write("src/real.in", "one\n");
        mill.write("shared/deep/x.in", "deep one\n");
        symlink("real.in", mill.path("src/link.in")).unwrap();
        symlink("../shared", mill.path("src/folder")).unwrap();
        mill.steps = vec![
            step("file", "cat src/link.in > out/file")
                .reads(&["src/link.in"])
                .writes(&["out/file"]),
            step("tree", "cat src/folder/deep/x.in > out/tree")
                .reads(&["src/folder/"])
                .writes(&["out/tree"]),
        ];
        mill.check().is(0, "file ran, tree ran");
        mill.check().is(0, "file spared, tree spared");
        mill.write("src/real.in", "two\n");
        mill.check().is(0, "file ran, tree spared");
        mill.is_right();
        mill.write("shared/deep/x.in", "deep two\n");
        mill.check().is(0, "file spared, tree ran");
        mill.is_right();
        fs::remove_file(mill.path("src/link.in")).unwrap();
        symlink("../shared/deep/x.in", mill.path("src/link.in")).unwrap();
        mill.check().is(0, "file ran, tree spared");
        mill.is_right();
    });
}

#[test]
fn whether_an_input_may_be_executed_counts() {
    at_both_levels(|mut mill| {
        mill.write("src/tool.sh", "#!/bin/sh\necho made\n");
        chmod(&mill.path("src/tool.sh"), 0o644);
        let script = "./src/tool.sh > out/it 2>/dev/null || echo refused > out/it";
        mill.steps = vec![
            step("it", script)
                .reads(&["src/tool.sh"])
                .writes(&["out/it"]),
        ];
        mill.check().is(0, "it ran");
        assert_eq!(mill.read("out/it"), "refused\n");
        chmod(&mill.path("src/tool.sh"), 0o755);
        mill.check().is(0, "it ran");
        assert_eq!(mill.read("out/it"), "made\n");
    });
}

#[test]
fn odd_names_are_names() {
    at_both_levels(|mut mill| {
        let names = [
            "with blank",
            "-dash",
            "quote'\"",
            "new\nline",
            "tab\there",
            "ünï",
            "u\u{308}ni",
            "$HOME",
            "*",
            "[a]",
            "{b}",
            ".hidden",
            "#x",
            "%41",
            "a&b;c|d",
        ];
        for name in names {
            mill.write(&format!("src/odd/{name}"), format!("content of {name}\n"));
        }
        mill.steps = vec![
            step("odd", "mkdir -p out/odd; cp -R src/odd/. out/odd/")
                .reads(&["src/odd/**"])
                .writes(&["out/odd/"]),
        ];
        mill.check().is(0, "odd ran");
        mill.is_right();
        for name in names {
            mill.write(&format!("src/odd/{name}"), "another content\n");
            mill.check().is(0, "odd ran");
        }
        mill.is_right();
        fs::remove_dir_all(mill.path("out")).unwrap();
        mill.check().is(0, "odd restored");
        mill.is_right();
        fs::remove_file(mill.path("src/odd/*")).unwrap();
        mill.check().is(0, "odd ran");
        mill.is_right();
    });
}

#[test]
fn a_name_that_is_no_text_stops_nobody() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};
    at_both_levels(|mill| {
        let mill = mill.plain();
        fs::write(mill.path("src").join(OsStr::from_bytes(b"latin-\xe9")), "x").unwrap();
        mill.check().is(0, ALL_RAN);
        mill.check().is(0, ALL_SPARED);
    });
}

#[test]
fn an_edit_while_the_step_runs_is_not_taken_for_what_it_was() {
    at_both_levels(|mut mill| {
        mill.write("src/race.in", "before\n");
        let mark = mill.mark();
        let script = format!("sh -c ': {mark} waits; sleep 0.4; :'; cat src/race.in > out/race");
        mill.steps = vec![
            step("race", &script)
                .reads(&["src/race.in"])
                .writes(&["out/race"]),
        ];
        let mut running = mill.start(&[]);
        mill.wait_for("waits");
        mill.write("src/race.in", "after\n");
        running.wait().unwrap();
        for content in ["before\n", "after\n", "before\n"] {
            mill.write("src/race.in", content);
            let ended = mill.check().ended;
            assert_eq!(ended.code, Some(0), "{}", ended.all());
            assert_eq!(mill.read("out/race"), content);
        }
    });
}

#[test]
fn a_step_that_says_nothing_reads_its_folder() {
    at_both_levels(|mut mill| {
        mill.write("src/deep/x.in", "x\n");
        let script = "cat src/deep/x.in > out/all; mkdir -p left; date +%N > left/behind";
        mill.steps = vec![step("all", script).writes(&["out/all"])];
        mill.check().is(0, "all ran");
        mill.check().is(0, "all spared");
        mill.write("src/deep/new.in", "new\n");
        mill.check().is(0, "all ran");
        mill.check().is(0, "all spared");
        mill.write(".gitignore", "ignored/\n");
        mill.check().is(0, "all ran");
        mill.write("ignored/x", "git leaves it out\n");
        mill.check().is(0, "all spared");
    });
}

#[test]
fn a_project_that_moved_is_the_same_project() {
    at_both_levels(|mill| {
        let mut mill = checked(mill);
        mill.moved("elsewhere");
        mill.check().is(0, ALL_SPARED);
        fs::remove_dir_all(mill.path("out")).unwrap();
        let restored = "gen restored, use restored, end restored, lone restored";
        mill.check().is(0, restored);
        mill.is_right();
    });
}

#[test]
fn only_what_a_revision_did_not_have_is_looked_at() {
    let mill = Mill::new("strong").plain();
    mill.write(".gitignore", "/out/\n/.atelier/\n");
    for args in [
        &["init", "-q"][..],
        &["add", "."],
        &["commit", "-qm", "first"],
    ] {
        mill.world.git(args);
    }
    mill.check().is(0, ALL_RAN);
    mill.write("src/use.in", "TWO\n");
    mill.check_with(&["--affected", "HEAD"])
        .is(0, "gen spared, use ran, end ran");
    mill.is_right();
    mill.world.git(&["commit", "-qam", "second"]);
    mill.check_with(&["--affected", "HEAD"]).is(0, "");
    mill.check_with(&["--affected", "HEAD~1"])
        .is(0, "gen spared, use spared, end spared");
    let wrong = mill.check_with(&["--affected", "no-such-revision"]).ended;
    assert_ne!(wrong.code, Some(0));
    assert!(wrong.stderr.contains("no-such-revision"), "{}", wrong.all());
}

#[test]
fn what_runs_in_a_folder_names_its_files_from_there() {
    at_both_levels(|mut mill| {
        mill.write("app/[id]/page.in", "page\n");
        mill.write("app/[id]/other.in", "other\n");
        let script = "mkdir -p ../../out; cat *.in > ../../out/pages; rmdir out";
        mill.steps = vec![
            step("pages", script)
                .with("cwd", json!("app/[id]"))
                .reads(&["*.in"])
                .writes(&["/out/pages"]),
        ];
        mill.check().is(0, "pages ran");
        assert_eq!(mill.read("out/pages"), "other\npage\n");
        mill.check().is(0, "pages spared");
        mill.write("app/[id]/page.in", "PAGE\n");
        mill.check().is(0, "pages ran");
        assert_eq!(mill.read("out/pages"), "other\nPAGE\n");
    });
}
