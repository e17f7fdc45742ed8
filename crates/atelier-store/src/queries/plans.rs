//! Designs and plans with their phases and steps.

use atelier_model::{DevPlan, Phase, PhaseOutline, RunId, Step, Timestamp};

use crate::{Store, StoreError, column, write::Write};

#[derive(sqlx::FromRow)]
struct PhaseRow {
    number: i64,
    title: String,
    description: String,
    requirements: String,
    depends_on: String,
}

impl TryFrom<PhaseRow> for PhaseOutline {
    type Error = StoreError;

    fn try_from(row: PhaseRow) -> Result<Self, StoreError> {
        Ok(Self {
            number: column::small(row.number, "the number of a phase")?,
            title: row.title,
            description: row.description,
            requirements: column::from_json(&row.requirements, "the requirements of a phase")?,
            depends_on: column::from_json(&row.depends_on, "the dependencies of a phase")?,
        })
    }
}

#[derive(sqlx::FromRow)]
struct StepRow {
    phase: i64,
    number: String,
    title: String,
    description: String,
    why: String,
    requirements: String,
    depends_on: String,
    inputs: String,
    outputs: String,
    owns: String,
    protected: String,
    acceptance: String,
    context: String,
}

impl TryFrom<StepRow> for Step {
    type Error = StoreError;

    fn try_from(row: StepRow) -> Result<Self, StoreError> {
        Ok(Self {
            number: row.number,
            title: row.title,
            description: row.description,
            why: row.why,
            requirements: column::from_json(&row.requirements, "the requirements of a step")?,
            depends_on: column::from_json(&row.depends_on, "the dependencies of a step")?,
            inputs: column::from_json(&row.inputs, "the inputs of a step")?,
            outputs: column::from_json(&row.outputs, "the outputs of a step")?,
            owns: column::from_json(&row.owns, "what a step owns")?,
            protected: column::from_json(&row.protected, "what a step must not change")?,
            acceptance: column::from_json(&row.acceptance, "the acceptance of a step")?,
            context: column::from_json(&row.context, "the context of a step")?,
        })
    }
}

impl Store {
    /// Keeps the plan of a run, replacing an earlier one. The stages that made it have told of it
    /// with their artifacts, so this makes no event.
    pub async fn plan_put(
        &self,
        run: &RunId,
        plan: &DevPlan,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        plan_put_in_txn(&mut write, run, plan, at).await?;
        self.commit(write).await
    }

    /// The plan of a run, once there is one.
    pub async fn plan_fetch(&self, run: &RunId) -> Result<Option<DevPlan>, StoreError> {
        // One transaction, so that a plan is never put together from two.
        let mut txn = self.readers().begin().await?;
        let head: Option<(String, String)> = sqlx::query_as(
            "SELECT designs.doc, plans.summary FROM plans
             JOIN designs ON designs.run_id = plans.run_id WHERE plans.run_id = $1",
        )
        .bind(run.as_str())
        .fetch_optional(&mut *txn)
        .await?;
        let Some((design, summary)) = head else {
            return Ok(None);
        };
        let outlines: Vec<PhaseRow> = sqlx::query_as(
            "SELECT number, title, description, requirements, depends_on FROM phases
             WHERE run_id = $1 ORDER BY ordinal",
        )
        .bind(run.as_str())
        .fetch_all(&mut *txn)
        .await?;
        let steps: Vec<StepRow> =
            sqlx::query_as("SELECT * FROM steps WHERE run_id = $1 ORDER BY phase, ordinal")
                .bind(run.as_str())
                .fetch_all(&mut *txn)
                .await?;
        Ok(Some(DevPlan {
            design: column::from_json(&design, "a design")?,
            summary,
            phases: phases(outlines, steps)?,
        }))
    }
}

fn phases(outlines: Vec<PhaseRow>, steps: Vec<StepRow>) -> Result<Vec<Phase>, StoreError> {
    let mut phases = Vec::with_capacity(outlines.len());
    for outline in outlines {
        phases.push(Phase {
            outline: outline.try_into()?,
            steps: Vec::new(),
        });
    }
    for row in steps {
        let ordinal: usize = column::small(row.phase, "the phase of a step")?;
        let phase = phases.get_mut(ordinal).ok_or_else(|| StoreError::Corrupt {
            what: "the phase of a step".to_owned(),
        })?;
        phase.steps.push(row.try_into()?);
    }
    Ok(phases)
}

/// Puts a plan in the place of an earlier one.
pub(crate) async fn plan_put_in_txn(
    write: &mut Write,
    run: &RunId,
    plan: &DevPlan,
    at: Timestamp,
) -> Result<(), StoreError> {
    plan_head_put_in_txn(write, run, plan, at).await?;
    for (ordinal, phase) in (0_i64..).zip(&plan.phases) {
        phase_add_in_txn(write, run, ordinal, &phase.outline).await?;
        for (place, step) in (0_i64..).zip(&phase.steps) {
            step_add_in_txn(write, run, (ordinal, place), step).await?;
        }
    }
    Ok(())
}

/// Takes away an earlier plan with all its phases and steps, and puts the new one's head.
async fn plan_head_put_in_txn(
    write: &mut Write,
    run: &RunId,
    plan: &DevPlan,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM designs WHERE run_id = $1")
        .bind(run.as_str())
        .execute(write.connection())
        .await?;
    sqlx::query("INSERT INTO designs (run_id, doc, created_at) VALUES ($1, $2, $3)")
        .bind(run.as_str())
        .bind(column::json(&plan.design))
        .bind(at.millis())
        .execute(write.connection())
        .await?;
    sqlx::query("INSERT INTO plans (run_id, summary, created_at) VALUES ($1, $2, $3)")
        .bind(run.as_str())
        .bind(&plan.summary)
        .bind(at.millis())
        .execute(write.connection())
        .await?;
    Ok(())
}

async fn phase_add_in_txn(
    write: &mut Write,
    run: &RunId,
    ordinal: i64,
    outline: &PhaseOutline,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO phases (run_id, ordinal, number, title, description, requirements, depends_on)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(run.as_str())
    .bind(ordinal)
    .bind(outline.number)
    .bind(&outline.title)
    .bind(&outline.description)
    .bind(column::json(&outline.requirements))
    .bind(column::json(&outline.depends_on))
    .execute(write.connection())
    .await?;
    Ok(())
}

/// `place` is the ordinal of the phase, then the ordinal of the step in it.
async fn step_add_in_txn(
    write: &mut Write,
    run: &RunId,
    place: (i64, i64),
    step: &Step,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO steps (run_id, phase, ordinal, number, title, description, why, requirements,
             depends_on, inputs, outputs, owns, protected, acceptance, context)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(run.as_str())
    .bind(place.0)
    .bind(place.1)
    .bind(&step.number)
    .bind(&step.title)
    .bind(&step.description)
    .bind(&step.why)
    .bind(column::json(&step.requirements))
    .bind(column::json(&step.depends_on))
    .bind(column::json(&step.inputs))
    .bind(column::json(&step.outputs))
    .bind(column::json(&step.owns))
    .bind(column::json(&step.protected))
    .bind(column::json(&step.acceptance))
    .bind(column::json(&step.context))
    .execute(write.connection())
    .await?;
    Ok(())
}
