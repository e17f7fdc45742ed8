//! Exports: what is written can be read again, and every changed byte is found on its line.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::{AuditExportLine, ExportLineError, check_export};
use crate::{
    Tampering,
    audit::tests::{Chance, Log, standing},
};

/// Changed bytes drawn.
const DRAWS: u64 = 3_000;

#[test]
fn an_export_is_checked_without_the_log() {
    for entries in 1..20 {
        let log = Log::written(entries, 4);
        let copies = vec![("copy".to_owned(), log.newest())];
        let report = check_export(log.export().as_bytes(), &standing, copies);
        assert_eq!(report, log.check(Some(log.newest())));
        assert!(report.is_intact());
    }
}

#[test]
fn a_line_is_read_only_as_it_is_written() {
    let export = Log::written(3, 2).export();
    for line in export.lines() {
        assert_eq!(AuditExportLine::parse(line).unwrap().text(), line);
    }
    let checkpoint = export.lines().last().unwrap();
    for wrong in [
        "",
        "{}",
        r#"{"audit":{"format":2,"hash":"SHA-256"}}"#,
        r#"{"leaf":"00","entry":{}}"#,
        &checkpoint.replace(":{", ": {"),
        &checkpoint.replace("\"size\":3", "\"size\":3,\"size\":3"),
    ] {
        assert_eq!(
            AuditExportLine::parse(wrong),
            Err(ExportLineError),
            "{wrong}"
        );
    }
}

/// The line of a byte, from 1, and the entry that is on it or before it.
fn place(export: &[u8], byte: usize) -> (u64, u64) {
    let before = &export[..byte];
    let line = before.split(|byte| *byte == b'\n').count();
    let text = str::from_utf8(export).unwrap();
    let entries = text
        .lines()
        .take(line)
        .filter(|line| line.starts_with("{\"leaf"));
    (u64::try_from(line).unwrap(), entries.count() as u64)
}

#[test]
fn every_changed_added_or_removed_byte_is_found_on_its_line() {
    let log = Log::written(7, 3);
    let export = log.export().into_bytes();
    for draw in 0..DRAWS {
        let mut chance = Chance::new(draw);
        let at = chance.below(export.len());
        let mut tampered = export.clone();
        match chance.below(3) {
            0 => tampered[at] ^= 1 << chance.below(8),
            1 => tampered.insert(at, b" \n0x\xff"[chance.below(5)]),
            _ => drop(tampered.remove(at)),
        }
        if tampered == export {
            continue;
        }
        let copies = vec![("copy".to_owned(), log.newest())];
        let report = check_export(&tampered, &standing, copies);
        let (line, entry) = place(&export, at);
        let near = |found: &Tampering| match (found, found.place()) {
            (Tampering::Line { line: told }, _) => told.abs_diff(line) <= 1,
            (_, Some((first, last))) => first <= entry + 1 && entry <= last + 1,
            (_, None) => false,
        };
        assert!(
            report.tamperings.iter().any(near),
            "draw {draw}, line {line}, entry {entry}: {:?}",
            report.tamperings
        );
    }
}

#[test]
fn an_export_cut_at_any_byte_is_found() {
    let log = Log::written(4, 3);
    let export = log.export();
    for end in 0..export.len() {
        let copies = vec![("copy".to_owned(), log.newest())];
        let report = check_export(&export.as_bytes()[..end], &standing, copies);
        assert!(!report.is_intact(), "{end}");
    }
}

#[test]
fn a_checkpoint_before_its_entry_is_found() {
    let log = Log::written(6, 2);
    let export = log.export();
    let mut lines: Vec<&str> = export.lines().collect();
    // Header, two entries, checkpoint, …
    lines.swap(5, 6);
    let swapped = lines.join("\n") + "\n";
    let report = check_export(swapped.as_bytes(), &standing, Vec::new());
    assert_eq!(report.tamperings, [Tampering::CheckpointMoved { size: 4 }]);
}
