//! Runs packed and built again: to the same files, without a model, and nothing else is touched.

use std::{
    fs,
    path::{Path, PathBuf},
};

use atelier_archive::{Pack, Source, car_header, car_section};
use atelier_testkit::{Dialect, EditForm, Fixture, Mode, Script, chain, crowded, wide};
use serde_json::Value;

use crate::world::{Ended, World, count};

/// A world that has built a fixture, with the file of its requirement.
fn built(name: &str, mode: Mode, form: EditForm) -> World {
    let fixture = Fixture::named(name).unwrap();
    let script = Script::new(mode).with_fixture(fixture).with_form(form);
    let world = World::with(script, Dialect::OpenAi)
        .in_folder("one")
        .with_commit();
    let file = Fixture::folder().join(name).join("requirement.md");
    world
        .run(&["build", "-f", &file.to_string_lossy()])
        .expect(0);
    world
}

/// A world in which these words were built.
fn built_from(fixture: &Fixture, args: &[&str]) -> World {
    // Reworked files are sent whole: what others have merged is not known line by line.
    let script = Script::new(Mode::Oracle).with_fixture(fixture.clone());
    let script = script.with_form(EditForm::Whole);
    let world = World::with(script, Dialect::OpenAi)
        .in_folder("one")
        .with_commit();
    let words = [&["build", &fixture.requirement], args].concat();
    world.run(&words).expect(0);
    world
}

/// Everything of a project that a replay must leave alone.
fn standing(world: &World) -> (String, String, Vec<Value>) {
    let refs = world.git(&["for-each-ref"]);
    let is_other = |line: &&str| !line.contains("refs/heads/atelier/replay-");
    let refs: Vec<&str> = refs.lines().filter(is_other).collect();
    (
        refs.join("\n"),
        world.git(&["status", "--porcelain"]),
        world.events(),
    )
}

/// Packs the newest run.
fn pack(world: &World) -> PathBuf {
    let file = world.home.path().join("run.car");
    world.run(&["pack", "-o", file.to_str().unwrap()]).expect(0);
    file
}

/// The tree that a replay came to.
#[track_caller]
fn tree_of(ended: Ended) -> String {
    let lines = ended.expect(0).json();
    let last = lines.last().unwrap();
    assert_eq!(last["type"], "replayed", "{last}");
    last["tree"].as_str().unwrap().to_owned()
}

/// Replays a world's run here with its checks, and from its pack elsewhere without them; nobody is
/// asked anything.
#[track_caller]
pub(crate) fn check(mut world: World) {
    let tree = world.git(&["rev-parse", "HEAD^{tree}"]);
    let before = standing(&world);
    let file = pack(&world);
    assert_eq!(fs::read(&file).unwrap(), fs::read(pack(&world)).unwrap());
    // Whoever is asked now is not there.
    world.server = None;
    assert_eq!(tree_of(world.run(&["--json", "replay"])), tree);
    assert_eq!(standing(&world), before);
    let branches = world.git(&["branch", "--list", "atelier/replay-*"]);
    assert_eq!(branches.lines().count(), 1, "{branches}");

    let other = World::offline().in_folder("two");
    // A model that is named and has no key hinders nobody who asks none.
    other.write("atelier.toml", "provider = \"openai\"\nmodel = \"none\"\n");
    let path = file.to_str().unwrap();
    let again = other.run(&[
        "--json",
        "replay",
        path,
        "--without-checks",
        "--branch",
        "again",
    ]);
    assert_eq!(tree_of(again), tree);
    assert_eq!(other.git(&["rev-parse", "again^{tree}"]), tree);
    let lock = other.git(&["show", "again:atelier.lock"]);
    assert_eq!(lock, world.git(&["show", "HEAD:atelier.lock"]));
}

#[test]
fn a_python_library_is_built_again() {
    check(built("python-intervals", Mode::Oracle, EditForm::Mixed));
}

