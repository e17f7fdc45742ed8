//! How long steps will take, where nobody has measured it.

use std::collections::BTreeMap;

use atelier_model::BuildStep;

use super::Outlook;

/// Milliseconds of a step in a project of which nothing was measured.
const UNKNOWN_MS: u64 = 1_000;

/// Milliseconds each step will take: as measured, else as the middle one of its kind, else as the
/// middle one of all.
pub fn estimates(steps: &[BuildStep], outlooks: &[Outlook]) -> Vec<u64> {
    let pairs = || steps.iter().zip(outlooks);
    let mut by_kind: BTreeMap<_, Vec<u64>> = BTreeMap::new();
    let mut all = Vec::new();
    for (step, duration) in pairs().filter_map(|(step, one)| Some((step, one.duration_ms?))) {
        by_kind.entry(step.kind).or_default().push(duration);
        all.push(duration);
    }
    let by_kind: BTreeMap<_, u64> = by_kind
        .into_iter()
        .filter_map(|(kind, list)| Some((kind, middle(list)?)))
        .collect();
    let any = middle(all).unwrap_or(UNKNOWN_MS);
    let estimate = |(step, outlook): (&BuildStep, &Outlook)| {
        let usual = by_kind.get(&step.kind).copied().unwrap_or(any);
        outlook.duration_ms.unwrap_or(usual)
    };
    pairs().map(estimate).collect()
}

fn middle(mut list: Vec<u64>) -> Option<u64> {
    list.sort_unstable();
    list.get(list.len() / 2).copied()
}
