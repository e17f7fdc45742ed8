//! Why an ask brought no reply, what kind of trouble that is, and what to do about it.

use std::sync::Arc;

use atelier_model::{MicroUsd, Resource, Timestamp};
use atelier_scaffold::ScaffoldError;
use atelier_store::{AskBeginError, Scope, StoreError};

use crate::{AskDivergence, CallError, Route, Wait};

/// Why an ask brought no reply. Asks that share one sending share its error.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AskError {
    /// The most it could cost is more than what is left of the budget.
    #[error(
        "ask within the {} of {budget}: {spent} is spent or reserved and this ask may cost {needed}",
        .scope.name()
    )]
    Budget {
        /// Whose budget it is.
        scope: Scope,
        /// The most it could cost.
        needed: MicroUsd,
        /// What is spent or reserved.
        spent: MicroUsd,
        /// The budget.
        budget: MicroUsd,
    },
    /// The most it could use is more than what is left of a budget of something other than money.
    #[error(
        "ask within the {} of {}: {} are used or reserved and this ask may take {}",
        .scope.name(), .resource.in_words(*.budget), .resource.in_words(*.spent),
        .resource.in_words(*.needed)
    )]
    Limit {
        /// Whose budget it is.
        scope: Scope,
        /// Of what.
        resource: Resource,
        /// The most it could use.
        needed: u64,
        /// What is used or reserved.
        spent: u64,
        /// The budget.
        budget: u64,
    },
    /// A person asked that nothing more is begun.
    #[error("ask: the run is to rest")]
    Resting,
    /// The provider does not accept the key, or there is none, or no credit on it.
    #[error("get access to {model} at {provider}: {said}{}", in_brackets(*status))]
    Credentials {
        /// The provider.
        provider: String,
        /// The model.
        model: String,
        /// HTTP status; `None` where nothing was sent for want of a key.
        status: Option<u16>,
        /// The provider's words.
        said: String,
    },
    /// The provider refuses this request and would refuse it again.
    #[error("have {provider} accept the request: {said} ({status})")]
    Refused {
        /// The provider.
        provider: String,
        /// HTTP status.
        status: u16,
        /// The provider's words.
        said: String,
    },
    /// The provider wants to be asked less often, or later than is worth waiting for.
    #[error("ask {provider} so often: {said} ({status}, {}){}", tried(*tries), wait(*retry_after_ms))]
    RateLimited {
        /// The provider.
        provider: String,
        /// HTTP status.
        status: u16,
        /// The provider's words.
        said: String,
        /// How often it was sent.
        tries: u32,
        /// Milliseconds after which the provider wants to be asked again.
        retry_after_ms: Option<u64>,
    },
    /// The provider could not do its work.
    #[error("get an answer from {provider}: {said} ({status}, {})", tried(*tries))]
    Provider {
        /// The provider.
        provider: String,
        /// HTTP status, or the one that means the same.
        status: u16,
        /// The provider's words.
        said: String,
        /// How often it was sent.
        tries: u32,
    },
    /// The provider could not be reached, or the connection broke.
    #[error("reach {said} ({})", tried(*tries))]
    Network {
        /// The address and the cause.
        said: String,
        /// How often it was sent.
        tries: u32,
    },
    /// The model failed again and again, or its provider asked for time: nothing was sent.
    #[error("ask {provider} for {model} so soon: it is left alone for {} s more", wait_ms.div_ceil(1_000))]
    LeftAlone {
        /// The provider.
        provider: String,
        /// The model.
        model: String,
        /// Milliseconds until it is asked again.
        wait_ms: u64,
        /// What it last failed for.
        #[source]
        last: Option<Box<AskError>>,
    },
    /// Its turn under a rate limit would come too late: nothing was sent.
    #[error("ask {provider} for {model} within {limit}: its turn would come in {} s", wait_ms.div_ceil(1_000))]
    OverRate {
        /// The provider.
        provider: String,
        /// The model.
        model: String,
        /// The limit with its window, in words.
        limit: String,
        /// Milliseconds until its turn would come, at least.
        wait_ms: u64,
    },
    /// A wait reached its limit.
    #[error("get an answer within {limit_ms} ms of waiting for {} ({})", which.name(), tried(*tries))]
    TimedOut {
        /// Which wait.
        which: Wait,
        /// Its limit.
        limit_ms: u64,
        /// How often it was sent.
        tries: u32,
    },
    /// The answer ended without the terminal event of its dialect: half an answer is none.
    #[error("read the whole answer: it ended too early ({})", tried(*tries))]
    Truncated {
        /// How often it was sent.
        tries: u32,
    },
    /// The answer is not in the provider's dialect.
    #[error("read the answer: {said}")]
    Malformed {
        /// What is wrong with it.
        said: String,
    },
    /// The answer is larger than allowed.
    #[error("read an answer of more than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// Nobody is configured who makes vectors of texts.
    #[error("find a model that makes vectors of texts")]
    NoEmbeddings,
    /// A budget is set and nobody knows what the model costs.
    #[error("keep to a budget with {model}: its price is not known")]
    PriceUnknown {
        /// The model.
        model: String,
    },
    /// The scaffolder, which answers where no model is configured, has no answer.
    #[error("answer without a model")]
    Scaffold(#[source] Arc<ScaffoldError>),
    /// None of the routes answered that may answer.
    #[error("get an answer from any of {} models: {}", failures.len(), story(failures))]
    EveryRoute {
        /// What became of each, in the order in which they were asked.
        failures: Vec<RouteFailure>,
    },
    /// It is asked of a recording, which has no answer to it.
    #[error("find the answer to {0}")]
    Diverged(Box<AskDivergence>),
    /// It is asked of a recording without a single answer.
    #[error("find an answer: none is recorded")]
    NothingRecorded,
    /// The caller cancelled it.
    #[error("finish the ask: it was cancelled")]
    Cancelled,
    /// The state could not be read or written.
    #[error("record the ask")]
    Store(#[source] Arc<StoreError>),
}

/// One route that was asked and did not answer.
#[derive(Debug, Clone)]
pub struct RouteFailure {
    /// The route, as `provider/model`.
    pub route: String,
    /// When it was asked.
    pub at: Timestamp,
    /// How often it was sent.
    pub tries: u32,
    /// Why it did not answer.
    pub error: AskError,
}

/// What kind of trouble it is, as far as the outcome of a run depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskErrorKind {
    /// Money.
    Budget,
    /// The configuration or its credentials must change.
    Credentials,
    /// The provider or the network.
    Provider,
    /// A recording has no answer to it.
    Diverged,
    /// A person stopped it.
    Cancelled,
    /// This program or its state.
    Internal,
}

