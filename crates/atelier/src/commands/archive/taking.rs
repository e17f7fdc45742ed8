//! Bringing the answers of an archive into the state: whole ones, whatever else is damaged.

use std::{fs::File, path::Path};

use atelier_archive::{Archive, Cid, Damage, Damaged};
use atelier_store::{ArchivedAnswer, Store};
use serde_json::json;

use super::{ArchiveError, known_key, receiving_store};
use crate::{
    app::Place,
    cli_error::CliError,
    ui::{Ui, plain},
};

/// Answers that are written at once, and bytes of them.
const BATCH_MAX: usize = 256;
const BATCH_BYTES_MAX: usize = 16 << 20;

/// Damages that are shown one by one.
const SHOWN_MAX: usize = 20;

/// Answers on their way into the state.
struct Taking<'a> {
    store: &'a Store,
    batch: Vec<ArchivedAnswer>,
    batch_bytes: usize,
    taken: Taken,
}

/// What came of an import.
#[derive(Debug, Default)]
struct Taken {
    entries: u64,
    read: u64,
    fresh: u64,
    damages: Vec<Damaged>,
}

/// Brings the answers of a file here; with a name, only if the file is the archive of that name.
pub(crate) async fn import(
    place: &Place,
    file: &Path,
    expected: Option<&Cid>,
    ui: &Ui,
) -> Result<u8, CliError> {
    let open = |source| ArchiveError::Open {
        path: file.to_owned(),
        source,
    };
    let mut input = File::open(file).map_err(open)?;
    let store = receiving_store(place).await?;
    let key = known_key()?;
    let read = |source| ArchiveError::Read {
        path: file.to_owned(),
        source,
    };
    let mut archive = Archive::open(&mut input, key.as_ref()).map_err(read)?;
    let root = archive.root();
    if let Some(expected) = expected.filter(|expected| **expected != root) {
        return Err(ArchiveError::OtherRoot {
            expected: *expected,
            found: root,
        }
        .into());
    }
    let mut taking = Taking {
        store: &store,
        batch: Vec::new(),
        batch_bytes: 0,
        taken: Taken {
            entries: archive.entries(),
            damages: archive.damages().to_vec(),
            ..Taken::default()
        },
    };
    for chunk in archive.chunks().to_vec() {
        let done = taking.chunk(&mut archive, &chunk).await?;
        done.map_err(|source| read(source.into()))?;
    }
    taking.write().await?;
    tell(ui, &root, taking.taken)
}

impl Taking<'_> {
    /// Takes the answers of a chunk. The outer error is the state's, the inner one the file's.
    async fn chunk(
        &mut self,
        archive: &mut Archive<'_>,
        chunk: &Cid,
    ) -> Result<std::io::Result<()>, CliError> {
        let entries = match archive.chunk(chunk) {
            Err(error) => return Ok(Err(error)),
            Ok(Err(damaged)) => {
                self.taken.damages.push(damaged);
                return Ok(Ok(()));
            }
            Ok(Ok(entries)) => entries,
        };
        for (entry, parts) in entries {
            match archive.body(&entry.key, &parts) {
                Err(error) => return Ok(Err(error)),
                Ok(Err(damaged)) => self.taken.damages.push(damaged),
                Ok(Ok(body)) => {
                    self.taken.read += 1;
                    self.batch_bytes += body.len();
                    self.batch.push(ArchivedAnswer { entry, body });
                }
            }
            if self.batch.len() >= BATCH_MAX || self.batch_bytes >= BATCH_BYTES_MAX {
                self.write().await?;
            }
        }
        Ok(Ok(()))
    }

    async fn write(&mut self) -> Result<(), CliError> {
        self.taken.fresh += self.store.archive_put(&self.batch).await?;
        self.batch.clear();
        self.batch_bytes = 0;
        Ok(())
    }
}

fn tell(ui: &Ui, root: &Cid, taken: Taken) -> Result<u8, CliError> {
    let Taken {
        entries,
        read,
        fresh,
        damages,
    } = taken;
    let known = read - fresh;
    if ui.is_json() {
        let damaged: Vec<String> = damages.iter().map(ToString::to_string).collect();
        let line = json!({
            "v": 1, "type": "archive.imported", "root": root.to_string(), "answers": entries,
            "new": fresh, "known": known, "damaged": damaged,
        });
        ui.out(&line.to_string());
    } else {
        ui.out(&format!("{fresh} answers brought, {known} known already"));
        for damaged in damages.iter().take(SHOWN_MAX) {
            ui.warn(&plain(&damaged.to_string()));
        }
    }
    // Blocks of others in the same file are nobody's loss.
    let lost = |damaged: &&Damaged| !matches!(damaged, Damaged::File(Damage::Unknown { .. }));
    let missing = entries.saturating_sub(read);
    match damages
        .iter()
        .find(lost)
        .or(damages.first().filter(|_| missing > 0))
    {
        None => Ok(0),
        Some(first) => Err(ArchiveError::Damaged {
            entries,
            missing,
            damages: damages.len(),
            first: first.clone(),
        }
        .into()),
    }
}
