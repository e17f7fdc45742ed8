//! `atelier audit export`: the whole log as a file that anyone can check.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::PathBuf,
};

use atelier_model::{AuditExportLine, Checkpoint};
use atelier_store::Store;
use clap::Args;

use crate::{app::Place, cli_error::CliError, ui::Ui};

/// Rows read at a time.
const PAGE: u32 = 1_000;

/// Where to.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Write to this file instead of standard output
    #[arg(long = "to", value_name = "FILE")]
    pub(crate) to: Option<PathBuf>,
}

pub(crate) async fn run(place: &Place, args: &ExportArgs, ui: &Ui) -> Result<u8, CliError> {
    let store = place.ledger_store_read(ui).await?;
    let Some(path) = &args.to else {
        let mut out = BufWriter::new(io::stdout());
        write(&store, &mut out, CliError::Terminal).await?;
        return Ok(0);
    };
    let failed = |source| CliError::File {
        path: path.clone(),
        source,
    };
    let refused = |source| CliError::Output {
        path: path.clone(),
        source,
    };
    let mut out = BufWriter::new(File::create(path).map_err(refused)?);
    let entries = write(&store, &mut out, failed).await?;
    ui.status(&format!("{entries} entries in {}", path.display()));
    Ok(0)
}

/// Writes the log up to its newest checkpoint, and returns how many entries that are.
async fn write(
    store: &Store,
    out: &mut impl Write,
    failed: impl Fn(io::Error) -> CliError,
) -> Result<u64, CliError> {
    let end = store.audit_newest().await?.map_or(0, |newest| newest.size);
    let line = |out: &mut dyn Write, line: &AuditExportLine<'_>| writeln!(out, "{}", line.text());
    line(out, &AuditExportLine::Header).map_err(&failed)?;
    let mut marks = Marks::default();
    let mut after = 0;
    while after < end {
        let rows = store.audit_rows(after, PAGE).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows.iter().filter(|row| row.seq <= end) {
            let (leaf, body) = (row.leaf, row.body.as_str());
            line(out, &AuditExportLine::Entry { leaf, body }).map_err(&failed)?;
            while let Some(mark) = marks.next(store, row.seq).await? {
                let mark = AuditExportLine::Checkpoint(Box::new(mark));
                line(out, &mark).map_err(&failed)?;
            }
        }
        after = rows.last().map_or(end, |row| row.seq);
    }
    out.flush().map_err(&failed)?;
    Ok(end)
}

/// The checkpoints of a log, page by page.
#[derive(Default)]
struct Marks {
    waiting: std::collections::VecDeque<Checkpoint>,
    after: u64,
    is_done: bool,
}

impl Marks {
    /// The next one of at most this size.
    async fn next(&mut self, store: &Store, size: u64) -> Result<Option<Checkpoint>, CliError> {
        if self.waiting.is_empty() && !self.is_done {
            let page = store.audit_checkpoints(self.after, PAGE).await?;
            self.is_done = page.is_empty();
            self.after = page.last().map_or(self.after, |mark| mark.size);
            self.waiting.extend(page);
        }
        Ok(self.waiting.pop_front_if(|mark| mark.size <= size))
    }
}
