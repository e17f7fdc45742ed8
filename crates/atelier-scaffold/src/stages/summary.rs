//! The summary: what the text's own words say at once, and that nobody understood it.

use atelier_model::Summary;

use crate::facts::SummaryFacts;

/// Hands on the extract, which says what it is.
pub(crate) fn answer(facts: &SummaryFacts) -> Summary {
    let extract = facts.extract.clone();
    Summary {
        goal: format!(
            "An extract of {}, made without a model: {}",
            facts.name, extract.goal
        ),
        ..extract
    }
}
