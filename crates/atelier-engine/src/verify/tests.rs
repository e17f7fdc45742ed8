//! Where criteria run and where settings are looked for.

use atelier_model::{FileEntry, FileTree};

use super::{criteria::below, guard::folders};

#[test]
fn a_criterion_runs_inside_the_project_or_not_at_all() {
    let place = |cwd: Option<&str>| below(cwd).map(|path| path.map(|path| path.to_string()));
    assert_eq!(place(None), Ok(None));
    assert_eq!(place(Some("")), Ok(None));
    assert_eq!(place(Some("./")), Ok(None));
    assert_eq!(place(Some("./web/app/")), Ok(Some("web/app".to_owned())));
    for cwd in ["..", "/", "/etc", "web/../..", "~/x", "..\\x"] {
        assert!(place(Some(cwd)).is_err(), "{cwd}");
    }
}

#[test]
fn settings_are_looked_for_wherever_the_tree_has_files() {
    let file = |path: &str| Some((path.parse().ok()?, FileEntry::text("")));
    let tree: FileTree = ["a/b/c.py", "d.py"].into_iter().filter_map(file).collect();
    let found: Vec<String> = folders(&tree)
        .into_iter()
        .map(|folder| folder.map_or_else(|| "/".to_owned(), |folder| folder.to_string()))
        .collect();
    let expected = [
        "/",
        ".cargo",
        ".config",
        ".mvn",
        "a",
        "a/.cargo",
        "a/.config",
        "a/.mvn",
        "a/b",
        "a/b/.cargo",
        "a/b/.config",
        "a/b/.mvn",
    ];
    assert_eq!(found, expected);
}
