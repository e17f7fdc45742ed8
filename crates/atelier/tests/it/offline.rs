//! Without a model: a verified scaffold from the same words, without a network.

use std::fs;

use atelier_testkit::Fixture;

use crate::world::{World, repository};

#[test]
fn a_python_scaffold_is_verified() {
    check("python-intervals");
}

#[test]
fn a_rust_scaffold_is_verified() {
    check("rust-duplicates");
}

#[test]
fn a_node_scaffold_is_verified() {
    check("node-shortener");
}

#[test]
fn a_go_scaffold_is_verified() {
    check("go-logstat");
}

#[test]
fn a_c_requirement_ends_as_a_verified_scaffold() {
    check("c-ringlog");
}

fn check(name: &str) {
    let world = World::offline();
    let file = Fixture::folder().join(name).join("requirement.md");
    let mut command = world.command(&["build", "-f", &file.to_string_lossy()]);
    // Whoever spoke to a network would fail: there is nothing behind these addresses.
    for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env(variable, "http://127.0.0.1:1");
    }
    let ended = crate::world::end(command).expect(0);

    assert!(
        ended.stdout.contains("built and verified"),
        "{}",
        ended.all()
    );
    let note = "this is a scaffold from built-in templates, not a model's work";
    assert!(ended.stderr.contains(note), "{}", ended.all());
    assert!(
        ended.stderr.contains("Connect a model: atelier doctor"),
        "{}",
        ended.all()
    );
    check_result(&world);
    let events = world.events();
    let asked = events.iter().filter(|event| event["type"] == "ask.started");
    for ask in asked {
        assert_eq!(ask["provider"], "offline");
        assert_eq!(ask["reserved"], 0);
    }
}

/// A scaffold stands on the user's branch, its features are proposals, and it builds.
fn check_result(world: &World) {
    let branch = world.branch();
    assert_eq!(
        world.git(&["rev-parse", "main"]),
        world.git(&["rev-parse", &branch])
    );
    let checkout = world.clone_of(&branch);
    let proposals = fs::read_to_string(checkout.join("PROPOSED-TASKS.md")).unwrap();
    assert!(proposals.lines().count() > 5, "{proposals}");
    for path in ["README.md", "HANDOFF.md", "PROGRESS.md", "docs/DESIGN.md"] {
        assert!(checkout.join(path).is_file(), "{path} is missing");
    }
    world.build_by_hand(&checkout, language(&checkout));
}

/// The toolchain a scaffold asks for by the files at its root.
fn language(checkout: &std::path::Path) -> &'static str {
    let by_file = [
        ("Cargo.toml", "Rust"),
        ("pyproject.toml", "Python"),
        ("package.json", "JavaScript"),
        ("go.mod", "Go"),
        ("CMakeLists.txt", "C"),
    ];
    let mut found = by_file
        .iter()
        .filter(|(file, _)| checkout.join(file).is_file());
    found
        .next()
        .expect("the scaffold is a project of a known kind")
        .1
}

/// README's first command, with what stands behind `--`, in a folder that does not exist yet.
#[test]
fn the_first_command_of_the_readme_ends_in_a_verified_commit() {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let line = readme.lines().find(|line| line.starts_with("cargo run "));
    let (_, args) = line.unwrap().split_once(" -- ").unwrap();
    let mut args = shell_words::split(args).unwrap();
    let folder = args.iter().position(|arg| arg == "-C").unwrap() + 1;
    let world = World::offline();
    let wanted = world.folder().join("hello");
    args[folder] = wanted.to_string_lossy().into_owned();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();

    let ended = world.run(&args).expect(0);

    assert!(
        ended.stdout.contains("built and verified: commit"),
        "{}",
        ended.all()
    );
    let world = world.in_folder("hello");
    check_result(&world);
}

#[test]
fn a_file_in_the_place_of_the_words_is_read_and_one_that_is_not_there_is_missed() {
    let world = World::offline();
    world.write(
        "wish.md",
        "# Word counter\n\nA Python library that counts words.\n",
    );
    let shown = world
        .run(&["build", "wish.md", "--dry-run"])
        .expect(0)
        .all();
    assert!(
        shown.contains("A Python library that counts words."),
        "{shown}"
    );
    let missed = world.run(&["build", "whish.md"]).expect(2).all();
    assert!(missed.contains("whish.md"), "{missed}");
}
