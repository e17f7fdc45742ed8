//! Issues as GitHub's command line or its interface lists them.

mod links;

use serde_json::Value;

use self::links::Links;
use crate::{
    Format, ImportError, Planned,
    draft::{Draft, ForeignTask},
    words,
};

/// Title of the phase of issues without a milestone.
const NO_MILESTONE: &str = "Issues";

/// Members of an answer under which a list of issues may stand.
const WRAPPERS: [&str; 5] = ["items", "nodes", "issues", "data", "repository"];
/// How deep an answer may wrap its list.
const WRAPPED_MAX: usize = 6;

/// The issues of a text: one, a list, lists one after the other as pages come, or a list that is
/// wrapped in an answer.
pub(crate) fn listed(text: &str) -> Result<Vec<Value>, ImportError> {
    let mut list = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        collect(value?, 0, &mut list);
    }
    Ok(list)
}

fn collect(value: Value, depth: usize, list: &mut Vec<Value>) {
    match value {
        Value::Object(issue) if issue.contains_key("number") && issue.contains_key("title") => {
            let issue = Value::Object(issue);
            // Pages that were fetched while the list moved give an issue twice.
            if !list.contains(&issue) {
                list.push(issue);
            }
        }
        Value::Object(mut answer) if depth < WRAPPED_MAX => {
            for key in WRAPPERS {
                if let Some(inner) = answer.remove(key) {
                    collect(inner, depth + 1, list);
                }
            }
        }
        Value::Array(values) if depth < WRAPPED_MAX => {
            for one in values {
                collect(one, depth + 1, list);
            }
        }
        Value::Object(_)
        | Value::Array(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_) => {}
    }
}

/// Reads a list of issues.
pub(crate) fn read(text: &str) -> Result<Planned, ImportError> {
    let mut issues = listed(text)?;
    if issues.is_empty() {
        let what = "an issue with `number` and `title`";
        return Err(ImportError::Missing(what.to_owned()));
    }
    issues.sort_by_key(|issue| issue.get("number").and_then(Value::as_u64));
    let mut draft = Draft {
        name: "issues".to_owned(),
        summary: "The open issues of the project.".to_owned(),
        requirement: "Carry out the issues of the project.".to_owned(),
        ..Draft::default()
    };
    let mut requests = Vec::new();
    let mut links = Vec::new();
    for issue in &issues {
        let number = number(issue)?;
        if is_request(issue) {
            requests.push(format!("#{number}"));
            continue;
        }
        let task = task(&mut draft, issue)?;
        let said = links::of(body(issue).as_str(), address(issue).unwrap_or_default());
        links.push((task.key.clone(), said));
        draft.tasks.push(task);
    }
    linked(&mut draft, links);
    if !requests.is_empty() {
        let text = format!(
            "left out, because it is a pull request: {}",
            requests.join(", ")
        );
        draft.notes.push(text);
    }
    draft.planned(Format::GitHub)
}

/// What issues say of each other becomes what they need.
fn linked(draft: &mut Draft, links: Vec<(String, Links)>) {
    for (own, links) in links {
        let of_own = links.needs.into_iter().map(|need| (own.clone(), need));
        let of_others = links.blocks.into_iter().map(|later| (later, own.clone()));
        for (later, earlier) in of_own.chain(of_others).filter(|(one, two)| one != two) {
            let task = draft.tasks.iter_mut().find(|task| task.key == later);
            if let Some(task) = task.filter(|task| !task.needs.contains(&earlier)) {
                task.needs.push(earlier);
            }
        }
        let tracked = links.tracks.into_iter().filter(|one| *one != own);
        draft.hints.extend(tracked.map(|one| (own.clone(), one)));
    }
}

/// Whether this is a pull request: one list holds both.
fn is_request(issue: &Value) -> bool {
    let marked = issue.get("pull_request").is_some_and(|one| !one.is_null());
    marked || address(issue).is_some_and(|address| address.contains("/pull/"))
}

fn address(issue: &Value) -> Option<&str> {
    let address = issue.get("html_url").or(issue.get("url"));
    address.and_then(Value::as_str)
}

fn body(issue: &Value) -> String {
    let body = issue.get("body").and_then(Value::as_str);
    body.unwrap_or_default().replace("\r\n", "\n")
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
    let body = body(issue);
    let closed = issue.get("state").and_then(Value::as_str);
    let closed = closed.is_some_and(|state| state.eq_ignore_ascii_case("closed"));
    Ok(ForeignTask {
        key: format!("#{number}"),
        phase: phase(draft, issue),
        place: u32::try_from(number).unwrap_or(u32::MAX),
        title: words::title(title),
        description: described(issue, title, &body),
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
        let list = issue.get(key).map(|one| one.get("nodes").unwrap_or(one));
        list.and_then(Value::as_array)
            .into_iter()
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
    parts.extend(address(issue).map(|address| format!("From {address}")));
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}
