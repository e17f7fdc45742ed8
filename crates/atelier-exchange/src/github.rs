//! Issues as GitHub's command line or its interface lists them.

use serde_json::Value;

use crate::{
    Format, ImportError, Planned,
    draft::{Draft, ForeignTask},
    words,
};

/// Title of the phase of issues without a milestone.
const NO_MILESTONE: &str = "Issues";

/// Whether this is a list of issues.
pub(crate) fn is_issues(value: &Value) -> bool {
    let issue = |one: &Value| one.get("number").is_some() && one.get("title").is_some();
    value
        .as_array()
        .is_some_and(|list| !list.is_empty() && list.iter().all(issue))
}

/// Reads a list of issues.
pub(crate) fn read(text: &str) -> Result<Planned, ImportError> {
    let value: Value = serde_json::from_str(text)?;
    let list = value.as_array();
    let list = list.ok_or_else(|| ImportError::Missing("a list of issues".to_owned()))?;
    let mut issues: Vec<&Value> = list.iter().collect();
    issues.sort_by_key(|issue| issue.get("number").and_then(Value::as_u64));
    let mut draft = Draft {
        name: "issues".to_owned(),
        summary: "The open issues of the project.".to_owned(),
        requirement: "Carry out the issues of the project.".to_owned(),
        ..Draft::default()
    };
    let mut requests = Vec::new();
    for issue in issues {
        if issue.get("pull_request").is_some_and(|one| !one.is_null()) {
            requests.push(format!("#{}", number(issue)?));
            continue;
        }
        let task = task(&mut draft, issue)?;
        draft.tasks.push(task);
    }
    if !requests.is_empty() {
        let text = format!(
            "left out, because it is a pull request: {}",
            requests.join(", ")
        );
        draft.notes.push(text);
    }
    draft.planned(Format::GitHub)
}

fn number(issue: &Value) -> Result<u64, ImportError> {
    let number = issue.get("number").and_then(Value::as_u64);
    number.ok_or_else(|| ImportError::Missing("the number of an issue".to_owned()))
}

fn task(draft: &mut Draft, issue: &Value) -> Result<ForeignTask, ImportError> {
    let number = number(issue)?;
    let title = issue
        .get("title")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let body = issue
        .get("body")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let body = body.replace("\r\n", "\n");
    let closed = issue.get("state").and_then(Value::as_str);
    let closed = closed.is_some_and(|state| state.eq_ignore_ascii_case("closed"));
    Ok(ForeignTask {
        key: format!("#{number}"),
        phase: phase(draft, issue),
        place: u32::try_from(number).unwrap_or(u32::MAX),
        title: words::title(title),
        description: described(issue, title, &body),
        needs: words::issues(&body),
        outputs: words::paths(&body),
        left_out: closed.then(|| "it is closed".to_owned()),
        ..ForeignTask::default()
    })
}

/// The phase of an issue's milestone.
fn phase(draft: &mut Draft, issue: &Value) -> u32 {
    let milestone = issue.get("milestone");
    let title = milestone
        .and_then(|one| one.get("title"))
        .and_then(Value::as_str);
    let title = title.unwrap_or(NO_MILESTONE);
    if let Some((number, _, _)) = draft.phases.iter().find(|(_, known, _)| known == title) {
        return *number;
    }
    let number = u32::try_from(draft.phases.len() + 1).unwrap_or(u32::MAX);
    let about = milestone
        .and_then(|one| one.get("description"))
        .and_then(Value::as_str);
    draft.phases.push((
        number,
        title.to_owned(),
        about.unwrap_or_default().to_owned(),
    ));
    number
}

fn described(issue: &Value, title: &str, body: &str) -> String {
    let mut parts = vec![title.trim().to_owned(), body.trim().to_owned()];
    let names = |key: &str, of: &str| -> Vec<String> {
        let list = issue.get(key).and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(|one| one.get(of).or(Some(one)).and_then(Value::as_str))
            .map(str::to_owned)
            .collect()
    };
    let lists = [
        ("Labels", names("labels", "name")),
        ("Assigned to", names("assignees", "login")),
    ];
    for (word, names) in lists {
        if !names.is_empty() {
            parts.push(format!("{word}: {}", names.join(", ")));
        }
    }
    let address = issue
        .get("html_url")
        .or(issue.get("url"))
        .and_then(Value::as_str);
    parts.extend(address.map(|address| format!("From {address}")));
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}
