//! What a person asks of a run and its tasks: each in one transaction, with its event.

use std::collections::BTreeMap;

use atelier_model::{
    Acceptance, Act, Budget, BudgetChange, Digest, EventKind, RunFact, RunId, RunStatus, TaskFact,
    TaskId, TaskState, Timestamp, Used,
};
use sqlx::SqliteConnection;

use crate::{
    Lease, Store, StoreError, column,
    queries::{
        acts::{act_in_txn, dependents_again_in_txn, title_keep_in_txn},
        budgets::BudgetRow,
        runs,
        tasks::{task_advance_in_txn, task_state_in_txn, tasks_open_in_txn},
    },
    write::Write,
};

/// Remarks of one plan or task; more are refused.
const REMARKS_MAX: usize = 50;

/// Why something that a person asked for is not done.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Nothing waits for that answer.
    #[error("answer `{subject}`: no question about it waits")]
    NoQuestion {
        /// What the answer was about.
        subject: String,
    },
    /// So much was said already.
    #[error("keep another remark: there are {REMARKS_MAX} already")]
    Remarks,
    /// It is not in a state for that, or the state cannot be changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How a run is to come to rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rest {
    /// Nothing is begun any more; answers that are on their way are awaited.
    Pause,
    /// At once.
    PauseNow,
}

/// What those who work on a run look at again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunPulse {
    /// Where the run stands.
    pub status: RunStatus,
    /// How it is to rest, if it is.
    pub rest: Option<Rest>,
    /// Asks of the run that wait for their answer.
    pub open_asks: u64,
    /// What it may use up.
    pub budget: Budget,
    /// How long it was worked on, and up to when that was counted.
    pub worked_ms: u64,
    /// Up to when that was counted.
    pub worked_at: Option<Timestamp>,
}

/// What kind of question a person is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionKind {
    /// Whether the plan may be executed.
    Plan,
    /// Whether a task may be executed.
    Task,
    /// Whether what a task made is as it should be.
    Look,
}

/// A question to a person that waits.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct OpenQuestion {
    /// What it is about: `plan`, or a task's id.
    pub subject: String,
    /// Its kind.
    pub kind: QuestionKind,
    /// Its words.
    pub body: String,
    /// Since when it waits.
    pub asked_at: Timestamp,
}

/// What a person answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnsweredQuestion {
    /// Whether it was a yes.
    pub approved: bool,
    /// What was said beside.
    pub reason: String,
}

/// What a person set for one task beside the plan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskTerms {
    /// What it may use up.
    pub budget: Budget,
    /// The model it is given to.
    pub model: Option<String>,
    /// What a person said against earlier tries.
    pub remarks: Vec<String>,
}

/// What a person changes of a task; what is not named stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskEdit {
    /// Short title.
    pub title: Option<String>,
    /// What to do.
    pub description: Option<String>,
    /// How it proves that it is done.
    pub acceptance: Option<Vec<Acceptance>>,
    /// Higher goes first.
    pub priority: Option<i32>,
    /// What it may use up.
    pub budget: BudgetChange,
}

impl TaskEdit {
    /// The names of the fields that are changed.
    pub fn fields(&self) -> Vec<String> {
        let named = [
            ("title", self.title.is_some()),
            ("description", self.description.is_some()),
            ("acceptance", self.acceptance.is_some()),
            ("priority", self.priority.is_some()),
            ("budget", !self.budget.is_none()),
        ];
        let changed = named.into_iter().filter(|(_, changed)| *changed);
        changed.map(|(name, _)| name.to_owned()).collect()
    }

    /// Whether work that is done is not what is asked for any more, or not proved.
    fn changes_proof(&self) -> bool {
        self.description.is_some() || self.acceptance.is_some()
    }

    /// The change as an act, with the tasks that begin anew because of it.
    fn act(&self, task: &TaskId, again: &[TaskId]) -> Act {
        Act::TaskEdited {
            task: task.clone(),
            title: self.title.clone(),
            description: self.description.clone(),
            acceptance: self.acceptance.clone(),
            again: again.to_vec(),
        }
    }

