//! The answer to each stage.

use atelier_model::{Ask, Stage};

use crate::{ScaffoldError, facts, reply};

mod change;
mod code;
mod design;
mod docs;
mod handoff;
mod plan;
mod steps;
mod summary;

/// Answers an ask from its stage and its facts; the messages are not read.
pub fn answer(ask: &Ask) -> Result<String, ScaffoldError> {
    match ask.stage {
        Stage::Design => reply::artifact(&design::answer(&facts::read(ask)?)?),
        Stage::Plan => reply::artifact(&plan::answer(&facts::read(ask)?)?),
        Stage::Detail => reply::artifact(&steps::answer(&facts::read(ask)?)?),
        Stage::Handoff => reply::artifact(&handoff::answer(&facts::read(ask)?)?),
        Stage::Change => reply::artifact(&change::answer(&facts::read(ask)?)?),
        Stage::Summary => reply::artifact(&summary::answer(&facts::read(ask)?)),
        Stage::Code => code::answer(&facts::read(ask)?),
        Stage::Docs => reply::artifact(&docs::answer(&facts::read(ask)?)?),
    }
}
