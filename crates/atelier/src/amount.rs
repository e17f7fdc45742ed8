//! Amounts as people write them: money, tokens, calls and time, absolute or as so much more.

use atelier_model::{Bound, BudgetChange, MicroUsd, Resource};

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
            Resource::Tokens => Some(tokens(text).map_or(text.to_owned(), |all| all.to_string())),
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
    let text = text.trim();
    let (is_more, digits) = match text.strip_prefix('+') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let amount = match resource {
        Resource::Usd => digits.parse::<MicroUsd>().ok().map(|usd| usd.0),
        Resource::Tokens => tokens(digits),
        Resource::Calls => digits.parse().ok(),
        Resource::Wall => duration(digits),
    };
    let (flag, such) = match resource {
        Resource::Usd => ("--budget", "2, 0.25 or +1.00"),
        Resource::Tokens => ("--budget-tokens", "200000, 200k or +50k"),
        Resource::Calls => ("--budget-calls", "40 or +10"),
        Resource::Wall => ("--budget-wall", "30m, 1h30m or +10m"),
    };
    let amount = amount
        .ok_or_else(|| CliError::Usage(format!("read {flag} `{text}`: write it as {such}")))?;
    Ok(if is_more {
        Bound::More(amount)
    } else {
        Bound::At(amount)
    })
}

/// A number of tokens, such as `200000`, `200k` or `2M`.
fn tokens(text: &str) -> Option<u64> {
    let (digits, factor) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1_000),
        None => match text.strip_suffix('M') {
            Some(digits) => (digits, 1_000_000),
            None => (text, 1),
        },
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

/// Milliseconds of a time such as `30m`, `1h30m`, `45s` or `500ms`.
pub(crate) fn duration(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let (digits, tail) = rest.split_at(end);
        let end = tail.find(|c: char| c.is_ascii_digit());
        let (unit, tail) = tail.split_at(end.unwrap_or(tail.len()));
        let factor = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        let part = digits.parse::<u64>().ok()?.checked_mul(factor)?;
        total = total.checked_add(part)?;
        rest = tail;
    }
    Some(total)
}

#[cfg(test)]
mod tests;
