//! `atelier edit apply`: any folder, any reply, all or nothing.

mod corpus;
mod replies;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader, Write as _},
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::world::{Ended, World, end};

/// Time between two looks at a folder that is being changed.
const LOOK: Duration = Duration::from_micros(200);
/// Longest wait for something to happen in a folder.
const WAIT_MAX: Duration = Duration::from_mins(1);

/// A reply that replaces some lines of a file.
fn block(path: &str, search: &str, replace: &str) -> String {
    format!("{path}\n```\n<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n```\n")
}

/// A reply that writes a file as a whole.
fn whole(path: &str, content: &str) -> String {
    format!("### File: `{path}`\n```\n{content}```\n")
}

/// Every file and link below a folder with its mode and what it holds.
fn files(root: &Path) -> BTreeMap<String, (u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let (path, stat) = (entry.path(), entry.metadata().unwrap());
            let name = path
                .strip_prefix(root)
                .unwrap()
                .to_string_lossy()
                .into_owned();
            if stat.is_dir() {
                open.push(path);
            } else if stat.is_symlink() {
                let target = fs::read_link(&path).unwrap();
                found.insert(
                    name,
                    (stat.mode(), target.to_string_lossy().into_owned().into()),
                );
            } else {
                found.insert(name, (stat.mode(), fs::read(&path).unwrap()));
            }
        }
    }
    found
}

#[track_caller]
fn text(world: &World, path: &str) -> String {
    fs::read_to_string(world.folder().join(path)).unwrap()
}

/// Applies a reply from standard input.
fn apply(world: &World, reply: impl AsRef<[u8]>) -> Ended {
    world.run_with(&["edit", "apply"], reply.as_ref())
}

/// A refused reply changes nothing, here or beside the folder.
#[track_caller]
fn refused(world: &World, reply: impl AsRef<[u8]>, because: &str) {
    let before = files(&world.home.path());
    let ended = apply(world, reply).expect_failure(13, "");
    assert!(
        ended.stderr.contains(because),
        "no `{because}` in {}",
        ended.all()
    );
    assert_eq!(ended.stdout, "");
    assert_eq!(files(&world.home.path()), before, "{}", ended.all());
}

#[test]
fn a_reply_is_applied_in_a_folder_that_is_nothing_but_a_folder() {
    let world = World::offline();
    world.write("src/tool.py", "def a():\n    return 1\n");
    let reply = format!(
        "Two changes.\n\n{}\nAnd a new file:\n\n{}",
        block("src/tool.py", "    return 1\n", "    return 2\n"),
        whole("docs/new.md", "# New\n"),
    );
    let ended = apply(&world, &reply).expect(0);
    assert_eq!(
        ended.stdout,
        "written   docs/new.md\nwritten   src/tool.py\n"
    );
    let names: Vec<_> = files(world.folder()).into_keys().collect();
    assert_eq!(names, ["docs/new.md", "src/tool.py"]);
    assert_eq!(text(&world, "src/tool.py"), "def a():\n    return 2\n");
    assert_eq!(text(&world, "docs/new.md"), "# New\n");
}

#[test]
fn the_reply_comes_from_a_file_or_from_standard_input() {
    for args in [
        &["edit", "apply", "reply.md"][..],
        &["edit", "apply"],
        &["edit", "apply", "-"],
    ] {
        let world = World::offline();
        world.write("a.txt", "one\ntwo\n");
        let reply = block("a.txt", "two\n", "three\n");
        world.write("reply.md", &reply);
        world.run_with(args, reply.as_bytes()).expect(0);
        assert_eq!(text(&world, "a.txt"), "one\nthree\n", "{args:?}");
    }
}

