//! Kills, flipped bits, many processes and a full disk: never a wrong result.
#![expect(
    clippy::disallowed_methods,
    reason = "the process under torture is this test's own"
)]

use std::{
    env, fs,
    io::{self, BufRead as _, BufReader, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use super::{
    Place,
    mill::{Done, STEPS, build, expected, source, standing, write_sources},
    patterns, record,
};
use crate::{CollectError, PutBlobError, RecordError, RestoreError};

/// The folder in which a process under torture works.
const FOLDER: &str = "ATELIER_CAS_TORTURE";
/// Kills, and flipped bits.
const BLOWS: u64 = 200;
/// Builds of a process that nobody kills.
const BUILDS: u64 = 12;
const PROCESSES: u64 = 8;

/// Numbers that look random and are the same every time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// Sources that come back now and then.
fn sources(numbers: &mut Numbers) -> Vec<String> {
    (0..STEPS)
        .map(|_| format!("version {}", numbers.below(3)))
        .collect()
}

/// Changes sources and outputs as people do.
fn disturb(place: &Place, numbers: &mut Numbers) -> Vec<String> {
    let sources = sources(numbers);
    write_sources(place, &sources);
    let step = numbers.below(STEPS as u64);
    let out = place.at(&format!("out/{step}"));
    match numbers.below(4) {
        0 => drop(fs::remove_dir_all(out)),
        1 => drop(fs::write(out.join("plain"), "tampered")),
        2 => drop(fs::write(out.join("deep/stranger"), "stale")),
        _ => {}
    }
    sources
}

/// Builds again and again, and says so after every step of it.
fn work(folder: &Path, seed: u64, builds: u64) {
    let mut numbers = Numbers(seed);
    let place = Place::at_folder(folder);
    let mut said = io::stderr();
    for _ in 0..builds {
        let sources = disturb(&place, &mut numbers);
        writeln!(said, "sources").unwrap();
        build(&place);
        assert_eq!(standing(&place), expected(&sources));
        writeln!(said, "built").unwrap();
    }
}

/// This test, in a process of its own, at work in a folder.
fn start(name: &str, folder: &Path, seed: u64) -> Child {
    Command::new(env::current_exe().unwrap())
        .args([&format!("tests::torture::{name}"), "--exact", "--nocapture"])
        .env(FOLDER, folder)
        .env("ATELIER_CAS_SEED", seed.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn given() -> Option<(PathBuf, u64)> {
    let folder = env::var_os(FOLDER)?;
    let seed = env::var("ATELIER_CAS_SEED").unwrap().parse().unwrap();
    Some((folder.into(), seed))
}

#[test]
fn every_build_is_right() {
    if let Some((folder, seed)) = given() {
        // Somebody ends this.
        work(&folder, seed, u64::MAX);
    }
    let folder = tempfile::tempdir().unwrap();
    work(folder.path(), 1, BUILDS);
}

#[test]
fn whoever_is_killed_leaves_nothing_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let mut numbers = Numbers(7);
    for blow in 0..BLOWS {
        let mut child = start("every_build_is_right", folder.path(), blow);
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        for _ in 0..=numbers.below(4) {
            lines.next().unwrap().unwrap();
        }
        for _ in 0..numbers.below(20_000) {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();

        let place = Place::at_folder(folder.path());
        let sources = sources(&mut numbers);
        write_sources(&place, &sources);
        build(&place);
        assert_eq!(standing(&place), expected(&sources), "blow {blow}");
        let staged = fs::read_dir(place.folder().join("cas/v1/stage")).unwrap();
        assert_eq!(staged.count(), 0, "blow {blow}: something is left over");
        assert_eq!(build(&place), [Done::Skipped; STEPS]);
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.metadata().unwrap().len() > 0 {
            found.push(path);
        }
    }
    found.sort();
}

#[test]
fn a_flipped_bit_anywhere_in_the_store_is_a_miss() {
    let mut place = Place::new();
    let mut numbers = Numbers(3);
    let mut done = Vec::new();
    for blow in 0..BLOWS {
        let sources = disturb(&place, &mut numbers);
        build(&place);
        let folder = place.close();
        let mut store = Vec::new();
        files(&folder.path().join("cas"), &mut store);
        let file = &store[usize::try_from(numbers.below(store.len() as u64)).unwrap()];
        let mut bytes = fs::read(file).unwrap();
        let at = usize::try_from(numbers.below(bytes.len() as u64)).unwrap();
        bytes[at] ^= 1 << numbers.below(8);
        fs::write(file, bytes).unwrap();

        place = Place::within(folder);
        if blow % 2 == 0 {
            fs::remove_dir_all(place.at("out")).unwrap();
        }
        done.extend(build(&place));
        let broken = file.display();
        assert_eq!(
            standing(&place),
            expected(&sources),
            "blow {blow}, {broken}"
        );
        assert_eq!(
            build(&place),
            [Done::Skipped; STEPS],
            "blow {blow}, {broken}"
        );
    }
    // The store was of use all the same.
    let count = |what| done.iter().filter(|done| **done == what).count();
    assert!(count(Done::Restored) > done.len() / 4, "{done:?}");
    assert!(count(Done::Executed) > 0, "{done:?}");
}

#[test]
fn many_processes_share_a_store() {
    let folder = tempfile::tempdir().unwrap();
    if let Some((folder, seed)) = given() {
        return shared_work(&folder, seed);
    }
    let children: Vec<Child> = (0..PROCESSES)
        .map(|seed| start("many_processes_share_a_store", folder.path(), seed))
        .collect();
    for child in children {
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{said}");
    }
    // What they left is whole: all that was kept under a key comes back.
    shared_work(folder.path(), PROCESSES);
}

/// Works in a folder of its own with the store of all.
fn shared_work(folder: &Path, seed: u64) {
    let mut numbers = Numbers(seed);
    let place = Place::shared(folder, &seed.to_string());
    for _ in 0..BUILDS {
        let sources = disturb(&place, &mut numbers);
        build(&place);
        assert_eq!(standing(&place), expected(&sources));
        place.cas.evict().unwrap();
    }
}

/// Takes in contents until the disk is full, and says what happened after that.
fn fill(folder: &Path) {
    let place = Place::at_folder(folder);
    write_sources(&place, &vec!["version 1".to_owned(); STEPS]);
    build(&place);
    let room: Vec<u8> = (0..64 * 1024_u32).flat_map(u32::to_le_bytes).collect();
    let mut kept = Vec::new();
    let error = (0..1000).find_map(|at| {
        let mut bytes = room.clone();
        bytes.extend(u64::to_le_bytes(at));
        match place.cas.put_bytes(&bytes) {
            Ok(digest) => kept.push((digest, bytes)),
            Err(error) => return Some(error),
        }
        None
    });
    assert!(matches!(error, Some(PutBlobError::NoSpace)), "{error:?}");
    let staged = fs::read_dir(folder.join("cas/v1/stage")).unwrap();
    assert_eq!(staged.count(), 0, "half a content is kept");
    for (digest, bytes) in &kept {
        assert_eq!(&place.cas.read(digest).unwrap(), bytes);
    }
    full(&place);
    // With room again, everything that was known is still known.
    place.blob_remove(&kept[0].0);
    fs::remove_dir_all(place.at("out")).unwrap();
    assert_eq!(build(&place), [Done::Restored; STEPS]);
}

/// What a store on a full disk says.
fn full(place: &Place) {
    // The last corners, so that not even a short line fits.
    let mut size = 32 * 1024;
    let mut filler = fs::File::create(place.at("filler")).unwrap();
    while size > 0 {
        if filler.write_all(&vec![1; size]).is_err() {
            size /= 2;
        }
    }
    let mut made = record(
        "late",
        atelier_model::Digest::of("late"),
        crate::Outputs::default(),
    );
    made.step = "late".repeat(10_000);
    let error = place.cas.append(&made, b"descriptor").unwrap_err();
    assert!(matches!(error, RecordError::NoSpace), "{error:?}");
    assert_eq!(place.cas.find(&made.key).unwrap(), None);

    let outputs = place.workspace.collect(&patterns(&["out/"])).unwrap_err();
    assert!(outputs.is_full(), "{outputs:?}");
    assert!(matches!(outputs, CollectError::Put { .. }), "{outputs:?}");
    let known = place.cas.last("1").unwrap().unwrap().record.outputs;
    let plain = place.at("out/1/plain");
    fs::set_permissions(plain, fs::Permissions::from_mode(0o755)).unwrap();
    let error = place.workspace.restore(&known).unwrap_err();
    assert!(matches!(error, RestoreError::NoSpace(_)), "{error:?}");
    assert!(!error.is_miss());
    fs::remove_file(place.at("filler")).unwrap();
}

#[test]
fn a_full_disk_is_said_and_spoils_nothing() {
    if let Some((folder, _)) = given() {
        return fill(&folder);
    }
    let folder = tempfile::tempdir().unwrap();
    // A file system of its own that nobody else sees and that goes with the process.
    let script = "mount -t tmpfs -o size=4m tmpfs \"$1\" && exec \"$0\" \
                  tests::torture::a_full_disk_is_said_and_spoils_nothing --exact --nocapture";
    let ended = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .arg(env::current_exe().unwrap())
        .arg(folder.path())
        .env(FOLDER, folder.path())
        .env("ATELIER_CAS_SEED", "0")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}");
    let log = String::from_utf8_lossy(&ended.stdout);
    assert!(log.contains("1 passed"), "{log}");
}

#[test]
fn changed_sources_are_named_apart() {
    // The little engine itself must be able to be wrong.
    let one = expected(&vec!["a".to_owned(); STEPS]);
    let mut changed = vec!["a".to_owned(); STEPS];
    changed[3] = "b".to_owned();
    assert_ne!(one, expected(&changed));
    assert_eq!(source(3), "src/3");
}
