//! The plan: two phases for a skeleton, one for a list of proposals.

use atelier_model::{BasicPlan, PhaseOutline};

use crate::{ScaffoldError, facts::PlanFacts, layout::Layout, stages::design};

/// Plans the phases.
pub(crate) fn answer(facts: &PlanFacts) -> Result<BasicPlan, ScaffoldError> {
    let layout = Layout::designed(&facts.requirement, &facts.files, &facts.design)?;
    Ok(if layout.pack.is_some() {
        skeleton(&layout)
    } else {
        proposals_only(&layout)
    })
}

fn skeleton(layout: &Layout) -> BasicPlan {
    BasicPlan {
        summary: "First a skeleton that builds and passes its tests, then what a project needs around its sources. Features \
                  follow when a model is connected."
            .to_owned(),
        phases: vec![
            PhaseOutline {
                number: 1,
                title: "Skeleton".to_owned(),
                description: format!(
                    "Manifest, sources and tests of a {} in {}: it builds, runs and passes its tests.",
                    layout.request.kind.noun(),
                    layout.request.language.name()
                ),
                requirements: ["R1", "R2", "R3"].map(str::to_owned).to_vec(),
                depends_on: Vec::new(),
            },
            PhaseOutline {
                number: 2,
                title: "Project hygiene".to_owned(),
                description: "README, licence, continuous integration, and the requested features as proposals.".to_owned(),
                requirements: vec!["R4".to_owned(), design::RECORDED.to_owned()],
                depends_on: vec![1],
            },
        ],
    }
}

fn proposals_only(layout: &Layout) -> BasicPlan {
    BasicPlan {
        summary: "The project has sources already and no model is connected: the features are recorded, nothing else changes."
            .to_owned(),
        phases: vec![PhaseOutline {
            number: 1,
            title: "Proposals".to_owned(),
            description: format!("{} holds every requested feature.", layout.proposals),
            requirements: vec!["R1".to_owned()],
            depends_on: Vec::new(),
        }],
    }
}
