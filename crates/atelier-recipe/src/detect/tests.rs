//! Trees in `fixtures/recipes` with the projects and steps that are found in them.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test reads its fixtures"
)]

use std::{collections::BTreeSet, env, fs, path::Path};

use atelier_model::{FileEntry, FileTree, TreePath};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::Recipes;

/// A tree out of a text: a line `--- path`, then the file's text.
pub(crate) fn tree(text: &str) -> FileTree {
    let parts = text.split("--- ").filter(|part| !part.is_empty());
    let files = parts.map(|part| {
        let (path, text) = part.split_once('\n').unwrap();
        (TreePath::parse(path).unwrap(), FileEntry::text(text))
    });
    files.collect()
}

fn found(tree: &FileTree) -> Value {
    let projects = Recipes::builtin().detect(tree);
    let projects = projects.iter().map(|project| {
        json!({
            "recipe": project.recipe,
            "language": project.language,
            "folder": project.folder,
            "package_manager": project.package_manager,
            "test_tool": project.test_tool,
            "steps": project.steps(tree),
        })
    });
    projects.collect()
}

#[test]
fn every_tree_has_its_projects_and_steps() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/recipes");
    let mut recipes = BTreeSet::new();
    let mut cases = 0;
    for folder in fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        let found = found(&tree(&fs::read_to_string(folder.join("tree.txt")).unwrap()));
        for project in found.as_array().unwrap() {
            recipes.insert(project["recipe"].as_str().unwrap().to_owned());
        }
        let found = serde_json::to_string_pretty(&found).unwrap() + "\n";
        let expected = folder.join("steps.json");
        if env::var_os("UPDATE").is_some() {
            fs::write(&expected, &found).unwrap();
        }
        assert_eq!(
            found,
            fs::read_to_string(&expected).unwrap(),
            "{}",
            folder.display()
        );
        cases += 1;
    }
    assert!(cases >= 40, "only {cases} trees were found");
    let builtin = Recipes::builtin();
    let all: BTreeSet<String> = builtin.names().into_iter().map(str::to_owned).collect();
    assert_eq!(recipes, all, "each recipe has a tree");
}

#[test]
fn step_names_are_unique_within_a_tree() {
    let tree = tree(concat!(
        "--- Cargo.toml\n[package]\nname = \"a\"\n",
        "--- package.json\n{\"scripts\":{\"test\":\"node --test\"}}\n",
        "--- web/package.json\n{\"scripts\":{\"test\":\"node --test\"}}\n",
        "--- web/go.mod\nmodule web\n",
        "--- web/a_test.go\npackage web\n",
        "--- node/package.json\n{\"scripts\":{\"test\":\"node --test\"}}\n",
    ));
    let projects = Recipes::builtin().detect(&tree);
    let names = projects.iter().flat_map(|project| project.steps(&tree));
    let mut names: Vec<String> = names.map(|step| step.name).collect();
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn a_recipe_of_the_user_comes_first_and_replaces_one_of_the_same_name() {
    let ada = r#"
        name = "ada"
        values = [{ name = "language", choices = [{ value = "Ada" }] }]
        facts = [{ name = "manifest", any = [{ file = "alire.toml" }] }]
        recognise = [{ strength = "sure", when = ["manifest"] }]
        [[steps]]
        kind = "test"
        argv = ["alr", "test"]
    "#;
    let go = ada
        .replace("\"ada\"", "\"go\"")
        .replace("alire.toml", "go.mod");
    let files = [("ada".to_owned(), ada.to_owned()), ("go".to_owned(), go)];
    let recipes = Recipes::with_user(&files).unwrap();
    assert_eq!(recipes.names().len(), Recipes::builtin().names().len() + 1);
    let tree = tree("--- go.mod\nmodule a\n--- alire.toml\n");
    let found = recipes.detect(&tree);
    let languages: Vec<_> = found
        .iter()
        .map(|project| project.language.as_str())
        .collect();
    assert_eq!(languages, ["Ada", "Ada"]);
    assert_eq!(found[0].recipe, "ada");
}

fn refusal(text: &str) -> String {
    let files = [("mine".to_owned(), text.to_owned())];
    Recipes::with_user(&files).unwrap_err().to_string()
}

#[test]
fn a_recipe_that_could_not_work_is_refused_with_the_reason() {
    let good = r#"
        name = "mine"
        values = [{ name = "language", choices = [{ value = "Mine" }] }]
        recognise = [{ strength = "sure", when = [] }]
        steps = [{ kind = "build", argv = ["true"] }]
    "#;
    let mine = |from: &str, to: &str| refusal(&good.replace(from, to));
    assert!(Recipes::with_user(&[("mine".to_owned(), good.to_owned())]).is_ok());
    assert_eq!(
        mine("\"mine\"", "\"other\""),
        "read recipe `mine`: the file says that it is `other`"
    );
    assert_eq!(
        mine("when = []", "when = [\"x\"]"),
        "read recipe `mine`: `x` is declared nowhere before its use"
    );
    assert_eq!(
        mine("name = \"language\"", "name = \"tongue\""),
        "read recipe `mine`: it has no `language`"
    );
    assert_eq!(
        mine("argv = [\"true\"]", "argv = []"),
        "read recipe `mine`: it has no `steps`"
    );
    assert_eq!(
        mine("argv = [\"true\"]", "argv = [\"true\"], shell = \"true\""),
        "read recipe `mine`: step `build` needs either `argv` or `shell`"
    );
    assert!(
        mine("argv = [\"true\"]", "argv = [\"true\"], network = \"yes\"").contains("`install`"),
        "the accepted forms are named"
    );
    assert!(
        mine("kind = \"build\"", "kind = \"bake\"")
            .starts_with("read recipe `mine`: TOML parse error")
    );
    assert!(mine("steps", "fact = 1\nsteps").contains("unknown field"));
    let wrong = mine(
        "when = []",
        "when = []\n}]\nfacts = [{ name = \"f\", any = [{ file = \"a\", matches = \"(\" }]",
    );
    assert!(wrong.contains("unclosed group"), "{wrong}");
    let many: Vec<_> = (0..200).map(|n| (format!("r{n}"), String::new())).collect();
    let refused = Recipes::with_user(&many).unwrap_err().to_string();
    assert_eq!(refused, "take 237 recipes: at most 200 are possible");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_manifest_is_met_without_a_panic(text: String, name in 0..9_usize) {
        let names = ["Cargo.toml", "go.mod", "go.work", "package.json", "pom.xml", "CMakeLists.txt", "Makefile", "pyproject.toml", "pnpm-workspace.yaml"];
        let files = [names[name], "package.json", "a.py"];
        let tree: FileTree = files
            .into_iter()
            .map(|path| (TreePath::parse(path).unwrap(), FileEntry::text(text.clone())))
            .collect();
        found(&tree);
    }
}
