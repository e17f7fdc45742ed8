//! Every step of the plan becomes a task.

use atelier_model::{DevPlan, RunId, Step, Task, TaskId, TaskSource, TaskState};

/// The tasks of a plan, in the order of its steps.
pub fn tasks(run: &RunId, plan: &DevPlan) -> Vec<Task> {
    plan.steps()
        .map(|step| step_task(run, step, TaskSource::Plan))
        .collect()
}

/// The task of one step. Its id is `t` and the step's number.
pub fn step_task(run: &RunId, step: &Step, source: TaskSource) -> Task {
    let id = |number: &str| TaskId::from_text(format!("t{number}"));
    let acceptance = step.acceptance.iter().map(|acceptance| {
        let mut acceptance = acceptance.clone();
        if acceptance.requirements.is_empty() {
            acceptance.requirements.clone_from(&step.requirements);
        }
        acceptance
    });
    Task {
        id: id(&step.number),
        run: run.clone(),
        step: Some(step.number.clone()),
        title: step.title.clone(),
        description: step.description.clone(),
        why: step.why.clone(),
        requirements: step.requirements.clone(),
        depends_on: step.depends_on.iter().map(|number| id(number)).collect(),
        inputs: step.inputs.clone(),
        outputs: step.outputs.clone(),
        owns: step.owns.clone(),
        protected: step.protected.clone(),
        acceptance: acceptance.collect(),
        context: step.context.clone(),
        priority: 0,
        source,
        agent: None,
        attempts: 0,
        round_first: 1,
        state: TaskState::Pending,
        commit: None,
    }
}

/// The step that a task is, also where no plan has it.
pub fn task_step(task: &Task) -> Step {
    let numbers = task
        .depends_on
        .iter()
        .map(|id| id.as_str().trim_start_matches('t').to_owned());
    Step {
        number: task.step.clone().unwrap_or_else(|| task.id.to_string()),
        title: task.title.clone(),
        description: task.description.clone(),
        why: task.why.clone(),
        requirements: task.requirements.clone(),
        depends_on: numbers.collect(),
        inputs: task.inputs.clone(),
        outputs: task.outputs.clone(),
        owns: task.owns.clone(),
        protected: task.protected.clone(),
        acceptance: task.acceptance.clone(),
        context: task.context.clone(),
    }
}
