//! Results that stand in the order in which tests happened to end.

/// Begins the part of a failed test in a report of Rust's test harness.
const DETAILS: &str = "---- ";

/// Puts results of tests that ran side by side into the order of their names.
pub(super) fn sort(lines: &mut [String]) {
    let mut from = 0;
    while from < lines.len() {
        let results = lines[from..].iter().take_while(|line| is_result(line));
        let to = from + results.count();
        lines[from..to].sort();
        from = to.max(from + 1);
    }
    if let Some(at) = lines.iter().position(|line| line == "failures:") {
        sort_details(&mut lines[at + 1..]);
    }
}

/// A line such as `test tests::adds ... ok`.
fn is_result(line: &str) -> bool {
    line.starts_with("test ") && line.contains(" ... ")
}

/// Sorts what failed tests printed, up to the list of their names.
fn sort_details(lines: &mut [String]) {
    let end = lines.iter().position(|line| line == "failures:");
    let lines = &mut lines[..end.unwrap_or(0)];
    let Some(first) = lines.iter().position(|line| line.starts_with(DETAILS)) else {
        return;
    };
    let lines = &mut lines[first..];
    let mut parts: Vec<Vec<String>> = Vec::new();
    for line in lines.iter() {
        match parts.last_mut() {
            Some(part) if !line.starts_with(DETAILS) => part.push(line.clone()),
            Some(_) | None => parts.push(vec![line.clone()]),
        }
    }
    parts.sort();
    for (line, sorted) in lines.iter_mut().zip(parts.into_iter().flatten()) {
        *line = sorted;
    }
}