    /// Whether the work so far was done for something else.
    fn changes_work(&self) -> bool {
        self.title.is_some() || self.description.is_some() || self.acceptance.is_some()
    }
}

/// Whether a person wants the run to rest.
pub(crate) async fn is_asked_in_txn(
    connection: &mut SqliteConnection,
    run: &RunId,
) -> Result<bool, StoreError> {
    let row: Option<(Option<String>, String)> =
        sqlx::query_as("SELECT asked, status FROM runs WHERE id = $1")
            .bind(run.as_str())
            .fetch_optional(connection)
            .await?;
    Ok(row.is_some_and(|(asked, status)| {
        asked.is_some() || status == column::word(&RunStatus::Cancelled)
    }))
}

pub(crate) async fn terms_in_txn(
    connection: &mut SqliteConnection,
    run: &RunId,
    task: &TaskId,
) -> Result<TaskTerms, StoreError> {
    let row: Option<(String, Option<String>, String)> = sqlx::query_as(
        "SELECT budget, model, remarks FROM task_terms WHERE run_id = $1 AND task_id = $2",
    )
    .bind(run.as_str())
    .bind(task.as_str())
    .fetch_optional(connection)
    .await?;
    let Some((budget, model, remarks)) = row else {
        return Ok(TaskTerms::default());
    };
    Ok(TaskTerms {
        budget: column::from_json(&budget, "the budget of a task")?,
        model,
        remarks: column::from_json(&remarks, "the remarks on a task")?,
    })
}

async fn terms_put_in_txn(
    write: &mut Write,
    run: &RunId,
    task: &TaskId,
    terms: &TaskTerms,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO task_terms (run_id, task_id, budget, model, remarks)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (run_id, task_id) DO UPDATE SET budget = EXCLUDED.budget,
             model = EXCLUDED.model, remarks = EXCLUDED.remarks",
    )
    .bind(run.as_str())
    .bind(task.as_str())
    .bind(column::json(&terms.budget))
    .bind(&terms.model)
    .bind(column::json(&terms.remarks))
    .execute(write.connection())
    .await?;
    Ok(())
}

async fn asked_in_txn(
    write: &mut Write,
    (run, task): (&RunId, Option<&TaskId>),
    (command, reason): (&str, &str),
    at: Timestamp,
) -> Result<(), StoreError> {
    let asked = EventKind::ControlAsked {
        command: command.to_owned(),
        reason: reason.to_owned(),
    };
    write.event(Some(run), task, asked, at).await?;
    Ok(())
}

/// Takes a task out of the hands of whoever works on it: its next change is refused.
async fn take_away_in_txn(
    write: &mut Write,
    run: &RunId,
    task: &TaskId,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE leases SET worker = NULL, fence = fence + 1 WHERE name = $1")
        .bind(Lease::task(run, task))
        .execute(write.connection())
        .await?;
    sqlx::query(
        "UPDATE attempts SET outcome = 'interrupted', ended_at = $3
         WHERE run_id = $1 AND task_id = $2 AND outcome IS NULL",
    )
    .bind(run.as_str())
    .bind(task.as_str())
    .bind(at.millis())
    .execute(write.connection())
    .await?;
    Ok(())
}

async fn round_begin_in_txn(
    write: &mut Write,
    run: &RunId,
    task: &TaskId,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE tasks SET round_first = attempts + 1 WHERE run_id = $1 AND id = $2")
        .bind(run.as_str())
        .bind(task.as_str())
        .execute(write.connection())
        .await?;
    Ok(())
}

/// Gives a task another round of attempts, from any state but one under way.
async fn retry_in_txn(
    write: &mut Write,
    run: &RunId,
    task: &TaskId,
    at: Timestamp,
) -> Result<(), StoreError> {
    let fact = (TaskFact::RetryAsked, "asked by a person");
    task_advance_in_txn(write, run, task, fact, at).await?;
    round_begin_in_txn(write, run, task).await
}

