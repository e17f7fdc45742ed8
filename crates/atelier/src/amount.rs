//! Amounts as people write them: money, tokens, calls and time, absolute or as so much more.

use atelier_model::{Bound, BudgetChange, Resource};

use crate::{cli::LimitOptions, cli_error::CliError};

impl LimitOptions {
    fn text(&self, resource: Resource) -> Option<&str> {
        match resource {
            Resource::Usd => self.budget.as_deref(),
            Resource::Tokens => self.budget_tokens.as_deref(),
            Resource::Calls => self.budget_calls.as_deref(),
            Resource::Wall => self.budget_wall.as_deref(),
        }
    }

    /// Whether nothing is said.
    pub(crate) fn is_empty(&self) -> bool {
        Resource::ALL.iter().all(|one| self.text(*one).is_none())
    }

    /// What the configuration takes as its own: a limit that is not relative to another.
    pub(crate) fn absolute(&self, resource: Resource) -> Option<String> {
        let text = self.text(resource)?.trim();
        if text.starts_with('+') {
            return None;
        }
        match resource {
            Resource::Tokens => {
                let all = resource.amount(text);
                Some(all.map_or(text.to_owned(), |all| all.to_string()))
            }
            Resource::Usd | Resource::Calls | Resource::Wall => Some(text.to_owned()),
        }
    }

    /// What is changed of a budget.
    pub(crate) fn change(&self) -> Result<BudgetChange, CliError> {
        let bound = |resource: Resource| {
            let text = self.text(resource);
            text.map(|text| bound(resource, text)).transpose()
        };
        Ok(BudgetChange {
            usd: bound(Resource::Usd)?,
            tokens: bound(Resource::Tokens)?,
            calls: bound(Resource::Calls)?,
            wall_ms: bound(Resource::Wall)?,
        })
    }
}

/// A limit, or with `+` so much more.
fn bound(resource: Resource, text: &str) -> Result<Bound, CliError> {
    let flag = match resource {
        Resource::Usd => "--budget",
        Resource::Tokens => "--budget-tokens",
        Resource::Calls => "--budget-calls",
        Resource::Wall => "--budget-wall",
    };
    Bound::from_text(resource, text).ok_or_else(|| {
        let (text, such) = (text.trim(), resource.example());
        CliError::Usage(format!("read {flag} `{text}`: write it as {such}"))
    })
}
