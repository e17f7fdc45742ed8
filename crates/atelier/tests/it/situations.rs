//! Repositories as they are found, people who interrupt, and two who build at once.

use std::{fs, os::unix::fs::symlink};

use atelier_testkit::{Dialect, EventWatch, Fixture, Mode, Script, chain, repo_snapshot};
use rustix::process::{Pid, Signal, kill_process};

use crate::world::{Ended, World, around, count, end};

fn small() -> (World, Fixture) {
    let fixture = chain(1).unwrap();
    (World::oracle(&fixture, Dialect::OpenAi), fixture)
}

#[test]
fn a_dirty_checkout_is_left_alone_and_told() {
    let (world, fixture) = small();
    let world = world.with_commit();
    world.write("NOTES.md", "# Changed\n");
    let before = repo_snapshot(world.folder()).unwrap();
    let ended = world.run(&["build", &fixture.requirement]).expect(0);
    assert_eq!(repo_snapshot(world.folder()).unwrap(), before);
    let warning = "what is not committed is left alone and not seen by the run (1): NOTES.md";
    assert!(ended.stderr.contains(warning), "{}", ended.all());
    check_command_delivers(&world, &ended);
}

#[test]
fn a_branch_that_moved_meanwhile_is_left_alone() {
    let (world, fixture) = small();
    let world = world.with_commit();
    world.run(&["plan", &fixture.requirement]).expect(0);
    world.write("more.txt", "work of the user\n");
    world.git(&["add", "more.txt"]);
    world.git(&["commit", "-q", "-m", "feat: meanwhile"]);
    let moved = world.git(&["rev-parse", "main"]);
    let ended = world.run(&["run"]).expect(0);
    assert_eq!(world.git(&["rev-parse", "main"]), moved);
    check_command_delivers(&world, &ended);
    assert!(world.folder().join("more.txt").is_file());
}

/// The command that is printed does what was left undone.
#[track_caller]
fn check_command_delivers(world: &World, ended: &Ended) {
    assert!(!world.folder().join("chain").exists());
    let command = ended
        .stderr
        .lines()
        .find_map(|line| line.trim_start().strip_prefix("take it"));
    let command = command.unwrap_or_else(|| panic!("no command: {}", ended.all()));
    let words = shell_words::split(command).unwrap();
    let args: Vec<&str> = words.iter().map(String::as_str).collect();
    assert_eq!(args[0], "git", "{command}");
    world.git(&args[1..]);
    assert!(world.folder().join("chain/link_001.py").is_file());
}

#[test]
fn a_folder_with_files_and_without_a_repository_is_not_taken() {
    let (world, fixture) = small();
    world.write("notes.txt", "notes\n");
    let before = repo_snapshot(world.folder()).unwrap();
    let ended = world
        .run(&["build", &fixture.requirement])
        .expect_failure(2, "no git repository");
    assert!(
        ended.line("hint: ").contains("atelier init"),
        "{}",
        ended.all()
    );
    assert_eq!(repo_snapshot(world.folder()).unwrap(), before);

    world.run(&["init", "--offline"]).expect(0);
    world.run(&["build", &fixture.requirement]).expect(0);
}

