//! Roles, and what each may do.

use serde::{Deserialize, Serialize};

/// What somebody is trusted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks on.
    Viewer,
    /// Asks models, which costs money.
    Builder,
    /// Decides what others propose.
    Approver,
    /// Decides who may do what.
    Admin,
}

/// Something that can be done through the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// See which models there are.
    SeeModels,
    /// Read counts and times, and what was spent.
    ReadMetrics,
    /// See where the runs of a project stand.
    SeeRuns,
    /// Have tokens counted.
    CountTokens,
    /// Ask a model.
    Ask,
    /// Have vectors made of texts.
    Embed,
    /// Pause, cancel and change runs and their tasks.
    SteerRuns,
    /// Approve or reject.
    Approve,
    /// Read who did what.
    ReadAudit,
    /// See the keys of clients, never their values.
    SeeKeys,
    /// Issue keys to clients.
    IssueKeys,
    /// Revoke keys of clients.
    RevokeKeys,
}

impl Role {
    /// Every role, the least trusted first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Builder, Self::Approver, Self::Admin];

    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Builder => "builder",
            Self::Approver => "approver",
            Self::Admin => "admin",
        }
    }

    /// The role of a word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether it may do something: whoever is trusted with more may do all that the others may.
    pub fn may(self, action: Action) -> bool {
        self >= action.least()
    }
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 12] = [
        Self::SeeModels,
        Self::ReadMetrics,
        Self::SeeRuns,
        Self::CountTokens,
        Self::Ask,
        Self::Embed,
        Self::SteerRuns,
        Self::Approve,
        Self::ReadAudit,
        Self::SeeKeys,
        Self::IssueKeys,
        Self::RevokeKeys,
    ];

    /// What it is, after "may not".
    pub fn name(self) -> &'static str {
        match self {
            Self::SeeModels => "see the models",
            Self::ReadMetrics => "read metrics",
            Self::SeeRuns => "see runs",
            Self::CountTokens => "have tokens counted",
            Self::Ask => "ask models",
            Self::Embed => "have vectors made",
            Self::SteerRuns => "steer runs",
            Self::Approve => "approve",
            Self::ReadAudit => "read the audit log",
            Self::SeeKeys => "see keys",
            Self::IssueKeys => "issue keys",
            Self::RevokeKeys => "revoke keys",
        }
    }

    /// The least trusted role that may do it.
    pub fn least(self) -> Role {
        match self {
            Self::SeeModels | Self::ReadMetrics | Self::SeeRuns => Role::Viewer,
            Self::CountTokens | Self::Ask | Self::Embed | Self::SteerRuns => Role::Builder,
            Self::Approve | Self::ReadAudit => Role::Approver,
            Self::SeeKeys | Self::IssueKeys | Self::RevokeKeys => Role::Admin,
        }
    }
}
