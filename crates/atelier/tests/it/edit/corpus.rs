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

/// What a case says beside its files.
struct Setting(toml::Table);

impl Setting {
    fn of(case: &Path) -> Self {
        let text = fs::read_to_string(case.join("case.toml")).unwrap_or_default();
        Self(text.parse().unwrap())
    }

    fn list(&self, key: &str) -> impl Iterator<Item = &str> {
        let list = self.0.get(key).and_then(toml::Value::as_array);
        list.into_iter()
            .flatten()
            .map(|value| value.as_str().unwrap())
    }

    /// Its limits and patterns as options.
    fn options(&self) -> Vec<String> {
        let limits = self.0.get("limits").and_then(toml::Value::as_table);
        let limit = |(name, value): (&String, &toml::Value)| {
            ["-c".to_owned(), format!("limits.{name}={value}")]
        };
        let pattern =
            |option: &'static str| move |pattern: &str| [option.to_owned(), pattern.to_owned()];
        // Cases that say nothing of it are about anything but what is usually protected.
        let all = (!self.0.contains_key("usual")).then_some("**");
        let own = self.list("own").chain(all).flat_map(pattern("--own"));
        let protected = self.list("protected").flat_map(pattern("--protect"));
        let limits = limits.into_iter().flatten().flat_map(limit);
        limits.chain(own).chain(protected).collect()
    }
}

/// Lays a case out in a folder of its own.
fn lay_out(world: &World, case: &Path, name: &str, setting: &Setting) -> PathBuf {
    let folder = world.folder().join(name);
    fs::create_dir(&folder).unwrap();
    for (path, (_, bytes)) in &seen(&case.join("before")) {
        world.write(&format!("{name}/{path}"), bytes);
        let from = fs::metadata(case.join("before").join(path)).unwrap();
        fs::set_permissions(folder.join(path), from.permissions()).unwrap();
    }
    for link in setting.list("links") {
        let link = folder.join(link);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(world.folder(), link).unwrap();
    }
    folder
}

/// Runs a case in a folder of its own; says what is wrong.
fn check(world: &World, case: &Path) -> Option<String> {
    let name = case.file_name().unwrap().to_string_lossy().into_owned();
    let setting = Setting::of(case);
    let folder = lay_out(world, case, &name, &setting);
    let before = seen(&folder);
    let options = setting.options();
    let reply = case.join("reply.md");
    let mut args = vec!["-C", &name, "edit", "apply"];
    args.extend(options.iter().map(String::as_str));
    args.push(reply.to_str().unwrap());
    let ended = world.run(&args);
    let refused = case.join("refused.txt").exists();
    let (code, expected) = if refused {
        (13, before)
    } else {
        let mut after = seen(&case.join("after"));
        let links = setting.list("links").map(str::to_owned);
        for link in links {
            let entry = before[&link].clone();
            after.insert(link, entry);
        }
        (0, after)
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
