//! Where a run stands, as documents for programs, be they at a terminal or behind a server.

use atelier_model::{Budget, Event, Resource, Run, Stage, TaskId, TaskState, Timestamp, Used};
use atelier_store::{Store, StoreError};
use serde_json::{Value, json};

use crate::forecast;

/// Tasks whose own budgets are told.
const TASK_BUDGETS_MAX: u32 = 20;
/// Where tasks stand that use something at the moment.
const UNDER_WAY: [TaskState; 3] = [TaskState::Running, TaskState::Verifying, TaskState::Merging];

/// What stages and tasks may use up as it is configured.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConfiguredBudgets {
    /// By stage.
    pub stages: Vec<(Stage, Budget)>,
    /// Each task that has no other.
    pub task: Budget,
}

/// One budget, and what is used of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetUse {
    /// Whose it is: `run`, `stage` or `task`.
    pub scope: &'static str,
    /// Which stage or task.
    pub subject: String,
    /// What may be used.
    pub budget: Budget,
    /// What is used.
    pub used: Used,
}

impl BudgetUse {
    /// One document for each resource that is bounded.
    fn documents(&self) -> impl Iterator<Item = Value> {
        Resource::ALL.into_iter().filter_map(|resource| {
            let limit = self.budget.limit(resource)?;
            Some(json!({
                "v": 1, "type": "budget", "scope": self.scope, "subject": self.subject,
                "resource": resource, "used": self.used.of(resource), "budget": limit,
            }))
        })
    }
}

/// A run with its budgets, tasks and questions, each as one document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overview {
    /// The run.
    pub run: Value,
    /// Its budgets, those of stages, and those of tasks under way.
    pub budgets: Vec<Value>,
    /// What it will have used when it is done, once that can be told.
    pub forecast: Option<Value>,
    /// Its tasks, in the order in which they were added.
    pub tasks: Vec<Value>,
    /// What waits for a person.
    pub questions: Vec<Value>,
}

impl Overview {
    /// Every document, in the order in which a terminal prints them.
    pub fn documents(&self) -> impl Iterator<Item = &Value> {
        let head = std::iter::once(&self.run).chain(&self.budgets);
        let tail = self.forecast.iter().chain(&self.tasks);
        head.chain(tail).chain(&self.questions)
    }
}

/// Everything that is known of where a run stands.
pub async fn overview(
    store: &Store,
    run: &Run,
    configured: &ConfiguredBudgets,
    at: Timestamp,
) -> Result<Overview, StoreError> {
    let used = budgets_used(store, run, configured, at).await?;
    let questions = store.question_list(&run.id).await?;
    let questions = questions.iter().map(|question| {
        let value = serde_json::to_value(question).unwrap_or_default();
        json!({"v": 1, "type": "question", "question": value})
    });
    Ok(Overview {
        run: run_document(store, run).await?,
        budgets: used.iter().flat_map(BudgetUse::documents).collect(),
        forecast: run_forecast(store, run).await?.map(forecast_document),
        tasks: task_documents(store, run).await?,
        questions: questions.collect(),
    })
}

/// A run with what it has cost.
pub async fn run_document(store: &Store, run: &Run) -> Result<Value, StoreError> {
    let spent = store.run_spent(&run.id).await?;
    let value = serde_json::to_value(run).unwrap_or_default();
    Ok(json!({"v": 1, "type": "run", "run": value, "cost_micro_usd": spent}))
}

/// An event: `{"v":1,"seq":…,"at":…,"run":…,"task":…,"type":…,…}`.
pub fn event_document(event: &Event) -> Value {
    let mut document = json!({
        "v": 1, "seq": event.seq, "at": event.at, "run": event.run, "task": event.task,
    });
    if let (Some(object), Ok(Value::Object(kind))) =
        (document.as_object_mut(), serde_json::to_value(&event.kind))
    {
        object.extend(kind);
    }
    document
}

/// The budgets of a run, its stages and its tasks under way, and what is used of each.
pub async fn budgets_used(
    store: &Store,
    run: &Run,
    configured: &ConfiguredBudgets,
    at: Timestamp,
) -> Result<Vec<BudgetUse>, StoreError> {
    let mut all = vec![BudgetUse {
        scope: "run",
        subject: String::new(),
        budget: run.budget,
        used: store.run_used(&run.id).await?,
    }];
    for (stage, budget) in &configured.stages {
        all.push(BudgetUse {
            scope: "stage",
            subject: stage.name().to_owned(),
            budget: *budget,
            used: store.stage_used(&run.id, *stage, at).await?,
        });
    }
    let mut of_tasks = store.task_budgets(&run.id).await?;
    if !configured.task.is_none() {
        let under_way = store.task_lines(&run.id, &UNDER_WAY, TASK_BUDGETS_MAX);
        for task in under_way.await? {
            of_tasks.entry(task.id).or_default();
        }
    }
    let told = usize::try_from(TASK_BUDGETS_MAX).unwrap_or(usize::MAX);
    for (task, own) in of_tasks.into_iter().take(told) {
        all.push(BudgetUse {
            scope: "task",
            subject: task.to_string(),
            budget: own.or(configured.task),
            used: store.task_used(&run.id, &task, at).await?,
        });
    }
    Ok(all)
}

/// What a run will have used when it is done, once that can be told.
pub async fn run_forecast(store: &Store, run: &Run) -> Result<Option<Used>, StoreError> {
    let used = store.run_used(&run.id).await?;
    Ok(forecast(used, &store.run_progress(&run.id).await?))
}

fn forecast_document(expected: Used) -> Value {
    json!({
        "v": 1, "type": "forecast", "usd": expected.usd, "tokens": expected.tokens,
        "calls": expected.calls, "wall_ms": expected.wall_ms,
    })
}

/// Every task with all that is known of it.
async fn task_documents(store: &Store, run: &Run) -> Result<Vec<Value>, StoreError> {
    let reasons = store.task_reasons(&run.id).await?;
    let tasks = store.task_list(&run.id).await?;
    let documents = tasks.iter().map(|task| {
        let value = serde_json::to_value(task).unwrap_or_default();
        let mut document = json!({"v": 1, "type": "task", "task": value});
        if let Some(reason) = reasons.get(&task.id).filter(|_| is_told(task.state)) {
            document["reason"] = json!(reason);
            document["help"] = json!(task_help(&task.id, task.state));
        }
        document
    });
    Ok(documents.collect())
}

/// Whether a reader wants to know why a task stands there.
pub fn is_told(state: TaskState) -> bool {
    match state {
        TaskState::Blocked
        | TaskState::Failed
        | TaskState::Cancelled
        | TaskState::Skipped
        | TaskState::Waived => true,
        TaskState::Pending
        | TaskState::Ready
        | TaskState::Running
        | TaskState::Verifying
        | TaskState::Merging
        | TaskState::Done => false,
    }
}

/// The command that helps a task on.
pub fn task_help(id: &TaskId, state: TaskState) -> Option<String> {
    match state {
        TaskState::Blocked => Some(format!("atelier approve {id}, or atelier task skip {id}")),
        TaskState::Failed => Some(format!(
            "atelier task retry {id}, or atelier task edit {id}"
        )),
        TaskState::Cancelled | TaskState::Skipped => Some(format!("atelier task retry {id}")),
        TaskState::Pending
        | TaskState::Ready
        | TaskState::Running
        | TaskState::Verifying
        | TaskState::Merging
        | TaskState::Done
        | TaskState::Waived => None,
    }
}
