//! The words a pack's templates are filled with.

use crate::request::Request;

/// What stands behind each placeholder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    /// The name in kebab-case.
    pub name: String,
    /// The name as an identifier.
    pub module: String,
    /// The name as one word.
    pub package: String,
    /// The name as a title.
    pub title: String,
    /// One line that says what the project is for.
    pub summary: String,
    /// The features as a Markdown list.
    pub tasks: String,
}

impl Words {
    /// The words of a request.
    pub(crate) fn of(request: &Request) -> Self {
        let title = title(&request.name);
        let summary = request.summary.clone().unwrap_or_else(|| {
            let (noun, language) = (request.kind.noun(), request.language.name());
            format!("{title}: a {noun} in {language}")
        });
        Self {
            module: request.name.replace('-', "_"),
            package: request.name.replace('-', ""),
            tasks: tasks(&request.features),
            name: request.name.clone(),
            title,
            summary,
        }
    }

    /// Replaces every known placeholder of a template once; what is not known stays as it is.
    pub(crate) fn fill(&self, template: &str) -> String {
        let mut filled = String::with_capacity(template.len());
        let mut rest = template;
        while let Some(at) = rest.find("{{") {
            let (before, from) = rest.split_at(at);
            filled.push_str(before);
            let key = from[2..].split_once("}}").map(|(key, _)| key);
            if let Some((key, value)) = key.and_then(|key| Some((key, self.value(key)?))) {
                filled.push_str(&value);
                rest = &from[key.len() + 4..];
            } else {
                filled.push_str("{{");
                rest = &from[2..];
            }
        }
        filled.push_str(rest);
        filled
    }

    fn value(&self, key: &str) -> Option<String> {
        Some(match key {
            "name" => self.name.clone(),
            "module" => self.module.clone(),
            "package" => self.package.clone(),
            "title" => self.title.clone(),
            "summary" => self.summary.clone(),
            "summary_string" => string(&self.summary),
            "summary_html" => html(&self.summary),
            "tasks" => self.tasks.clone(),
            _ => return None,
        })
    }
}

/// A text as a string literal that JSON, TOML, Python, JavaScript, Go and Rust all read alike.
fn string(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn title(name: &str) -> String {
    let spaced = name.replace('-', " ");
    let mut chars = spaced.chars();
    chars.next().map_or_else(String::new, |first| {
        format!("{}{}", first.to_uppercase(), chars.as_str())
    })
}

/// The features as a list, each on its line.
fn tasks(features: &[String]) -> String {
    if features.is_empty() {
        return "The requirement asks for nothing beyond this skeleton.".to_owned();
    }
    features
        .iter()
        .map(|feature| format!("- {}", crate::proposals::title(feature)))
        .collect::<Vec<_>>()
        .join("\n")
}
