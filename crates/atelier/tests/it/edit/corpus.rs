//! Every case of `fixtures/edits`, on a real disk: what is read and written there makes no
//! difference.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::files;
use crate::world::{World, repository};

/// Cases that there are at least.
const CASES_MIN: usize = 400;
/// Cases under way at once.
const AT_ONCE: usize = 8;
/// Files that stand for an empty folder.
const KEEP: &str = ".keep";

/// What is in a folder: content, and whether it may be executed.
type Files = BTreeMap<String, (bool, Vec<u8>)>;

fn seen(folder: &Path) -> Files {
    let found = if folder.is_dir() {
        files(folder)
    } else {
        BTreeMap::new()
    };
    let kept = |(path, (mode, bytes)): (String, (u32, Vec<u8>))| {
        let keep = Path::new(&path)
            .file_name()
            .is_some_and(|name| name == KEEP);
        (!keep).then_some((path, (mode & 0o100 != 0, bytes)))
    };
    found.into_iter().filter_map(kept).collect()
}

/// The limits of a case as options.
fn options(case: &Path) -> Vec<String> {
    let text = fs::read_to_string(case.join("case.toml")).unwrap_or_default();
    let setting: toml::Table = text.parse().unwrap();
    let limits = setting.get("limits").and_then(toml::Value::as_table);
    let option = |(name, value): (&String, &toml::Value)| {
        ["-c".to_owned(), format!("limits.{name}={value}")]
    };
    limits.into_iter().flatten().flat_map(option).collect()
}

/// Runs a case in a folder of its own; says what is wrong.
fn check(world: &World, case: &Path) -> Option<String> {
    let name = case.file_name().unwrap().to_string_lossy().into_owned();
    let before = seen(&case.join("before"));
    let folder = world.folder().join(&name);
    fs::create_dir(&folder).unwrap();
    for (path, (_, bytes)) in &before {
        world.write(&format!("{name}/{path}"), bytes);
        let from = fs::metadata(case.join("before").join(path)).unwrap();
        fs::set_permissions(folder.join(path), from.permissions()).unwrap();
    }
    let options = options(case);
    let reply = case.join("reply.md");
    let mut args = vec!["-C", &name, "edit", "apply", "--own", "**"];
    args.extend(options.iter().map(String::as_str));
    args.push(reply.to_str().unwrap());
    let ended = world.run(&args);
    let refused = case.join("refused.txt").exists();
    let (code, expected) = if refused {
        (13, before)
    } else {
        (0, seen(&case.join("after")))
    };
    if ended.code != Some(code) {
        return Some(format!("{name}: not exit code {code}: {}", ended.all()));
    }
    let found = seen(&folder);
    (found != expected).then(|| format!("{name}: {found:#?}"))
}

#[test]
fn every_case_comes_out_on_disk_as_in_memory() {
    let mut cases: Vec<PathBuf> = fs::read_dir(repository().join("fixtures/edits"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    assert!(cases.len() >= CASES_MIN, "{} cases", cases.len());
    let (world, next, wrong) = (
        World::offline(),
        AtomicUsize::new(0),
        Mutex::new(Vec::new()),
    );
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    wrong.lock().unwrap().extend(check(&world, case));
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n\n")
    );
}
