//! What JSON values say about files.

use super::value::Json;
use crate::change::{Change, Hints};

/// One thing that a value says.
#[derive(Debug)]
pub(super) enum Item {
    /// A file changes.
    Change(String, Change),
    /// A path and a content, and nothing that says that one is to be written into the other.
    Data(String, Change),
    /// A file gets another path.
    Move(String, String),
    /// A patch as it is given to a command.
    Patch(String),
    /// An edit of a file that cannot be carried out: what is wrong, and what to do about it.
    Fault(Option<String>, &'static str, &'static str),
    /// Nothing.
    Other,
}

/// Everything that some values say.
pub(super) fn items(values: &[Json]) -> Vec<Item> {
    values
        .iter()
        .flat_map(|value| match value {
            Json::List(values) => list(values, None, false),
            Json::Object(entries) => object(entries, None),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) => vec![Item::Other],
        })
        .collect()
}

/// The items of a list. One that is no edit is refused where others are, or where all of them
/// `must` be.
fn list(values: &[Json], path: Option<&str>, must: bool) -> Vec<Item> {
    let mut items: Vec<Item> = values
        .iter()
        .flat_map(|value| match value {
            Json::Object(entries) => object(entries, path),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => {
                vec![Item::Other]
            }
        })
        .collect();
    let any = items.iter().any(|item| !matches!(item, Item::Other));
    if any || must {
        for item in &mut items {
            if matches!(item, Item::Other) {
                *item = Item::Fault(
                    path.map(str::to_owned),
                    "an entry of its list is no edit",
                    "give each entry a path and what changes: old and new, content, or an action",
                );
            }
        }
    }
    items
}

/// What a key of an object is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Path,
    Old,
    New,
    Content,
    Action,
    /// Whether the file is removed.
    Delete,
    To,
    Line,
    /// The last line of a range.
    EndLine,
    Everywhere,
    Edits,
    Patch,
    /// Words for people.
    Remark,
    Unknown,
}

fn key(name: &str) -> Key {
    let plain: String = name
        .chars()
        .filter(|c| !matches!(c, '_' | '-' | ' '))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    match plain.as_str() {
        "path" | "file" | "filepath" | "oldpath" | "filename" | "targetfile" => Key::Path,
        "old" | "oldstring" | "oldtext" | "oldstr" | "oldcontent" | "oldcode" | "search"
        | "find" | "from" => Key::Old,
        "new" | "newstring" | "newtext" | "newstr" | "newcontent" | "newcode" | "replace"
        | "replacement" => Key::New,
        "content" | "contents" | "filetext" => Key::Content,
        "type" | "action" | "op" | "operation" | "command" | "kind" => Key::Action,
        "delete" | "remove" => Key::Delete,
        "to" | "newpath" | "topath" | "moveto" | "renameto" | "destination" | "newname" => Key::To,
        "line" | "startline" | "linenumber" => Key::Line,
        "endline" => Key::EndLine,
        "replaceall" => Key::Everywhere,
        "edits" | "changes" | "files" => Key::Edits,
        "patch" | "input" | "cmd" => Key::Patch,
        "description" | "explanation" | "reason" | "why" | "title" | "comment" | "summary"
        | "id" | "language" | "note" | "notes" | "number" | "step" | "thought" | "rationale" => {
            Key::Remark
        }
        _ => Key::Unknown,
    }
}

/// What is done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Create,
    Write,
    Change,
    Delete,
    Move,
    /// Something that is done to files, but cannot be done here.
    Foreign,
    /// A word that says nothing known.
    Unknown,
}

/// Parts of the names of actions that concern something within a file, or more than its content.
const FOREIGN: [&str; 16] = [
    "append", "prepend", "insert", "after", "before", "chmod", "mode", "copy", "symlink", "link",
    "line", "lines", "range", "all", "regex", "undo",
];

/// What a word says; `None` where it says no more than that there is a file.
fn action(word: &str) -> Option<Action> {
    let word = word.to_ascii_lowercase().replace(['-', ' '], "_");
    match word.as_str() {
        "create" | "add" | "new" | "create_file" | "add_file" => Some(Action::Create),
        "write" | "overwrite" | "write_file" | "rewrite" => Some(Action::Write),
        "update" | "modify" | "edit" | "change" | "replace" | "str_replace" | "search_replace"
        | "update_file" => Some(Action::Change),
        "delete" | "remove" | "delete_file" | "remove_file" => Some(Action::Delete),
        "rename" | "move" | "rename_file" | "move_file" => Some(Action::Move),
        "" | "file" => None,
        _ if is_foreign(&word) => Some(Action::Foreign),
        _ => Some(Action::Unknown),
    }
}

fn is_foreign(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    word.split(|c: char| !c.is_alphanumeric())
        .any(|part| FOREIGN.contains(&part))
}

