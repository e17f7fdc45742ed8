//! Commands that read a patch, and the lines that steer it.

use super::{Directive, directive, folder_of, is_command};

#[test]
fn a_command_that_reads_a_patch_is_known() {
    for line in [
        "apply_patch <<'EOF'",
        "$ apply_patch <<EOF",
        "cd src && apply_patch <<\"PATCH\"",
        "bash -lc 'apply_patch <<EOF",
        "(applypatch <<-EOF",
    ] {
        assert!(is_command(line), "{line}");
    }
    for line in [
        "apply_patch file",
        "cat <<EOF",
        "xapply_patch <<EOF",
        "apply_patch",
    ] {
        assert!(!is_command(line), "{line}");
    }
}

#[test]
fn paths_are_below_the_folder_that_the_command_goes_to() {
    let folder = |line: &str| folder_of(line).ok();
    assert_eq!(folder("apply_patch <<'EOF'"), Some(None));
    assert_eq!(folder("$ apply_patch <<'EOF'"), Some(None));
    assert_eq!(folder("bash -lc \"apply_patch <<'EOF'"), Some(None));
    let src = Some(Some("src".to_owned()));
    assert_eq!(folder("cd src && apply_patch <<'EOF'"), src);
    assert_eq!(folder("$ cd 'src'; apply_patch <<'EOF'"), src);
    for line in [
        "cd a; cd b && apply_patch <<EOF",
        "cd $X && apply_patch <<EOF",
        "bash -lc 'cd a && apply_patch <<EOF",
        "cd a || apply_patch <<EOF",
    ] {
        assert_eq!(folder(line), None, "{line}");
    }
}

#[test]
fn directives_may_be_padded_and_quoted() {
    assert_eq!(directive("  *** Begin Patch "), Some(Directive::Begin));
    assert_eq!(
        directive("*** Update File: `a b.rs`"),
        Some(Directive::Update("a b.rs"))
    );
    assert_eq!(directive("*** Move to: x"), Some(Directive::MoveTo("x")));
    for line in [
        "** Begin Patch",
        "*** begin patch",
        "*** Look at File: a",
        "***",
    ] {
        assert_eq!(directive(line), None, "{line}");
    }
}
