//! Programs are found as a shell would find them, and asked for their version.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, os::unix::fs::PermissionsExt};

use super::*;

fn script(folder: &Path, name: &str, text: &str, mode: u32) {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn the_first_program_that_may_be_executed_is_found() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    script(first.path(), "plain", "", 0o644);
    fs::create_dir(first.path().join("tool")).unwrap();
    script(second.path(), "tool", "#!/bin/sh\n", 0o755);
    let path = format!(
        "relative::{}:{}",
        first.path().display(),
        second.path().display()
    );
    assert_eq!(
        find_program("tool", &path),
        Some(second.path().join("tool"))
    );
    for name in ["plain", "missing", "", "../tool", "/bin/sh"] {
        assert_eq!(find_program(name, &path), None, "{name}");
    }
}

#[test]
fn a_version_is_the_first_line_of_a_program_that_succeeds() {
    let folder = tempfile::tempdir().unwrap();
    let version = |text: &str| {
        script(
            folder.path(),
            "tool",
            &format!("#!/bin/sh\n{text}\n"),
            0o755,
        );
        // Through the shell: a file just written may still be held open by another test's child.
        program_version(
            Path::new("/bin/sh"),
            &[&folder.path().join("tool").to_string_lossy()],
        )
    };
    assert_eq!(
        version("echo; echo ' tool 1.2 '; echo more").as_deref(),
        Some("tool 1.2")
    );
    assert_eq!(version("echo tool 3 >&2").as_deref(), Some("tool 3"));
    assert_eq!(version("echo tool 4; exit 1"), None);
    assert_eq!(version("true"), None);
    assert_eq!(program_version(Path::new("/no/such/program"), &[]), None);
}
