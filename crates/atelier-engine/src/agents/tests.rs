//! Who follows whom, and what agents may write.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_docs::codex::Roster;
use atelier_model::{FileEntry, FileTree, TaskSource};

use super::{conventions, followed, refusal};
use crate::sample;

fn tree(files: &[(&str, &str)]) -> FileTree {
    let mut tree = FileTree::default();
    for (path, text) in files {
        tree.put(path.parse().unwrap(), FileEntry::text((*text).to_owned()));
    }
    tree
}

const CODE: &str = "+++\nname = \"code\"\ngoal = \"Code.\"\nthen = \"review\"\n+++\n";
const REVIEW: &str = "+++\nname = \"review\"\ngoal = \"Look.\"\nanswer = \"findings\"\n\
                      output = \".codex/reviews/{task}.md\"\n+++\nOnce complete, invoke `scribe`.\n";
const SCRIBE: &str = "+++\nname = \"scribe\"\ngoal = \"Tell.\"\nwrites = [\"docs/**\"]\n\
                      tests = false\n+++\nTell it.\n";

#[test]
fn nobody_follows_where_the_project_says_nothing() {
    let tasks = vec![sample::task()];
    assert_eq!(
        followed(&FileTree::default(), tasks.clone()).unwrap(),
        tasks
    );
}

#[test]
fn each_task_is_followed_from_agent_to_agent() {
    let files = tree(&[
        (".codex/agents/code.md", CODE),
        (".codex/agents/review.md", REVIEW),
        (".codex/agents/scribe.md", SCRIBE),
    ]);
    let task = sample::task();
    let all = followed(&files, vec![task.clone()]).unwrap();
    let ids: Vec<String> = all.iter().map(|task| task.id.to_string()).collect();
    let first = task.id.to_string();
    assert_eq!(
        ids,
        [
            first.clone(),
            format!("{first}-review"),
            format!("{first}-scribe")
        ]
    );
    assert_eq!(all[1].depends_on, std::slice::from_ref(&task.id));
    assert_eq!(all[2].depends_on, std::slice::from_ref(&all[1].id));
    let number = task.step.clone().unwrap_or(first);
    assert_eq!(all[1].outputs, [format!(".codex/reviews/{number}.md")]);
    assert_eq!(
        (all[1].source, all[1].agent.as_deref()),
        (TaskSource::Agent, Some("review"))
    );
    assert_eq!(all[2].inputs, task.outputs);
    assert!(
        all[1..]
            .iter()
            .all(|task| task.acceptance.is_empty() && task.step.is_none())
    );
}

#[test]
fn an_agent_writes_what_it_may_and_never_the_roster() {
    let files = tree(&[(".codex/agents/scribe.md", SCRIBE)]);
    let roster = Roster::read(&files).unwrap();
    let (scribe, code) = (roster.find("scribe").unwrap(), roster.find("code").unwrap());
    let task = sample::task();
    let why = |agent, path: &str| refusal(agent, &task, &path.parse().unwrap());
    assert_eq!(why(scribe, "docs/USE.md"), None);
    assert_eq!(
        why(scribe, "src/x.rs").unwrap(),
        "the agent `scribe` does not write it"
    );
    assert_eq!(
        why(scribe, "docs/tests/x.py").unwrap(),
        "the agent `scribe` writes no tests"
    );
    assert_eq!(why(code, "src/x.rs"), None);
    for path in [
        ".codex/AGENTS.md",
        ".codex/agents/code.md",
        ".codex/TASK-LOG.json",
    ] {
        assert!(
            why(code, path).is_some_and(|why| why.starts_with("it says who works")),
            "{path}"
        );
    }
}

#[test]
fn the_rules_nearest_to_the_files_count() {
    let rules = |files: &[(&str, &str)], outputs: &[&str]| {
        let task = atelier_model::Task {
            outputs: sample::list(outputs),
            ..sample::task()
        };
        conventions(&tree(files), &task)
    };
    let all = [
        ("AGENTS.md", "Of all.\n"),
        ("web/AGENTS.md", "Of the web.\n"),
        ("web/api/AGENTS.md", "Of the interface.\n"),
        (".codex/AGENTS.md", "# Agents\n"),
    ];
    // Byte by byte what it is without rules of folders.
    assert_eq!(
        rules(&all, &["src/lib.rs", ".codex/reviews/t1.md"]),
        "Of all.\n"
    );
    let near = rules(&all, &["web/api/user.ts", "src/lib.rs"]);
    assert_eq!(near, "Of all.\n\n# For `web/api/`\n\nOf the interface.");
    let both = rules(&all, &["web/api/user.ts", "web/page.ts"]);
    let places: Vec<_> = ["Of all.", "Of the web.", "Of the interface."]
        .iter()
        .map(|said| both.find(said).unwrap())
        .collect();
    assert!(places.is_sorted(), "{both}");
    let long = "x".repeat(40_000);
    let cut = rules(
        &[("AGENTS.md", "Of all."), ("web/AGENTS.md", &long)],
        &["web/a.ts"],
    );
    assert!(cut.len() < 33_000 && !cut.contains("Of all."));
}
