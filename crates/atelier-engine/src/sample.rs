//! A task and a plan as small as they can be, for tests to fill in.

use atelier_model::{
    ContextHints, Design, DevPlan, RunId, Task, TaskId, TaskSource, TaskState, TechnologyStack,
};

/// Task `t1.1` of run `RUN`, pending, that does nothing.
pub(crate) fn task() -> Task {
    Task {
        id: TaskId::from_text("t1.1"),
        run: RunId::from_text("RUN"),
        step: Some("1.1".to_owned()),
        title: String::new(),
        description: String::new(),
        why: String::new(),
        requirements: Vec::new(),
        depends_on: Vec::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        owns: Vec::new(),
        protected: Vec::new(),
        acceptance: Vec::new(),
        context: ContextHints::default(),
        priority: 0,
        source: TaskSource::Plan,
        agent: None,
        attempts: 0,
        round_first: 1,
        state: TaskState::Pending,
        commit: None,
    }
}

/// A plan without phases.
pub(crate) fn plan() -> DevPlan {
    let design = Design {
        name: "demo".to_owned(),
        summary: String::new(),
        objectives: Vec::new(),
        requirements: Vec::new(),
        technology_stack: TechnologyStack {
            language: "Rust".to_owned(),
            kind: "library".to_owned(),
            frameworks: Vec::new(),
            testing: String::new(),
        },
        architecture_overview: String::new(),
        components: Vec::new(),
        dependencies: Vec::new(),
        challenges: Vec::new(),
    };
    DevPlan {
        design,
        summary: String::new(),
        phases: Vec::new(),
    }
}

/// Texts as the model types hold them.
pub(crate) fn list(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}