#[test]
fn a_rust_program_is_built_again() {
    check(built(
        "rust-duplicates",
        Mode::Oracle,
        EditForm::SearchReplace,
    ));
}

#[test]
fn a_run_with_mended_mistakes_is_built_again() {
    check(built(
        "python-intervals",
        Mode::FailThenFix,
        EditForm::Whole,
    ));
}

#[test]
fn four_tasks_at_once_are_built_again() {
    check(built_from(&wide(4).unwrap(), &["-c", "jobs=4"]));
}

#[test]
fn tasks_that_got_in_each_others_way_are_built_again() {
    check(built_from(&crowded(3).unwrap(), &["-c", "jobs=3"]));
}

#[test]
fn a_run_without_a_model_is_built_again() {
    let world = World::offline().in_folder("one").with_commit();
    world
        .run(&["build", "a command-line tool in Python that counts words"])
        .expect(0);
    check(world);
}

/// Changes a pack and writes it again.
fn changed(file: &Path, change: impl FnOnce(&mut Pack)) {
    let mut input = fs::File::open(file).unwrap();
    let mut pack = Pack::read(&mut input as &mut dyn Source, None).unwrap();
    change(&mut pack);
    let (root, blocks) = pack.blocks(None);
    let mut bytes = car_header(&root);
    bytes.extend(blocks.iter().flat_map(car_section));
    fs::write(file, bytes).unwrap();
}

#[test]
fn a_question_that_was_not_asked_ends_the_replay_and_is_told_with_its_first_other_line() {
    let world = built_from(&chain(1).unwrap(), &[]);
    let file = pack(&world);
    changed(&file, |pack| pack.requirement.insert_str(0, "Quickly: "));
    let before = standing(&world);
    let ended = world.run(&["replay", file.to_str().unwrap()]);
    let ended = ended.expect_failure(16, "ask 1 of stage design: message 2 differs");
    assert!(
        ended.line("error: ").contains("now it is `"),
        "{}",
        ended.all()
    );
    assert!(
        ended.line("error: ").contains("Quickly: "),
        "{}",
        ended.all()
    );
    assert_eq!(standing(&world), before);
    assert_eq!(world.git(&["branch", "--list", "atelier/replay-*"]), "");
}

#[test]
fn another_model_and_another_tree_are_told() {
    let world = built_from(&chain(1).unwrap(), &[]);
    let file = pack(&world);
    let path = file.to_str().unwrap();
    changed(&file, |pack| {
        for ask in &mut pack.recording.asks {
            ask.descriptor.model = "other".to_owned();
        }
    });
    let ended = world.run(&["replay", path, "--without-checks"]);
    ended.expect_failure(16, "ask 1 of stage design");

    let file = pack(&world);
    changed(&file, |pack| pack.lock.commits[1].tree = "0".repeat(40));
    let ended = world.run(&["replay", path, "--without-checks"]);
    ended.expect_failure(16, "commit 2 (task t1.1) has tree");
}

#[test]
fn a_changed_byte_of_a_pack_is_refused_and_located() {
    let world = built_from(&chain(1).unwrap(), &[]);
    let file = pack(&world);
    let whole = fs::read(&file).unwrap();
    let path = file.to_str().unwrap();
    for part in 1..8 {
        let at = whole.len() / 8 * part;
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&file, bytes).unwrap();
        let ended = world.run(&["replay", path]).expect_failure(13, "at byte ");
        let error = ended.line("error: ");
        let named = error.rsplit("at byte ").next().unwrap();
        let digits: String = named.chars().take_while(char::is_ascii_digit).collect();
        assert!(digits.parse::<usize>().unwrap() <= at, "{error}");
    }
    fs::write(&file, &whole[..59]).unwrap();
    world
        .run(&["replay", path])
        .expect_failure(13, "the root of the archive");
    fs::write(&file, b"no pack").unwrap();
    world.run(&["replay", path]).expect_failure(13, "CAR file");
}

