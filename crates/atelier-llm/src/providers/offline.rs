//! `offline`: the scaffolder that answers without a model.

use std::sync::Arc;

use atelier_model::{BoxFuture, Limits, StopReason, Usage};

use crate::{
    Call, CallError, Completion, GatewayError, Provider, ProviderEntry, Route, Transport,
    providers::{Abilities, AnswersFrom},
};

/// Its name in the configuration.
pub(crate) const NAME: &str = "offline";

/// The registry's line.
pub(super) const ENTRY: ProviderEntry = ProviderEntry {
    name: NAME,
    about: "no model: a deterministic scaffold from templates, without network or key",
    default_base_url: None,
    key_variables: &[],
    address_variables: &[],
    needs_key: false,
    answers_from: AnswersFrom::Facts,
    abilities: Abilities::NONE,
    build,
    build_embedder: None,
};

struct Offline;

#[expect(
    clippy::unnecessary_wraps,
    reason = "every entry of the registry builds so"
)]
fn build(
    _: &'static ProviderEntry,
    _: &Route,
    _: &Transport,
) -> Result<Arc<dyn Provider>, GatewayError> {
    Ok(Arc::new(Offline))
}

impl Provider for Offline {
    fn send<'a>(&'a self, call: &'a Call<'a>) -> BoxFuture<'a, Result<Completion, CallError>> {
        Box::pin(async move {
            let text = atelier_scaffold::answer(call.ask).map_err(CallError::Scaffold)?;
            Ok(Completion {
                text,
                stop: StopReason::End,
                usage: Some(Usage::default()),
            })
        })
    }

    fn probe<'a>(&'a self, _: &'a Limits) -> BoxFuture<'a, Result<(), CallError>> {
        Box::pin(async { Ok(()) })
    }
}
