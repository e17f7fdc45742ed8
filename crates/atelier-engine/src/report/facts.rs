//! What the store knows of a run, brought together for its report.

use atelier_exec::Git;
use atelier_llm::PriceTable;
use atelier_model::{AskLine, AskSource, MicroUsd, Run, Timestamp};
use atelier_report::{Advice, AskFact, Facts, Size};
use atelier_store::{Store, StoreError};

/// The kind of event that [`Store::verdict_events`] brings with its checks.
const VERDICT: &str = "run.verified";

/// What is known of a run at an instant. Nothing is said of the project's code yet: that is the
/// caller's to look at.
pub async fn facts(
    store: &Store,
    git: Option<&Git>,
    prices: &PriceTable,
    run: &Run,
    at: Timestamp,
) -> Result<Facts, StoreError> {
    let mut events = store.verdict_events(&run.id).await?;
    for kind in Facts::KINDS.into_iter().filter(|kind| *kind != VERDICT) {
        events.extend(store.event_list_kind(&run.id, kind).await?);
    }
    events.sort_by_key(|event| event.seq);
    let documents = store.document_list().await?.into_iter();
    let asks = store.ask_lines(&run.id).await?.into_iter();
    let plan = store.plan_fetch(&run.id).await?;
    let mut tasks = store.task_list(&run.id).await?;
    if let Some(plan) = plan.as_ref().filter(|_| tasks.is_empty()) {
        // A plan that waits to be executed has its criteria already.
        tasks = atelier_plan::tasks(&run.id, plan);
    }
    Ok(Facts {
        at,
        run: run.clone(),
        plan,
        tasks,
        attempts: store.attempt_lines(&run.id).await?,
        asks: asks.map(|line| ask(line, prices)).collect(),
        used: store.run_used(&run.id).await?,
        events,
        reasons: store.task_reasons(&run.id).await?,
        documents: documents
            .filter(|document| document.run == run.id)
            .map(|document| document.path)
            .collect(),
        size: git.and_then(|git| size(git, run)),
        advice: Advice::default(),
    })
}

fn ask(line: AskLine, prices: &PriceTable) -> AskFact {
    let saved = if line.source.is_some_and(AskSource::is_kept) {
        let price = prices.price(&line.provider, &line.model, line.at);
        price.map_or(MicroUsd::ZERO, |price| price.cost(&line.usage))
    } else {
        MicroUsd::ZERO
    };
    AskFact { line, saved }
}

/// How much the run changed; nothing where its commits are gone.
fn size(git: &Git, run: &Run) -> Option<Size> {
    let trunk = run.trunk.as_deref()?;
    let size = git.change_size(run.base_commit.as_deref(), trunk).ok()?;
    Some(Size {
        files: size.files,
        added: size.added,
        deleted: size.deleted,
    })
}