/// The parts of an object that matter.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each tells of keys that were or were not there, in any combination"
)]
#[derive(Debug, Default)]
struct Parts<'a> {
    path: Option<&'a str>,
    old: Option<&'a str>,
    new: Option<&'a str>,
    content: Option<&'a str>,
    action: Option<Action>,
    to: Option<&'a str>,
    line: Option<usize>,
    /// Whether lines are named by their numbers.
    numbered: bool,
    edits: Option<&'a Json>,
    patch: Option<String>,
    /// Something that changes the meaning and is not understood.
    strange: bool,
    everywhere: bool,
    twice: bool,
}

impl<'a> Parts<'a> {
    fn of(entries: &'a [(String, Json)]) -> Self {
        let mut parts = Self::default();
        for (name, value) in entries {
            parts.take(key(name), value);
        }
        parts
    }

    fn take(&mut self, key: Key, value: &'a Json) {
        let text = match value {
            Json::Text(text) => Some(text.as_str()),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::List(_) | Json::Object(_) => None,
        };
        let slot = match key {
            Key::Path => &mut self.path,
            Key::Old => &mut self.old,
            Key::New => &mut self.new,
            Key::Content => &mut self.content,
            Key::To => &mut self.to,
            Key::Action => {
                self.act(value);
                return;
            }
            Key::Line => {
                if let Json::Number(line) = value {
                    self.line = *line;
                }
                self.numbered |= *value != Json::Null;
                return;
            }
            Key::EndLine => {
                self.numbered |= *value != Json::Null;
                return;
            }
            Key::Delete => {
                self.delete(value);
                return;
            }
            Key::Everywhere => {
                self.everywhere = *value != Json::Bool(false);
                return;
            }
            Key::Edits => {
                self.edits = Some(value);
                return;
            }
            Key::Patch => {
                self.patch = patch(value);
                self.strange |= self.patch.is_none();
                return;
            }
            Key::Remark => return,
            Key::Unknown => {
                self.strange = true;
                return;
            }
        };
        if *value == Json::Null {
            return;
        }
        self.twice |= slot.is_some();
        self.strange |= text.is_none();
        *slot = text.or(*slot);
    }

    fn act(&mut self, value: &Json) {
        if let Some(patch) = patch(value) {
            self.patch = Some(patch);
            return;
        }
        match value {
            Json::Null => {}
            Json::Text(word) => self.set(action(word)),
            Json::Bool(_) | Json::Number(_) | Json::List(_) | Json::Object(_) => {
                self.set(Some(Action::Unknown));
            }
        }
    }

    fn delete(&mut self, value: &Json) {
        match value {
            Json::Bool(true) => self.set(Some(Action::Delete)),
            Json::Null | Json::Bool(false) => {}
            Json::Number(_) | Json::Text(_) | Json::List(_) | Json::Object(_) => {
                self.set(Some(Action::Foreign));
            }
        }
    }

    fn set(&mut self, action: Option<Action>) {
        self.twice |= self.action.is_some() && action.is_some() && self.action != action;
        self.action = action.or(self.action);
    }

    /// Whether an object that holds a list of edits says something of its own as well.
    fn acts_beside_edits(&self, any: bool) -> bool {
        let acts = match self.action {
            None | Some(Action::Write | Action::Change) => false,
            Some(Action::Create | Action::Unknown) => self.path.is_some(),
            Some(Action::Delete | Action::Move | Action::Foreign) => true,
        };
        let changes = self.old.is_some() || self.new.is_some() || self.content.is_some();
        changes && self.path.is_some() || any && (acts || self.to.is_some())
    }

    /// Whether the object is an edit at all.
    fn is_edit(&self) -> bool {
        let acts = matches!(
            self.action,
            Some(Action::Delete | Action::Move | Action::Foreign)
        );
        let changes = self.old.is_some() || self.new.is_some() || self.content.is_some();
        self.path.is_some() && (acts || changes || self.to.is_some())
    }
}

/// The patch in what is given to a command: a text, or a list of words.
fn patch(value: &Json) -> Option<String> {
    let text = match value {
        Json::Text(text) => text,
        Json::List(words) => match words.last() {
            Some(Json::Text(text)) => text,
            Some(
                Json::Null | Json::Bool(_) | Json::Number(_) | Json::List(_) | Json::Object(_),
            )
            | None => return None,
        },
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) => return None,
    };
    text.contains("*** Begin Patch").then(|| text.clone())
}