/// The tasks that come after one through dependencies, each once.
async fn dependents_in_txn(
    write: &mut Write,
    run: &RunId,
    task: &TaskId,
) -> Result<Vec<TaskId>, StoreError> {
    let ids: Vec<String> = sqlx::query_scalar(
        "WITH RECURSIVE later (id) AS (
             SELECT task_id FROM task_deps WHERE run_id = $1 AND needs_id = $2
             UNION
             SELECT task_deps.task_id FROM task_deps JOIN later
                 ON task_deps.needs_id = later.id AND task_deps.run_id = $1)
         SELECT id FROM tasks WHERE run_id = $1 AND id IN (SELECT id FROM later) ORDER BY seq",
    )
    .bind(run.as_str())
    .bind(task.as_str())
    .fetch_all(write.connection())
    .await?;
    Ok(ids.into_iter().map(TaskId::from_text).collect())
}

impl Store {
    /// Asks those who work on a run to come to rest. From this moment on no ask of it is begun.
    pub async fn run_rest(
        &self,
        run: &RunId,
        rest: Rest,
        reason: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        sqlx::query("UPDATE runs SET asked = $2, updated_at = $3 WHERE id = $1")
            .bind(run.as_str())
            .bind(column::word(&rest))
            .bind(at.millis())
            .execute(write.connection())
            .await?;
        asked_in_txn(&mut write, (run, None), ("pause", reason), at).await?;
        self.commit(write).await
    }

