//! The keyring through a program that keeps what it is told in a file.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::Path};

use super::*;

/// Does what `secret-tool` does, and notes its arguments.
const SECRET_TOOL: &str = r#"#!/bin/sh
cd "$(dirname "$0")"
echo "$@" >> arguments
case "$1" in
  store) shift 2; cat > "entry-$(echo "$@" | tr ' /' '__')" ;;
  lookup) shift; cat "entry-$(echo "$@" | tr ' /' '__')" 2>/dev/null || exit 1 ;;
  *) echo "no such command" >&2; exit 2 ;;
esac
"#;

fn keyring(folder: &Path, text: &str) -> Keyring {
    // Written by a child: what this process holds open for writing, even for a moment, another
    // test's child may inherit, and then it cannot be executed.
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "cat > secret-tool && chmod 755 secret-tool"]);
    let written = run(shell.current_dir(folder), text.as_bytes(), LIMITS);
    assert!(written.unwrap().status.success());
    Keyring::find(&folder.display().to_string()).unwrap()
}

#[test]
#[cfg(not(target_os = "macos"))]
fn what_is_kept_is_fetched_and_never_an_argument() {
    let folder = tempfile::tempdir().unwrap();
    let keyring = keyring(folder.path(), SECRET_TOOL);
    assert_eq!(keyring.fetch("home/keys.json").unwrap(), None);
    keyring.keep("home/keys.json", "00ffplanted").unwrap();
    let fetched = keyring.fetch("home/keys.json").unwrap().unwrap();
    assert_eq!(fetched, b"00ffplanted");
    keyring.keep("home/keys.json", "11ff").unwrap();
    assert_eq!(keyring.fetch("home/keys.json").unwrap().unwrap(), b"11ff");
    assert_eq!(keyring.fetch("other").unwrap(), None);
    let arguments = fs::read_to_string(folder.path().join("arguments")).unwrap();
    assert!(!arguments.contains("planted"), "{arguments}");
}

#[test]
#[cfg(not(target_os = "macos"))]
fn a_keyring_that_fails_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let keyring = keyring(
        folder.path(),
        "#!/bin/sh\necho 'locked for ever' >&2\nexit 1\n",
    );
    let error = keyring.fetch("name").unwrap_err();
    assert!(error.to_string().contains("locked for ever"), "{error}");
    let error = keyring.keep("name", "value").unwrap_err();
    assert!(error.to_string().contains("locked for ever"), "{error}");
}

#[test]
fn names_that_would_end_a_word_or_begin_an_option_are_refused() {
    for text in ["", "-a", "a b", "a\nb", "a;b", "\"", "ä"] {
        assert!(matches!(check(text), Err(KeyringError::NotPlain)), "{text}");
    }
    check("home/user/.local/share/atelier/keys.json").unwrap();
    assert_eq!(Keyring::find("/no/such/folder"), None);
}
