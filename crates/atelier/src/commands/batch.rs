//! `atelier batch`: many questions at once, answered within a day for less.

mod collecting;
mod error;
mod sending;
mod shown;

use std::path::PathBuf;

use atelier_engine::Exit;
use atelier_llm::{BatchFound, BatchProgress, BatchStage, BatchTerms, BatchTrace, Batches};
use atelier_model::{AuditFact, AuditNote, Clock as _, MicroUsd, Stage};
use atelier_seal::SealKey;
use atelier_store::{Batch, BatchState, Store};
use clap::{Args, Subcommand};

pub(crate) use self::{error::BatchCommandError, shown::spent};
use crate::{
    app::{self, Place, SystemClock},
    cli::{Global, RunOptions},
    cli_error::CliError,
    config::Settings,
    guard_key,
    ui::Ui,
};

/// Batches listed.
const LISTED_MAX: u32 = 20;

/// Have many questions answered within a day, for about half the price
#[derive(Debug, Subcommand)]
pub(crate) enum BatchCommand {
    /// Send the questions of a file, one JSON object a line
    Submit(SubmitArgs),
    /// Show how far a batch is; the newest batches if none is named
    Status(StatusArgs),
    /// Fetch the answers of a batch, one JSON object a line, in the order of the questions
    Collect(CollectArgs),
    /// Have the provider answer no more of a batch; what it answered is paid for and collected
    Cancel(CancelArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SubmitArgs {
    /// The file; each line has `custom_id` and `messages`, or is a line of the provider's own form
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Send it though the same questions were sent before
    #[arg(long)]
    pub(crate) again: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The batch, by the beginning of its name
    #[arg(value_name = "BATCH")]
    pub(crate) batch: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CancelArgs {
    /// The batch, by the beginning of its name
    #[arg(value_name = "BATCH")]
    pub(crate) batch: String,
}

#[derive(Debug, Args)]
pub(crate) struct CollectArgs {
    /// The batch, by the beginning of its name
    #[arg(value_name = "BATCH")]
    pub(crate) batch: String,

    /// Write the answers to this file; one that is there is replaced
    #[arg(long, value_name = "FILE")]
    pub(crate) to: Option<PathBuf>,
}

/// What the commands work with.
struct Desk {
    store: Store,
    settings: Settings,
    guard_key: SealKey,
}

pub(crate) async fn run(global: &Global, command: &BatchCommand, ui: &Ui) -> Result<u8, CliError> {
    let place = Place::find(global)?;
    let store = place.ledger_store().await?;
    let (_, settings) = app::configure(&place, global, &RunOptions::default())?;
    let desk = Desk {
        guard_key: guard_key::of(&place.ledger_folder()?)?,
        store,
        settings,
    };
    let done = match command {
        BatchCommand::Submit(args) => sending::submit(&desk, args, ui).await,
        BatchCommand::Status(args) => status(&desk, args, ui).await,
        BatchCommand::Collect(args) => collecting::collect(&desk, args, ui).await,
        BatchCommand::Cancel(args) => cancel(&desk, args, ui).await,
    };
    // What was decided is on record, also where nothing else was written.
    desk.store.audit_flush().await?;
    done
}

impl Desk {
    /// The batches of a provider that is configured: that of a batch, else the one that writes
    /// code.
    fn door(&self, batch: Option<&Batch>) -> Result<Batches, CliError> {
        let settings = &self.settings;
        let provider = batch.map(|batch| batch.provider.as_str());
        let usual = settings.routes.get(&Stage::Code);
        let mut routes = usual
            .into_iter()
            .chain(settings.routes.values())
            .chain(&settings.upstreams);
        let route = routes
            .find(|route| provider.is_none_or(|name| route.name() == name))
            .ok_or_else(|| BatchCommandError::NoRoute {
                provider: provider.unwrap_or_default().to_owned(),
            })?;
        let terms = BatchTerms {
            prices: &settings.prices,
            limits: &settings.limits,
            guard_key: &self.guard_key,
            key_name: batch.and_then(|batch| batch.key_name.as_deref()),
            now: SystemClock.now(),
        };
        Ok(Batches::new(route, terms).map_err(BatchCommandError::Batch)?)
    }

    /// Puts on record what happened to a batch; it is written with the next change.
    fn note(&self, batch: &Batch, change: &str) {
        let fact = AuditFact::BatchChanged {
            batch: batch.id.clone(),
            provider: batch.provider.clone(),
            model: batch.model.clone(),
            questions: batch.questions,
            change: change.to_owned(),
            reserved: batch.reserved,
            cost: batch.cost,
        };
        self.tell(fact);
    }

    fn tell(&self, fact: AuditFact) {
        let now = SystemClock.now();
        self.store.audit_note(AuditNote::new(fact, now));
    }

    /// Asks the provider how far a batch is, and writes it down; `None` where that is known for
    /// good, or where it never went out.
    async fn looked(
        &self,
        batches: &Batches,
        batch: &mut Batch,
    ) -> Result<Option<BatchProgress>, CliError> {
        let is_over = matches!(batch.state, BatchState::Refused | BatchState::Collected);
        let never_went = batch.vendor_id.is_none() && batch.ordered_at.is_none();
        if is_over || never_went {
            return Ok(None);
        }
        let vendor_id = self.vendor_id(batches, batch).await?;
        let progress = batches.look(&vendor_id).await;
        let progress = progress.map_err(BatchCommandError::Batch)?;
        batch.vendor_id = Some(vendor_id);
        batch.succeeded = progress.succeeded;
        batch.failed = progress.failed;
        batch.state = match progress.stage {
            BatchStage::Going => BatchState::Sent,
            BatchStage::Ended => BatchState::Ended,
            BatchStage::Refused => BatchState::Refused,
        };
        if batch.state == BatchState::Refused {
            batch.reserved = MicroUsd::ZERO;
            self.note(batch, "refused");
        }
        batch.updated_at = SystemClock.now();
        self.store.batch_update(batch).await?;
        Ok(Some(progress))
    }

    /// What a batch is called at its provider, where it may have to be looked for.
    async fn vendor_id(&self, batches: &Batches, batch: &Batch) -> Result<String, CliError> {
        if let Some(known) = &batch.vendor_id {
            return Ok(known.clone());
        }
        let id = batch.id.clone();
        let others = self.store.batch_vendor_ids(&batch.provider).await?;
        let trace = BatchTrace {
            token: &batch.id,
            questions: batch.custom_ids.len(),
            ordered_at: batch.ordered_at.unwrap_or(batch.created_at),
            others: &others,
        };
        let found = batches.find(trace).await;
        match found.map_err(BatchCommandError::Batch)? {
            BatchFound::Here(known) => {
                self.note(batch, "found");
                Ok(known)
            }
            BatchFound::Perhaps(count) => Err(BatchCommandError::Unproved { id, count }.into()),
            BatchFound::Nowhere => Err(BatchCommandError::Lost { id }.into()),
        }
    }
}

async fn status(desk: &Desk, args: &StatusArgs, ui: &Ui) -> Result<u8, CliError> {
    let Some(name) = &args.batch else {
        for batch in desk.store.batch_list("", LISTED_MAX).await? {
            shown::batch(ui, &batch, None);
        }
        return Ok(0);
    };
    let mut batch = selected(&desk.store, name).await?;
    let batches = desk.door(Some(&batch))?;
    let progress = desk.looked(&batches, &mut batch).await?;
    shown::batch(ui, &batch, progress.as_ref());
    Ok(ending(&batch) as u8)
}

/// Ends a batch early. One that never arrived is given up here; one that is over stays as it is.
async fn cancel(desk: &Desk, args: &CancelArgs, ui: &Ui) -> Result<u8, CliError> {
    let mut batch = selected(&desk.store, &args.batch).await?;
    if batch.state == BatchState::Sending
        && desk.store.batch_drop(&batch.id, SystemClock.now()).await?
    {
        batch.state = BatchState::Refused;
        batch.reserved = MicroUsd::ZERO;
        desk.note(&batch, "given up");
        shown::batch(ui, &batch, None);
        return Ok(0);
    }
    let batches = desk.door(Some(&batch))?;
    let progress = match desk.looked(&batches, &mut batch).await {
        Err(CliError::Batch(BatchCommandError::Lost { .. })) => {
            // The provider has nothing that it could be, and its owner gives it up.
            batch.state = BatchState::Refused;
            batch.reserved = MicroUsd::ZERO;
            batch.updated_at = SystemClock.now();
            desk.note(&batch, "given up");
            desk.store.batch_update(&batch).await?;
            None
        }
        looked => looked?,
    };
    let (Some(vendor_id), BatchState::Sent) = (&batch.vendor_id, batch.state) else {
        shown::batch(ui, &batch, progress.as_ref());
        return Ok(0);
    };
    let cancelled = batches.cancel(vendor_id).await;
    cancelled.map_err(BatchCommandError::Batch)?;
    desk.note(&batch, "cancelled");
    let progress = desk.looked(&batches, &mut batch).await?;
    shown::batch(ui, &batch, progress.as_ref());
    Ok(0)
}

/// The one batch whose name begins so.
async fn selected(store: &Store, name: &str) -> Result<Batch, CliError> {
    let mut found = store.batch_list(name, 2).await?;
    match (found.pop(), found.is_empty()) {
        (Some(batch), true) => Ok(batch),
        (Some(_), false) => Err(CliError::Usage(format!(
            "find one batch `{name}`: several begin so"
        ))),
        (None, _) => Err(BatchCommandError::NotFound {
            name: name.to_owned(),
        }
        .into()),
    }
}

/// The exit code that tells how a batch stands.
fn ending(batch: &Batch) -> Exit {
    let all = batch.custom_ids.len() as u64;
    match batch.state {
        BatchState::Sending | BatchState::Sent => Exit::Blocked,
        BatchState::Refused => Exit::Failed,
        BatchState::Ended | BatchState::Collected if batch.succeeded < all => Exit::Failed,
        BatchState::Ended | BatchState::Collected => Exit::Verified,
    }
}
