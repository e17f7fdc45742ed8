//! `atelier verify`: the chain from the requirement to each commit, recomputed offline.

mod error;
mod provenance;

use std::{fs, path::PathBuf};

use atelier_engine::{Chain, Link, run_of, verify};
use atelier_model::Run;
use atelier_store::Store;
use clap::Args;
use serde_json::json;

pub(crate) use self::error::VerifyError;
use super::{pack::packed, replay::replayed, select};
use crate::{
    app::{self, Place},
    cli::Global,
    cli_error::CliError,
    config::Settings,
    ui::{Tone, Ui, plain},
};

/// Recompute the chain from the requirement to each commit of a run, offline
///
/// Requirement, prompts, replies, edits, evidence, commits and events are digested again and held
/// against each other; the edits are applied again. In a clone without the state, commits and lock
/// are checked, and what cannot be is named.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// A revision, or a run by the beginning of its id; where you stand if left out
    #[arg(value_name = "REV|RUN")]
    pub(crate) what: Option<String>,

    /// Sign what was verified as an in-toto statement with SLSA provenance, into this file
    #[arg(long, value_name = "FILE")]
    pub(crate) provenance: Option<PathBuf>,
}

pub(crate) async fn run(global: &Global, args: &VerifyArgs, ui: &Ui) -> Result<u8, CliError> {
    let place = Place::find(global)?;
    let git = place.git.clone();
    let git = git.ok_or_else(|| CliError::NoRepository(place.root.clone()))?;
    let settings = app::configure_unasked(&place, global)?;
    let store = match place.store_known().await {
        Err(damaged @ (CliError::Open(_) | CliError::Store(_))) => return Err(damaged),
        // What is sealed with the key of somebody else is, for this one, not here.
        other => other.ok().flatten(),
    };
    let named = args.what.as_deref().unwrap_or("HEAD");
    let meant = meant(store.as_ref(), args.what.as_deref()).await?;
    let met = meant
        .as_ref()
        .and_then(|run| Some((run.id.to_string(), run.trunk.clone()?)));
    let by_revision = met.is_none();
    let (run, commit) = if let Some(met) = met {
        met
    } else {
        select::commit(&git, named)?;
        run_of(&git, named).map_err(VerifyError::Trace)?
    };
    let known = match &store {
        Some(store) => store.run_find(&run).await?.into_iter().next(),
        None => None,
    };
    let commit = if by_revision {
        let trunk = known.as_ref().and_then(|run| run.trunk.as_deref());
        Chain::last_of(&git, named, (&run, &commit), trunk).map_err(VerifyError::Trace)?
    } else {
        commit
    };
    let with_state = store.as_ref().zip(known.as_ref());
    let chain = verify(&git, (&run, &commit), with_state).await;
    let mut chain = chain.map_err(VerifyError::Trace)?;
    let edits = edits((&place, &settings, ui), with_state, &chain).await?;
    chain.links.insert(4.min(chain.links.len()), edits);
    let standing = if by_revision { named } else { &commit };
    let link = chain.standing(&git, standing);
    chain.links.extend(link.map_err(VerifyError::Trace)?);
    tell(ui, &chain);
    if let Some((link, broken)) = chain.first_broken() {
        let count = chain.links.iter().map(|link| link.broken.len()).sum();
        let broken = broken.to_owned();
        return Err(VerifyError::Broken {
            run,
            link,
            broken,
            count,
        }
        .into());
    }
    if let Some(path) = &args.provenance {
        let signed = provenance::signed(&git, &settings, &chain, known.as_ref())?;
        fs::write(path, signed).map_err(|source| VerifyError::Write {
            path: path.clone(),
            source,
        })?;
        ui.status(&format!("signed provenance in {}", path.display()));
    }
    Ok(0)
}

/// The run that is meant, where a run is.
async fn meant(store: Option<&Store>, what: Option<&str>) -> Result<Option<Run>, CliError> {
    let (Some(store), Some(what)) = (store, what) else {
        return Ok(None);
    };
    let found = select::run(store, Some(what)).await;
    Ok(found.ok())
}

/// Applies the replies of a run again, each on its base, and compares what comes of it.
async fn edits(
    (place, settings, ui): (&Place, &Settings, &Ui),
    known: Option<(&Store, &Run)>,
    chain: &Chain,
) -> Result<Link, CliError> {
    const NAME: &str = "edits";
    let Some((store, run)) = known else {
        let why = "the replies are in the state of the project, which is not here, or in a pack";
        return Ok(Link::unchecked(NAME, why));
    };
    if run.trunk.as_deref() != Some(chain.commit.as_str()) {
        return Ok(Link::unchecked(NAME, "the run went on after this commit"));
    }
    let mut link = Link::new(NAME);
    if !chain.holds() {
        return Ok(Link::unchecked(
            NAME,
            "what they are made from does not hold",
        ));
    }
    let pack = match packed(place, store, run).await {
        Ok(pack) => pack,
        Err(error) => {
            link.check(false, || error.text());
            return Ok(link);
        }
    };
    let all = pack.lock.commits.len() as u64 + 1;
    let quiet = ui.within(&Global {
        quiet: true,
        ..Global::default()
    });
    match Box::pin(replayed(place, settings, (pack, false), &quiet)).await {
        Ok(done) => match done.report.error {
            None => link.checked = all,
            Some(error) => link.check(false, || atelier_engine::chain(&error)),
        },
        Err(error) => link.check(false, || error.text()),
    }
    Ok(link)
}

fn tell(ui: &Ui, chain: &Chain) {
    if ui.is_json() {
        let links: Vec<_> = chain
            .links
            .iter()
            .map(|link| {
                json!({
                    "name": link.name, "checked": link.checked, "broken": link.broken,
                    "unchecked": link.unchecked,
                })
            })
            .collect();
        let line = json!({
            "v": 1, "type": "verified", "run": chain.run, "commit": chain.commit,
            "holds": chain.holds(), "complete": chain.is_complete(), "links": links,
        });
        ui.out(&line.to_string());
        return;
    }
    for link in &chain.links {
        let (tone, mark) = match (&link.unchecked, link.broken.is_empty()) {
            (Some(_), _) => (Tone::Faint, "not checked"),
            (None, true) => (Tone::Good, "holds"),
            (None, false) => (Tone::Bad, "broken"),
        };
        let said = link
            .unchecked
            .as_ref()
            .map_or_else(|| format!("{} checked", link.checked), |why| plain(why));
        ui.out(&format!(
            "{:<12} {} ({said})",
            link.name,
            ui.ink(tone, mark)
        ));
        for broken in &link.broken {
            ui.out(&format!("  {}", plain(broken)));
        }
    }
    if chain.holds() {
        let short = chain.commit.get(..12).unwrap_or(&chain.commit);
        let all = if chain.is_complete() {
            "the whole chain holds"
        } else {
            "what can be checked here holds"
        };
        ui.out(&format!("run {} to commit {short}: {all}", chain.run));
    }
}