    /// Lets a run go on that was to rest, and begins to count its time anew: nobody works on it.
    pub async fn run_wake(&self, run: &RunId) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        let woken = sqlx::query(
            "UPDATE runs SET asked = NULL, worked_at = NULL
             WHERE id = $1 AND (asked IS NOT NULL OR worked_at IS NOT NULL)",
        )
        .bind(run.as_str())
        .execute(write.connection())
        .await?;
        if woken.rows_affected() == 0 {
            return Ok(());
        }
        self.commit(write).await
    }

    /// Ends a run for good. What is finished stays on its branch.
    pub async fn run_cancel(
        &self,
        run: &RunId,
        reason: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        asked_in_txn(&mut write, (run, None), ("cancel", reason), at).await?;
        runs::run_advance_in_txn(&mut write, run, RunFact::CancelAsked, at).await?;
        self.commit(write).await
    }

    /// What those who work on a run look at again and again.
    pub async fn run_pulse(&self, run: &RunId) -> Result<RunPulse, StoreError> {
        let mut txn = self.readers().begin().await?;
        let (status, asked, worked, worked_at): (String, Option<String>, i64, Option<i64>) =
            sqlx::query_as("SELECT status, asked, worked_ms, worked_at FROM runs WHERE id = $1")
                .bind(run.as_str())
                .fetch_one(&mut *txn)
                .await?;
        let open: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM asks WHERE run_id = $1 AND ended_at IS NULL")
                .bind(run.as_str())
                .fetch_one(&mut *txn)
                .await?;
        let budget: BudgetRow = sqlx::query_as(
            "SELECT budget, budget_tokens, budget_calls, budget_wall_ms FROM runs WHERE id = $1",
        )
        .bind(run.as_str())
        .fetch_one(&mut *txn)
        .await?;
        Ok(RunPulse {
            status: column::from_word(&status, "the status of a run")?,
            rest: column::from_word_opt(asked.as_deref(), "what is asked of a run")?,
            open_asks: column::from_count(open),
            budget: column::from_budget([budget.0, budget.1, budget.2, budget.3]),
            worked_ms: column::from_count(worked),
            worked_at: worked_at.map(column::at),
        })
    }

    /// The states of some tasks of a run.
    pub async fn task_states(
        &self,
        run: &RunId,
        tasks: &[TaskId],
    ) -> Result<BTreeMap<TaskId, TaskState>, StoreError> {
        let mut connection = self.readers().acquire().await?;
        let mut states = BTreeMap::new();
        for task in tasks {
            let state = task_state_in_txn(&mut connection, run, task).await?;
            states.insert(task.clone(), state);
        }
        Ok(states)
    }

    /// Why tasks of a run stand where they stand, where that was said.
    pub async fn task_reasons(&self, run: &RunId) -> Result<BTreeMap<TaskId, String>, StoreError> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT id, reason FROM tasks WHERE run_id = $1 AND reason <> ''")
                .bind(run.as_str())
                .fetch_all(self.readers())
                .await?;
        let pair = |(id, reason)| (TaskId::from_text(id), reason);
        Ok(rows.into_iter().map(pair).collect())
    }

    /// Leaves a task out by a fact: skipped, waived or cancelled. Whoever works on it loses it.
    pub async fn task_leave_out(
        &self,
        run: &RunId,
        task: &TaskId,
        (fact, reason): (TaskFact, &str),
        at: Timestamp,
    ) -> Result<TaskState, StoreError> {
        let mut write = self.write().await?;
        let state = task_advance_in_txn(&mut write, run, task, (fact, reason), at).await?;
        take_away_in_txn(&mut write, run, task, at).await?;
        tasks_open_in_txn(&mut write, run, Some(task), at).await?;
        let act = Act::TaskLeft {
            task: task.clone(),
            fact,
            reason: reason.to_owned(),
        };
        act_in_txn(&mut write, run, &act, at).await?;
        self.commit(write).await?;
        Ok(state)
    }

    /// The tasks that wait for one, directly or through others, and are not settled.
    pub async fn task_dependents(
        &self,
        run: &RunId,
        task: &TaskId,
    ) -> Result<Vec<TaskId>, StoreError> {
        let ids: Vec<String> = sqlx::query_scalar(
            "WITH RECURSIVE later (id) AS (
                 SELECT task_id FROM task_deps WHERE run_id = $1 AND needs_id = $2
                 UNION
                 SELECT task_deps.task_id FROM task_deps JOIN later
                     ON task_deps.needs_id = later.id AND task_deps.run_id = $1)
             SELECT id FROM tasks WHERE run_id = $1 AND id IN (SELECT id FROM later)
                 AND state NOT IN ('done', 'waived') ORDER BY seq",
        )
        .bind(run.as_str())
        .bind(task.as_str())
        .fetch_all(self.readers())
        .await?;
        Ok(ids.into_iter().map(TaskId::from_text).collect())
    }

    /// Gives a task another round of attempts; with `from_here` also what depends on it and was begun
    /// already. Returns the tasks that begin anew.
    pub async fn task_retry(
        &self,
        run: &RunId,
        task: &TaskId,
        (from_here, model): (bool, Option<&str>),
        at: Timestamp,
    ) -> Result<Vec<TaskId>, StoreError> {
        let mut write = self.write().await?;
        let mut again = vec![task.clone()];
        retry_in_txn(&mut write, run, task, at).await?;
        if from_here {
            let later = dependents_in_txn(&mut write, run, task).await?;
            let why = "what it depends on begins anew";
            again.extend(begin_anew_in_txn(&mut write, run, later, why, at).await?);
        }
        if let Some(model) = model {
            let terms = TaskTerms {
                model: Some(model.to_owned()),
                ..terms_in_txn(write.connection(), run, task).await?
            };
            terms_put_in_txn(&mut write, run, task, &terms).await?;
        }
        tasks_open_in_txn(&mut write, run, None, at).await?;
        let act = Act::TasksAgain {
            tasks: again.clone(),
        };
        act_in_txn(&mut write, run, &act, at).await?;
        self.commit(write).await?;
        Ok(again)
    }

    /// Gives a task that is done another round, with what was found wrong with it, and the tasks of
    /// agents that followed it. Returns the tasks that begin anew.
    pub async fn task_send_back(
        &self,
        run: &RunId,
        task: &TaskId,
        remark: &str,
        at: Timestamp,
    ) -> Result<Vec<TaskId>, StoreError> {
        let mut write = self.write().await?;
        task_remark_in_txn(&mut write, run, task, remark).await?;
        let act = Act::TaskRemarked {
            task: task.clone(),
            remark: remark.to_owned(),
        };
        act_in_txn(&mut write, run, &act, at).await?;
        let mut again = vec![task.clone()];
        for later in dependents_in_txn(&mut write, run, task).await? {
            if is_of_agent_in_txn(&mut write, run, &later).await? {
                again.push(later);
            }
        }
        again = begin_anew_in_txn(&mut write, run, again, "a review sent it back", at).await?;
        tasks_open_in_txn(&mut write, run, None, at).await?;
        let act = Act::TasksAgain {
            tasks: again.clone(),
        };
        act_in_txn(&mut write, run, &act, at).await?;
        self.commit(write).await?;
        Ok(again)
    }

    /// Changes a task. One that is under way begins a new round with what it is now. One that is done
    /// and is to do or to prove something else begins anew, with what depends on it; those are
    /// returned.
    pub async fn task_edit(
        &self,
        run: &RunId,
        task: &TaskId,
        (edit, reason): (&TaskEdit, &str),
        at: Timestamp,
    ) -> Result<Vec<TaskId>, StoreError> {
        let mut write = self.write().await?;
        let state = task_state_in_txn(write.connection(), run, task).await?;
        let mut again = Vec::new();
        if edit.changes_work() {
            match state {
                TaskState::Running | TaskState::Verifying => {
                    let fact = (TaskFact::Interrupted, "a person changed it");
                    task_advance_in_txn(&mut write, run, task, fact, at).await?;
                    take_away_in_txn(&mut write, run, task, at).await?;
                    round_begin_in_txn(&mut write, run, task).await?;
                }
                TaskState::Merging => {
                    return Err(atelier_model::Refused {
                        state: format!("{state:?}"),
                        fact: "Edited by a person".to_owned(),
                    }
                    .into());
                }
                TaskState::Done if !edit.changes_proof() => {}
                TaskState::Done => {
                    let fact = (TaskFact::PlanChanged, "a person changed it");
                    task_advance_in_txn(&mut write, run, task, fact, at).await?;
                    round_begin_in_txn(&mut write, run, task).await?;
                    let later = dependents_in_txn(&mut write, run, task).await?;
                    again.push(task.clone());
                    again.extend(dependents_again_in_txn(&mut write, run, later, at).await?);
                }
                TaskState::Pending
                | TaskState::Ready
                | TaskState::Blocked
                | TaskState::Failed
                | TaskState::Cancelled
                | TaskState::Skipped
                | TaskState::Waived => round_begin_in_txn(&mut write, run, task).await?,
            }
        }
        let edited = EventKind::TaskEdited {
            fields: edit.fields(),
            reason: reason.to_owned(),
        };
        write.event(Some(run), Some(task), edited, at).await?;
        if let Some(title) = &edit.title {
            title_keep_in_txn(&mut write, (run, task), title).await?;
        }
        edit_in_txn(&mut write, run, task, edit, at).await?;
        tasks_open_in_txn(&mut write, run, None, at).await?;
        let act = edit.act(task, &again);
        act_in_txn(&mut write, run, &act, at).await?;
        self.commit(write).await?;
        Ok(again)
    }

    /// What a person set for a task beside the plan.
    pub async fn task_terms(&self, run: &RunId, task: &TaskId) -> Result<TaskTerms, StoreError> {
        let mut connection = self.readers().acquire().await?;
        terms_in_txn(&mut connection, run, task).await
    }

    /// Puts a question to a person, and takes the answer if it was given already. An answer is taken
    /// once.
    pub async fn question_ask(
        &self,
        run: &RunId,
        (subject, kind, body): (&str, QuestionKind, &str),
        at: Timestamp,
    ) -> Result<Option<AnsweredQuestion>, StoreError> {
        let mut write = self.write().await?;
        let row: Option<(Option<i64>, String)> = sqlx::query_as(
            "SELECT approved, reason FROM questions
             WHERE run_id = $1 AND subject = $2 AND kind = $3 AND body = $4",
        )
        .bind(run.as_str())
        .bind(subject)
        .bind(column::word(&kind))
        .bind(body)
        .fetch_optional(write.connection())
        .await?;
        match row {
            Some((None, _)) => Ok(None),
            Some((Some(approved), reason)) => {
                question_delete_in_txn(&mut write, run, (subject, kind, body)).await?;
                self.commit(write).await?;
                let approved = approved == 1;
                Ok(Some(AnsweredQuestion { approved, reason }))
            }
            None => {
                question_insert_in_txn(&mut write, run, (subject, kind, body), at).await?;
                self.commit(write).await?;
                Ok(None)
            }
        }
    }

    /// Takes a question back that somebody answered on the spot, with the answer for the record.
    pub async fn question_settle(
        &self,
        run: &RunId,
        (subject, kind, body): (&str, QuestionKind, &str),
        answer: &AnsweredQuestion,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        question_delete_in_txn(&mut write, run, (subject, kind, body)).await?;
        let task = (kind != QuestionKind::Plan).then(|| TaskId::from_text(subject));
        given_in_txn(&mut write, (run, task.as_ref()), subject, answer, at).await?;
        self.commit(write).await
    }

    /// The questions of a run that wait for a person.
    pub async fn question_list(&self, run: &RunId) -> Result<Vec<OpenQuestion>, StoreError> {
        let rows: Vec<(String, String, String, i64)> = sqlx::query_as(
            "SELECT subject, kind, body, asked_at FROM questions
             WHERE run_id = $1 AND approved IS NULL ORDER BY asked_at, subject, body",
        )
        .bind(run.as_str())
        .fetch_all(self.readers())
        .await?;
        rows.into_iter()
            .map(|(subject, kind, body, asked_at)| {
                Ok(OpenQuestion {
                    subject,
                    kind: column::from_word(&kind, "the kind of a question")?,
                    body,
                    asked_at: column::at(asked_at),
                })
            })
            .collect()
    }

    /// Answers the questions about a subject that wait. A no to the plan takes the plan away, so that
    /// it is drafted anew with the reason; a no to a task's beginning puts the reason beside the task.
    /// Returns what was answered.
    pub async fn question_answer(
        &self,
        run: &RunId,
        subject: &str,
        answer: &AnsweredQuestion,
        at: Timestamp,
    ) -> Result<Vec<QuestionKind>, ControlError> {
        let mut write = self.write().await?;
        let waiting: Vec<(String, String)> = sqlx::query_as(
            "SELECT kind, body FROM questions
             WHERE run_id = $1 AND subject = $2 AND approved IS NULL ORDER BY asked_at, body",
        )
        .bind(run.as_str())
        .bind(subject)
        .fetch_all(write.connection())
        .await
        .map_err(StoreError::from)?;
        if waiting.is_empty() {
            return Err(ControlError::NoQuestion {
                subject: subject.to_owned(),
            });
        }
        let mut answered = Vec::new();
        for (kind, body) in waiting {
            let kind = column::from_word(&kind, "the kind of a question")?;
            answer_in_txn(&mut write, run, (subject, kind, &body), answer, at).await?;
            answered.push(kind);
        }
        let task = (subject != "plan").then(|| TaskId::from_text(subject));
        given_in_txn(&mut write, (run, task.as_ref()), subject, answer, at).await?;
        self.commit(write).await?;
        Ok(answered)
    }

    /// What a person said against the plans of a run so far.
    pub async fn run_remarks(&self, run: &RunId) -> Result<Vec<String>, StoreError> {
        let remarks: String = sqlx::query_scalar("SELECT remarks FROM runs WHERE id = $1")
            .bind(run.as_str())
            .fetch_one(self.readers())
            .await?;
        column::from_json(&remarks, "the remarks on a plan")
    }

    /// Keeps which files the edits of an attempt made.
    pub async fn attempt_tree_put(
        &self,
        run: &RunId,
        task: &TaskId,
        ordinal: u32,
        tree: &Digest,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        sqlx::query(
            "INSERT INTO attempt_trees (run_id, task_id, ordinal, tree) VALUES ($1, $2, $3, $4)
             ON CONFLICT (run_id, task_id, ordinal) DO UPDATE SET tree = EXCLUDED.tree",
        )
        .bind(run.as_str())
        .bind(task.as_str())
        .bind(ordinal)
        .bind(column::bytes(tree))
        .execute(write.connection())
        .await?;
        self.commit(write).await
    }

    /// Which files the edits of a task's attempts made, by ordinal.
    pub async fn attempt_trees(
        &self,
        run: &RunId,
        task: &TaskId,
    ) -> Result<BTreeMap<u32, Digest>, StoreError> {
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
            "SELECT ordinal, tree FROM attempt_trees WHERE run_id = $1 AND task_id = $2",
        )
        .bind(run.as_str())
        .bind(task.as_str())
        .fetch_all(self.readers())
        .await?;
        rows.into_iter()
            .map(|(ordinal, tree)| {
                Ok((
                    column::small(ordinal, "the ordinal of an attempt")?,
                    column::digest(&tree, "the files of an attempt")?,
                ))
            })
            .collect()
    }
}

