//! The run that comes with the program: it is what the stand-in makes today, and it is shown.

use std::{fs, path::PathBuf};

use atelier_archive::{Pack, Source};
use atelier_testkit::{Dialect, EditForm, Mode, Script, chain};

use crate::world::{World, repository};

/// Tasks of the fixture it is made from.
const TASKS: u32 = 2;

/// Bytes it may add to the program.
const BYTES_MAX: u64 = 60 * 1024;

fn shipped() -> PathBuf {
    repository().join("crates/atelier/demo.car")
}

fn read(path: &PathBuf) -> Pack {
    let mut file = fs::File::open(path).unwrap();
    Pack::read(&mut file as &mut dyn Source, None).unwrap()
}

/// What is the same whenever it is made: all but its name, and how long its checks took to say.
fn essence(pack: &Pack) -> (String, Vec<String>, Vec<String>, Vec<String>) {
    // A second attempt is told what the checks of the first one said, and that names a time.
    let first = pack.lock.asks.iter().filter(|ask| ask.attempt == 1);
    let keys = first.map(|ask| ask.key.to_string());
    let replies = pack.lock.asks.iter().map(|ask| ask.reply.to_string());
    let trees = pack.lock.commits.iter().map(|commit| commit.tree.clone());
    (
        pack.requirement.clone(),
        keys.collect(),
        replies.collect(),
        trees.collect(),
    )
}

/// `UPDATE=1` makes it anew.
#[test]
fn the_shipped_run_is_what_the_stand_in_makes() {
    let fixture = chain(TASKS).unwrap();
    let script = Script::new(Mode::FailThenFix)
        .with_fixture(fixture.clone())
        .with_form(EditForm::Whole);
    let world = World::with(script, Dialect::OpenAi);
    world
        .run(&["build", &fixture.requirement, "-c", "jobs=1"])
        .expect(0);
    let made = world.home.path().join("made.car");
    world
        .run(&["pack", "--without-prompts", "-o", made.to_str().unwrap()])
        .expect(0);
    if std::env::var_os("UPDATE").is_some() {
        fs::copy(&made, shipped()).unwrap();
    }
    let size = fs::metadata(shipped()).unwrap().len();
    assert!(size < BYTES_MAX, "{size} bytes");
    assert_eq!(
        essence(&read(&shipped())),
        essence(&read(&made)),
        "UPDATE=1 makes it anew"
    );
}

#[test]
fn it_is_shown_without_a_model_a_key_or_a_project() {
    let world = World::offline();
    let before = fs::read_dir(world.folder()).unwrap().count();
    let lines = world
        .run(&["--json", "demo", "--without-checks"])
        .expect(0)
        .json();
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["type"], &last["checks"]),
        (&"demo".into(), &"recorded".into())
    );
    assert!(last["tests"].as_u64().unwrap() > 0, "{last}");
    assert!(lines.iter().any(|line| line["type"] == "task.committed"));
    let folder = PathBuf::from(last["folder"].as_str().unwrap());
    assert!(folder.join("atelier.lock").is_file());
    fs::remove_dir_all(folder.parent().unwrap()).unwrap();
    assert_eq!(fs::read_dir(world.folder()).unwrap().count(), before);
}
