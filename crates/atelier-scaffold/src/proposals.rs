//! `PROPOSED-TASKS.md`: the features that need a model, in the user's words.

/// Characters of a proposal's title.
const TITLE_CHARS_MAX: usize = 70;

/// How many numbered names are tried before the last one is taken.
const NAMES_MAX: u32 = 999;

/// The first name of the file that no file of the project has.
pub(crate) fn free_path(files: &[String]) -> String {
    let taken = |path: &str| files.iter().any(|file| file.eq_ignore_ascii_case(path));
    std::iter::once("PROPOSED-TASKS.md".to_owned())
        .chain((2..NAMES_MAX).map(|number| format!("PROPOSED-TASKS-{number}.md")))
        .find(|path| !taken(path))
        .unwrap_or_else(|| format!("PROPOSED-TASKS-{NAMES_MAX}.md"))
}

/// Whether a path is one that [`free_path`] may return.
pub(crate) fn is_path(path: &str) -> bool {
    let middle = path
        .strip_prefix("PROPOSED-TASKS")
        .and_then(|rest| rest.strip_suffix(".md"));
    middle.is_some_and(|number| {
        number.is_empty()
            || number
                .strip_prefix('-')
                .is_some_and(|digits| digits.parse::<u32>().is_ok())
    })
}

/// A feature's first words.
pub(crate) fn title(feature: &str) -> String {
    let plain: String = feature
        .chars()
        .filter(|c| !matches!(c, '<' | '>' | '|'))
        .collect();
    let plain = plain.trim_end_matches(['.', '。', ';', '；', ',']).trim();
    match plain.char_indices().nth(TITLE_CHARS_MAX) {
        None => plain.to_owned(),
        Some((end, _)) => {
            let head = &plain[..end];
            let whole = head.rsplit_once(' ').map_or(head, |(whole, _)| whole);
            format!("{whole}…")
        }
    }
}

/// The whole file, as it stands at a path.
pub(crate) fn render(path: &str, features: &[String], requirement: &str) -> String {
    let mut text = INTRODUCTION.replace("< PROPOSED-TASKS.md", &format!("< {path}"));
    if features.is_empty() {
        text.push_str("\nThe requirement asks for nothing beyond a skeleton.\n");
    }
    for (index, feature) in features.iter().enumerate() {
        text.push_str(&proposal(index + 1, feature));
    }
    text.push_str("\n## The requirement, word for word\n\n");
    for line in requirement.lines() {
        let visible = crate::request::visible(line);
        let quoted = format!("> {}", visible.trim_end());
        text.push_str(quoted.trim_end());
        text.push('\n');
    }
    text
}

const INTRODUCTION: &str = "# Proposed tasks

Atelier worked without a model here, so none of the features below is written yet.
Each stands in the words of the requirement, with a suggestion of how to prove it.

To have them written, connect a model: set `OPENAI_API_KEY` or `ANTHROPIC_API_KEY`, or name a local server in \
`atelier.toml`; `atelier doctor` shows what it finds.
Then run `atelier build - < PROPOSED-TASKS.md` for all of them, or the command under one of them.
";

fn proposal(number: usize, feature: &str) -> String {
    format!(
        "\n## {number}. {title}\n\n> {feature}\n\n\
         - Accept when: a new test shows this behaviour; it fails without the feature and passes with it, and \
         all earlier tests still pass.\n\
         - Run: `atelier build \"{command}\"`\n",
        title = title(feature),
        command = command(feature),
    )
}

/// A feature as an argument between double quotes of a shell.
fn command(feature: &str) -> String {
    let kept: String = feature
        .chars()
        .filter(|c| !matches!(c, '"' | '`' | '$' | '\\' | '!'))
        .collect();
    kept.trim().to_owned()
}