async fn question_insert_in_txn(
    write: &mut Write,
    run: &RunId,
    (subject, kind, body): (&str, QuestionKind, &str),
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO questions (run_id, subject, kind, body, approved, reason, asked_at,
             answered_at) VALUES ($1, $2, $3, $4, NULL, '', $5, NULL)",
    )
    .bind(run.as_str())
    .bind(subject)
    .bind(column::word(&kind))
    .bind(body)
    .bind(at.millis())
    .execute(write.connection())
    .await?;
    let task = (kind != QuestionKind::Plan).then(|| TaskId::from_text(subject));
    let asked = EventKind::ApprovalAsked {
        subject: subject.to_owned(),
    };
    write.event(Some(run), task.as_ref(), asked, at).await?;
    Ok(())
}

async fn given_in_txn(
    write: &mut Write,
    (run, task): (&RunId, Option<&TaskId>),
    subject: &str,
    answer: &AnsweredQuestion,
    at: Timestamp,
) -> Result<(), StoreError> {
    let given = EventKind::ApprovalGiven {
        subject: subject.to_owned(),
        approved: answer.approved,
        reason: answer.reason.clone(),
    };
    write.event(Some(run), task, given, at).await?;
    Ok(())
}

async fn answer_in_txn(
    write: &mut Write,
    run: &RunId,
    (subject, kind, body): (&str, QuestionKind, &str),
    answer: &AnsweredQuestion,
    at: Timestamp,
) -> Result<(), ControlError> {
    let is_remark = !answer.approved && !answer.reason.is_empty();
    if is_remark && kind == QuestionKind::Plan {
        plan_reject_in_txn(write, run, &answer.reason).await?;
        let remark = answer.reason.clone();
        let act = Act::PlanRemarked { remark };
        act_in_txn(write, run, &act, at).await?;
    }
    if is_remark && kind == QuestionKind::Task {
        let task = TaskId::from_text(subject);
        let terms = terms_in_txn(write.connection(), run, &task).await?;
        if terms.remarks.len() >= REMARKS_MAX {
            return Err(ControlError::Remarks);
        }
        task_remark_in_txn(write, run, &task, &answer.reason).await?;
        let remark = answer.reason.clone();
        let act = Act::TaskRemarked { task, remark };
        act_in_txn(write, run, &act, at).await?;
    }
    if is_remark && kind != QuestionKind::Look {
        // What a remark changes is asked about anew.
        question_delete_in_txn(write, run, (subject, kind, body)).await?;
        return Ok(());
    }
    sqlx::query(
        "UPDATE questions SET approved = $5, reason = $6, answered_at = $7
         WHERE run_id = $1 AND subject = $2 AND kind = $3 AND body = $4",
    )
    .bind(run.as_str())
    .bind(subject)
    .bind(column::word(&kind))
    .bind(body)
    .bind(i64::from(answer.approved))
    .bind(&answer.reason)
    .bind(at.millis())
    .execute(write.connection())
    .await
    .map_err(StoreError::from)?;
    Ok(())
}

