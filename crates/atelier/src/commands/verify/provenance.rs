//! What was verified as an in-toto statement with SLSA provenance, signed (DSSE).

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use atelier_archive::Cid;
use atelier_engine::Chain;
use atelier_exec::Git;
use atelier_model::Run;
use atelier_seal::{Secret, SigningKey};
use serde_json::{Value, json};

use super::VerifyError;
use crate::{cli_error::CliError, config::Settings};

/// What the payload of the envelope is.
const PAYLOAD: &str = "application/vnd.in-toto+json";
const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const PREDICATE: &str = "https://slsa.dev/provenance/v1";
/// How it was built, and by what.
const BUILD: &str = "urn:atelier:run:v1";
const BUILDER: &str = "urn:atelier:builder";

/// Bytes of a file with a key.
const KEY_BYTES_MAX: u64 = 64 * 1024;

/// The signed statement, as the text of a file.
pub(super) fn signed(
    git: &Git,
    settings: &Settings,
    chain: &Chain,
    run: Option<&Run>,
) -> Result<String, CliError> {
    let path = settings.provenance_key.as_ref().ok_or(VerifyError::NoKey)?;
    let key = key(path)?;
    let statement = statement(git, chain, run)?;
    let envelope = key.sign(PAYLOAD, statement.to_string().as_bytes());
    let envelope = json!({
        "payload": envelope.payload,
        "payloadType": PAYLOAD,
        "signatures": [{"keyid": envelope.key, "sig": envelope.signature}],
    });
    Ok(format!("{envelope}\n"))
}

fn key(path: &Path) -> Result<SigningKey, VerifyError> {
    let failed = |source: io::Error| VerifyError::KeyFile {
        path: path.to_owned(),
        source,
    };
    let mut text = String::new();
    let file = File::open(path).map_err(failed)?;
    file.take(KEY_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(failed)?;
    let text = Secret::new(&text);
    SigningKey::from_pem(text.expose()).map_err(|source| VerifyError::Key {
        path: path.to_owned(),
        source,
    })
}

fn statement(git: &Git, chain: &Chain, run: Option<&Run>) -> Result<Value, CliError> {
    let lock = &chain.lock;
    let tree = git.tree_id(&chain.commit)?;
    let mut external = json!({"requirement": {"digest": {"blake3": lock.requirement}}});
    if let Some(run) = run {
        external["requirement"]["text"] = json!(run.requirement);
    }
    let mut metadata = json!({"invocationId": chain.run});
    if let Some(run) = run {
        metadata["startedOn"] = json!(run.created_at.to_string());
        metadata["finishedOn"] = json!(run.ended_at.map(|at| at.to_string()));
    }
    let checked: Vec<_> = chain
        .links
        .iter()
        .map(|link| {
            json!({
                "name": link.name,
                "annotations": {"checked": link.checked, "unchecked": link.unchecked},
            })
        })
        .collect();
    Ok(json!({
        "_type": STATEMENT,
        "subject": [
            {"name": "commit", "digest": {"gitCommit": chain.commit}},
            {"name": "tree", "digest": {"gitTree": tree}},
        ],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD,
                "externalParameters": external,
                "internalParameters": {"settings": lock.settings, "templates": lock.templates},
                "resolvedDependencies": dependencies(chain),
            },
            "runDetails": {
                "builder": {
                    "id": BUILDER,
                    "version": {"atelier": env!("CARGO_PKG_VERSION")},
                },
                "metadata": metadata,
                "byproducts": checked,
            },
        },
    }))
}

/// What it was built from: the files it began from, the replies, and the tools.
fn dependencies(chain: &Chain) -> Vec<Value> {
    let lock = &chain.lock;
    let mut all = Vec::new();
    if let Some(base) = &lock.base {
        all.push(json!({"name": "base", "digest": {"gitTree": base}}));
    }
    if let Ok(cid) = lock.archive.parse::<Cid>() {
        all.push(json!({
            "name": "replies",
            "uri": format!("ipfs://{cid}"),
            "digest": {"sha256": cid.sha256()},
        }));
    }
    let tools = lock.tools.iter();
    all.extend(
        tools.map(|(name, version)| json!({"name": name, "annotations": {"version": version}})),
    );
    all
}
