//! Archives on a node of IPFS.
//!
//! What goes there is sealed: nobody can take it back from there.

use std::{
    fs::{self, File},
    io::Write as _,
};

use atelier_archive::{Block, Cid, car_header, car_section};
use atelier_llm::{Kubo, Transport};
use atelier_model::Limits;
use atelier_store::Store;
use serde_json::json;
use url::Url;

use super::{ArchiveError, GetArgs, PinArgs, PushArgs, making::Making, seal_key, taking};
use crate::{app::Place, cli_error::CliError, ui::Ui};

/// Bytes of blocks that are sent at once.
const SEND_BYTES_MAX: usize = 16 << 20;

/// Blocks on their way to a node.
struct Sending {
    node: Kubo,
    sections: Vec<u8>,
    /// The first block of these: CAR files name a root, and this one is in it.
    first: Option<Cid>,
}

impl Sending {
    fn add(&mut self, block: &Block) {
        self.first.get_or_insert(block.cid);
        self.sections.extend_from_slice(&car_section(block));
    }

    async fn send_if_many(&mut self) -> Result<(), ArchiveError> {
        let Some(first) = self.first.filter(|_| self.sections.len() >= SEND_BYTES_MAX) else {
            return Ok(());
        };
        let car = [car_header(&first), std::mem::take(&mut self.sections)].concat();
        self.first = None;
        Ok(self.node.import(&car, &first).await?)
    }
}

fn node(at: &Url) -> Result<Kubo, ArchiveError> {
    Ok(Kubo::new(at, &Transport::new(Limits::default()))?)
}

/// Has a node hold every answer at the end of a run. What fails is told and changes nothing: the
/// run has ended as it has.
pub(crate) async fn at_end(store: &Store, at: &Url, ui: &Ui) {
    match pushed(store, at).await {
        Ok((root, answers)) => ui.status(&format!("archived {answers} answers as {root}")),
        Err(error) => ui.warn(&format!("the answers are not archived: {}", error.text())),
    }
}

pub(crate) async fn push(place: &Place, args: &PushArgs, ui: &Ui) -> Result<u8, CliError> {
    let (root, answers) = pushed(&place.ledger_store().await?, &args.at.node).await?;
    if ui.is_json() {
        let line = json!({
            "v": 1, "type": "archive.pushed", "root": root.to_string(), "answers": answers,
        });
        ui.out(&line.to_string());
        return Ok(0);
    }
    ui.out(&root.to_string());
    ui.status(&format!(
        "the node holds {answers} answers, sealed; keep this name and your key"
    ));
    Ok(0)
}

/// Sends every answer of a state to a node, sealed, and returns the archive's name and how many
/// there are.
async fn pushed(store: &Store, at: &Url) -> Result<(Cid, u64), CliError> {
    let mut sending = Sending {
        node: node(at)?,
        sections: Vec::new(),
        first: None,
    };
    let mut making = Making::new(Some(seal_key()?));
    while let Some(blocks) = making.next(store).await? {
        for block in &blocks {
            sending.add(block);
            sending.send_if_many().await?;
        }
    }
    let answers = making.count();
    let (root, blocks) = making.finish();
    for block in &blocks {
        // The root stays for the file that names it.
        if block.cid != root {
            sending.send_if_many().await?;
        }
        sending.add(block);
    }
    let car = [car_header(&root), sending.sections].concat();
    let held = sending.node.import_and_pin(&car, &root).await;
    held.map_err(ArchiveError::Node)?;
    Ok((root, answers))
}

pub(crate) async fn pin(args: &PinArgs, ui: &Ui) -> Result<u8, CliError> {
    let pinned = node(&args.at.node)?.pin(&args.root).await;
    pinned.map_err(ArchiveError::Node)?;
    if ui.is_json() {
        let line = json!({"v": 1, "type": "archive.pinned", "root": args.root.to_string()});
        ui.out(&line.to_string());
    } else {
        ui.out(&format!("the node holds {}", args.root));
    }
    Ok(0)
}

pub(crate) async fn get(place: &Place, args: &GetArgs, ui: &Ui) -> Result<u8, CliError> {
    let node = node(&args.at.node)?;
    let folder = place.ledger_folder()?;
    let path = folder.join(format!("{}.car", args.root));
    let failed = |source| ArchiveError::Write {
        path: path.clone(),
        source,
    };
    fs::create_dir_all(&folder).map_err(failed)?;
    let mut file = File::create(&path).map_err(failed)?;
    let mut keep = |piece: &[u8]| file.write_all(piece);
    let fetched = node.export(&args.root, &mut keep).await;
    let done = match fetched {
        Ok(_) => taking::import(place, &path, Some(&args.root), ui).await,
        Err(error) => Err(ArchiveError::Node(error).into()),
    };
    fs::remove_file(&path).map_err(failed)?;
    done
}
