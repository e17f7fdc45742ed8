//! Commits as objects: who made them, when, and on top of what.

use super::{
    Commit, Git, GitError, LIMITS, accept, command,
    plumbing::{Desk, Tool},
    run, unexpected,
};

/// Who commits where the user configured no identity.
const IDENTITY: (&str, &str) = ("Atelier", "atelier@localhost");
/// What git says of the beginning of time.
const EPOCH: &str = " 0 +0000";

impl Git {
    /// Commits a tree that is in the repository, on top of a commit that is there, too.
    pub(super) fn commit_tree(&self, tree: &str, commit: &Commit<'_>) -> Result<String, GitError> {
        let named: Vec<&str> = std::iter::once(tree).chain(commit.parent).collect();
        let facts = self.facts(&named)?;
        let mut ids = Vec::new();
        for ((name, fact), kind) in named.iter().zip(facts).zip(["tree", "commit"]) {
            let fact = fact.filter(|fact| fact.kind == kind);
            ids.push(fact.ok_or_else(|| no_object(name, kind))?.id);
        }
        let [tree, parents @ ..] = ids.as_slice() else {
            return Err(unexpected(Tool::Sizes.name()));
        };
        let parent = parents.first().map(String::as_str);
        self.commit_write(
            &Desk::new(self)?,
            tree,
            &Commit {
                parent,
                ..commit.clone()
            },
        )
    }

    /// Writes a commit of objects that are known to be there.
    pub(super) fn commit_write(
        &self,
        desk: &Desk<'_>,
        tree: &str,
        commit: &Commit<'_>,
    ) -> Result<String, GitError> {
        let text = self.commit_text(tree, commit)?;
        if text.chars().any(is_rewritten) {
            return self.commit_rewritten(tree, commit);
        }
        let ids = desk.write(Tool::Commits, std::iter::once(text.as_bytes()))?;
        let id = ids.into_iter().next();
        id.ok_or_else(|| unexpected(Tool::Commits.name()))
    }

    /// A commit as git writes it.
    fn commit_text(&self, tree: &str, commit: &Commit<'_>) -> Result<String, GitError> {
        let who = self.signature()?;
        let seconds = seconds(commit);
        let parent = commit.parent.map(|id| format!("parent {id}\n"));
        let parent = parent.unwrap_or_default();
        let message = &commit.message;
        Ok(format!(
            "tree {tree}\n{parent}author {who} {seconds} +0000\n\
             committer {who} {seconds} +0000\n\n{message}"
        ))
    }

    /// Lets git write a commit with characters that it replaces, or refuses.
    fn commit_rewritten(&self, tree: &str, commit: &Commit<'_>) -> Result<String, GitError> {
        let (name, address) = self.identity()?;
        let date = format!("@{} +0000", seconds(commit));
        let mut asked = command();
        asked
            .arg("--git-dir")
            .arg(&self.repository)
            .args(["commit-tree", "-F", "-"]);
        if let Some(parent) = commit.parent {
            asked.args(["-p", parent]);
        }
        asked.arg(tree);
        for role in ["AUTHOR", "COMMITTER"] {
            asked
                .env(format!("GIT_{role}_NAME"), &name)
                .env(format!("GIT_{role}_EMAIL"), &address)
                .env(format!("GIT_{role}_DATE"), &date);
        }
        let output = run(&mut asked, commit.message.as_bytes(), LIMITS)?;
        accept("commit-tree", output).map(|text| text.trim_end().to_owned())
    }

    /// Who commits, as `name <address>` without what git leaves out of names.
    fn signature(&self) -> Result<String, GitError> {
        if let Some(signature) = self.known.signature.get() {
            return Ok(signature.clone());
        }
        let (name, address) = self.identity()?;
        let mut asked = command();
        asked
            .arg("--git-dir")
            .arg(&self.repository)
            .args(["var", "GIT_AUTHOR_IDENT"])
            .env("GIT_AUTHOR_NAME", name)
            .env("GIT_AUTHOR_EMAIL", address)
            .env("GIT_AUTHOR_DATE", "@0 +0000");
        let said = accept("var", run(&mut asked, &[], LIMITS)?)?;
        let signature = said.trim_end_matches('\n').strip_suffix(EPOCH);
        let signature = signature.ok_or_else(|| unexpected("var"))?.to_owned();
        Ok(self.known.signature.get_or_init(|| signature).clone())
    }

    /// The user's configured name and address, or Atelier's own where either is missing.
    fn identity(&self) -> Result<(String, String), GitError> {
        if let Some(identity) = self.known.identity.get() {
            return Ok(identity.clone());
        }
        let configured = |key| {
            self.try_text(&["config", "--get", key])
                .map(|value| value.filter(|value| !value.trim().is_empty()))
        };
        let identity = match (configured("user.name")?, configured("user.email")?) {
            (Some(name), Some(address)) => (name, address),
            _ => (IDENTITY.0.to_owned(), IDENTITY.1.to_owned()),
        };
        Ok(self.known.identity.get_or_init(|| identity).clone())
    }
}

fn seconds(commit: &Commit<'_>) -> i64 {
    commit.at.millis().div_euclid(1000).max(0)
}

/// Whether git does not write a character as it is: it refuses the one that ends a text, and takes
/// those that Unicode assigns to nobody for damage.
fn is_rewritten(c: char) -> bool {
    let code = u32::from(c);
    code == 0 || (0xfdd0..=0xfdef).contains(&code) || code & 0xfffe == 0xfffe
}

/// What was named is not in the repository, or is something else.
pub(super) fn no_object(name: &str, kind: &str) -> GitError {
    GitError::Refused {
        operation: Tool::Sizes.name().to_owned(),
        message: format!("there is no {kind} `{name}`"),
    }
}
