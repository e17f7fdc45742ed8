//! Asks a provider the cheapest question that fails when the key is wrong or nobody is there.

use atelier_model::Limits;

use crate::{AskError, GatewayError, Route, Transport, gateway::known_entry};

/// Why a route would not work.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The route cannot be used as it is configured.
    #[error(transparent)]
    Route(#[from] GatewayError),
    /// The provider did not answer as it should.
    #[error(transparent)]
    Ask(#[from] AskError),
}

/// Checks a route with one request that costs nothing: the list of models. `offline` always passes.
pub async fn probe_key(route: &Route, limits: &Limits) -> Result<(), ProbeError> {
    let entry = known_entry(route)?;
    let provider = (entry.build)(entry, route, &Transport::new(limits.clone()))?;
    let probed = provider.probe(limits).await;
    probed.map_err(|error| AskError::from_call(error, route, 1).into())
}