impl AskError {
    /// What kind of trouble it is.
    pub fn kind(&self) -> AskErrorKind {
        match self {
            Self::Budget { .. } | Self::Limit { .. } => AskErrorKind::Budget,
            Self::Credentials { .. } | Self::PriceUnknown { .. } | Self::NoEmbeddings => {
                AskErrorKind::Credentials
            }
            Self::Refused { .. }
            | Self::RateLimited { .. }
            | Self::Provider { .. }
            | Self::Network { .. }
            | Self::LeftAlone { .. }
            | Self::OverRate { .. }
            | Self::TimedOut { .. }
            | Self::Truncated { .. }
            | Self::Malformed { .. }
            | Self::TooLarge { .. } => AskErrorKind::Provider,
            Self::Scaffold(error) => scaffold_kind(error),
            Self::EveryRoute { failures } => kind_of_all(failures),
            Self::Diverged(_) | Self::NothingRecorded => AskErrorKind::Diverged,
            Self::Cancelled | Self::Resting => AskErrorKind::Cancelled,
            Self::Store(_) => AskErrorKind::Internal,
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Budget { scope: Scope::Stage, .. } => {
                "raise `stages.NAME.budget` of the stage, then `atelier resume`; nothing already answered is asked again".to_owned()
            }
            Self::Budget { scope: Scope::Task, .. } => {
                "raise `task_budget`, or use `atelier task edit`, then `atelier resume`; nothing already answered is asked again".to_owned()
            }
            Self::Budget { needed, spent, .. } => {
                let enough = whole_cents(*spent + *needed);
                format!("resume with `--budget` of at least {enough}; nothing already answered is asked again")
            }
            Self::Limit { scope, resource, needed, spent, .. } => limit_hint(*scope, *resource, spent.saturating_add(*needed)),
            Self::Resting => "go on with `atelier resume`".to_owned(),
            Self::Credentials { provider, status, .. } => credentials_hint(provider, *status),
            Self::Refused { status, .. } => refused_hint(*status).to_owned(),
            Self::RateLimited { .. } => "wait, then `atelier resume`; or use a model with higher limits".to_owned(),
            Self::Provider { .. } => "`atelier resume` later, or set another provider or model".to_owned(),
            Self::Network { .. } => "check the network and `base_url`, then `atelier resume`; `atelier doctor` shows which servers answer".to_owned(),
            Self::LeftAlone { last: Some(last), .. } => last.hint(),
            Self::LeftAlone { last: None, .. } => "wait, then `atelier resume`; or set another provider or model".to_owned(),
            Self::OverRate { provider, .. } => format!("wait, then `atelier resume`; or raise `limits.rate_wait_ms_max`, or `[rates.\"{provider}\"]` if the limit is yours, or use a model with higher limits"),
            Self::TimedOut { which, .. } => timed_out_hint(*which),
            Self::Truncated { .. } => "`atelier resume`; if it goes on, a proxy between here and the provider cuts answers off: set `stream = false`".to_owned(),
            Self::Malformed { .. } => "check that `base_url` is the address of the provider's API, and that `provider` names its dialect".to_owned(),
            Self::NoEmbeddings => "name a model that makes them".to_owned(),
            Self::TooLarge { .. } => "lower `tokens_max`, or raise `limits.reply_bytes_max`".to_owned(),
            Self::PriceUnknown { model } => format!("add `[prices.\"{model}\"]` with `input` and `output` in dollars per million tokens, or run without `--budget`"),
            Self::Scaffold(_) => "connect a model: `atelier doctor` says which ones are within reach".to_owned(),
            Self::EveryRoute { failures } => hints(failures),
            Self::Diverged(_) | Self::NothingRecorded => "replay with the program, the prompts and the recipes that the run was made with; `atelier build` asks the model again".to_owned(),
            Self::Cancelled => "`atelier resume` goes on where it stopped".to_owned(),
            Self::Store(_) => "check that the disk is not full and that `.atelier` can be written, then `atelier resume`".to_owned(),
        }
    }

