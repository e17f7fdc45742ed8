//! A plan that was made elsewhere, as a run of its own that waits to be executed.

use atelier_model::{Approval, Budget, DevPlan, Digest, FileTree, Run, RunId, RunMode, RunStatus};

use crate::{BuildError, Ctx};

/// A plan that was made elsewhere.
#[derive(Debug, Clone)]
pub struct Adoption {
    /// What is asked for as a whole.
    pub requirement: String,
    /// The plan.
    pub plan: DevPlan,
    /// When a person is asked.
    pub approval: Approval,
    /// What may be used up.
    pub budget: Budget,
}

/// Makes a run of a plan that was made elsewhere. No model is asked, and nothing is executed yet.
///
/// Steps without a check of their own are proved by the project's build and tests.
pub async fn adopt(ctx: &Ctx, adoption: Adoption) -> Result<RunId, BuildError> {
    let requirement = adoption.requirement.trim();
    if requirement.is_empty() {
        return Err(BuildError::EmptyRequirement);
    }
    let (bytes, limit) = (requirement.len(), ctx.limits.requirement_bytes_max);
    if bytes > limit {
        return Err(BuildError::LongRequirement { bytes, limit });
    }
    let head = ctx.git.head()?;
    let files = match &head.commit {
        Some(commit) => ctx.git.tree_of(commit, &ctx.limits)?,
        None => FileTree::default(),
    };
    let problems = atelier_plan::executable(&adoption.plan, &files, &ctx.limits);
    if !problems.is_empty() {
        return Err(BuildError::Unfit(problems));
    }
    let id = RunId::new(ctx.now(), &*ctx.ids);
    let run = Run {
        branch: format!("atelier/{id}"),
        id: id.clone(),
        requirement: requirement.to_owned(),
        requirement_digest: Digest::of(requirement),
        mode: RunMode::PlanOnly,
        approval: adoption.approval,
        budget: adoption.budget,
        base_branch: head.branch,
        base_commit: head.commit,
        trunk: None,
        status: RunStatus::Planning,
        exit_code: None,
        reason: String::new(),
        created_at: ctx.now(),
        ended_at: None,
    };
    ctx.store
        .run_adopt(&run, &adoption.plan, &[], ctx.now())
        .await?;
    Ok(id)
}
