//! `atelier archive`: complete answers as files that verify themselves, here or on a node of IPFS.

mod error;
mod making;
mod node;
mod taking;

use std::{
    fs::File,
    io::{BufWriter, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use atelier_archive::{CAR_HEADER_BYTES, Cid, Codec, car_header, car_section};
use atelier_seal::SealKey;
use atelier_store::Store;
use clap::{Args, Subcommand};
use serde_json::json;
use url::Url;

use self::making::Making;
pub(crate) use self::{error::ArchiveError, node::at_end};
use crate::{
    app::{Place, STATE_FOLDER},
    cli::Global,
    cli_error::CliError,
    keys::{self, Asking, KeyPlace},
    ui::Ui,
    whole,
};

/// What the user's key is turned into for archives; part of the stored format.
const PURPOSE: &str = "archive";

/// Keep complete answers in files or on an IPFS node, and bring them back
#[derive(Debug, Subcommand)]
pub(crate) enum ArchiveCommand {
    /// Write every kept answer into a CAR file
    Export(ExportArgs),
    /// Bring the answers of a CAR file here: what they answer is not asked again
    Import(ImportArgs),
    /// Seal every kept answer and have an IPFS node hold it; prints the name of the archive
    Push(PushArgs),
    /// Have an IPFS node hold an archive that another one has
    Pin(PinArgs),
    /// Fetch an archive from an IPFS node and bring its answers here
    Get(GetArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The file; one that is there is replaced
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Seal it with your key, so that only you can bring it back
    #[arg(long)]
    pub(crate) sealed: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// Where a node is.
#[derive(Debug, Args)]
pub(crate) struct NodeArgs {
    /// Address of the node's RPC interface (Kubo)
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:5001")]
    pub(crate) node: Url,
}

#[derive(Debug, Args)]
pub(crate) struct PushArgs {
    #[command(flatten)]
    pub(crate) at: NodeArgs,
}

#[derive(Debug, Args)]
pub(crate) struct PinArgs {
    /// Name of the archive, as `push` printed it
    #[arg(value_name = "CID")]
    pub(crate) root: Cid,

    #[command(flatten)]
    pub(crate) at: NodeArgs,
}

#[derive(Debug, Args)]
pub(crate) struct GetArgs {
    /// Name of the archive, as `push` printed it
    #[arg(value_name = "CID")]
    pub(crate) root: Cid,

    #[command(flatten)]
    pub(crate) at: NodeArgs,
}

pub(crate) async fn run(
    global: &Global,
    command: &ArchiveCommand,
    ui: &Ui,
) -> Result<u8, CliError> {
    let place = Place::find(global)?;
    match command {
        ArchiveCommand::Export(args) => export(&place, args, ui).await,
        ArchiveCommand::Import(args) => taking::import(&place, &args.file, None, ui).await,
        ArchiveCommand::Push(args) => node::push(&place, args, ui).await,
        ArchiveCommand::Pin(args) => node::pin(args, ui).await,
        ArchiveCommand::Get(args) => node::get(&place, args, ui).await,
    }
}

async fn export(place: &Place, args: &ExportArgs, ui: &Ui) -> Result<u8, CliError> {
    let store = place.ledger_store().await?;
    let seal = if args.sealed { Some(seal_key()?) } else { None };
    let is_sealed = seal.is_some();
    let mut file = Writing::begin(&args.file)?;
    let mut making = Making::new(seal);
    while let Some(blocks) = making.next(&store).await? {
        file.blocks(&blocks)?;
    }
    let entries = making.count();
    let (root, blocks) = making.finish();
    file.blocks(&blocks)?;
    file.end(&root)?;
    if ui.is_json() {
        let line = json!({
            "v": 1, "type": "archive.exported", "file": args.file, "root": root.to_string(),
            "answers": entries, "sealed": is_sealed,
        });
        ui.out(&line.to_string());
        return Ok(0);
    }
    ui.out(&root.to_string());
    ui.status(&format!("{entries} answers in {}", args.file.display()));
    if !is_sealed {
        ui.status("whoever has the file can read them; --sealed makes one that only you can");
    }
    Ok(0)
}

/// A CAR file while it is written, under another name.
pub(super) struct Writing {
    /// Where it stands once it is whole.
    path: PathBuf,
    fresh: PathBuf,
    file: BufWriter<File>,
}

impl Writing {
    pub(super) fn begin(path: &Path) -> Result<Self, ArchiveError> {
        let failed = |source| ArchiveError::Write {
            path: path.to_owned(),
            source,
        };
        let path = match whole::Place::of(path).map_err(failed)? {
            whole::Place::File(path) => path,
            whole::Place::Stream(_) => {
                let said = "it is a device or a pipe, and an archive needs a file";
                return Err(failed(std::io::Error::other(said)));
            }
        };
        let fresh = whole::unfinished(&path);
        let options = File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(whole::MODE_OF_SECRETS)
            .open(&fresh);
        let file = options.map_err(failed)?;
        let mut file = BufWriter::new(file);
        // The root is known at the end, and stands at the beginning.
        let unknown = Cid::of(Codec::Raw, b"");
        file.write_all(&car_header(&unknown)).map_err(failed)?;
        Ok(Self { path, fresh, file })
    }

    pub(super) fn blocks(&mut self, blocks: &[atelier_archive::Block]) -> Result<(), ArchiveError> {
        let mut sections = blocks.iter().map(car_section);
        let written = sections.try_for_each(|section| self.file.write_all(&section));
        written.map_err(|source| self.failed(source))
    }

    /// Puts the root in its place, and the file under its name.
    pub(super) fn end(mut self, root: &Cid) -> Result<(), ArchiveError> {
        let header = car_header(root);
        debug_assert_eq!(header.len(), CAR_HEADER_BYTES, "headers differ in length");
        let end = |file: &mut BufWriter<File>| {
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&header)?;
            file.flush()?;
            file.get_ref().sync_all()?;
            std::fs::rename(&self.fresh, &self.path)
        };
        end(&mut self.file).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: std::io::Error) -> ArchiveError {
        ArchiveError::Write {
            path: self.path.clone(),
            source,
        }
    }
}

/// The user's key for archives; it is made where there is none yet.
pub(super) fn seal_key() -> Result<SealKey, CliError> {
    let vault = KeyPlace::found()?.ensured(Asking::Yes)?;
    Ok(vault.master().for_purpose(PURPOSE))
}

/// The user's key for archives, where there is one.
pub(super) fn known_key() -> Result<Option<SealKey>, CliError> {
    let Some(place) = KeyPlace::find() else {
        return Ok(None);
    };
    let vault = place.existing(Asking::Yes)?;
    Ok(vault.map(|vault| vault.master().for_purpose(PURPOSE)))
}

/// The state that answers are brought to: the project's, which is begun in a repository that has
/// none; elsewhere the user's.
async fn receiving_store(place: &Place) -> Result<Store, CliError> {
    if place.git.is_none() {
        return place.ledger_store().await;
    }
    let store = crate::audit::store(&place.root.join(STATE_FOLDER)).await?;
    keys::seal(&store, Asking::Yes).await?;
    Ok(store)
}