#[test]
fn a_reply_is_followed_while_it_is_written() {
    let world = World::offline();
    world.write("b.txt", "one\ntwo\n");
    let mut child = world
        .command(&["edit", "apply", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut writer = child.stdin.take().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    writer.write_all(b"a.txt\n```\nfirst\n").unwrap();
    // The file is named while its content, and the rest of the reply, is still to come.
    assert_eq!(said.next().unwrap().unwrap(), "receiving a.txt");
    writer.write_all(b"second\n```\n\n").unwrap();
    writer
        .write_all(block("b.txt", "two\n", "three\n").as_bytes())
        .unwrap();
    drop(writer);
    assert_eq!(said.next().unwrap().unwrap(), "receiving b.txt");
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success());
    assert_eq!(text(&world, "a.txt"), "first\nsecond\n");
    assert_eq!(text(&world, "b.txt"), "one\nthree\n");
}

#[test]
fn another_folder_is_named_with_c_and_the_file_beside_the_caller() {
    let world = World::offline();
    world.write("inner/a.txt", "one\n");
    world.write("reply.md", block("a.txt", "one\n", "two\n"));
    world
        .run(&["-C", "inner", "edit", "apply", "reply.md"])
        .expect(0);
    assert_eq!(text(&world, "inner/a.txt"), "two\n");
    world
        .run(&["-C", "nowhere", "edit", "apply", "reply.md"])
        .expect_failure(2, "nowhere");
    world
        .run(&["-C", "reply.md", "edit", "apply", "reply.md"])
        .expect_failure(2, "reply.md");
}

#[test]
fn a_folder_of_a_repository_is_the_root_of_its_edits() {
    let world = World::offline().with_commit();
    world.write(".gitignore", "ignored.txt\n");
    world.write("part/ignored.txt", "one\n");
    let reply = block("ignored.txt", "one\n", "two\n");
    world
        .run_with(&["-C", "part", "edit", "apply"], reply.as_bytes())
        .expect(0);
    assert_eq!(text(&world, "part/ignored.txt"), "two\n");
    assert!(!world.folder().join(".atelier").exists());
}

#[test]
fn programs_read_one_object() {
    let world = World::offline();
    world.write("a.txt", "the first of two lines\nalpha line\n");
    world.write("gone.txt", "x\n");
    let reply = format!(
        "{}\n{}\n*** Delete File: gone.txt\n",
        block(
            "a.txt",
            "the first of two lines\nalpha line\n",
            "the first of two lines\nbeta line\n"
        ),
        whole("new/b.txt", "b\n"),
    );
    let once = world
        .run_with(&["edit", "apply", "--json"], reply.as_bytes())
        .expect(0);
    assert_eq!(
        once.json(),
        [json!({
            "v": 1, "type": "edits", "status": "applied", "exit_code": 0,
            "written": ["a.txt", "new/b.txt"], "deleted": ["gone.txt"], "moved": [],
            "unchanged": [], "notes": [], "warnings": [],
        })]
    );
    let again = world
        .run_with(&["edit", "apply", "--json"], reply.as_bytes())
        .expect(0)
        .json();
    assert_eq!(
        (&again[0]["status"], &again[0]["written"]),
        (&json!("unchanged"), &json!([]))
    );
    assert_eq!(
        again[0]["unchanged"],
        json!(["a.txt", "gone.txt", "new/b.txt"])
    );
}

#[test]
fn programs_read_every_problem_of_a_refused_reply() {
    let world = World::offline();
    world.write("a.txt", "first line\nsecond line\nthird line\n");
    let reply = format!(
        "{}\n{}",
        block("a.txt", "secnd line\n", "2\n"),
        block("missing.txt", "x y z\n", "2\n"),
    );
    let ended = world
        .run_with(&["edit", "apply", "--json"], reply.as_bytes())
        .expect(13);
    let objects = ended.json();
    let [object] = &objects[..] else {
        panic!("{}", ended.all())
    };
    assert_eq!(
        (&object["status"], &object["exit_code"]),
        (&json!("refused"), &json!(13))
    );
    let problems = object["problems"].as_array().unwrap();
    let about: Vec<_> = problems
        .iter()
        .map(|one| (&one["path"], &one["block"], &one["line"]))
        .collect();
    assert_eq!(
        about,
        [
            (&json!("a.txt"), &json!(1), &json!(3)),
            (&json!("missing.txt"), &json!(2), &json!(12)),
        ]
    );
    for problem in problems {
        assert!(
            problem["said"].is_string() && problem["mend"].is_string(),
            "{problem}"
        );
    }
    assert!(
        problems[0]["closest"].as_str().unwrap().contains("line 2"),
        "{}",
        problems[0]
    );
    let cut = world
        .run_with(
            &["edit", "apply", "--json"],
            b"a.txt\n```\n<<<<<<< SEARCH\nfirst",
        )
        .expect(13);
    let problem = &cut.json()[0]["problems"][0];
    assert_eq!(
        (&problem["path"], &problem["line"]),
        (&Value::Null, &json!(3)),
        "{problem}"
    );
}

#[test]
fn a_dry_run_shows_what_git_would_apply_and_changes_nothing() {
    let world = World::offline();
    world.write("a.txt", "one\ntwo\nthree");
    world.write("gone.sh", "#!/bin/sh\nexit 1\n");
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(world.folder().join("gone.sh"), mode).unwrap();
    let reply = format!(
        "{}\n{}\n*** Delete File: gone.sh\n",
        block("a.txt", "two\n", "2\n"),
        whole("new/b.sh", "#!/bin/sh\nexit 0\n"),
    );
    let before = files(world.folder());
    let shown = world
        .run_with(&["edit", "apply", "--dry-run"], reply.as_bytes())
        .expect(0)
        .stdout;
    let object = world
        .run_with(&["edit", "apply", "--dry-run", "--json"], reply.as_bytes())
        .expect(0);
    assert_eq!(files(world.folder()), before);
    let object = &object.json()[0];
    assert_eq!(
        (&object["status"], object["diff"].as_str()),
        (&json!("would_apply"), Some(&*shown))
    );

    let copy = World::offline();
    for (name, (mode, bytes)) in &before {
        copy.write(name, bytes);
        fs::set_permissions(copy.folder().join(name), fs::Permissions::from_mode(*mode)).unwrap();
    }
    copy.write("../shown.diff", &shown);
    copy.git(&["apply", "../shown.diff"]);
    apply(&world, &reply).expect(0);
    assert_eq!(files(copy.folder()), files(world.folder()), "{shown}");
}

#[test]
fn a_dry_run_of_what_cannot_be_applied_is_refused_too() {
    let world = World::offline();
    world.write("a.txt", "one line\n");
    let reply = block("a.txt", "another line\n", "x\n");
    world
        .run_with(&["edit", "apply", "--dry-run"], reply.as_bytes())
        .expect_failure(13, "apply");
}

#[test]
fn links_lead_nowhere() {
    let world = World::offline();
    world.write("../outside/theirs.txt", "theirs line\n");
    world.write("a.txt", "alpha line\n");
    let link = |target: &str, at: &str| symlink(target, world.folder().join(at)).unwrap();
    link("../outside/theirs.txt", "file-link.txt");
    link("../outside", "folder-link");
    link("nowhere", "dangling");
    link("a.txt", "inner-link.txt");
    let good = block("a.txt", "alpha line\n", "beta line\n");
    for path in ["file-link.txt", "folder-link/theirs.txt", "inner-link.txt"] {
        let found = if path == "inner-link.txt" {
            "alpha line\n"
        } else {
            "theirs line\n"
        };
        let bad = block(path, found, "ours line\n");
        refused(&world, format!("{good}\n{bad}"), "symbolic link");
    }
    for path in [
        "file-link.txt",
        "folder-link/new.txt",
        "dangling",
        "dangling/x",
        "folder-link",
    ] {
        let bad = whole(path, "ours\n");
        refused(&world, format!("{good}\n{bad}"), "symbolic link");
    }
    for path in ["file-link.txt", "folder-link/theirs.txt"] {
        refused(
            &world,
            format!("{good}\n*** Delete File: {path}\n"),
            "symbolic link",
        );
    }
}

#[test]
fn paths_that_leave_the_folder_are_refused() {
    let world = World::offline();
    world.write("a.txt", "one\n");
    world.write(".git/config", "[core]\n");
    for path in [
        "../out.txt",
        "in/../../out.txt",
        "/tmp/atelier-edit-out.txt",
        "~/out.txt",
        "C:\\out.txt",
        "..\\out.txt",
        ".git/hooks/pre-commit",
        ".GIT/config",
        ".atelier/state.db",
        ".atelier-edit/journal.json",
        "sub/.git/config",
        "nul.txt",
    ] {
        refused(&world, whole(path, "x\n"), "");
        refused(
            &world,
            format!("{}\n{}", whole("a.txt", "two\n"), block(path, "", "x\n")),
            "",
        );
    }
}

#[test]
fn names_that_some_system_cannot_tell_apart_are_refused() {
    let world = World::offline();
    world.write("Read.me", "read\n");
    world.write("src/deep/a.txt", "a\n");
    world.write("caf\u{e9}.txt", "composed\n");
    for path in [
        "read.me",
        "SRC/b.txt",
        "src/Deep/b.txt",
        "cafe\u{301}.txt",
        "src",
        "src/deep",
        "Read.me/x",
    ] {
        refused(&world, whole(path, "x\n"), "");
    }
}

#[test]
fn protected_files_are_refused_unless_they_are_owned() {
    let world = World::offline();
    world.write("tests/a.py", "one line\n");
    world.write(".github/workflows/check.yml", "on: push\n");
    world.write("Cargo.lock", "version = 4\n");
    let edits = [
        block("tests/a.py", "one line\n", "another line\n"),
        block(
            ".github/workflows/check.yml",
            "on: push\n",
            "on: pull_request\n",
        ),
        block("Cargo.lock", "version = 4\n", "version = 5\n"),
    ];
    let reply = edits.concat();
    let run = |more: &[&str]| {
        let args = [&["edit", "apply"], more].concat();
        world.run_with(&args, reply.as_bytes())
    };
    let before = files(world.folder());
    let ended = run(&["--protect", "tests/**"]).expect_failure(13, "apply");
    for path in ["tests/a.py", ".github/workflows/check.yml", "Cargo.lock"] {
        assert!(
            ended.stderr.contains(&format!("`{path}`")),
            "{path}: {}",
            ended.all()
        );
    }
    let ended = run(&["--own", "Cargo.lock"]).expect_failure(13, "apply");
    assert!(!ended.stderr.contains("`Cargo.lock`"), "{}", ended.all());
    assert!(!ended.stderr.contains("`tests/a.py`"), "{}", ended.all());
    assert!(ended.line("hint: ").contains("--own"), "{}", ended.all());
    assert_eq!(files(world.folder()), before);
    run(&["--protect", "te[st"]).expect_failure(2, "te[st");
    run(&["--own", ".github", "--own", "Cargo.lock"]).expect(0);
    assert_eq!(text(&world, "Cargo.lock"), "version = 5\n");
}

#[test]
fn a_file_moves_with_its_permissions_and_its_changes() {
    let world = World::offline();
    world.write("old/run.sh", "#!/bin/sh\necho one\n");
    let mode = fs::Permissions::from_mode(0o750);
    fs::set_permissions(world.folder().join("old/run.sh"), mode).unwrap();
    let reply = "*** Begin Patch\n*** Update File: old/run.sh\n*** Move to: bin/run.sh\n@@\n \
                 #!/bin/sh\n-echo one\n+echo two\n*** End Patch\n";
    let shown = world
        .run_with(&["edit", "apply", "--dry-run"], reply.as_bytes())
        .expect(0);
    assert!(
        shown
            .stdout
            .contains("rename from old/run.sh\nrename to bin/run.sh\n"),
        "{}",
        shown.all()
    );
    let ended = world
        .run_with(&["edit", "apply", "--json"], reply.as_bytes())
        .expect(0);
    let object = &ended.json()[0];
    assert_eq!(
        object["moved"],
        json!([{ "from": "old/run.sh", "to": "bin/run.sh" }])
    );
    assert_eq!(
        (&object["written"], &object["deleted"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(text(&world, "bin/run.sh"), "#!/bin/sh\necho two\n");
    let moved = fs::metadata(world.folder().join("bin/run.sh")).unwrap();
    assert_eq!(moved.mode() & 0o7777, 0o750);
    assert!(!world.folder().join("old").exists());
}

#[test]
fn line_ends_encoding_and_mode_stay() {
    let world = World::offline();
    let check = |path: &str, before: &[u8], [search, replace]: [&str; 2], after: &[u8]| {
        world.write(path, before);
        let mode = if path == "run.sh" { 0o750 } else { 0o640 };
        let file = world.folder().join(path);
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        apply(&world, block(path, search, replace)).expect(0);
        assert_eq!(fs::read(&file).unwrap(), after, "{path}");
        let found = fs::metadata(&file).unwrap();
        assert_eq!(found.mode() & 0o7777, mode, "{path}");
    };
    let edit = ["k = 4\n", "k = 5\n"];
    check(
        "dos.txt",
        b"one\r\nk = 4\r\nthree",
        edit,
        b"one\r\nk = 5\r\nthree",
    );
    check(
        "mixed.txt",
        b"one\r\ntwo\nk = 4\r\n",
        edit,
        b"one\r\ntwo\nk = 5\r\n",
    );
    check(
        "latin.py",
        b"n = 'Z\xfcrich'\nk = 4\n",
        edit,
        b"n = 'Z\xfcrich'\nk = 5\n",
    );
    check(
        "mark.txt",
        b"\xef\xbb\xbfk = 4\ntwo\n",
        edit,
        b"\xef\xbb\xbfk = 5\ntwo\n",
    );
    check("run.sh", b"#!/bin/sh\nk = 4", edit, b"#!/bin/sh\nk = 5");
}

#[test]
fn a_file_that_an_edit_breaks_is_written_with_a_warning() {
    let world = World::offline();
    world.write("data.json", "{\n  \"a\": 1,\n  \"b\": 2\n}\n");
    world.write("broken.json", "{\n  \"a\": 1,\n");
    let reply = block("data.json", "  \"a\": 1,\n", "  \"a\": 1\n")
        + &block("broken.json", "  \"a\": 1,\n", "  \"a\": 7,\n");
    let args = ["edit", "apply", "--json"];
    let ended = world.run_with(&args, reply.as_bytes()).expect(0);
    let warnings = ended.json()[0]["warnings"].clone();
    assert_eq!(warnings.as_array().unwrap().len(), 1, "{warnings}");
    assert_eq!(
        (&warnings[0]["path"], &warnings[0]["line"]),
        (&json!("data.json"), &json!(3))
    );
    world.write("data.json", "{\n  \"a\": 1,\n  \"b\": 2\n}\n");
    let ended = apply(&world, block("data.json", "  \"a\": 1,\n", "  \"a\": 1\n")).expect(0);
    let warning = ended.line("warning: ");
    assert!(
        warning.contains("`data.json`") && warning.contains("line 3"),
        "{}",
        ended.all()
    );
}

#[test]
fn folders_that_a_deletion_empties_go_and_others_stay() {
    let world = World::offline();
    world.write("a/b/c.txt", "c\n");
    world.write("a/keep.txt", "k\n");
    fs::create_dir(world.folder().join("empty")).unwrap();
    apply(&world, "*** Delete File: a/b/c.txt\n").expect(0);
    assert!(!world.folder().join("a/b").exists());
    assert!(world.folder().join("a/keep.txt").exists());
    assert!(world.folder().join("empty").is_dir());
}

#[test]
fn a_reply_that_cannot_be_read_is_refused_in_words() {
    let world = World::offline();
    world.write("a.txt", "one\n");
    refused(&world, "", "find an edit");
    refused(&world, " \n\n", "find an edit");
    refused(&world, "Sorry, I cannot do that.", "find an edit");
    refused(&world, b"a.txt\n```\n\xff\n```\n", "UTF-8");
    let long = whole("a.txt", &"long line\n".repeat(20));
    world
        .run_with(
            &["-c", "limits.reply_bytes_max=100", "edit", "apply"],
            long.as_bytes(),
        )
        .expect_failure(13, "more than 100 bytes");
    world
        .run_with(
            &["-c", "limits.file_bytes_max=100", "edit", "apply"],
            long.as_bytes(),
        )
        .expect_failure(13, "apply");
    let two = format!("{}\n{}", whole("b", "b\n"), whole("c", "c\n"));
    world
        .run_with(
            &["-c", "limits.edits_max=1", "edit", "apply"],
            two.as_bytes(),
        )
        .expect_failure(13, "more than 1 edit");
    assert_eq!(files(world.folder()).len(), 1);
}

#[test]
fn a_reply_that_is_not_there_is_a_usage_error() {
    let world = World::offline();
    world
        .run(&["edit", "apply", "nothing.md"])
        .expect_failure(2, "nothing.md");
    world
        .run(&["edit", "apply", "."])
        .expect_failure(2, "read the reply");
    world.run(&["edit"]).expect(2);
    world.run(&["edit", "apply", "--frob"]).expect(2);
}

#[test]
fn what_a_folder_says_of_itself_does_not_keep_it_from_being_mended() {
    let world = World::offline();
    world.write("atelier.toml", "budget = much = more\n");
    apply(
        &world,
        block("atelier.toml", "budget = much = more\n", "budget = 2\n"),
    )
    .expect(0);
    assert_eq!(text(&world, "atelier.toml"), "budget = 2\n");
}

#[test]
fn a_read_only_file_stays_and_so_does_everything_else() {
    let world = World::offline();
    world.write("a.txt", "one\n");
    world.write("fixed.txt", "two\n");
    let mode = fs::Permissions::from_mode(0o444);
    fs::set_permissions(world.folder().join("fixed.txt"), mode).unwrap();
    let before = files(world.folder());
    let reply = format!(
        "{}{}",
        block("a.txt", "one\n", "1\n"),
        block("fixed.txt", "two\n", "2\n")
    );
    apply(&world, reply).expect_failure(1, "fixed.txt");
    assert_eq!(files(world.folder()), before);
}

/// The program under a limit on the size of files, which a full disk resembles.
fn limited(world: &World, blocks: u32, ignored: bool, reply: &str) -> Command {
    let mut command = world.home.command("sh");
    let trap = if ignored { "trap '' XFSZ; " } else { "" };
    let script = format!("{trap}ulimit -f {blocks}; exec \"$0\" edit apply reply.md");
    command
        .current_dir(world.folder())
        .arg("-c")
        .arg(script)
        .arg(env!("CARGO_BIN_EXE_atelier"));
    world.write("reply.md", reply);
    command
}

#[test]
fn where_the_disk_has_no_room_nothing_is_changed() {
    let world = World::offline();
    world.write("a.txt", "one\n");
    world.write("large.txt", "small\n");
    let reply = format!(
        "{}{}",
        block("a.txt", "one\n", "1\n"),
        whole(
            "large.txt",
            &"a line that is written many times\n".repeat(400)
        ),
    );
    let mut command = limited(&world, 1, true, &reply);
    let before = files(world.folder());
    command.stdin(Stdio::null());
    end(command).expect_failure(1, "large.txt");
    assert_eq!(files(world.folder()), before);
    // The same, but the system kills the process that writes too much.
    let killed = end(limited(&world, 1, false, &reply));
    assert_eq!(killed.code, None, "{}", killed.all());
    assert!(world.folder().join(".atelier-edit").is_dir());
    assert_eq!(text(&world, "a.txt"), "one\n");
    world.run(&["edit", "apply", "reply.md"]).expect(0);
    assert_eq!(text(&world, "a.txt"), "1\n");
    assert!(!world.folder().join(".atelier-edit").exists());
}

/// Files of the folder that is changed while the process is killed.
const MANY: usize = 60;

fn numbered(number: usize) -> String {
    format!("part-{}/file-{number:03}.txt", number % 7)
}

/// Whether a folder is as after the change of all its files; it must not be half way.
#[track_caller]
fn is_changed(world: &World) -> bool {
    let changed = (0..MANY)
        .filter(|number| text(world, &numbered(*number)).contains("new"))
        .count();
    assert!(
        changed == 0 || changed == MANY,
        "{changed} of {MANY} files are changed"
    );
    assert_eq!(
        world.folder().join("added/file.txt").exists(),
        changed == MANY
    );
    assert_eq!(world.folder().join("removed.txt").exists(), changed == 0);
    changed == MANY
}

/// Applies a reply and kills the process as soon as this is true of the folder.
fn kill_when(world: &World, until: impl Fn(&Path) -> bool) {
    let mut child = world
        .command(&["edit", "apply", "../reply.md"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while !until(world.folder()) && child.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < WAIT_MAX, "the change does not begin");
        thread::sleep(LOOK);
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_kill_leaves_nothing_that_the_next_call_does_not_finish_or_undo() {
    let mut reply: String = (0..MANY)
        .map(|number| {
            block(
                &numbered(number),
                &format!("old line {number}\n"),
                &format!("new line {number}\n"),
            )
        })
        .collect();
    reply.push_str(&whole("added/file.txt", "added\n"));
    reply.push_str("\n*** Delete File: removed.txt\n");
    let (mut cut, mut finished) = (0, 0);
    for point in 0..10 {
        let world = World::offline();
        for number in 0..MANY {
            world.write(&numbered(number), format!("old line {number}\n"));
        }
        world.write("removed.txt", "r\n");
        world.write("../reply.md", &reply);
        kill_when(&world, |root| match point {
            0 => root.join(".atelier-edit").exists(),
            1 => root.join(".atelier-edit/new-30").exists(),
            2 => root.join(".atelier-edit/journal.part").exists(),
            3..=6 => root.join(".atelier-edit/journal.json").exists(),
            _ => root
                .join(format!(".atelier-edit/old-{}", (point - 6) * 12))
                .exists(),
        });
        let journal = world.folder().join(".atelier-edit/journal.json").exists();
        cut += usize::from(world.folder().join(".atelier-edit").exists());
        let dry = world.run_with(
            &["edit", "apply", "--dry-run"],
            whole("x", "x\n").as_bytes(),
        );
        dry.expect(if journal { 10 } else { 0 });
        let (args, reply) = (["edit", "apply", "--json"], whole("marker.txt", "m\n"));
        let ended = world.run_with(&args, reply.as_bytes()).expect(0);
        assert_eq!(
            ended.json()[0]["notes"]
                .to_string()
                .contains("is finished now"),
            journal,
            "{point}: {}",
            ended.all()
        );
        finished += usize::from(is_changed(&world) && journal);
        assert!(!world.folder().join(".atelier-edit").exists(), "{point}");
    }
    assert!(
        cut > 0 && finished > 0,
        "{cut} cut off, {finished} finished"
    );
}

#[test]
fn replies_applied_at_once_do_not_mix() {
    let world = World::offline();
    let mut lines = String::new();
    for number in 0..8 {
        writeln!(lines, "line {number} of the shared file").unwrap();
    }
    world.write("shared.txt", &lines);
    for number in 0..8 {
        let line = format!("line {number} of the shared file\n");
        let own = format!("own-{number}.txt");
        let reply =
            block("shared.txt", &line, &line.replace("line", "LINE")) + &whole(&own, "own\n");
        world.write(&format!("../reply-{number}.md"), reply);
    }
    let children: Vec<_> = (0..8)
        .map(|number| {
            let mut command = world.command(&["edit", "apply", &format!("../reply-{number}.md")]);
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    assert_eq!(text(&world, "shared.txt"), lines.replace("line", "LINE"));
    assert_eq!(files(world.folder()).len(), 9);
}
