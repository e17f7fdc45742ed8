//! What becomes of a step that was examined: its result is used again, or it is due.

use std::sync::Arc;

use atelier_step::{Explanation, Kept, StepIndex, explain};

use crate::{
    CheckError, Project,
    examine::{Examined, Inspector},
    execute::KeepError,
};

/// What an examination of a due step has shown.
pub(crate) enum Seen {
    Settled {
        examined: Arc<Examined>,
        restored: bool,
    },
    Due {
        examined: Arc<Examined>,
        why: Explanation,
    },
}

/// Uses a step's result again where it stands or can be restored, and says else why not.
pub(crate) fn settle(
    inspector: &Inspector,
    project: &Project,
    step: StepIndex,
    examined: Arc<Examined>,
    force: bool,
) -> Result<Seen, CheckError> {
    let mut now = Examined::clone(&examined);
    now.findings.forced = force;
    let mut kept = Kept::Good;
    if !force && let Some(record) = &examined.record {
        if examined.stands() {
            let restored = false;
            return Ok(Seen::Settled { examined, restored });
        }
        // A mark without what it stands for would say what is not so.
        if project.step(step).marks.is_empty() {
            match inspector.restore(record) {
                Ok(()) => {
                    let restored = true;
                    return Ok(Seen::Settled { examined, restored });
                }
                Err(KeepError::Restore(error)) if error.is_damage() => kept = Kept::Corrupt,
                Err(KeepError::Restore(error)) if error.is_miss() => kept = Kept::Evicted,
                Err(error) => {
                    return Err(CheckError::Keep {
                        step: project.graph.name(step).to_owned(),
                        source: error,
                    });
                }
            }
        }
    }
    let why = reason(inspector, project, step, &mut now, kept)?;
    let examined = Arc::new(now);
    Ok(Seen::Due { examined, why })
}

/// Why a step has to be executed; `kept` is what was found of its result when it was asked for.
pub(crate) fn reason(
    inspector: &Inspector,
    project: &Project,
    step: StepIndex,
    now: &mut Examined,
    kept: Kept,
) -> Result<Explanation, CheckError> {
    let previous = inspector.previous(step, now)?;
    if kept != Kept::Good {
        now.findings.kept = kept;
    }
    let producer = |path: &str| {
        let made_by = project.graph.producer(path)?;
        Some(project.graph.name(made_by).to_owned())
    };
    Ok(explain(
        previous.as_ref(),
        &now.descriptor,
        &now.findings,
        producer,
    ))
}
