//! Seeded chance, and projects made by it.

use std::{env, fmt::Write as _};

use super::mill::{Mill, step};

/// Says how often the random parts are done, where it is not as often as time allows.
const ROUNDS: &str = "ATELIER_TORTURE_ROUNDS";

/// How often a random part is done.
pub(crate) fn rounds(usual: usize) -> usize {
    let said = env::var(ROUNDS).ok();
    said.map_or(usual, |said| said.parse().expect("a number of rounds"))
}

/// Numbers that are the same for the same seed.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(high).unwrap() % end
    }

    pub(crate) fn one_of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// How many steps a project of chance has.
pub(crate) const STEPS: usize = 40;

/// A project of many steps: each reads a source and what some of those before it made, writes half
/// of its output first, and all of it then; some write folders, some programs and links.
pub(crate) fn project(level: &'static str, seed: u64) -> Mill {
    let mut chance = Chance::new(seed);
    let mut mill = Mill::new(level);
    for at in 0..STEPS {
        let source = format!("src/{at}.in");
        mill.write(&source, format!("# source {at}\ncontent {at}\n"));
        let mut reads = vec![source];
        for _ in 0..chance.below(4).min(at) {
            reads.push(format!("out/{}", chance.below(at)));
        }
        reads.sort();
        reads.dedup();
        let mut script = String::new();
        let folder = at % 7 == 3;
        let to = if folder {
            format!("out/{at}/sum")
        } else {
            format!("out/{at}")
        };
        if folder {
            write!(script, "mkdir -p out/{at}/sub; ").unwrap();
        }
        // What a folder holds is read file by file.
        let names = reads.iter().map(|path| match path.strip_prefix("out/") {
            Some(number) if number.parse::<usize>().unwrap() % 7 == 3 => format!("{path}/sum"),
            _ => path.clone(),
        });
        let names = names.collect::<Vec<_>>().join(" ");
        write!(
            script,
            "echo half > {to}; grep -hv '^#' {names} | cksum > {to}"
        )
        .unwrap();
        if folder {
            write!(
                script,
                "; cp {to} out/{at}/sub/copy; ln -sf ../sum out/{at}/sub/link"
            )
            .unwrap();
        } else if at % 5 == 1 {
            write!(script, "; chmod +x {to}").unwrap();
        }
        let reads: Vec<&str> = reads.iter().map(String::as_str).collect();
        let output = if folder { format!("out/{at}/") } else { to };
        mill.steps.push(
            step(&format!("s{at}"), &script)
                .reads(&reads)
                .writes(&[&output]),
        );
    }
    mill
}

/// Changes a few sources: new contents, old ones again, and remarks that change no output.
pub(crate) fn edit(mill: &Mill, chance: &mut Chance) {
    for _ in 0..=chance.below(3) {
        let at = chance.below(STEPS);
        let content = match chance.below(3) {
            0 => format!("# another remark {}\ncontent {at}\n", chance.below(1000)),
            1 => format!("# source {at}\ncontent {at}\n"),
            _ => format!("content {at} with {}\n", chance.below(4)),
        };
        mill.write(&format!("src/{at}.in"), content);
    }
}