/// Puts something that a person said beside a task.
/// Lets those of some tasks begin anew that were begun already, and returns them.
async fn begin_anew_in_txn(
    write: &mut Write,
    run: &RunId,
    tasks: Vec<TaskId>,
    why: &str,
    at: Timestamp,
) -> Result<Vec<TaskId>, StoreError> {
    let mut again = Vec::new();
    for task in tasks {
        let state = task_state_in_txn(write.connection(), run, &task).await?;
        if state == TaskState::Pending {
            continue;
        }
        if state.is_under_way() {
            task_advance_in_txn(write, run, &task, (TaskFact::Interrupted, why), at).await?;
            take_away_in_txn(write, run, &task, at).await?;
        }
        task_advance_in_txn(write, run, &task, (TaskFact::PlanChanged, why), at).await?;
        round_begin_in_txn(write, run, &task).await?;
        again.push(task);
    }
    Ok(again)
}

async fn is_of_agent_in_txn(
    write: &mut Write,
    run: &RunId,
    task: &TaskId,
) -> Result<bool, StoreError> {
    let origin: Option<Option<String>> =
        sqlx::query_scalar("SELECT origin FROM tasks WHERE run_id = $1 AND id = $2")
            .bind(run.as_str())
            .bind(task.as_str())
            .fetch_optional(write.connection())
            .await?;
    Ok(origin.flatten().as_deref() == Some("agent"))
}

