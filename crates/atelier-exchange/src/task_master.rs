//! `tasks.json`: a list of tasks with subtasks, plain or under tags.

use std::collections::BTreeMap;

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
    let called = if name.is_empty() {
        project(&value).unwrap_or("tasks")
    } else {
        &name
    };
    draft.name = words::name(called);
    draft.summary = if about.is_empty() {
        format!("The tasks of the list {called}.")
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
    let list = List::of(tasks);
    for (index, task) in tasks.iter().enumerate() {
        top(&mut draft, &list, index, task)?;
    }
    draft.planned(Format::TaskMaster)
}

/// The project that the file says it is of.
fn project(value: &Value) -> Option<&str> {
    let about = value.get("metadata").or(value.get("meta"))?;
    about.get("projectName")?.as_str()
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

/// What is known of all tasks before one is read: a task may need one that stands after it.
struct List {
    /// The tasks that have subtasks, with the names of these.
    subtasks: BTreeMap<String, Vec<String>>,
    /// Whether the tasks are numbered, so that their phases can have their numbers.
    numbered: bool,
}

impl List {
    fn of(tasks: &[Value]) -> Self {
        let objects = || tasks.iter().filter_map(Value::as_object).enumerate();
        let subtasks = objects().map(|(index, task)| {
            let key = key(task, index);
            let names = siblings(subtasks(task));
            let whole = |own: String| format!("{key}.{own}");
            (key.clone(), names.into_iter().map(whole).collect())
        });
        Self {
            subtasks: subtasks.collect(),
            numbered: objects().all(|(index, task)| key(task, index).parse::<u32>().is_ok()),
        }
    }

    /// Whoever depends on a task with subtasks depends on all of them.
    fn expanded(&self, need: String) -> Vec<String> {
        match self.subtasks.get(&need) {
            Some(names) if !names.is_empty() => names.clone(),
            Some(_) | None => vec![need],
        }
    }
}

fn key(task: &Map<String, Value>, index: usize) -> String {
    id(task).unwrap_or_else(|| (index + 1).to_string())
}

fn subtasks(task: &Map<String, Value>) -> &[Value] {
    let subtasks = task.get("subtasks").and_then(Value::as_array);
    subtasks.map_or(&[][..], Vec::as_slice)
}

/// The names of subtasks below their task: `2`, also where they say `1.2`.
fn siblings(subtasks: &[Value]) -> Vec<String> {
    let name = |(place, sub): (usize, &Value)| {
        let own = sub.as_object().and_then(id);
        let own = own.unwrap_or_else(|| (place + 1).to_string());
        own.rsplit('.').next().unwrap_or(&own).to_owned()
    };
    subtasks.iter().enumerate().map(name).collect()
}

/// A task becomes a phase; its subtasks its steps. Without any it is its own step.
fn top(draft: &mut Draft, list: &List, index: usize, task: &Value) -> Result<(), ImportError> {
    let object = object(task)?;
    let key = key(object, index);
    let place = u32::try_from(index + 1).unwrap_or(u32::MAX);
    let phase = key.parse().ok().filter(|_| list.numbered).unwrap_or(place);
    draft
        .phases
        .push((phase, words::title(titled(object)), described(object)));
    let subtasks = subtasks(object);
    let needs: Vec<String> = needs(object)
        .into_iter()
        .flat_map(|need| list.expanded(need))
        .collect();
    if subtasks.is_empty() {
        draft.tasks.push(ForeignTask {
            place: 1,
            needs,
            left_out: left_out(object),
            ..foreign(object, &key, phase)
        });
        return Ok(());
    }
    let siblings = siblings(subtasks);
    for (place, (sub, own)) in subtasks.iter().zip(&siblings).enumerate() {
        let sub = self::object(sub)?;
        let mut own_needs = needs.clone();
        for need in self::needs(sub) {
            if siblings.contains(&need) {
                own_needs.push(format!("{key}.{need}"));
            } else if need != key {
                own_needs.extend(list.expanded(need));
            }
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
        title: words::title(titled(object)),
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

/// Its title, or what it says first where it has none.
fn titled(object: &Map<String, Value>) -> &str {
    let title = text(object, "title");
    if title.is_empty() {
        text(object, "description")
    } else {
        title
    }
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
    match text(object, "status").to_lowercase().as_str() {
        "done" | "completed" => Some("it is done".to_owned()),
        "cancelled" | "canceled" => Some("it was cancelled".to_owned()),
        "deferred" => Some("it was put off".to_owned()),
        _ => None,
    }
}
