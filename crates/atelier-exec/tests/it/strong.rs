//! Commands in a machine of their own.

use std::{fs, path::PathBuf};

use atelier_exec::{Confinement, Exit, Returns, Workspace};

use crate::bench::Bench;

/// A shell script over the working folder, which is taken over as `returns` says.
fn strong(bench: &Bench, script: &str, returns: Returns) -> atelier_exec::Command {
    let mut command = bench.shell(script);
    command.writable.clear();
    command.confinement = Confinement::strong();
    command.confinement.workspace = Some(Workspace {
        folder: bench.work(),
        returns,
    });
    command
}

fn only(whole: &[&str], within: &[&str]) -> Returns {
    let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect();
    Returns::Only {
        whole: paths(whole),
        within: paths(within),
    }
}

/// What a script prints in a machine of its own, line by line.
async fn lines(bench: &Bench, script: &str) -> Vec<String> {
    let report = bench.run(&strong(bench, script, Returns::Nothing)).await;
    let report = report.unwrap();
    assert_eq!(report.exit, Exit::Code(0), "{}", report.output);
    report.output.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_machine_of_its_own_has_other_users_processes_and_names() {
    let bench = Bench::new();
    let outside = tempfile::NamedTempFile::new().unwrap();
    let script = format!(
        "id -u; hostname; ls /proc | grep -c '^[1-9]'; pwd; [ -e {} ] || echo unseen",
        outside.path().display()
    );
    let seen = lines(&bench, &script).await;
    let work = bench.work().display().to_string();
    // The first process, the shell, and the two that count.
    assert_eq!(seen, ["1000", "atelier", "4", &work, "unseen"]);
}

#[tokio::test]
async fn nobody_in_it_has_any_rights() {
    let bench = Bench::new();
    let script = "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status | tr -d '\\t'";
    let none = "0000000000000000";
    let wanted =
        ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].map(|name| format!("{name}:{none}"));
    let seen = lines(&bench, script).await;
    assert_eq!(seen[..5], wanted);
    assert_eq!(seen[5..], ["NoNewPrivs:1", "Seccomp:2"]);
}

#[tokio::test]
async fn changes_come_back_as_they_are_wanted() {
    let bench = Bench::new();
    let script = "echo 1 > a; mkdir -p d/e; echo 2 > d/e/f; echo 3 > d/g; rm old";
    for (returns, wanted) in [
        (Returns::Nothing, "old"),
        (only(&["d/e", "missing"], &[]), "d d/e d/e/f old"),
        (only(&["a"], &[""]), "a d d/e d/e/f d/g old"),
        (only(&["old", "a"], &[]), "a d d/e d/e/f d/g"),
        (Returns::Everything, "a d d/e d/e/f d/g"),
    ] {
        fs::write(bench.work().join("old"), "").unwrap();
        let run = bench
            .run(&strong(&bench, script, returns.clone()))
            .await
            .unwrap();
        assert_eq!(run.exit, Exit::Code(0), "{}", run.output);
        assert_eq!(run.usage.returned.refused, Vec::<String>::new());
        assert_eq!(names(&bench), wanted, "{returns:?}");
    }
}

/// All names below the working folder, in order.
fn names(bench: &Bench) -> String {
    let mut names = Vec::new();
    let mut folders = vec![bench.work()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(bench.work()).unwrap();
            names.push(name.display().to_string());
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    names.sort();
    names.join(" ")
}

#[tokio::test]
async fn a_folder_made_anew_hides_what_was_in_it() {
    let bench = Bench::new();
    fs::create_dir(bench.work().join("d")).unwrap();
    fs::write(bench.work().join("d/old"), "").unwrap();
    let script = "rm -r d; mkdir d; echo x > d/new; mkdir k; mv k l";
    let command = strong(&bench, script, Returns::Everything);
    let run = bench.run(&command).await.unwrap();
    assert_eq!(run.exit, Exit::Code(0), "{}", run.output);
    assert_eq!(names(&bench), "d d/new l");
}

#[tokio::test]
async fn a_folder_with_a_repository_is_not_removed() {
    let bench = Bench::new();
    fs::create_dir_all(bench.work().join("d/.git")).unwrap();
    fs::write(bench.work().join("d/.git/config"), "mine").unwrap();
    let command = strong(&bench, "rm -rf d; echo x > d", Returns::Everything);
    let run = bench.run(&command).await.unwrap();
    assert_eq!(
        run.usage.returned.refused.len(),
        1,
        "{:?}",
        run.usage.returned
    );
    assert_eq!(names(&bench), "d d/.git d/.git/config");
}

#[tokio::test]
async fn a_workspace_that_is_also_to_be_written_is_kept_apart_all_the_same() {
    let bench = Bench::new();
    let mut command = strong(&bench, "echo x > made", Returns::Nothing);
    command.writable.push(bench.work());
    let run = bench.run(&command).await.unwrap();
    assert_eq!(run.exit, Exit::Code(0), "{}", run.output);
    assert_eq!(names(&bench), "");
}
