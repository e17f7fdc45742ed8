//! How tightly the commands of a run are confined: decided once, by what is wanted and what this
//! machine can do, and told.

use atelier_exec::{Confinement, Sandbox, SpawnError};
use atelier_model::{EventKind, Network, RunId, SandboxLevel};

use crate::{BuildError, Ctx};

/// Kind of the event that tells it.
const KIND: &str = "sandbox.chosen";

/// Why no level of confinement will do.
#[derive(Debug, thiserror::Error)]
pub enum ChooseLevelError {
    /// What is configured cannot be had.
    #[error("confine commands at the level {}, as the configuration wants", .level.as_str())]
    Wanted {
        /// The level.
        level: SandboxLevel,
        /// Why.
        #[source]
        source: SpawnError,
    },
    /// Nothing can be had.
    #[error("confine commands at any level")]
    Nothing(#[source] SpawnError),
    /// Less can be had than when the run began.
    #[error(
        "go on at the level {}: the run began at the level {}, which cannot be had any more",
        .now.as_str(), .before.as_str()
    )]
    Weaker {
        /// What it was.
        before: SandboxLevel,
        /// What it would be.
        now: SandboxLevel,
    },
}

impl ChooseLevelError {
    /// What a person can do about it.
    pub(crate) fn hint(&self) -> String {
        let doctor = "see `atelier doctor sandbox`";
        match self {
            Self::Wanted { source, .. } => source.hint().unwrap_or_else(|| {
                format!("{doctor}; or set another level: `atelier config set --user sandbox …`")
            }),
            Self::Nothing(_) => {
                format!(
                    "{doctor}; commands run with your rights, and unconfined, only where \
                     `sandbox = \"none\"` stands in your own configuration"
                )
            }
            Self::Weaker { now, .. } => format!(
                "{doctor}; or say that less will do: `-c sandbox={}`",
                now.as_str()
            ),
        }
    }
}

/// How commands are confined here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Level {
    pub(crate) sandbox: SandboxLevel,
    /// Whether the strong level can be had, which alone has a door to package registries.
    pub(crate) door: bool,
    /// Whether commands have a network of their own.
    pub(crate) own_network: bool,
    /// What is less than it could be elsewhere, and why.
    lacks: Vec<String>,
}

impl Level {
    /// The level that is wanted, or the tightest one that works; never less without a word.
    pub(crate) async fn choose(
        sandbox: &Sandbox,
        wanted: Option<SandboxLevel>,
    ) -> Result<Self, ChooseLevelError> {
        if wanted == Some(SandboxLevel::None) {
            return Ok(Self {
                sandbox: SandboxLevel::None,
                door: false,
                own_network: false,
                lacks: vec!["commands are not confined, as the configuration wants".to_owned()],
            });
        }
        let strong = sandbox.try_out(Confinement::strong()).await;
        match (wanted, strong) {
            (None | Some(SandboxLevel::Strong), Ok(())) => Ok(Self {
                sandbox: SandboxLevel::Strong,
                door: true,
                own_network: true,
                lacks: Vec::new(),
            }),
            (Some(level @ SandboxLevel::Strong), Err(source)) => {
                Err(ChooseLevelError::Wanted { level, source })
            }
            (wanted, strong) => Self::light(sandbox, wanted, strong.err()).await,
        }
    }

    /// The light level, with as much of a network of its own as can be had.
    async fn light(
        sandbox: &Sandbox,
        wanted: Option<SandboxLevel>,
        not_strong: Option<SpawnError>,
    ) -> Result<Self, ChooseLevelError> {
        let mut lacks = Vec::new();
        if let Some(error) = not_strong.as_ref().filter(|_| wanted.is_none()) {
            lacks.push(format!("level light, for strong cannot be had: {error}"));
        }
        let own = Confinement {
            network: Network::Loopback,
            host_network: false,
            ..Confinement::light()
        };
        let own = sandbox.try_out(own).await.err();
        if own.is_some() {
            let plain = sandbox.try_out(Confinement::light()).await;
            plain.map_err(|source| match wanted {
                Some(level) => ChooseLevelError::Wanted { level, source },
                None => ChooseLevelError::Nothing(source),
            })?;
        }
        if let Some(error) = &own {
            lacks.push(format!("tests reach this machine's network: {error}"));
        }
        if not_strong.is_some() {
            lacks.push("installations reach the whole network, not registries alone".to_owned());
        }
        Ok(Self {
            sandbox: SandboxLevel::Light,
            door: not_strong.is_none(),
            own_network: own.is_none(),
            lacks,
        })
    }

    /// The confinement of a command that is no step: it reaches what it starts itself.
    pub(crate) fn confinement(&self) -> Confinement {
        match self.sandbox {
            SandboxLevel::Strong => Confinement::strong(),
            SandboxLevel::Light => Confinement {
                network: Network::Loopback,
                host_network: !self.own_network,
                ..Confinement::light()
            },
            SandboxLevel::None => Confinement::none(),
        }
    }
}

/// Decides how the commands of a run are confined, before it asks for anything, and tells it.
///
/// A run that goes on is not confined less than it was before, unless somebody wants it so.
pub(crate) async fn settle(ctx: &Ctx, run: &RunId) -> Result<(), BuildError> {
    let chosen = ctx.checks.level(ctx).await?;
    let now = EventKind::SandboxChosen {
        level: chosen.sandbox,
        lacks: chosen.lacks.clone(),
    };
    let told = ctx.store.event_list_kind(run, KIND).await?;
    if let Some(last) = told.last() {
        if last.kind == now {
            return Ok(());
        }
        if let EventKind::SandboxChosen { level: before, .. } = last.kind
            && before > chosen.sandbox
            && ctx.checks.settings.level.is_none()
        {
            let now = chosen.sandbox;
            return Err(ChooseLevelError::Weaker { before, now }.into());
        }
    }
    ctx.store
        .event_append(Some(run), None, now, ctx.now())
        .await?;
    Ok(())
}
