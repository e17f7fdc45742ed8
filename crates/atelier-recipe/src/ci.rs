//! Pipelines: the steps of a project as a workflow of GitHub Actions or a pipeline of GitLab CI.

use atelier_model::{BuildStep, Digest, FileTree};

mod github;
mod gitlab;
mod job;
mod report;
mod toolchain;
mod yaml;

pub(crate) use toolchain::table;

/// Whether a file is as it was written here begins with this, and the digest of the rest follows.
const MARK: &str = "# Changed by hand unless what follows has the digest ";
/// The first line of what is written here.
const HEADER: &str = "# Written by `atelier ci generate`; `atelier ci check` tells when the steps \
                      of the project have changed.\n";

/// Whose pipelines a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Forge {
    /// GitHub Actions.
    Github,
    /// GitLab CI.
    Gitlab,
}

impl Forge {
    /// Each of them.
    pub const ALL: [Self; 2] = [Self::Github, Self::Gitlab];

    /// Its word, as in options and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Gitlab => "gitlab",
        }
    }

    /// The path of its file, from the root of the tree.
    pub fn path(self) -> &'static str {
        match self {
            Self::Github => ".github/workflows/check.yml",
            Self::Gitlab => ".gitlab-ci.yml",
        }
    }
}

/// Who a pipeline's file is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Authorship {
    /// It is as it was written here.
    Generated,
    /// It was written here, and changed since.
    Edited,
    /// It was never written here.
    Foreign,
}

impl Authorship {
    /// Its word, as in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Generated => "generated",
            Self::Edited => "edited",
            Self::Foreign => "foreign",
        }
    }

    /// Who the file with this text is from.
    pub fn of(text: &str) -> Self {
        let marked = text
            .strip_prefix(HEADER)
            .and_then(|rest| rest.strip_prefix(MARK))
            .and_then(|rest| rest.split_once('\n'));
        match marked {
            Some((digest, body)) if digest == Digest::of(body).to_string() => Self::Generated,
            Some(_) => Self::Edited,
            // A person may have changed the header only.
            None if text.contains(MARK) => Self::Edited,
            None => Self::Foreign,
        }
    }
}

/// The pipeline that executes these steps of this tree: the same steps always give the same bytes.
///
/// Steps that start the program for a person are left out. Nothing is written if no step is left.
pub fn pipeline(forge: Forge, steps: &[BuildStep], tree: &FileTree) -> Option<String> {
    let jobs = job::jobs(steps, tree);
    if jobs.is_empty() {
        return None;
    }
    let body = match forge {
        Forge::Github => github::workflow(&jobs),
        Forge::Gitlab => gitlab::pipeline(&jobs),
    }
    .to_text();
    Some(format!("{HEADER}{MARK}{}\n{body}", Digest::of(&body)))
}

#[cfg(test)]
mod tests;
