//! What asks came to: money, tokens, and what did not have to be asked.

use atelier_model::AskSource;

use crate::{AskFact, Cache, Facts, ModelUse, Tokens};

/// Whether the answer was there before it was asked for.
pub(super) fn is_kept(ask: &AskFact) -> bool {
    ask.line.source.is_some_and(AskSource::is_kept)
}

pub(super) fn cost<'a>(asks: impl Iterator<Item = &'a AskFact>) -> u64 {
    asks.fold(0, |sum, ask| sum.saturating_add(ask.line.cost.0))
}

/// Tokens that a provider counted for asks.
pub(super) fn all_tokens<'a>(asks: impl Iterator<Item = &'a AskFact>) -> u64 {
    asks.filter(|ask| !is_kept(ask)).fold(0, |sum, ask| {
        sum.saturating_add(ask.line.usage.input)
            .saturating_add(ask.line.usage.output)
    })
}

pub(super) fn tokens(facts: &Facts) -> Tokens {
    let mut tokens = Tokens::default();
    for ask in facts.asks.iter().filter(|ask| !is_kept(ask)) {
        tokens.input = tokens.input.saturating_add(ask.line.usage.input);
        tokens.output = tokens.output.saturating_add(ask.line.usage.output);
        let cached = ask.line.usage.cached_input;
        tokens.input_cached = tokens.input_cached.saturating_add(cached);
    }
    tokens
}

pub(super) fn cache(facts: &Facts) -> Cache {
    let mut cache = Cache::default();
    for ask in &facts.asks {
        match ask.line.source {
            Some(AskSource::Provider) => {
                cache.provider += 1;
                let cached = ask.line.usage.cached_input;
                cache.provider_tokens = cache.provider_tokens.saturating_add(cached);
            }
            Some(AskSource::Cache) => {
                cache.exact += 1;
                let saved = cache.exact_saved_micro_usd;
                cache.exact_saved_micro_usd = saved.saturating_add(ask.saved.0);
            }
            Some(AskSource::Semantic) => {
                cache.semantic += 1;
                let saved = cache.semantic_saved_micro_usd;
                cache.semantic_saved_micro_usd = saved.saturating_add(ask.saved.0);
            }
            None => {}
        }
    }
    cache
}

/// By stage and model, in the order of the first ask of each.
pub(super) fn models(facts: &Facts) -> Vec<ModelUse> {
    let mut all: Vec<ModelUse> = Vec::new();
    for ask in &facts.asks {
        let stage = ask.line.stage.name();
        let same = |one: &ModelUse| {
            one.stage == stage && one.model == ask.line.model && one.provider == ask.line.provider
        };
        let place = all.iter().position(same).unwrap_or_else(|| {
            all.push(ModelUse {
                stage: stage.to_owned(),
                provider: ask.line.provider.clone(),
                model: ask.line.model.clone(),
                asks: 0,
                kept: 0,
                failed: 0,
                input: 0,
                output: 0,
                cost_micro_usd: 0,
            });
            all.len() - 1
        });
        let Some(one) = all.get_mut(place) else {
            continue;
        };
        one.asks += 1;
        one.kept += u64::from(is_kept(ask));
        one.failed += u64::from(ask.line.failed);
        one.cost_micro_usd = one.cost_micro_usd.saturating_add(ask.line.cost.0);
        if !is_kept(ask) {
            one.input = one.input.saturating_add(ask.line.usage.input);
            one.output = one.output.saturating_add(ask.line.usage.output);
        }
    }
    all
}
