//! Pipelines of every example tree, and of steps that ask for something special.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test reads its fixtures"
)]

use std::{env, fs, path::Path};

use atelier_model::{FileEntry, ReportFormat, StepKind, TreePath};

use super::*;
use crate::{Recipes, detect};

fn both(steps: &[BuildStep], tree: &FileTree) -> (String, String) {
    let text = |forge| pipeline(forge, steps, tree).unwrap();
    (text(Forge::Github), text(Forge::Gitlab))
}

/// The pipelines of steps in an empty tree.
fn plain(steps: &[BuildStep]) -> (String, String) {
    both(steps, &FileTree::default())
}

#[track_caller]
fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no `{part}` in:\n{text}");
    }
}

#[test]
fn every_example_has_its_pipelines_and_they_are_always_the_same() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/recipes");
    let mut written = 0;
    for folder in fs::read_dir(root).unwrap() {
        let text = fs::read_to_string(folder.unwrap().path().join("tree.txt")).unwrap();
        let tree = detect::tests::tree(&text);
        let projects = Recipes::builtin().detect(&tree);
        let steps: Vec<_> = projects.iter().flat_map(|one| one.steps(&tree)).collect();
        for forge in Forge::ALL {
            let Some(text) = pipeline(forge, &steps, &tree) else {
                assert!(steps.iter().all(|step| step.kind == StepKind::Run));
                continue;
            };
            written += 1;
            assert_eq!(Authorship::of(&text), Authorship::Generated);
            assert_eq!(pipeline(forge, &steps, &tree), Some(text));
        }
    }
    assert!(written > 150);
}

#[test]
fn a_change_by_hand_is_seen_wherever_it_is() {
    let (text, _) = plain(&[BuildStep::new("build", StepKind::Build, ["make"])]);
    let edited = [
        text.replace("make", "make all"),
        format!("{text}\n"),
        format!("# ours\n{text}"),
        text.replacen("# Written", "# Rewritten", 1),
    ];
    for text in edited {
        assert_eq!(Authorship::of(&text), Authorship::Edited, "{text}");
    }
    for text in ["", "name: check\n", "# Written by hand\n"] {
        assert_eq!(Authorship::of(text), Authorship::Foreign, "{text}");
    }
}

#[test]
fn a_step_keeps_its_limits_tries_and_variables() {
    let mut step = BuildStep::new("web:test", StepKind::Test, ["npm", "test", "a b"]);
    step.cwd = Some(TreePath::parse("web").unwrap());
    step.retries = 1;
    step.timeout_ms = Some(90_000);
    step.env.insert("PRICE".to_owned(), "$5".to_owned());
    let other = BuildStep::new("web:lint", StepKind::Lint, ["npm", "run", "lint"]);
    let (github, gitlab) = plain(&[step, other]);
    has(
        &github,
        &[
            "  web:\n    name: web\n    runs-on: ubuntu-latest\n    timeout-minutes: 32\n",
            "working-directory: web\n        timeout-minutes: 2\n",
            "          PRICE: $5\n",
            "{ npm test 'a b' || npm test 'a b'; } 2>&1 | tee",
            "if: ${{ !cancelled() && steps.ready.outcome == 'success' }}\n",
        ],
    );
    has(
        &gitlab,
        &["(cd web && { PRICE='$5' npm test 'a b' || PRICE='$5' npm test 'a b'; })"],
    );
}

#[test]
fn variables_of_all_steps_are_the_jobs_and_no_forge_expands_them() {
    let mut step = BuildStep::new("build", StepKind::Build, ["make", "${{ github.token }}"]);
    step.env
        .insert("A".to_owned(), "$HOME ${{ secrets.KEY }}".to_owned());
    let (github, gitlab) = plain(&[step]);
    has(
        &github,
        &[
            "      A: $HOME ${{ '${{' }} secrets.KEY }}\n",
            "run: make '${{ '${{' }} github.token }}'\n",
        ],
    );
    has(&gitlab, &["    A: $$HOME $${{ secrets.KEY }}\n"]);
}

#[test]
fn projects_whose_steps_need_each_other_share_a_job() {
    let web = BuildStep::new("web:build", StepKind::Build, ["make"]);
    let mut api = BuildStep::new("api:test", StepKind::Test, ["make", "test"]);
    api.depends_on.insert("web:build".to_owned());
    let docs = BuildStep::new("docs:build", StepKind::Build, ["make"]);
    // The one that waits comes first, as steps of a person's own may.
    let (github, gitlab) = plain(&[api, docs, web]);
    let jobs = |text: &str| text.matches("timeout").count();
    assert_eq!((jobs(&github), jobs(&gitlab)), (2, 2));
    has(
        &github,
        &["if: ${{ !cancelled() && steps.build.outcome == 'success' }}"],
    );
    assert!(
        github.find("name: web:build") < github.find("name: api:test"),
        "{github}"
    );
}

#[test]
fn junit_files_are_asked_for_where_the_runner_has_them() {
    let mut step = BuildStep::new("test", StepKind::Test, ["python3", "-m", "pytest"]);
    step.report = Some(ReportFormat::Pytest);
    let mut tree = FileTree::default();
    tree.put(
        TreePath::parse(".python-version").unwrap(),
        FileEntry::text("3.12\n"),
    );
    let (github, gitlab) = both(&[step], &tree);
    has(
        &github,
        &[
            "PYTEST_ADDOPTS: '--junitxml=${{ runner.temp }}/test-reports/test.xml'\n",
            "python-version-file: .python-version\n",
            "      - if: always()\n        uses: actions/upload-artifact@",
        ],
    );
    has(
        &gitlab,
        &[
            "image: python:3.12\n",
            "      junit:\n        - test-reports/test.xml\n",
        ],
    );
}

#[test]
fn names_are_words_that_both_forges_take() {
    let step = |name: &str| BuildStep::new(name, StepKind::Build, ["make"]);
    let steps = ["default:build", "1/2:build", "é:build", "é!:build", "build"].map(step);
    let (github, gitlab) = plain(&steps);
    for job in ["check-default", "check-1-2", "check", "check-2", "check-3"] {
        has(&github, &[&format!("  {job}:\n    name: {job}\n")]);
        has(&gitlab, &[&format!("\n{job}:\n  image: debian:stable\n")]);
    }
}

#[test]
fn there_is_no_pipeline_without_steps() {
    let run = BuildStep::new("run", StepKind::Run, ["make", "run"]);
    assert_eq!(pipeline(Forge::Github, &[run], &FileTree::default()), None);
}
