//! What reviews send back.

use atelier_docs::codex::{Answers, Findings};
use atelier_model::{AttemptOutcome, Run, Task, TaskSource, TaskState};
use atelier_prompt::answer;
use atelier_store::Store;

use super::subject;
use crate::{BuildError, Ctx};

/// How what a review sends back begins.
const SENT_BACK: &str = "A review of what was done before found this, and it must be mended:";
/// Times that reviews may send one task back.
const SENT_BACK_MAX: usize = 2;

/// Whether what a review finds may go back to whoever did the work: it follows some, which was not
/// sent back too often.
pub(crate) async fn may_send_back(ctx: &Ctx, review: &Task) -> Result<bool, BuildError> {
    let Some(subject) = subject(ctx, review).await? else {
        return Ok(false);
    };
    let terms = ctx.store.task_terms(&review.run, &subject.id).await?;
    let times = terms
        .remarks
        .iter()
        .filter(|one| one.starts_with(SENT_BACK));
    Ok(times.count() < SENT_BACK_MAX)
}

/// Sends the work back that a review, which is merged, found wanting; through a store that holds the
/// claim of no task.
pub(crate) async fn send_back(
    ctx: &Ctx,
    store: &Store,
    review: &Task,
    reply: &str,
) -> Result<(), BuildError> {
    // What was sent back in a recorded run is sent back from the record.
    if ctx.recording.is_some() {
        return Ok(());
    }
    let found = answer::read::<Findings>(reply).map(|found| found.value.must());
    let must = found.unwrap_or_default();
    let Some(subject) = subject(ctx, review).await?.filter(|_| !must.is_empty()) else {
        return Ok(());
    };
    let lines: Vec<String> = must.iter().map(|one| format!("  - {one}")).collect();
    let remark = format!("{SENT_BACK}\n{}", lines.join("\n"));
    let terms = store.task_terms(&review.run, &subject.id).await?;
    if subject.state == TaskState::Done && !terms.remarks.contains(&remark) {
        store
            .task_send_back(&review.run, &subject.id, &remark, ctx.now())
            .await?;
    }
    Ok(())
}

/// Sends back what was found by reviews that were merged by a process that died right then.
pub(crate) async fn recover(ctx: &Ctx, run: &Run) -> Result<(), BuildError> {
    if ctx.recording.is_some() {
        return Ok(());
    }
    let tasks = ctx.store.task_list(&run.id).await?.into_iter();
    let done = |task: &Task| task.source == TaskSource::Agent && task.state == TaskState::Done;
    for review in tasks.filter(done) {
        let attempts = ctx.store.attempt_list(&run.id, &review.id).await?;
        let passed = |one: &&atelier_model::Attempt| one.outcome == Some(AttemptOutcome::Passed);
        let last = attempts.iter().rev().find(passed);
        let Some(attempt) = last.filter(|_| review.agent.is_some()) else {
            continue;
        };
        let files = ctx.git.tree_of(&attempt.base, &ctx.limits)?;
        let finds = super::of_task(&files, &review)?.answer == Answers::Findings;
        let Some(reply) = attempt.reply.filter(|_| finds) else {
            continue;
        };
        if let Some(text) = ctx.store.blob_fetch(&reply).await?
            && may_send_back(ctx, &review).await?
        {
            send_back(ctx, &ctx.store, &review, &String::from_utf8_lossy(&text)).await?;
        }
    }
    Ok(())
}
