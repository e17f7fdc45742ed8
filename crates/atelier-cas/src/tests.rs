//! The store and a workspace together.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bounds;
mod inputs;
mod kept;
mod mill;
mod property;
mod safety;
mod standing;
mod torture;
mod watch;

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    sync::Arc,
};

use atelier_model::{Digest, PathPattern, RootPattern, Timestamp};
use tempfile::TempDir;

use crate::{Cas, CasLimits, Outcome, Outputs, Record, Workspace};

/// A store and a workspace in one folder.
struct Place {
    /// Removed with the place where the place owns it.
    owned: Option<TempDir>,
    folder: PathBuf,
    cas: Arc<Cas>,
    workspace: Workspace,
}

impl Place {
    fn new() -> Self {
        Self::within(tempfile::tempdir().unwrap())
    }

    fn within(folder: TempDir) -> Self {
        let mut place = Self::at_folder(folder.path());
        place.owned = Some(folder);
        place
    }

    fn at_folder(folder: &Path) -> Self {
        Self::shared(folder, "tree")
    }

    /// One of several workspaces of a store.
    fn shared(folder: &Path, tree: &str) -> Self {
        Self::with(folder, tree, CasLimits::default())
    }

    fn with(folder: &Path, tree: &str, limits: CasLimits) -> Self {
        Self::made(folder, &folder.join("cas"), tree, limits)
    }

    /// A workspace that lies elsewhere than its store.
    fn apart(store: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut place = Self::made(folder.path(), store, "tree", CasLimits::default());
        place.owned = Some(folder);
        place
    }

    fn made(folder: &Path, store: &Path, tree: &str, limits: CasLimits) -> Self {
        let tree = folder.join(tree);
        fs::create_dir_all(&tree).unwrap();
        let cas = Arc::new(Cas::open(store, limits).unwrap());
        let workspace = Workspace::open(Arc::clone(&cas), &tree).unwrap();
        Self {
            owned: None,
            folder: folder.to_owned(),
            cas,
            workspace,
        }
    }

    /// Ends work; the folder stays.
    fn close(self) -> TempDir {
        self.owned.unwrap()
    }

    /// The same after the process ended.
    fn again(self) -> Self {
        Self::within(self.close())
    }

    fn folder(&self) -> &Path {
        &self.folder
    }

    fn at(&self, path: &str) -> PathBuf {
        self.workspace.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        write(&self.at(path), text);
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap()
    }

    fn blob_remove(&self, digest: &Digest) {
        fs::remove_file(self.cas.blobs.path(digest)).unwrap();
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn patterns(texts: &[&str]) -> Vec<RootPattern> {
    let parse = |text: &&str| PathPattern::parse(text).unwrap().from_root(None);
    texts.iter().map(parse).collect()
}

fn record(step: &str, key: Digest, outputs: Outputs) -> Record {
    Record {
        key,
        step: step.to_owned(),
        outcome: Outcome::Passed,
        exit: Some(0),
        when: Timestamp::from_millis(1),
        duration_us: 1000,
        rss_bytes_max: 4096,
        log: None,
        outputs,
    }
}

#[test]
fn what_a_step_made_comes_back() {
    let place = Place::new();
    place.write("out/a.txt", "a");
    place.write("out/deep/b.txt", "b");
    fs::create_dir_all(place.at("out/empty")).unwrap();
    symlink("a.txt", place.at("out/link")).unwrap();
    place.write("tool", "#!/bin/sh\n");
    fs::set_permissions(place.at("tool"), fs::Permissions::from_mode(0o755)).unwrap();
    let outputs = place
        .workspace
        .collect(&patterns(&["out/", "tool"]))
        .unwrap();
    let key = Digest::of("key");
    place
        .cas
        .append(&record("s", key, outputs.clone()), b"descriptor")
        .unwrap();

    fs::remove_dir_all(place.at("out")).unwrap();
    fs::remove_file(place.at("tool")).unwrap();
    let place = place.again();
    let found = place.cas.find(&key).unwrap().unwrap();
    assert_eq!(found.outputs, outputs);
    let restored = place.workspace.restore(&found.outputs).unwrap();
    assert_eq!(
        (restored.written, restored.kept, restored.removed),
        (4, 0, 0)
    );
    assert_eq!(place.read("out/link"), "a");
    assert_eq!(place.read("out/deep/b.txt"), "b");
    assert!(place.at("out/empty").is_dir());
    assert_eq!(
        fs::metadata(place.at("tool")).unwrap().permissions().mode() & 0o111,
        0o111
    );
    assert_eq!(place.workspace.drift(&[&found.outputs]).unwrap(), [vec![]]);
    let again = place.workspace.restore(&found.outputs).unwrap();
    assert_eq!((again.written, again.kept, again.removed), (0, 4, 0));
}
