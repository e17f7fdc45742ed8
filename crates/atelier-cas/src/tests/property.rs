//! Restored trees are the collected ones.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use proptest::{
    collection::{btree_map, vec},
    prelude::*,
};

use super::{Place, patterns};

/// One thing in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Thing {
    File { bytes: Vec<u8>, executable: bool },
    Link(String),
    Folder(BTreeMap<String, Thing>),
}

fn name() -> impl Strategy<Value = String> {
    // Few names, some of which some file systems take for one.
    prop_oneof!["[abAB]", "[a-z ]{0,5}[:é.x]x", Just("-rf *".to_owned())]
}

fn thing() -> impl Strategy<Value = Thing> {
    let leaf = prop_oneof![
        (vec(any::<u8>(), 0..40), any::<bool>())
            .prop_map(|(bytes, executable)| Thing::File { bytes, executable }),
        "[a-z./]{1,20}".prop_map(Thing::Link),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        btree_map(name(), inner, 0..5).prop_map(Thing::Folder)
    })
}

fn tree() -> impl Strategy<Value = Thing> {
    btree_map(name(), thing(), 0..6).prop_map(Thing::Folder)
}

fn make(thing: &Thing, at: &Path) {
    match thing {
        Thing::File { bytes, executable } => {
            fs::write(at, bytes).unwrap();
            let mode = if *executable { 0o755 } else { 0o644 };
            fs::set_permissions(at, fs::Permissions::from_mode(mode)).unwrap();
        }
        Thing::Link(target) => symlink(target, at).unwrap(),
        Thing::Folder(inside) => {
            fs::create_dir(at).unwrap();
            for (name, thing) in inside {
                make(thing, &at.join(name));
            }
        }
    }
}

fn seen(at: &Path) -> Thing {
    let data = fs::symlink_metadata(at).unwrap();
    if data.is_symlink() {
        return Thing::Link(fs::read_link(at).unwrap().to_str().unwrap().to_owned());
    }
    if data.is_file() {
        return Thing::File {
            bytes: fs::read(at).unwrap(),
            executable: data.permissions().mode() & 0o100 != 0,
        };
    }
    let entries = fs::read_dir(at).unwrap().map(Result::unwrap);
    let inside = entries.map(|entry| {
        let name = entry.file_name().into_string().unwrap();
        (name, seen(&entry.path()))
    });
    Thing::Folder(inside.collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_tree_comes_back_over_whatever_took_its_place(made in tree(), later in tree()) {
        let place = Place::new();
        make(&made, &place.at("out"));
        let outputs = place.workspace.collect(&patterns(&["out/"])).unwrap();
        prop_assert_eq!(place.workspace.drift(&[&outputs]).unwrap(), [vec![]]);

        fs::remove_dir_all(place.at("out")).unwrap();
        make(&later, &place.at("out"));
        let drift = place.workspace.drift(&[&outputs]).unwrap();
        prop_assert_eq!(drift[0].is_empty(), made == later);

        place.workspace.restore(&outputs).unwrap();
        prop_assert_eq!(seen(&place.at("out")), made);
        prop_assert_eq!(place.workspace.drift(&[&outputs]).unwrap(), [vec![]]);
        let again = place.workspace.restore(&outputs).unwrap();
        prop_assert_eq!((again.written, again.removed), (0, 0));
    }
}
