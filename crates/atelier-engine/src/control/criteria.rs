//! Criteria of a task that a person adds or takes away.

use atelier_model::{Acceptance, Check, Expect, Task};

/// There is no such criterion.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("find a criterion `{id}`; there are: {}", .known.join(", "))]
pub struct NoCriterion {
    /// What was named.
    pub id: String,
    /// Those there are.
    pub known: Vec<String>,
}

/// The acceptance of a task without these criteria and with these commands; nothing where that is
/// no change.
pub fn acceptance_changed(
    task: &Task,
    dropped: &[String],
    commands: Vec<Vec<String>>,
) -> Result<Option<Vec<Acceptance>>, NoCriterion> {
    let mut acceptance = task.acceptance.clone();
    for id in dropped {
        let before = acceptance.len();
        acceptance.retain(|one| one.id != *id);
        if acceptance.len() == before {
            return Err(NoCriterion {
                id: id.clone(),
                known: task.acceptance.iter().map(|one| one.id.clone()).collect(),
            });
        }
    }
    for argv in commands {
        acceptance.push(Acceptance {
            id: fresh_id(&acceptance),
            text: format!("`{}` succeeds", argv.join(" ")),
            requirements: task.requirements.clone(),
            check: Check::Command { argv, cwd: None },
            expect: Expect::default(),
            timeout_seconds: None,
            must_fail_before: false,
        });
    }
    Ok((acceptance != task.acceptance).then_some(acceptance))
}

/// The first of `A1`, `A2`, … that no criterion has.
fn fresh_id(acceptance: &[Acceptance]) -> String {
    let taken = |id: &String| acceptance.iter().any(|one| one.id == *id);
    let mut ids = (1..=acceptance.len() + 1).map(|number| format!("A{number}"));
    ids.find(|id| !taken(id)).unwrap_or_else(|| "A".to_owned())
}
