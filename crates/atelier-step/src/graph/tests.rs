//! Graphs: what is said, what is seen, what is refused and in which words.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{BuildStep, PathPattern, StepKind};
use proptest::prelude::*;

use super::{Graph, GraphError, StepIndex};

/// A step of this name that reads and writes these.
fn step(name: &str, inputs: &[&str], outputs: &[&str]) -> BuildStep {
    let patterns = |list: &[&str]| {
        list.iter()
            .map(|one| PathPattern::parse(one).unwrap())
            .collect()
    };
    BuildStep {
        inputs: patterns(inputs),
        outputs: patterns(outputs),
        ..BuildStep::new(name, StepKind::Build, ["true"])
    }
}

fn after(mut step: BuildStep, names: &[&str]) -> BuildStep {
    step.depends_on = names.iter().map(ToString::to_string).collect();
    step
}

fn names(graph: &Graph, steps: &[StepIndex]) -> Vec<String> {
    steps
        .iter()
        .map(|step| graph.name(*step).to_owned())
        .collect()
}

fn needs(graph: &Graph, step: &str) -> Vec<String> {
    names(graph, graph.needs(graph.find(step).unwrap()))
}

fn refused(steps: &[BuildStep], words: &str) {
    let error = Graph::new(steps).unwrap_err();
    assert_eq!(error.to_string(), format!("order the steps: {words}"));
}

/// Generate, compile two units, link, test, and something of its own.
fn program() -> Vec<BuildStep> {
    vec![
        after(step("test", &["tests/**"], &[]), &["link"]),
        step("link", &["out/*.o"], &["out/app"]),
        step("compile-a", &["src/a.c", "gen/"], &["out/a.o"]),
        step("compile-b", &["src/b.c"], &["out/b.o"]),
        step("generate", &["idl/*.idl"], &["gen/api.h"]),
        step("docs", &["docs/**", "!docs/private/**"], &["site/"]),
    ]
}

#[test]
fn dependencies_are_said_or_seen() {
    let graph = Graph::new(&program()).unwrap();
    assert_eq!(needs(&graph, "test"), ["link"]);
    assert_eq!(needs(&graph, "link"), ["compile-a", "compile-b"]);
    assert_eq!(needs(&graph, "compile-a"), ["generate"]);
    assert!(needs(&graph, "docs").is_empty());
    let order = names(&graph, graph.order());
    let place = |name: &str| order.iter().position(|one| one == name).unwrap();
    assert!(place("generate") < place("compile-a"));
    assert!(place("compile-b") < place("link"));
    assert!(place("link") < place("test"));
}

#[test]
fn a_change_concerns_readers_and_what_comes_after_them() {
    let graph = Graph::new(&program()).unwrap();
    let affected = |paths: &[&str]| {
        let mut found = names(&graph, &graph.affected(paths.iter().copied()));
        found.sort();
        found
    };
    assert_eq!(affected(&["src/b.c"]), ["compile-b", "link", "test"]);
    assert_eq!(
        affected(&["idl/x.idl"]),
        ["compile-a", "generate", "link", "test"]
    );
    assert_eq!(affected(&["tests/a/b.rs", "README.md"]), ["test"]);
    assert_eq!(affected(&["docs/a.md"]), ["docs"]);
    assert_eq!(affected(&["docs/private/a.md", "docs2/x"]), [""; 0]);
    assert_eq!(
        affected(&["out/a.o"]),
        ["compile-a", "link", "test"],
        "its maker repairs it"
    );
    let wanted = graph.closure(graph.find("link"));
    assert_eq!(wanted.len(), 4);
    assert_eq!(graph.producer("site/a/b.html"), graph.find("docs"));
    assert_eq!(graph.producer("src/a.c"), None);
}

#[test]
fn a_step_without_inputs_depends_on_what_it_says_alone() {
    let steps = [
        step("a", &[], &["a.txt"]),
        after(step("b", &[], &["b.txt"]), &["a"]),
    ];
    let graph = Graph::new(&steps).unwrap();
    assert!(needs(&graph, "a").is_empty());
    assert_eq!(needs(&graph, "b"), ["a"]);
    assert_eq!(names(&graph, &graph.affected(["b.txt"])), ["b"]);
    assert_eq!(names(&graph, &graph.affected(["c.txt"])), ["a", "b"]);
}

#[test]
fn what_is_left_out_is_not_seen() {
    let steps = [
        step("a", &["src/**"], &["gen/a.rs"]),
        step("b", &["**/*.rs", "!gen/**"], &["b.txt"]),
    ];
    let graph = Graph::new(&steps).unwrap();
    assert!(needs(&graph, "b").is_empty());
}

