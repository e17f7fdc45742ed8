//! `JUnit` files: elements are counted, attributes are never believed.

use atelier_model::{TestCounts, TestFailure};
use roxmltree::{Document, Node, ParsingOptions};

use crate::report::text::{capped, failure};

/// Bytes of one report file that is read.
const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The counts of all files that are `JUnit` reports; unknown if one is broken or none is there.
pub(crate) fn junit(files: &[(String, Vec<u8>)]) -> Option<TestCounts> {
    let mut total: Option<TestCounts> = None;
    for (_, bytes) in files {
        if bytes.len() > FILE_BYTES_MAX {
            return None;
        }
        let run = document(std::str::from_utf8(bytes).ok()?)?;
        match &mut total {
            Some(total) => total.add(&run),
            None => total = Some(run),
        }
    }
    total
}

fn document(text: &str) -> Option<TestCounts> {
    let options = ParsingOptions {
        nodes_limit: 1_000_000,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(text.trim_start(), options).ok()?;
    let root = document.root_element().tag_name().name();
    if !matches!(root, "testsuites" | "testsuite") {
        return None;
    }
    let mut run = TestCounts::default();
    let mut failures: Vec<TestFailure> = Vec::new();
    for case in document
        .descendants()
        .filter(|node| node.has_tag_name("testcase"))
    {
        if let Some(broken) = child(case, &["failure", "error"]) {
            run.failed += 1;
            failures.push(named(case, broken));
        } else if child(case, &["skipped", "disabled"]).is_some() || not_run(case) {
            run.skipped += 1;
        } else {
            run.passed += 1;
        }
    }
    run.failures = capped(failures);
    Some(run)
}

fn child<'a>(case: Node<'a, 'a>, names: &[&str]) -> Option<Node<'a, 'a>> {
    let mut children = case.children();
    children.find(|node| node.is_element() && names.contains(&node.tag_name().name()))
}

fn not_run(case: Node<'_, '_>) -> bool {
    let status = case.attribute("status").unwrap_or_default();
    matches!(
        status.to_ascii_lowercase().as_str(),
        "notrun" | "disabled" | "skipped"
    )
}

fn named(case: Node<'_, '_>, broken: Node<'_, '_>) -> TestFailure {
    let name = case.attribute("name").unwrap_or("unnamed");
    let name = match case.attribute("classname") {
        Some(class) if !class.is_empty() && class != name => format!("{class}.{name}"),
        _ => name.to_owned(),
    };
    let place = case
        .attribute("file")
        .map(|file| match case.attribute("line") {
            Some(line) => format!("{file}:{line}"),
            None => file.to_owned(),
        });
    let said = broken.text().unwrap_or_default();
    let said = if said.trim().is_empty() {
        broken.attribute("message").unwrap_or_default()
    } else {
        said
    };
    failure(&name, place, said)
}
