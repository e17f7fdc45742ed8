//! A check of which nothing has to be done, seen without its steps being read.
//!
//! A check at the end of which everything stands keeps all that it has seen. The next one of the same
//! steps compares that with what stands, and needs neither steps nor keys nor records. What it says is
//! what the whole way would say: whatever differs anywhere leads to that.

use std::{collections::BTreeMap, sync::Arc};

use atelier_cas::Stood;
use atelier_model::{Digest, SandboxLevel};
use atelier_step::DESCRIPTOR_VERSION;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::{
    CheckError, CheckReport, StepReport, Workshop,
    check::{Progress, blocking},
    narrow::Nearly,
    workshop::Program,
};

/// The form of what is noted.
const FORMAT: u32 = 1;
/// Steps of which each is noted by its name.
pub(crate) const NAMED_MAX: usize = 100;

/// What is noted beside the paths that must stand.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Notes {
    /// The variables from outside that the steps are given, by the digests of their values.
    pub(crate) env_pass: BTreeMap<String, Option<Digest>>,
    pub(crate) programs: Vec<Program>,
    pub(crate) steps: usize,
    pub(crate) tests: u64,
    pub(crate) saved_ms: u64,
    /// What is told of each, where they are few.
    pub(crate) reports: Vec<StepReport>,
}

impl Notes {
    /// Whether what is outside the folder is as it was.
    fn hold(&self, shop: &Workshop) -> bool {
        let outside = |(name, value): (&String, &Option<Digest>)| digest(shop, name) == *value;
        self.env_pass.iter().all(outside)
            && self.programs.iter().all(|program| shop.is_same(program))
    }
}

/// The digest of the value of a variable outside.
pub(crate) fn digest(shop: &Workshop, name: &str) -> Option<Digest> {
    shop.outside.get(name).map(Digest::of)
}

/// What tells a choice of steps in a workshop from every other: all that decides their keys and is
/// neither a file nor noted.
pub(crate) fn key(shop: &Workshop, asked: &Digest) -> Digest {
    #[derive(Serialize)]
    struct Key<'a> {
        format: u32,
        version: &'a str,
        descriptor: u32,
        platform: [&'a str; 2],
        levels: [SandboxLevel; 2],
        surroundings: BTreeMap<String, Digest>,
        asked: &'a Digest,
    }
    Digest::of_json(&Key {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION"),
        descriptor: DESCRIPTOR_VERSION,
        platform: [std::env::consts::OS, std::env::consts::ARCH],
        levels: [shop.level, shop.level_min],
        surroundings: shop.surroundings(),
        asked,
    })
}

/// What a look at what a check found standing came to.
#[derive(Debug)]
pub enum Glance {
    /// Everything stands; what a check would say.
    Whole(CheckReport),
    /// A few files may have been written.
    But(Box<Nearly>),
    /// Everything has to be looked at.
    Open,
}

/// Looks whether everything stands as it did at the end of the last check. A few steps are told one by
/// one; `all` is whether each must be, however many there are.
pub async fn standing(
    shop: &Workshop,
    asked: &Digest,
    all: bool,
    tell: &(dyn Fn(Progress<'_>) + Send + Sync),
) -> Result<Glance, CheckError> {
    let begun = Instant::now();
    let (own, asked) = (shop.clone(), *asked);
    let found = blocking(move || Ok(look(&own, &asked))).await?;
    let notes = match found {
        Some(Found::Whole(notes)) if !all || notes.reports.len() == notes.steps => notes,
        Some(Found::But(nearly)) if !all => return Ok(Glance::But(nearly)),
        Some(Found::Whole(_) | Found::But(_)) | None => return Ok(Glance::Open),
    };
    let steps = notes.reports;
    for step in &steps {
        tell(Progress::Over(step));
    }
    Ok(Glance::Whole(CheckReport {
        unchanged: notes.steps.saturating_sub(steps.len()),
        steps,
        examined: 0,
        tests: notes.tests,
        passed: true,
        cancelled: false,
        took_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        saved_ms: notes.saved_ms,
        critical_path: Vec::new(),
        trace: serde_json::Value::Null,
    }))
}

/// What was found of what was kept.
enum Found {
    Whole(Notes),
    But(Box<Nearly>),
}

fn look(shop: &Workshop, asked: &Digest) -> Option<Found> {
    let key = key(shop, asked);
    let read = |notes: &[u8]| {
        let notes: Notes = serde_json::from_slice(notes).ok()?;
        notes.hold(shop).then_some(notes)
    };
    match shop.workspace.stood(&key)? {
        Stood::Whole(notes) => read(&notes).map(Found::Whole),
        Stood::But(touched) => {
            let notes = read(touched.notes())?;
            Some(Found::But(Box::new(Nearly {
                key,
                touched: Arc::new(touched),
                notes,
            })))
        }
    }
}
