//! Why a gateway cannot be made of a configuration.

use atelier_model::Stage;

/// Why a gateway cannot be made of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GatewayError {
    /// A stage has no route.
    #[error("find a model for the {stage} stage")]
    RouteMissing {
        /// The stage.
        stage: Stage,
    },
    /// There is no provider of that name.
    #[error(
        "find a provider named `{provider}`; there are {}",
        crate::providers::names()
    )]
    ProviderUnknown {
        /// The name.
        provider: String,
    },
    /// The base URL cannot be used.
    #[error("use the base URL `{url}`: {why}")]
    Url {
        /// The URL, without what may be secret.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The provider has no usual address, and the route names none.
    #[error("find {provider}: it has no usual address, so `base_url` must name one")]
    NoAddress {
        /// The provider.
        provider: &'static str,
    },
    /// Prompts and key would travel unencrypted to another machine.
    #[error("send prompts unencrypted to `{url}`: use https, or allow it with `plain_http = true`")]
    PlainHttp {
        /// The URL.
        url: String,
    },
    /// The provider makes no vectors of texts.
    #[error("have {provider} make vectors of texts: it makes none")]
    Embeddings {
        /// The provider.
        provider: String,
    },
    /// The provider cannot be told how hard to think.
    #[error("tell {provider} how hard to think: it takes no effort")]
    Effort {
        /// The provider.
        provider: &'static str,
    },
    /// Something is to be hidden and there is no key from which placeholders follow.
    #[error("hide anything from providers: there is no key for placeholders")]
    GuardKeyMissing,
    /// The key holds characters that no header can carry.
    #[error("send the key: it holds characters that no key has")]
    Key,
    /// The HTTP client could not be set up.
    #[error("set up the HTTP client: {said}")]
    Client {
        /// The cause.
        said: String,
    },
    /// No model is configured that another program could be connected to.
    #[error("find a model to pass requests on to: no provider with a server is configured")]
    NothingToRelay,
}
