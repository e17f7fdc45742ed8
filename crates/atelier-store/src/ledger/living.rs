//! What a living gateway has settled and not yet brought into the database: whoever looks at the
//! database from another process waits for it.

use std::{io, path::Path, time::Duration};

use tokio::time::sleep;

use super::journal;
use crate::{Store, StoreError};

/// Milliseconds between two looks.
const LOOK_MS: u64 = 25;

/// Looks after which what is there has to do: four foldings of a gateway that is well.
const LOOKS_MAX: u32 = 40;

/// Waits until everything that was settled when this was called can be found in the database.
pub(super) async fn folded(store: &Store, dir: &Path) -> Result<(), StoreError> {
    let settled = match journal::left_behind(dir) {
        Ok(left) => left,
        // A segment that goes while it is read was folded.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        // Whoever keeps the journal tells what is wrong with it.
        Err(_) => return Ok(()),
    };
    let settled: Vec<_> = settled
        .into_iter()
        .filter(|record| record.error.as_deref() != Some(journal::INTERRUPTED))
        .collect();
    for _ in 0..LOOKS_MAX {
        if store.relays_missing(settled.clone()).await?.is_empty() {
            break;
        }
        sleep(Duration::from_millis(LOOK_MS)).await;
    }
    Ok(())
}
