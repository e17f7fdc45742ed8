//! Rosters: who is on them, who follows whom, who does a task.

use atelier_model::{FileEntry, FileTree};

use crate::codex::{Agent, AgentError, Answers, BUILTIN, Roster, RosterError};

/// A project of these files.
pub(super) fn tree(files: &[(&str, &str)]) -> FileTree {
    let mut tree = FileTree::default();
    for (path, text) in files {
        tree.put(path.parse().unwrap(), FileEntry::text((*text).to_owned()));
    }
    tree
}

fn agent(name: &str, more: &str) -> String {
    format!("+++\nname = \"{name}\"\ngoal = \"Something.\"\n{more}+++\nSay it.\n")
}

fn refused(files: &[(&str, &str)]) -> String {
    Roster::read(&tree(files)).unwrap_err().to_string()
}

#[test]
fn the_agents_that_come_along_are_read_and_unchanged() {
    let roster = Roster::read(&FileTree::default()).unwrap();
    assert!(!roster.is_own());
    let names: Vec<&str> = roster.agents().map(|agent| agent.name.as_str()).collect();
    assert_eq!(names, ["code", "documentation", "review", "test"]);
    assert!(roster.agents().all(|agent| roster.is_builtin(agent)));
    assert_eq!(roster.find("review").unwrap().answer, Answers::Findings);
    // What no other takes is asked for as if there were no agents at all.
    assert_eq!(roster.find(BUILTIN[0].0).unwrap().prompt, "");
}

#[test]
fn a_file_stands_in_the_place_of_the_agent_of_its_name() {
    let own = agent("test", "writes = [\"checks/**\"]\ntests = false\n");
    let roster = Roster::read(&tree(&[(".codex/agents/test.md", &own)])).unwrap();
    let test = roster.find("test").unwrap();
    assert!(roster.is_own() && !roster.is_builtin(test));
    assert_eq!((test.prompt.as_str(), test.tests), ("Say it.", false));
    assert!(test.may_write(&"checks/a/b.py".parse().unwrap()));
    assert!(!test.may_write(&"src/a.py".parse().unwrap()));
}

#[test]
fn a_roster_in_words_is_one() {
    let text = "# Agents\n\nProse.\n\n## Agent: frontend_specialist\n\nBuilds pages.\n\nMore.\n\
                ### Rules\nOnce complete, invoke `task_logger`.\n\n## Agent: task_logger\n\nWrites \
                what was done.\n\n## Else\n\nNo agent.\n```\n## Agent: example\n```\n";
    let roster = Roster::read(&tree(&[(".codex/AGENTS.md", text)])).unwrap();
    let first = roster.find("frontend_specialist").unwrap();
    assert_eq!(first.goal, "Builds pages.");
    assert_eq!(first.then.as_deref(), Some("task_logger"));
    assert!(first.prompt.contains("### Rules"));
    assert_eq!(roster.agents().count(), BUILTIN.len() + 2);
    assert_eq!(
        roster.find("task_logger").unwrap().goal,
        "Writes what was done."
    );
}

#[test]
fn whoever_takes_all_files_of_a_step_does_it_in_projects_with_a_roster() {
    let docs = ["docs/USE.md".to_owned(), "README.md".to_owned()];
    let mixed = ["docs/USE.md".to_owned(), "src/lib.rs".to_owned()];
    let none = Roster::read(&FileTree::default()).unwrap();
    assert_eq!(none.of_task(None, &docs).unwrap().name, "code");
    let own = Roster::read(&tree(&[(".codex/AGENTS.md", "# Agents\n")])).unwrap();
    assert_eq!(own.of_task(None, &docs).unwrap().name, "documentation");
    assert_eq!(own.of_task(None, &mixed).unwrap().name, "code");
    assert_eq!(own.of_task(None, &[]).unwrap().name, "code");
    assert_eq!(own.of_task(Some("review"), &docs).unwrap().name, "review");
    let unknown = own.of_task(Some("nobody"), &docs).unwrap_err().to_string();
    assert_eq!(
        unknown,
        "find the agent `nobody`; there are code, documentation, review, test"
    );
}

#[test]
fn a_circle_of_agents_is_refused_with_its_names() {
    let (one, two) = (
        agent("one", "then = \"two\"\n"),
        agent("two", "then = \"one\"\n"),
    );
    let said = refused(&[
        (".codex/agents/one.md", &one),
        (".codex/agents/two.md", &two),
    ]);
    assert_eq!(
        said,
        "let the agents follow one another: one → two → one is a circle"
    );
}

#[test]
fn a_chain_has_a_bound() {
    let files: Vec<(String, String)> = (1..=5)
        .map(|at| {
            let then = if at < 5 {
                format!("then = \"a{}\"\n", at + 1)
            } else {
                String::new()
            };
            (
                format!(".codex/agents/a{at}.md"),
                agent(&format!("a{at}"), &then),
            )
        })
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(p, t)| (p.as_str(), t.as_str()))
        .collect();
    let said = refused(&files);
    assert!(
        said.ends_with("a1 → a2 → a3 → a4 → a5 is longer than 4"),
        "{said}"
    );
}

#[test]
fn what_is_no_agent_is_refused_with_its_place() {
    let then = agent("one", "then = \"nobody\"\n");
    let cases = [
        ("Hello.", "find its front matter"),
        ("+++\nname = \"one\"\n+++\n", "missing field `goal`"),
        (&agent("One", ""), "name it `One`"),
        (
            &agent("two", ""),
            "it is named `two`; name file and agent alike",
        ),
        (
            &agent("one", "writes = [\"a[\"]\n"),
            "read its pattern `a[`",
        ),
        (&agent("one", "output = \"../x\"\n"), "write to `../x`"),
        (&agent("one", "color = \"red\"\n"), "unknown field `color`"),
        (&then, "find the agent `nobody`, which `one` invokes"),
    ];
    for (text, wanted) in cases {
        let said = refused(&[(".codex/agents/one.md", text)]);
        assert!(said.contains(wanted), "{said}");
    }
    assert!(matches!(
        Roster::read(&tree(&[(".codex/agents/one.md", "Hello.")])),
        Err(RosterError::Agent {
            source: AgentError::NoFrontMatter,
            ..
        })
    ));
    assert_eq!(Agent::read("x"), Err(AgentError::NoFrontMatter));
}
