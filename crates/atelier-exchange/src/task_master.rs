//! `tasks.json`: a list of tasks with subtasks, plain or under tags.

use serde_json::{Map, Value};

use crate::{
    Format, ImportError, Planned,
    draft::{Draft, ForeignTask},
    words,
};

/// The list that is taken where nobody names one.
const USUAL_TAG: &str = "master";
/// Keys that have a place in a step; what else a task says goes into its description.
const MAPPED: [&str; 8] = [
    "id",
    "title",
    "description",
    "details",
    "status",
    "dependencies",
    "subtasks",
    "testStrategy",
];

/// Whether this is such a file.
pub(crate) fn is_tasks(value: &Value) -> bool {
    let list = |value: &Value| value.get("tasks").is_some_and(Value::is_array);
    list(value)
        || value
            .as_object()
            .is_some_and(|tags| tags.values().any(list))
}

/// Reads a list.
pub(crate) fn read(text: &str, tag: Option<&str>) -> Result<Planned, ImportError> {
    let value: Value = serde_json::from_str(text)?;
    let (name, list) = choose(&value, tag)?;
    let mut draft = Draft::default();
    let others: Vec<&str> = tags(&value)
        .into_iter()
        .filter(|one| *one != name)
        .collect();
    if !others.is_empty() {
        draft
            .notes
            .push(format!("other lists are left alone: {}", others.join(", ")));
    }
    let about = list
        .get("metadata")
        .and_then(|about| about.get("description"));
    let about = about.and_then(Value::as_str).unwrap_or_default().trim();
    draft.name = words::name(if name.is_empty() { "tasks" } else { &name });
    draft.summary = if about.is_empty() {
        format!(
            "The tasks of the list {}.",
            if name.is_empty() { "tasks" } else { &name }
        )
    } else {
        about.to_owned()
    };
    draft.requirement = format!(
        "Carry out the tasks of the list `{}`.\n\n{about}",
        draft.name
    );
    draft
        .requirement
        .truncate(draft.requirement.trim_end().len());
    let tasks = list.get("tasks").and_then(Value::as_array);
    let tasks = tasks.ok_or_else(|| ImportError::Missing("a list of tasks".to_owned()))?;
    for (index, task) in tasks.iter().enumerate() {
        top(&mut draft, index, task)?;
    }
    draft.planned(Format::TaskMaster)
}

fn tags(value: &Value) -> Vec<&str> {
    let object = value.as_object();
    let lists = object.into_iter().flatten();
    lists
        .filter(|(_, list)| list.get("tasks").is_some_and(Value::is_array))
        .map(|(name, _)| name.as_str())
        .collect()
}

fn choose<'a>(value: &'a Value, tag: Option<&str>) -> Result<(String, &'a Value), ImportError> {
    if value.get("tasks").is_some_and(Value::is_array) {
        return Ok((String::new(), value));
    }
    let known = tags(value);
    let named = match tag {
        Some(tag) => tag.to_owned(),
        None if known.contains(&USUAL_TAG) => USUAL_TAG.to_owned(),
        None => match known.as_slice() {
            [one] => (*one).to_owned(),
            [] => return Err(ImportError::Missing("a list of tasks".to_owned())),
            several => {
                return Err(ImportError::Tags(
                    several.iter().map(|&one| one.to_owned()).collect(),
                ));
            }
        },
    };
    match value
        .get(&named)
        .filter(|_| known.contains(&named.as_str()))
    {
        Some(list) => Ok((named, list)),
        None => Err(ImportError::NoTag {
            name: named,
            known: known.join(", "),
        }),
    }
}