fn object(entries: &[(String, Json)], path: Option<&str>) -> Vec<Item> {
    let parts = Parts::of(entries);
    if let Some(patch) = &parts.patch {
        let cwd = |name: &String| matches!(name.as_str(), "cwd" | "workdir" | "working_directory");
        let elsewhere = entries.iter().any(|(name, value)| {
            cwd(name)
                && !matches!(value, Json::Text(text) if matches!(text.as_str(), "" | "." | "./"))
        });
        if elsewhere {
            return vec![Item::Fault(
                None,
                "its patch is for another folder",
                "send paths relative to the project's root",
            )];
        }
        return vec![Item::Patch(patch.clone())];
    }
    if let Some(edits) = parts.edits {
        let path = parts.path.or(path);
        let items = match edits {
            Json::List(values) => list(values, path, false),
            Json::Object(entries) => object(entries, path),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) => vec![Item::Other],
        };
        let any = items.iter().any(|item| !matches!(item, Item::Other));
        return if parts.acts_beside_edits(any) {
            vec![unclear(path)]
        } else {
            items
        };
    }
    let parts = match (parts.action, parts.path, parts.old) {
        // A move may say where from and where to, and not name its file otherwise.
        (Some(Action::Move), None, Some(from)) => Parts {
            path: Some(from),
            old: None,
            ..parts
        },
        _ => Parts {
            path: parts.path.or(path),
            ..parts
        },
    };
    if !parts.is_edit() {
        return call(entries).unwrap_or_else(|| vec![Item::Other]);
    }
    vec![edit(&parts)]
}

/// The arguments of a call that is written down as JSON.
fn call(entries: &[(String, Json)]) -> Option<Vec<Item>> {
    let named = |name: &str| matches!(name, "arguments" | "args" | "parameters");
    let (_, value) = entries.iter().find(|(name, _)| named(name))?;
    let foreign = entries.iter().any(|(name, value)| {
        matches!(name.as_str(), "name" | "function" | "tool" | "tool_name")
            && matches!(value, Json::Text(name) if is_foreign(name))
    });
    match value {
        Json::Object(inner) => {
            let mut items = object(inner, None);
            for item in &mut items {
                if let (true, Item::Change(path, _) | Item::Data(path, _)) = (foreign, &*item) {
                    *item = not_done(path);
                }
            }
            Some(items)
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => None,
    }
}

fn not_done(path: &str) -> Item {
    Item::Fault(
        Some(path.to_owned()),
        "its action is not known",
        "to add lines, give as `old` a line beside them and as `new` that line and them; \
         otherwise use the action create, write, delete, or rename with `to`",
    )
}

fn unclear(path: Option<&str>) -> Item {
    Item::Fault(
        path.map(str::to_owned),
        "it cannot be told what it changes",
        "give either `path`, `old` and `new`, or `path` and `content`, or `path` and an action \
         such as delete, or rename with `to`",
    )
}

fn edit(parts: &Parts<'_>) -> Item {
    let Some(path) = parts.path else {
        return Item::Other;
    };
    let fault = |said, mend| Item::Fault(Some(path.to_owned()), said, mend);
    if parts.twice {
        return fault(
            "it says something twice",
            "write an object of its own for each change",
        );
    }
    if parts.everywhere {
        return fault(
            "it replaces every place at once",
            "write one edit for each place, with enough lines to find it",
        );
    }
    if parts.strange {
        return fault(
            "it has a key or a value that is not understood",
            "use only `path`, `old`, `new`, `content`, `action` and `to`, with texts as values",
        );
    }
    if matches!(parts.action, Some(Action::Foreign | Action::Unknown)) {
        return not_done(path);
    }
    if parts.numbered && parts.old.is_none() {
        return fault(
            "it names lines by their numbers",
            "give the lines themselves as `old` and what comes in their place as `new`; leave out \
             the numbers where the whole file is meant",
        );
    }
    let change = match (parts.action, parts.old, parts.new, parts.content, parts.to) {
        (Some(Action::Delete), None, None, None, None) => Change::Delete { holding: None },
        (Some(Action::Move) | None, None, None, None, Some(to)) => {
            return Item::Move(path.to_owned(), to.to_owned());
        }
        (None | Some(Action::Change), Some(old), Some(new), None, None) => Change::Replace {
            search: lines(old),
            replace: lines(new),
            otherwise: Vec::new(),
            hints: Hints {
                line: parts.line.filter(|line| *line > 0),
                inline: !old.ends_with('\n') && !new.ends_with('\n'),
                ..Hints::default()
            },
        },
        (Some(Action::Create), None, None, Some(content), None)
        | (Some(Action::Create), None | Some(""), Some(content), None, None) => Change::Create {
            content: content.to_owned(),
        },
        (
            action @ (None | Some(Action::Write | Action::Change)),
            None,
            None,
            Some(content),
            None,
        ) => {
            let content = content.to_owned();
            let change = Change::Write { content };
            return match action {
                Some(_) => Item::Change(path.to_owned(), change),
                None => Item::Data(path.to_owned(), change),
            };
        }
        _ => return unclear(Some(path)),
    };
    Item::Change(path.to_owned(), change)
}

/// A text as whole lines.
fn lines(text: &str) -> String {
    let mut lines = text.replace("\r\n", "\n");
    if !lines.is_empty() && !lines.ends_with('\n') {
        lines.push('\n');
    }
    lines
}