    /// What it means that these routes did not answer: of one alone, what it says itself.
    pub(crate) fn of_routes(mut failures: Vec<RouteFailure>) -> Self {
        match failures.pop() {
            Some(only) if failures.is_empty() => only.error,
            last => {
                failures.extend(last);
                Self::EveryRoute { failures }
            }
        }
    }

    /// What a failed sending means for the ask after so many tries.
    pub(crate) fn from_call(error: CallError, route: &Route, tries: u32) -> Self {
        match error {
            CallError::KeyMissing => Self::Credentials {
                provider: route.name().to_owned(),
                model: route.model.clone(),
                status: None,
                said: "no key is set".to_owned(),
            },
            CallError::Status {
                status,
                said,
                retry_after_ms,
                no_access,
            } => Self::from_status(status, said, (retry_after_ms, no_access), route, tries),
            CallError::Reported { status, said } => {
                Self::from_status(status, said, (None, false), route, tries)
            }
            CallError::Connect { said } | CallError::Broken { said } => {
                Self::Network { said, tries }
            }
            CallError::TimedOut { which, limit_ms } => Self::TimedOut {
                which,
                limit_ms,
                tries,
            },
            CallError::Truncated => Self::Truncated { tries },
            CallError::Malformed { said } => Self::Malformed { said },
            CallError::TooLarge { limit } => Self::TooLarge { limit },
            CallError::Scaffold(error) => Self::Scaffold(Arc::new(error)),
        }
    }

    fn from_status(
        status: u16,
        said: String,
        (retry_after_ms, no_access): (Option<u64>, bool),
        route: &Route,
        tries: u32,
    ) -> Self {
        let provider = route.name().to_owned();
        match status {
            _ if no_access || matches!(status, 401..=403) => Self::Credentials {
                provider,
                model: route.model.clone(),
                status: Some(status),
                said,
            },
            429 => Self::RateLimited {
                provider,
                status,
                said,
                tries,
                retry_after_ms,
            },
            408 | 409 | 500..=599 if retry_after_ms.is_some() => Self::RateLimited {
                provider,
                status,
                said,
                tries,
                retry_after_ms,
            },
            408 | 409 | 500..=599 => Self::Provider {
                provider,
                status,
                said,
                tries,
            },
            _ => Self::Refused {
                provider,
                status,
                said,
            },
        }
    }
}

impl From<StoreError> for AskError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl From<AskBeginError> for AskError {
    fn from(error: AskBeginError) -> Self {
        match error {
            AskBeginError::OverBudget {
                scope,
                needed,
                spent,
                budget,
            } => Self::Budget {
                scope,
                needed,
                spent,
                budget,
            },
            AskBeginError::OverLimit {
                scope,
                resource,
                needed,
                spent,
                budget,
            } => Self::Limit {
                scope,
                resource,
                needed,
                spent,
                budget,
            },
            AskBeginError::Resting => Self::Resting,
            AskBeginError::Store(error) => error.into(),
        }
    }
}