/// A task becomes a phase; its subtasks its steps. Without any it is its own step.
fn top(draft: &mut Draft, index: usize, task: &Value) -> Result<(), ImportError> {
    let object = object(task)?;
    let key = id(object).unwrap_or_else(|| (index + 1).to_string());
    let phase = key
        .parse()
        .unwrap_or_else(|_| u32::try_from(index + 1).unwrap_or(u32::MAX));
    let title = text(object, "title");
    draft
        .phases
        .push((phase, words::title(title), described(object)));
    let subtasks = object.get("subtasks").and_then(Value::as_array);
    let subtasks = subtasks.map_or(&[][..], Vec::as_slice);
    let needs = needs(object);
    if subtasks.is_empty() {
        draft.tasks.push(ForeignTask {
            place: 1,
            needs: expanded(draft, &needs),
            left_out: left_out(object),
            ..foreign(object, &key, phase)
        });
        return Ok(());
    }
    let siblings: Vec<String> = subtasks
        .iter()
        .enumerate()
        .map(|(place, sub)| {
            let own = sub.as_object().and_then(id);
            let own = own.unwrap_or_else(|| (place + 1).to_string());
            own.rsplit('.').next().unwrap_or(&own).to_owned()
        })
        .collect();
    for (place, (sub, own)) in subtasks.iter().zip(&siblings).enumerate() {
        let sub = self::object(sub)?;
        let mut own_needs = expanded(draft, &needs);
        for need in self::needs(sub) {
            let sibling = siblings.contains(&need) && !need.contains('.');
            own_needs.push(if sibling {
                format!("{key}.{need}")
            } else {
                need
            });
        }
        let step = ForeignTask {
            place: own
                .parse()
                .unwrap_or_else(|_| u32::try_from(place + 1).unwrap_or(u32::MAX)),
            needs: own_needs,
            left_out: left_out(object).or_else(|| left_out(sub)),
            ..foreign(sub, &format!("{key}.{own}"), phase)
        };
        draft.tasks.push(step);
    }
    Ok(())
}

/// Whoever depends on a task with subtasks depends on all of them.
fn expanded(draft: &Draft, needs: &[String]) -> Vec<String> {
    let mut all = Vec::new();
    for need in needs {
        let prefix = format!("{need}.");
        let subs: Vec<String> = draft
            .tasks
            .iter()
            .filter(|task| task.key.starts_with(&prefix))
            .map(|task| task.key.clone())
            .collect();
        if subs.is_empty() {
            all.push(need.clone());
        } else {
            all.extend(subs);
        }
    }
    all
}

fn foreign(object: &Map<String, Value>, key: &str, phase: u32) -> ForeignTask {
    let description = described(object);
    let strategy = text(object, "testStrategy");
    let mut whole = description.clone();
    if !strategy.is_empty() {
        whole = format!("{whole}\n\nHow it is tested: {strategy}");
    }
    ForeignTask {
        key: key.to_owned(),
        phase,
        title: words::title(text(object, "title")),
        outputs: words::paths(&description),
        description: whole,
        ..ForeignTask::default()
    }
}

/// Description, details, and everything that has no place of its own.
fn described(object: &Map<String, Value>) -> String {
    let mut parts: Vec<String> = ["description", "details"]
        .iter()
        .map(|key| text(object, key).to_owned())
        .filter(|part| !part.is_empty())
        .collect();
    let title = text(object, "title");
    if words::title(title) != title.trim() {
        parts.insert(0, title.trim().to_owned());
    }
    let rest: Vec<String> = object
        .iter()
        .filter(|(key, value)| !MAPPED.contains(&key.as_str()) && !value.is_null())
        .map(|(key, value)| match value.as_str() {
            Some(text) => format!("{key}: {text}"),
            None => format!("{key}: {value}"),
        })
        .collect();
    if !rest.is_empty() {
        parts.push(rest.join("\n"));
    }
    parts.join("\n\n")
}

fn object(value: &Value) -> Result<&Map<String, Value>, ImportError> {
    let missing = || ImportError::Missing("a task where there is something else".to_owned());
    value.as_object().ok_or_else(missing)
}

fn text<'a>(object: &'a Map<String, Value>, key: &str) -> &'a str {
    let text = object.get(key).and_then(Value::as_str);
    text.unwrap_or_default().trim()
}

fn id(object: &Map<String, Value>) -> Option<String> {
    written(object.get("id")?)
}

fn needs(object: &Map<String, Value>) -> Vec<String> {
    let list = object.get("dependencies").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(written).collect()
}

/// An id, whether it is written as a number or as a text.
fn written(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn left_out(object: &Map<String, Value>) -> Option<String> {
    match text(object, "status") {
        "done" | "completed" => Some("it is done".to_owned()),
        "cancelled" | "canceled" => Some("it was cancelled".to_owned()),
        "deferred" => Some("it was put off".to_owned()),
        _ => None,
    }
}