#[test]
fn a_branch_without_a_commit_gets_its_first() {
    let (world, fixture) = small();
    world.git(&["init", "-q", "-b", "trunk"]);
    world.run(&["build", &fixture.requirement]).expect(0);
    let branch = world.branch();
    assert_eq!(
        world.git(&["rev-parse", "trunk"]),
        world.git(&["rev-parse", &branch])
    );
    assert_eq!(world.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_detached_head_stays_where_it_is() {
    let (world, fixture) = small();
    let world = world.with_commit();
    world.git(&["checkout", "-q", "--detach"]);
    let before = repo_snapshot(world.folder()).unwrap();
    let ended = world.run(&["build", &fixture.requirement]).expect(0);
    assert_eq!(repo_snapshot(world.folder()).unwrap(), before);
    assert!(ended.stderr.contains("take it"), "{}", ended.all());
    world.build_by_hand(&world.clone_of(&world.branch()), "Python");
}

#[test]
fn a_folder_inside_a_repository_belongs_to_it() {
    let (world, fixture) = small();
    let world = world.with_commit();
    world.write("sub/.keep", "");
    let mut command = world.command(&["build", &fixture.requirement]);
    command.current_dir(world.folder().join("sub"));
    crate::world::end(command).expect(0);
    assert!(world.folder().join(".atelier/state.db").is_file());
    assert!(!world.folder().join("sub/.atelier").exists());
}

#[test]
fn a_path_with_blanks_and_letters_of_the_world_is_a_path() {
    let (world, fixture) = small();
    let world = world.in_folder("mein prójekt – 名前 'x'");
    world.run(&["build", &fixture.requirement]).expect(0);
    world.build_by_hand(&world.clone_of(&world.branch()), "Python");
    assert!(world.folder().join("chain/link_001.py").is_file());
}

#[test]
fn atelier_keeps_its_own_files_out_of_sight() {
    let (world, fixture) = small();
    let world = world.with_commit();
    world.run(&["build", &fixture.requirement]).expect(0);
    assert_eq!(world.git(&["status", "--porcelain", "--ignored=no"]), "");
    let tracked = world.git(&["ls-files"]);
    assert!(!tracked.contains(".atelier"), "{tracked}");
    let worktrees = world.git(&["worktree", "list"]);
    assert_eq!(worktrees.lines().count(), 1, "{worktrees}");
    let left = world.folder().join(".atelier/worktrees");
    let left = fs::read_dir(left).map_or(0, Iterator::count);
    assert_eq!(left, 0, "worktrees are gone when a run ends");
}

#[test]
fn a_link_where_state_belongs_is_refused_and_what_it_leads_to_stays() {
    let (world, fixture) = small();
    let world = world.with_commit();
    let (elsewhere, state) = (
        world.home.path().join("mine"),
        world.folder().join(".atelier"),
    );
    fs::create_dir_all(elsewhere.join("kept")).unwrap();
    fs::write(elsewhere.join("kept/draft.txt"), "a draft\n").unwrap();
    let before = repo_snapshot(&elsewhere).unwrap();
    // As it may come with a repository of somebody else's.
    fs::create_dir(&state).unwrap();
    for name in ["worktrees", "home", "workers", "state.db"] {
        symlink(&elsewhere, state.join(name)).unwrap();
        let ended = world.run(&["build", &fixture.requirement]);
        ended.expect_failure(2, &format!(".atelier/{name}: it is a link"));
        fs::remove_file(state.join(name)).unwrap();
    }
    fs::remove_dir(&state).unwrap();
    symlink(&elsewhere, &state).unwrap();
    world
        .run(&["gc"])
        .expect_failure(2, ".atelier: it is a link");
    assert_eq!(repo_snapshot(&elsewhere).unwrap(), before);
}

#[test]
fn what_hinders_a_run_from_the_start_is_its_end() {
    let (world, fixture) = small();
    let world = world.with_commit();
    world.write(".atelier/worktrees", "no folder");
    let ended = world.run(&["--json", "build", &fixture.requirement]);
    let ended = ended.expect(1);
    let told = ended.json();
    assert_eq!(count(&told, "run.created"), 1);
    let last = told.last().unwrap();
    assert_eq!(last["type"], "run.finished", "{}", ended.all());
    assert_eq!(last["exit_code"], 1);
    let reason = last["reason"].as_str().unwrap();
    assert!(
        reason.contains(".atelier/worktrees`: Not a directory"),
        "{reason}"
    );
    fs::remove_file(world.folder().join(".atelier/worktrees")).unwrap();
    world.run(&["resume"]).expect(0);
}

#[test]
fn a_repository_without_a_checkout_is_told() {
    let (world, fixture) = small();
    let world = world.in_folder("bare");
    world.git(&["init", "-q", "--bare"]);
    let ended = world.run(&["build", &fixture.requirement]);
    ended.expect_failure(2, "it is a repository without a checkout");
}

#[test]
fn an_interrupted_run_ends_in_order_and_goes_on() {
    let fixture = chain(2).unwrap();
    let script = Script::new(Mode::Hang);
    let mut world = World::with(script, Dialect::OpenAi).with_commit();
    let before = repo_snapshot(world.folder()).unwrap();
    let watch = hanging(&world, &fixture);
    let process = i32::try_from(watch.id()).unwrap();
    kill_process(Pid::from_raw(process).unwrap(), Signal::INT).unwrap();
    let ended = watch.finish().unwrap();
    assert_eq!(ended.exit, Some(11), "{ended:?}");
    let last = ended.events.last().unwrap();
    assert_eq!(
        (&last["type"], &last["exit_code"]),
        (&"run.finished".into(), &11.into())
    );
    assert_eq!(repo_snapshot(world.folder()).unwrap(), before);

    world.now_with(Script::new(Mode::Oracle).with_fixture(fixture));
    world.run(&["resume"]).expect(0);
    assert_eq!(count(&world.events(), "task.committed"), 2);
}

#[test]
fn two_requirements_are_built_at_the_same_time() {
    let fixture = chain(2).unwrap();
    let mut world = World::with(Script::new(Mode::Hang), Dialect::OpenAi).with_commit();
    let first = hanging(&world, &fixture);
    let mut other = fixture.clone();
    "something else".clone_into(&mut other.requirement);
    // It is as far as the first one, which goes on.
    let second = hanging(&world, &other);
    world.run(&["status"]).expect(0);
    second.kill().unwrap();
    first.kill().unwrap();

    // Whoever builds the same again goes on with the run that is there.
    world.now_with(Script::new(Mode::Oracle).with_fixture(fixture.clone()));
    world.run(&["build", &fixture.requirement]).expect(0);
}

/// A run whose first question is never answered, as soon as it is asked.
fn hanging(world: &World, fixture: &Fixture) -> EventWatch {
    let command = world.command(&["--json", "build", &fixture.requirement]);
    let mut watch = EventWatch::start(command).unwrap();
    loop {
        let event = watch.next_event().unwrap().expect("the run goes on");
        if event["type"] == "ask.started" {
            return watch;
        }
    }
}

#[test]
fn a_project_on_a_medium_for_reading_is_looked_at_and_not_changed() {
    const READ_ONLY: &str =
        "mount --bind . .; mount -o remount,bind,ro .; cd \"$PWD\"; exec \"$@\"";
    let (world, fixture) = small();
    world.run(&["build", &fixture.requirement]).expect(0);
    let run = |args: &[&str]| {
        let plain = world.command(args);
        let mut command = around(&plain, "unshare");
        command
            .args(["--map-root-user", "--mount", "sh", "-ec", READ_ONLY, "-"])
            .arg(plain.get_program())
            .args(plain.get_args());
        end(command)
    };
    for (args, told) in [
        (&["status"][..], "done"),
        (&["log", "-n", "1"], "run.finished"),
        (&["cost"], "design"),
        (&["report"], "t1.1"),
        (&["why", "t1.1"], "t1.1"),
        (&["show", "t1.1"], "t1.1"),
        (&["diff", "t1.1"], "+++"),
        (&["plan", "export"], "[[phases]]"),
        (&["stats"], "design"),
        (&["verify"], "requirement"),
    ] {
        let (read, usual) = (run(args).expect(0), world.run(args).expect(0));
        assert!(read.stdout.contains(told), "{args:?}: {}", read.all());
        if args != ["stats"] {
            assert_eq!(read.stdout, usual.stdout, "{args:?}");
        }
        if args != ["verify"] {
            let said = ".atelier may not be written: it is only read\n";
            assert!(read.stderr.contains(said), "{args:?}: {}", read.all());
        }
    }
    let refused = run(&["pause"]).expect(1);
    assert!(
        refused.line("hint: ").contains("`.atelier`"),
        "{}",
        refused.all()
    );
}
