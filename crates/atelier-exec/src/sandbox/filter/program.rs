//! A filter of system calls as the kernel reads it: a search tree over their numbers.
//!
//! The kernel tries every number on a filter that it is given, and every call with arguments to
//! look at runs through it. A list of rules, one after the other, costs a third of a millisecond
//! for each command; a tree costs next to nothing.

use seccompiler::{BpfProgram, sock_filter};

use super::Calls;

/// How a call is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// With this error, whatever is asked.
    Always(libc::c_int),
    /// With a refusal, where all conditions of one of the lists hold.
    Where(Vec<Vec<Condition>>),
}

/// What must be so for a refusal: the number of an argument, of which the lower half counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    /// Its bits under a mask are these.
    Masked(u8, u32, u32),
    /// It is another.
    IsNot(u8, u32),
}

/// How the kernel calls this processor in the record of a call.
#[cfg(target_arch = "x86_64")]
pub(super) const PROCESSOR: Option<u32> = Some(0xc000_003e);
#[cfg(target_arch = "aarch64")]
pub(super) const PROCESSOR: Option<u32> = Some(0xc000_00b7);
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) const PROCESSOR: Option<u32> = None;

/// On one processor a call has a second number, from this one on; elsewhere none is that large.
const SECOND_NUMBERS: u32 = 0x4000_0000;

// What a filter is made of: load a word of the record, mask it, compare it, go on, answer.
const LOAD: u16 = 0x20;
const MASK: u16 = 0x54;
const IS: u16 = 0x15;
const AT_LEAST: u16 = 0x35;
const SKIP: u16 = 0x05;
const ANSWER: u16 = 0x06;
/// Where the number of the call stands in the record.
const NUMBER: u32 = 0;
/// Where the processor stands.
const MACHINE: u32 = 4;
/// Where the first argument stands, and how far it is to the next; the lower half comes first.
const ARGUMENTS: u32 = 16;
const ARGUMENT_BYTES: u32 = 8;

/// The filter that answers these calls and allows all others.
pub(super) fn program(processor: u32, calls: &Calls) -> BpfProgram {
    let mut program = vec![
        line(LOAD, MACHINE, 0, 0),
        line(IS, processor, 1, 0),
        line(ANSWER, libc::SECCOMP_RET_KILL_PROCESS, 0, 0),
        line(LOAD, NUMBER, 0, 0),
        line(AT_LEAST, SECOND_NUMBERS, 0, 1),
        refuse(libc::ENOSYS),
    ];
    let blocks: Vec<(u32, BpfProgram)> = calls
        .iter()
        .map(|(number, answer)| (*number, block(answer)))
        .collect();
    program.extend(tree(&blocks));
    program
}

fn line(code: u16, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

fn allow() -> sock_filter {
    line(ANSWER, libc::SECCOMP_RET_ALLOW, 0, 0)
}

fn refuse(error: libc::c_int) -> sock_filter {
    line(ANSWER, libc::SECCOMP_RET_ERRNO | error.unsigned_abs(), 0, 0)
}

/// Halves the numbers until one is left; long jumps, for halves may be longer than short ones reach.
fn tree(blocks: &[(u32, BpfProgram)]) -> BpfProgram {
    match blocks {
        [] => vec![allow()],
        [(number, block)] => {
            let mut leaf = vec![line(IS, *number, 1, 0), allow()];
            leaf.extend_from_slice(block);
            leaf
        }
        _ => {
            let (below, above) = blocks.split_at(blocks.len() / 2);
            let least = above.first().map_or(u32::MAX, |(number, _)| *number);
            let below = tree(below);
            let length = u32::try_from(below.len()).unwrap_or(u32::MAX);
            let mut tree_above = tree(above);
            let mut node = vec![line(AT_LEAST, least, 0, 1), line(SKIP, length, 0, 0)];
            node.extend(below);
            node.append(&mut tree_above);
            node
        }
    }
}

/// Answers one call.
fn block(answer: &Answer) -> BpfProgram {
    match answer {
        Answer::Always(error) => vec![refuse(*error)],
        Answer::Where(lists) => {
            let mut block: BpfProgram = lists.iter().flat_map(|list| conditions(list)).collect();
            block.push(allow());
            block
        }
    }
}

/// Refuses where all conditions hold, and else goes on behind.
fn conditions(list: &[Condition]) -> BpfProgram {
    let mut lines = vec![refuse(libc::EPERM)];
    for condition in list.iter().rev() {
        let beyond = u8::try_from(lines.len()).unwrap_or(u8::MAX);
        let (argument, mask, compare) = match *condition {
            Condition::Masked(argument, mask, value) => {
                (argument, mask, line(IS, value, 0, beyond))
            }
            Condition::IsNot(argument, value) => (argument, u32::MAX, line(IS, value, beyond, 0)),
        };
        let load = line(LOAD, ARGUMENTS + ARGUMENT_BYTES * u32::from(argument), 0, 0);
        let mut all = vec![load];
        if mask != u32::MAX {
            all.push(line(MASK, mask, 0, 0));
        }
        all.push(compare);
        all.extend(lines);
        lines = all;
    }
    lines
}
