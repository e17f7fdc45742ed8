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
    /// Prompts and key would travel unencrypted to another machine.
    #[error("send prompts unencrypted to `{url}`: use https, or allow it with `plain_http = true`")]
    PlainHttp {
        /// The URL.
        url: String,
    },
    /// The key holds characters that no header can carry.
    #[error("send the key: it holds characters that no key has")]
    Key,
    /// The HTTP client could not be set up.
    #[error("set up the HTTP client: {said}")]
    Client {
        /// The cause.
        said: String,
    },
}
