//! What was hidden from the provider of a batch, kept until its answers come.

use std::{collections::BTreeMap, sync::Arc};

use atelier_guard::Vault;
use atelier_model::AuditFact;
use atelier_seal::SealKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::BatchError;
use crate::{
    layers::guard::{
        answer::{Answer, Manner},
        fact,
    },
    relay::Dialect,
};

/// The form in which it is kept.
const FORMAT: u32 = 1;

/// What was hidden in the questions of one batch.
#[derive(Debug, PartialEq)]
pub struct BatchHidden {
    /// What is kept of it; it holds what was hidden, so only sealed.
    pub kept: Vec<u8>,
    /// What may be told of it: how many values of each kind.
    pub fact: AuditFact,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    format: u32,
    /// Values by their placeholders.
    values: BTreeMap<String, String>,
    /// Places of the questions whose answers are to be JSON.
    json: Vec<usize>,
}

impl BatchHidden {
    /// What a vault holds after the questions passed it; nothing where it is empty.
    pub(super) fn of(vault: &Vault, json: Vec<usize>) -> Option<Self> {
        if vault.is_empty() {
            return None;
        }
        let pairs = vault.pairs();
        let values = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let kept = Kept {
            format: FORMAT,
            values: values.collect(),
            json,
        };
        Some(Self {
            // Texts by texts can always be written.
            kept: serde_json::to_vec(&kept).unwrap_or_default(),
            fact: fact(vault),
        })
    }
}

/// Puts values back into answers.
pub(super) struct Restoring {
    vault: Arc<Vault>,
    json: Vec<usize>,
    dialect: Dialect,
}

impl Restoring {
    /// Reads what was kept.
    pub(super) fn read(kept: &[u8], key: &SealKey, dialect: Dialect) -> Result<Self, BatchError> {
        let kept: Kept = serde_json::from_slice(kept).map_err(|_| BatchError::Hidden)?;
        if kept.format != FORMAT {
            return Err(BatchError::Hidden);
        }
        Ok(Self {
            vault: Arc::new(Vault::of_pairs(*key.expose(), kept.values)),
            json: kept.json,
            dialect,
        })
    }

    /// The answer to a question with its values.
    pub(super) fn response(&self, at: usize, response: Value) -> Value {
        let manner = Manner {
            dialect: self.dialect,
            stream: false,
            is_json: self.json.contains(&at),
        };
        let mut answer = Answer::new(Arc::clone(&self.vault), manner);
        let mut bytes = answer.push(response.to_string().as_bytes());
        bytes.extend(answer.finish());
        serde_json::from_slice(&bytes).unwrap_or(response)
    }

    /// Words of the provider with the values that they quote.
    pub(super) fn words(&self, said: &str) -> String {
        self.vault.restore(said)
    }
}