#[test]
fn a_sealed_pack_is_for_its_owner_and_an_archive_is_no_pack() {
    let world = built_from(&chain(1).unwrap(), &[]);
    let file = world.home.path().join("sealed.car");
    let path = file.to_str().unwrap();
    world.run(&["pack", "--sealed", "-o", path]).expect(0);
    let other = World::offline().in_folder("two");
    other
        .run(&["replay", path])
        .expect_failure(3, "is sealed with key");
    tree_of(world.run(&["--json", "replay", path, "--without-checks"]));
    let answers = world.home.path().join("answers.car");
    let answers = answers.to_str().unwrap();
    world.run(&["archive", "export", answers]).expect(0);
    world
        .run(&["replay", answers])
        .expect_failure(13, "it is an archive of answers alone");
}

#[test]
fn a_branch_that_is_there_is_not_replaced() {
    let world = built_from(&chain(1).unwrap(), &[]);
    world.git(&["branch", "mine"]);
    let args = ["replay", "--without-checks", "--branch", "mine"];
    world.run(&args).expect_failure(2, "the branch `mine`");
    // The one that Atelier names is its own.
    world.run(&["replay", "--without-checks"]).expect(0);
    world.run(&["replay", "--without-checks"]).expect(0);
}

#[test]
fn ids_of_another_kind_are_kept_in_an_empty_folder_and_refused_by_a_repository() {
    let world = World::oracle(&chain(1).unwrap(), Dialect::OpenAi).in_folder("one");
    world.git(&["init", "-q", "--object-format=sha256", "-b", "main"]);
    world.git(&["commit", "-q", "--allow-empty", "-m", "chore: begin"]);
    world
        .run(&["build", &chain(1).unwrap().requirement])
        .expect(0);
    check(world);

    let world = World::oracle(&chain(1).unwrap(), Dialect::OpenAi).in_folder("long");
    world.git(&["init", "-q", "--object-format=sha256", "-b", "main"]);
    world
        .run(&["build", &chain(1).unwrap().requirement])
        .expect(0);
    let (file, other) = (pack(&world), World::offline().with_commit());
    let ended = other.run(&["replay", file.to_str().unwrap()]);
    ended.expect_failure(2, "git digests otherwise there");
}

#[test]
fn a_test_that_was_changed_and_put_back_is_told_again() {
    let fixture = chain(4).unwrap();
    let mode = Mode::TamperTests { good: true };
    let script = Script::new(mode).with_fixture(fixture.clone());
    let world = World::with(script, Dialect::OpenAi).in_folder("one");
    let world = world.with_commit();
    world.run(&["build", &fixture.requirement]).expect(0);
    assert!(count(&world.events(), "tests.restored") > 0);
    check(world);
}

#[test]
fn a_checkout_that_is_not_what_is_committed_is_no_change_of_tests() {
    let fixture = chain(2).unwrap();
    let world = World::oracle(&fixture, Dialect::OpenAi).in_folder("one");
    let world = world.with_commit();
    let attributes = "*.py text eol=crlf\ntests/*.txt filter=large\n";
    world.write(".gitattributes", attributes);
    world.git(&["config", "filter.large.clean", "sed s/content/reference/"]);
    world.git(&["config", "filter.large.smudge", "sed s/reference/content/"]);
    world.write("tests/golden.txt", "content\n");
    world.git(&["add", ".gitattributes", "tests"]);
    world.git(&["commit", "-q", "-m", "chore: attributes"]);
    world.run(&["build", &fixture.requirement]).expect(0);
    let golden = world.git(&["show", "HEAD:tests/golden.txt"]);
    assert_eq!(golden, "reference");
    assert_eq!(count(&world.events(), "tests.restored"), 0);
    let test = world.folder().join("tests/test_link_001.py");
    let test = std::fs::read_to_string(test).unwrap();
    assert!(test.contains("\r\n"), "it is laid out so for its user");
    world.run(&["verify"]).expect(0);
    check(world);
}
