//! Files, links, devices and folders as places to write to.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    io::ErrorKind,
    os::unix::fs::{FileTypeExt, MetadataExt, symlink},
    path::Path,
};

use super::{unfinished, write};

const MODE: u32 = 0o640;

#[test]
fn a_new_file_has_the_rights_that_were_asked_for_and_nothing_is_left_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    write(&file, b"first", MODE).unwrap();
    write(&file, b"second", MODE).unwrap();
    assert_eq!(fs::read(&file).unwrap(), b"second");
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777 & !MODE, 0);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_link_stays_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("file"), folder.path().join("link"));
    fs::write(&file, "first").unwrap();
    symlink(&file, &link).unwrap();
    write(&link, b"second", MODE).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read(&file).unwrap(), b"second");
}

#[test]
fn a_device_is_written_to_and_stays_one() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("nowhere");
    symlink("/dev/null", &link).unwrap();
    write(&link, b"gone", MODE).unwrap();
    let device = fs::metadata(Path::new("/dev/null")).unwrap();
    assert!(device.file_type().is_char_device());
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_folder_is_refused_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let error = write(folder.path(), b"text", MODE).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::IsADirectory);
    assert!(!unfinished(folder.path()).exists());
}