#[test]
fn what_cannot_be_ordered_is_refused_by_name() {
    refused(
        &[step("a", &[], &[]), step("a", &[], &[])],
        "two have the name `a`",
    );
    refused(
        &[after(step("a", &[], &[]), &["b"])],
        "`a` depends on `b`, which is no step",
    );
    refused(
        &[step("a", &[], &["out/"]), step("b", &[], &["out/x.js"])],
        "`a` and `b` both write `out/x.js`",
    );
    refused(
        &[step("a", &[], &["x/*.js"]), step("b", &[], &["x/a*"])],
        "`a` and `b` both write `x/a*`",
    );
    refused(
        &[step("a", &["x/y.js"], &["x/"])],
        "`a` reads `x/y.js`, which it writes itself",
    );
    refused(
        &[step("a", &["src/*.rs"], &["src/*.rs"])],
        "`a` reads `src/*.rs`, which it writes itself",
    );
}

#[test]
fn what_a_wide_input_takes_in_of_its_own_is_no_input() {
    let graph = Graph::new(&[step("a", &["**"], &["dist/"])]).unwrap();
    assert!(needs(&graph, "a").is_empty());
}

#[test]
fn a_circle_is_told_link_by_link() {
    refused(
        &[
            step("free", &[], &[]),
            after(step("a", &["x"], &[]), &["b"]),
            step("b", &["c.txt"], &[]),
            after(step("c", &["y"], &["c.txt"]), &["a"]),
            after(step("late", &[], &[]), &["a"]),
        ],
        "`a` depends on `b`, `b` reads `c.txt` of `c`, `c` depends on `a`",
    );
}

#[test]
fn of_a_large_circle_the_shortest_way_is_told() {
    let names: Vec<String> = (0..1_000).map(|at| at.to_string()).collect();
    let mut steps: Vec<_> = (0..1_000)
        .map(|at: usize| after(step(&names[at], &[], &[]), &[&names[(at + 1) % 1_000]]))
        .collect();
    steps[500].depends_on.insert("0".to_owned());
    steps[1].depends_on.insert("0".to_owned());
    let Err(GraphError::Cycle(links)) = Graph::new(&steps) else {
        panic!("a circle is refused");
    };
    let way: Vec<_> = links.iter().map(|link| link.step.as_str()).collect();
    assert_eq!(way, ["0", "1"]);
}

#[test]
fn ten_thousand_steps_in_a_row_are_ordered() {
    let steps: Vec<_> = (0..10_000)
        .map(|at| {
            let input = format!("out/{at}");
            step(&at.to_string(), &[&input], &[&format!("out/{}", at + 1)])
        })
        .rev()
        .collect();
    let graph = Graph::new(&steps).unwrap();
    assert_eq!(graph.name(graph.order()[0]), "0");
    let longest = graph.critical_path(&vec![1; steps.len()]);
    assert_eq!(longest.len(), steps.len());
    assert_eq!(graph.remaining(&vec![2; steps.len()])[9_999], 20_000);
    assert_eq!(graph.affected(["out/9990"]).len(), 11);
}

#[test]
fn more_steps_than_can_be_looked_at_are_refused() {
    let steps: Vec<_> = (0..=100_000)
        .map(|at| step(&at.to_string(), &[], &[]))
        .collect();
    refused(&steps, "100001 steps, at most 100000 are possible");
}

proptest! {
    #[test]
    fn the_order_respects_every_dependency(edges in prop::collection::vec((0..30_usize, 0..30_usize), 0..80)) {
        let mut steps: Vec<_> = (0..30).map(|at| step(&at.to_string(), &[], &[])).collect();
        for (one, other) in &edges {
            steps[*one].depends_on.insert(other.to_string());
        }
        match Graph::new(&steps) {
            Ok(graph) => {
                let mut place = [0; 30];
                for (at, step) in graph.order().iter().enumerate() {
                    place[step.get()] = at;
                }
                prop_assert!(edges.iter().all(|(one, other)| place[*one] > place[*other]));
                let durations: Vec<u64> = (0..30).collect();
                let path = graph.critical_path(&durations);
                let length: u64 = path.iter().map(|step| durations[step.get()]).sum();
                prop_assert_eq!(Some(length), graph.remaining(&durations).into_iter().max());
                prop_assert!(path.windows(2).all(|pair| graph.needs(pair[1]).contains(&pair[0])));
            }
            Err(GraphError::Cycle(links)) => {
                for (at, link) in links.iter().enumerate() {
                    let next = &links[(at + 1) % links.len()];
                    prop_assert_eq!(&link.needs, &next.step);
                    let one = steps.iter().find(|step| step.name == link.step).unwrap();
                    prop_assert!(one.depends_on.contains(&link.needs));
                }
                prop_assert!(!links.is_empty());
            }
            Err(error) => prop_assert!(false, "{error}"),
        }
    }
}
