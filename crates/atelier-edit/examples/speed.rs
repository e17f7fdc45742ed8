//! How fast edits are parsed and applied, and how much memory that takes.
//!
//! `speed [SCALE]` makes a reply of 200 KB with 100 edits and files of 5,000 lines (each times
//! SCALE), applies it to one file, to ten and to a hundred, then applies small replies for a while,
//! and prints a line of figures for each. Every measurement is a process of its own, so that its
//! peak of memory is its own too. Run it with `--release`; other work on the machine shows in its
//! figures.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::format_collect,
    clippy::format_push_string,
    reason = "a measurement reads the clock and the memory of its process, prints, and writes replies \
              as they look"
)]

use std::{env, error::Error, fmt::Write, fs, process::Command, time::Instant};

use atelier_edit::{apply, parse};
use atelier_model::{FileEntry, FileTree, Limits, TreePath};

const FILE_LINES: usize = 5_000;
const EDITS: usize = 100;
const EDIT_LINES: usize = 20;
const ROUNDS: usize = 15;
const SMALL_REPLIES: usize = 20_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let number = |at: usize| arguments.get(at).map(|text| text.parse::<usize>());
    let scale = number(0).transpose()?.unwrap_or(1);
    if let Some(files) = number(1).transpose()? {
        let exact = number(2).transpose()? != Some(1);
        let noise = if exact { Noise::None } else { Noise::Indented };
        return measure(scale, files, noise);
    }
    for files in ["1", "10", "100"] {
        for noise in ["0", "1"] {
            let mut run = Command::new(env::current_exe()?);
            let status = run.args([&scale.to_string(), files, noise]).status()?;
            if !status.success() {
                return Err(format!("failed to measure {files} files: {status}").into());
            }
        }
    }
    small(&Limits::default())
}

/// Parses and applies one large reply some times, and prints the best times and the most memory.
fn measure(scale: usize, files: usize, noise: Noise) -> Result<(), Box<dyn Error>> {
    let limits = Limits {
        edits_max: EDITS * scale,
        file_bytes_max: usize::MAX,
        ..Limits::default()
    };
    let tree = tree(files, FILE_LINES * scale)?;
    let reply = reply(files, EDITS * scale, FILE_LINES * scale, noise);
    let content: usize = tree.iter().map(|(_, file)| file.bytes.len()).sum();
    let held = peak_kb().unwrap_or(0);
    let mut best = [f64::MAX; 2];
    let mut peak = 0;
    for round in 0..ROUNDS {
        let start = Instant::now();
        let changes = parse(&reply, &limits)?;
        let parsed = start.elapsed();
        let start = Instant::now();
        let applied = apply(&changes, &tree, &limits)?;
        let times = [parsed, start.elapsed()].map(|time| time.as_secs_f64() * 1e3);
        best = [best[0].min(times[0]), best[1].min(times[1])];
        assert_eq!(applied.written.len(), files);
        if round == 0 {
            peak = peak_kb().unwrap_or(0);
        }
    }
    println!(
        "{:5} KB reply, {} edits, {files:3} files, {:6} KB, {}: parsed in {:.2} ms, applied \
         in {:.2} ms, memory {held} KB before, {} KB more at the peak",
        reply.len() / 1000,
        EDITS * scale,
        content / 1000,
        noise.name(),
        best[0],
        best[1],
        peak.saturating_sub(held),
    );
    Ok(())
}

/// How the lines of a reply differ from those of the file.
#[derive(Clone, Copy)]
enum Noise {
    None,
    Indented,
}

impl Noise {
    fn name(self) -> &'static str {
        match self {
            Self::None => "exact",
            Self::Indented => "indented otherwise",
        }
    }

    fn indent(self) -> &'static str {
        match self {
            Self::None => "    ",
            Self::Indented => "",
        }
    }
}

fn line(file: usize, number: usize) -> String {
    format!("    let value_{number} = compute(file_{file}, {number}, \"some words in a line\");")
}

fn tree(files: usize, lines: usize) -> Result<FileTree, Box<dyn Error>> {
    let mut tree = FileTree::default();
    for file in 0..files {
        let mut text = String::new();
        for number in 0..lines {
            writeln!(text, "{}", line(file, number))?;
        }
        tree.put(
            TreePath::parse(&format!("src/f{file}.rs"))?,
            FileEntry::text(text),
        );
    }
    Ok(tree)
}

/// A reply of search-and-replace blocks spread over the files.
fn reply(files: usize, edits: usize, lines: usize, noise: Noise) -> String {
    let mut reply = String::new();
    let per_file = edits.div_ceil(files);
    let size = EDIT_LINES.min(lines / per_file);
    for edit in 0..edits {
        let file = edit % files;
        let start = (edit / files) * lines / per_file;
        let block = |changed: bool| -> String {
            (start..start + size)
                .map(|number| {
                    let line = line(file, number);
                    let mark = if changed && number % 5 == 0 {
                        " // changed"
                    } else {
                        ""
                    };
                    format!("{}{}{mark}\n", noise.indent(), line.trim_start())
                })
                .collect()
        };
        let (old, new) = (block(false), block(true));
        reply += &format!(
            "src/f{file}.rs\n```rust\n<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n```\n\n"
        );
    }
    reply
}

/// Small replies, one edit of a small file each.
fn small(limits: &Limits) -> Result<(), Box<dyn Error>> {
    let mut tree = FileTree::default();
    let path = TreePath::parse("src/a.rs")?;
    let text: String = (0..100).map(|number| line(0, number) + "\n").collect();
    tree.put(path, FileEntry::text(text));
    let reply = format!(
        "Here is the change.\n\nsrc/a.rs\n```rust\n<<<<<<< SEARCH\n{0}\n=======\n{0} // changed\n\
         >>>>>>> REPLACE\n```\n",
        line(0, 40)
    );
    let start = Instant::now();
    for _ in 0..SMALL_REPLIES {
        let changes = parse(&reply, limits)?;
        apply(&changes, &tree, limits)?;
    }
    let seconds = start.elapsed().as_secs_f64();
    let rate = f64::from(u32::try_from(SMALL_REPLIES)?) / seconds;
    println!("small replies: {rate:.0} a second");
    Ok(())
}

/// The most memory this process ever held, where the system tells.
fn peak_kb() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