pub(crate) async fn task_remark_in_txn(
    write: &mut Write,
    run: &RunId,
    task: &TaskId,
    remark: &str,
) -> Result<(), StoreError> {
    let mut terms = terms_in_txn(write.connection(), run, task).await?;
    terms.remarks.push(remark.to_owned());
    terms_put_in_txn(write, run, task, &terms).await
}

async fn question_delete_in_txn(
    write: &mut Write,
    run: &RunId,
    (subject, kind, body): (&str, QuestionKind, &str),
) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM questions WHERE run_id = $1 AND subject = $2 AND kind = $3 AND body = $4",
    )
    .bind(run.as_str())
    .bind(subject)
    .bind(column::word(&kind))
    .bind(body)
    .execute(write.connection())
    .await?;
    Ok(())
}

/// Takes the plan of a run away, with all that was made on its way, and keeps why.
async fn plan_reject_in_txn(
    write: &mut Write,
    run: &RunId,
    reason: &str,
) -> Result<(), ControlError> {
    let remarks: String = sqlx::query_scalar("SELECT remarks FROM runs WHERE id = $1")
        .bind(run.as_str())
        .fetch_one(write.connection())
        .await
        .map_err(StoreError::from)?;
    let mut remarks: Vec<String> = column::from_json(&remarks, "the remarks on a plan")?;
    if remarks.len() >= REMARKS_MAX {
        return Err(ControlError::Remarks);
    }
    remarks.push(reason.to_owned());
    sqlx::query("UPDATE runs SET remarks = $2 WHERE id = $1")
        .bind(run.as_str())
        .bind(column::json(&remarks))
        .execute(write.connection())
        .await
        .map_err(StoreError::from)?;
    for statement in [
        "DELETE FROM designs WHERE run_id = $1",
        "DELETE FROM artifacts WHERE run_id = $1",
    ] {
        sqlx::query(statement)
            .bind(run.as_str())
            .execute(write.connection())
            .await
            .map_err(StoreError::from)?;
    }
    Ok(())
}

async fn edit_in_txn(
    write: &mut Write,
    run: &RunId,
    task: &TaskId,
    edit: &TaskEdit,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE tasks SET title = COALESCE($3, title), description = COALESCE($4, description),
             acceptance = COALESCE($5, acceptance), priority = COALESCE($6, priority),
             updated_at = $7 WHERE run_id = $1 AND id = $2",
    )
    .bind(run.as_str())
    .bind(task.as_str())
    .bind(&edit.title)
    .bind(&edit.description)
    .bind(edit.acceptance.as_ref().map(column::json))
    .bind(edit.priority)
    .bind(at.millis())
    .execute(write.connection())
    .await?;
    if edit.budget.is_none() {
        return Ok(());
    }
    let terms = terms_in_txn(write.connection(), run, task).await?;
    let budget = edit.budget.apply(terms.budget, Used::default());
    terms_put_in_txn(write, run, task, &TaskTerms { budget, ..terms }).await?;
    let set = EventKind::BudgetSet {
        task: Some(task.clone()),
        budget,
    };
    write.event(Some(run), Some(task), set, at).await?;
    Ok(())
}
