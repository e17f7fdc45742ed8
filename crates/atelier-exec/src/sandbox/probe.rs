//! Which level of confinement works on this machine, why another does not, and what would help.

use std::{collections::BTreeMap, fs, path::Path};

use atelier_model::{Network, SandboxLevel};
use tokio_util::sync::CancellationToken;

use super::{Caps, Command, Confinement, Sandbox, SpawnError, Support};

/// Milliseconds a trial may take.
const TRIAL_MS: u64 = 10_000;
/// A program that does nothing, wherever it lies.
const NOTHING: &str = "true";
/// Where programs lie.
const PATH: &str = "/usr/bin:/bin:/run/current-system/sw/bin";

/// How good something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grade {
    /// It works.
    Good,
    /// It does not, and less has to do.
    Weak,
    /// It does not.
    Bad,
}

/// One thing found out about this machine's sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How good it is.
    pub grade: Grade,
    /// What was found.
    pub text: String,
    /// What would help; empty where nothing has to.
    pub remedy: String,
}

/// Tries every level with a program that does nothing; the first finding says which one to use.
pub async fn findings(sandbox: &Sandbox) -> Vec<Finding> {
    let (strong, light) = (strong(sandbox).await, light(sandbox).await);
    let mut found = vec![best(&strong, &light), strong, light];
    found.extend(own_network(sandbox).await);
    if let Some(root) = super::confine::is_root().then(root) {
        found.push(root);
    }
    found
}

/// The strongest level that works.
fn best(strong: &Finding, light: &Finding) -> Finding {
    let (grade, text, remedy) = match (strong.grade, light.grade) {
        (Grade::Good, _) => (Grade::Good, "the strongest level works: strong", ""),
        (_, Grade::Good) => (
            Grade::Weak,
            "the strongest level that works is light",
            "see below for what strong lacks; `atelier config set --user sandbox light` until then",
        ),
        (_, _) => (
            Grade::Bad,
            "no level works: commands of models cannot be confined here",
            "see below for what is missing; or work on a machine with Linux 5.13 or newer",
        ),
    };
    Finding {
        grade,
        text: text.to_owned(),
        remedy: remedy.to_owned(),
    }
}

/// Whether light can hide more, where it is asked to: that takes name spaces too.
async fn own_network(sandbox: &Sandbox) -> Option<Finding> {
    let loopback = Confinement {
        network: Network::Loopback,
        host_network: false,
        ..Confinement::light()
    };
    let error = trial(sandbox, loopback).await.err()?;
    Some(Finding {
        grade: Grade::Weak,
        text: format!(
            "light cannot give a loopback network of its own, nor hide `.atelier`: {error}"
        ),
        remedy: format!("give steps the network none; {}", remedy()),
    })
}

async fn strong(sandbox: &Sandbox) -> Finding {
    match trial(sandbox, Confinement::strong()).await {
        Ok(()) => Finding {
            grade: Grade::Good,
            text: "strong: users, files, processes and network of its own, Landlock, system calls \
                   filtered, memory, time, disk and processes limited"
                .to_owned(),
            remedy: String::new(),
        },
        Err(error) => Finding {
            grade: Grade::Weak,
            text: format!("strong does not work: {error}"),
            remedy: remedy(),
        },
    }
}

async fn light(sandbox: &Sandbox) -> Finding {
    let abi = match sandbox.support() {
        Support::Landlock { abi } => *abi,
        Support::None { reason } => {
            return Finding {
                grade: Grade::Bad,
                text: format!("light does not work: {reason}"),
                remedy: "use Linux 5.13 or newer with Landlock switched on (`lsm=landlock,...`); \
                         until then only `sandbox = \"none\"` in your own configuration runs \
                         commands, with your rights"
                    .to_owned(),
            };
        }
    };
    let missing = Confinement {
        network: Network::None,
        host_network: false,
        ..Confinement::light()
    }
    .missing()
    .join("; ");
    match trial(sandbox, Confinement::light()).await {
        Ok(()) => Finding {
            grade: Grade::Good,
            text: format!("light: Landlock {abi}, system calls filtered; what it lacks: {missing}"),
            remedy: String::new(),
        },
        Err(error) => Finding {
            grade: Grade::Bad,
            text: format!("light does not work: {error}"),
            remedy: "check that this program's file may be run, and that /tmp may be written"
                .to_owned(),
        },
    }
}

fn root() -> Finding {
    Finding {
        grade: Grade::Weak,
        text: "Atelier runs as root: strong runs commands as a user nobody is, light as root with \
               few rights"
            .to_owned(),
        remedy: "run it as an ordinary user where you can".to_owned(),
    }
}

impl Sandbox {
    /// Tries a confinement with a program that does nothing: whether it can be had here.
    pub async fn try_out(&self, confinement: Confinement) -> Result<(), SpawnError> {
        trial(self, confinement).await
    }
}

async fn trial(sandbox: &Sandbox, confinement: Confinement) -> Result<(), SpawnError> {
    let command = Command {
        argv: vec![NOTHING.to_owned()],
        cwd: Path::new("/").to_owned(),
        env: BTreeMap::from([("PATH".to_owned(), PATH.to_owned())]),
        writable: Vec::new(),
        wall_ms: TRIAL_MS,
        idle_ms: TRIAL_MS,
        output_bytes_max: 1024,
        processes_max: 64,
        kill_grace_ms: 10,
        stdin: Vec::new(),
        confinement: Confinement {
            caps: Caps::default(),
            ..confinement
        },
    };
    sandbox
        .run(&command, &CancellationToken::new(), None)
        .await
        .map(drop)
}

/// What stands in the way of a machine of its own, as far as this one tells.
pub(super) fn remedy() -> String {
    let number = |path: &str| {
        let text = fs::read_to_string(path).ok()?;
        text.trim().parse::<u64>().ok()
    };
    let mut remedies = Vec::new();
    if number("/proc/sys/user/max_user_namespaces") == Some(0) {
        remedies.push("allow name spaces of users: `sysctl -w user.max_user_namespaces=10000`");
    }
    if number("/proc/sys/kernel/unprivileged_userns_clone") == Some(0) {
        remedies
            .push("allow them to ordinary users: `sysctl -w kernel.unprivileged_userns_clone=1`");
    }
    if number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == Some(1) {
        remedies.push(
            "give this program an AppArmor profile with `userns,`, or `sysctl -w \
             kernel.apparmor_restrict_unprivileged_userns=0`",
        );
    }
    let in_container = ["/.dockerenv", "/run/.containerenv"]
        .iter()
        .any(|path| Path::new(path).exists());
    if in_container {
        remedies.push(
            "in a container: allow name spaces and mounts, such as `docker run --security-opt \
             seccomp=unconfined --security-opt apparmor=unconfined --security-opt \
             systempaths=unconfined`",
        );
    }
    if remedies.is_empty() {
        remedies.push("see `atelier doctor sandbox`");
    }
    format!(
        "{}; or use the level {}",
        remedies.join("; "),
        SandboxLevel::Light.as_str()
    )
}