/// How a person gives more of what is used up.
fn limit_hint(scope: Scope, resource: Resource, enough: u64) -> String {
    let kept = "nothing already answered is asked again";
    match scope {
        Scope::Run => {
            format!("resume with `--budget-{resource}` of at least {enough}; {kept}")
        }
        Scope::Stage => {
            format!("raise `stages.NAME.budget_{resource}`, then `atelier resume`; {kept}")
        }
        Scope::Task => format!(
            "raise `task_budget_{resource}`, or use `atelier task edit`, then `atelier resume`; {kept}"
        ),
        Scope::Everyone | Scope::EveryoneDay | Scope::Client | Scope::ClientDay => {
            "see `atelier cost`".to_owned()
        }
    }
}

/// More money or better credentials mend it where they would mend one of the routes, or all.
fn kind_of_all(failures: &[RouteFailure]) -> AskErrorKind {
    let mut kinds = failures.iter().map(|failure| failure.error.kind());
    if kinds.clone().any(|kind| kind == AskErrorKind::Budget) {
        AskErrorKind::Budget
    } else if kinds.all(|kind| kind == AskErrorKind::Credentials) {
        AskErrorKind::Credentials
    } else {
        AskErrorKind::Provider
    }
}

/// What became of each route, in the order in which they were asked.
fn story(failures: &[RouteFailure]) -> String {
    let parts = failures.iter().map(|failure| {
        let RouteFailure {
            route, at, error, ..
        } = failure;
        format!("{route} at {at}: failed to {error}")
    });
    parts.collect::<Vec<_>>().join("; ")
}

/// What a person can do, each remedy once and with the routes that it is for.
fn hints(failures: &[RouteFailure]) -> String {
    let mut hints: Vec<(String, Vec<&str>)> = Vec::new();
    for failure in failures {
        let hint = failure.error.hint();
        match hints.iter_mut().find(|(known, _)| *known == hint) {
            Some((_, routes)) => routes.push(&failure.route),
            None => hints.push((hint, vec![&failure.route])),
        }
    }
    match hints.as_slice() {
        [(hint, _)] => hint.clone(),
        several => {
            let told = several.iter();
            let told = told.map(|(hint, routes)| format!("{}: {hint}", routes.join(", ")));
            told.collect::<Vec<_>>().join("; ")
        }
    }
}

fn scaffold_kind(error: &ScaffoldError) -> AskErrorKind {
    match error {
        ScaffoldError::NothingToBuild
        | ScaffoldError::NoPack(_)
        | ScaffoldError::NeedsModel { .. } => AskErrorKind::Credentials,
        ScaffoldError::UnknownPhase(_) | ScaffoldError::Facts { .. } | ScaffoldError::Write(_) => {
            AskErrorKind::Internal
        }
    }
}

fn credentials_hint(provider: &str, status: Option<u16>) -> String {
    if matches!(status, Some(402 | 429)) {
        return "add credit to the account, or set another provider or model".to_owned();
    }
    let Some(entry) = crate::provider_entry(provider) else {
        return format!("set `providers.{provider}.key` to a key that may use this model");
    };
    match entry.key_variables.first() {
        Some(variable) => format!(
            "set {variable} to a key that may use this model, or keep one with `atelier keys add {provider}`"
        ),
        None => "set a key that may use this model".to_owned(),
    }
}

fn refused_hint(status: u16) -> &'static str {
    match status {
        300..=399 => {
            "set `base_url` to the address that it leads to: a key is not sent after a redirect"
        }
        404 => "check `model` and `base_url`: the provider does not know one of them",
        413 => "lower `limits.context_tokens_max`, or use a model with a larger context",
        _ => {
            "check `model`, `temperature`, `tokens_max`, `effort` and `structured` against what the provider allows"
        }
    }
}

fn timed_out_hint(which: Wait) -> String {
    let limit = which.limit_name();
    match which {
        Wait::Connect => {
            format!("check that the server runs and `base_url` is right; or raise `limits.{limit}`")
        }
        Wait::FirstByte | Wait::Idle | Wait::Total => {
            format!(
                "raise `limits.{limit}`, set `stream = true`, or use a faster model; then `atelier resume`"
            )
        }
    }
}

fn in_brackets(status: Option<u16>) -> String {
    status
        .map(|status| format!(" ({status})"))
        .unwrap_or_default()
}

fn tried(tries: u32) -> String {
    match tries {
        1 => "tried once".to_owned(),
        _ => format!("tried {tries} times"),
    }
}

fn wait(retry_after_ms: Option<u64>) -> String {
    retry_after_ms
        .map(|wait_ms| {
            let wait_s = wait_ms.div_ceil(1_000);
            format!("; it wants to be asked again in {wait_s} s")
        })
        .unwrap_or_default()
}

/// The amount rounded up to cents: shown shorter than it is, it would not be enough.
fn whole_cents(amount: MicroUsd) -> MicroUsd {
    const CENT: u64 = 10_000;
    MicroUsd(amount.0.div_ceil(CENT).saturating_mul(CENT))
}
