//! The filter, run as the kernel runs it.

use super::*;

/// Runs a filter on a call; the answer, and how many lines it took.
fn run(program: &BpfProgram, machine: u32, number: u32, arguments: [u64; 6]) -> (u32, usize) {
    let mut record = vec![number, machine, 0, 0];
    for argument in arguments {
        record.extend([(argument & 0xffff_ffff) as u32, (argument >> 32) as u32]);
    }
    let (mut at, mut value, mut steps) = (0_usize, 0_u32, 0_usize);
    loop {
        let line = &program[at];
        steps += 1;
        at += 1;
        let jump = |holds: bool| usize::from(if holds { line.jt } else { line.jf });
        match line.code {
            0x20 => value = record[line.k as usize / 4],
            0x54 => value &= line.k,
            0x15 => at += jump(value == line.k),
            0x35 => at += jump(value >= line.k),
            0x05 => at += line.k as usize,
            0x06 => return (line.k, steps),
            code => panic!("no such line: {code:#x}"),
        }
    }
}

const MACHINE: u32 = 0xc000_003e;
const ALLOWED: u32 = libc::SECCOMP_RET_ALLOW;
const REFUSED_ANSWER: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
const UNKNOWN_ANSWER: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;

fn of(without_network: bool, without_old_ipc: bool) -> BpfProgram {
    compiled(
        MACHINE,
        Surface {
            without_network,
            without_old_ipc,
        },
    )
}

fn check(program: &BpfProgram, call: c_long, arguments: &[u64], wanted: u32) {
    let mut all = [0; 6];
    all[..arguments.len()].copy_from_slice(arguments);
    let (answer, steps) = run(program, MACHINE, number(call), all);
    assert_eq!(answer, wanted, "call {call} with {arguments:x?}");
    assert!(steps <= 64, "call {call}: {steps} lines");
}

#[test]
fn calls_without_a_use_are_refused_and_others_allowed() {
    let program = of(false, false);
    for call in REFUSED.into_iter().chain(REFUSED_HERE) {
        check(&program, call, &[], REFUSED_ANSWER);
    }
    for call in UNKNOWN {
        check(&program, call, &[], UNKNOWN_ANSWER);
    }
    for call in [
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_execve,
        libc::SYS_mmap,
        libc::SYS_futex,
        libc::SYS_connect,
        libc::SYS_bind,
        libc::SYS_shmget,
        libc::SYS_getpid,
        libc::SYS_memfd_create,
        1000,
    ] {
        check(&program, call, &[], ALLOWED);
    }
}

#[test]
fn every_number_is_answered_as_the_rules_say_and_in_few_lines() {
    for surface in [(false, false), (true, true)] {
        let program = of(surface.0, surface.1);
        let calls = calls(Surface {
            without_network: surface.0,
            without_old_ipc: surface.1,
        });
        for number in 0..1200 {
            let (answer, steps) = run(&program, MACHINE, number, [0; 6]);
            let wanted = match calls.get(&number) {
                Some(Answer::Always(libc::ENOSYS)) => UNKNOWN_ANSWER,
                Some(Answer::Always(_)) => REFUSED_ANSWER,
                Some(Answer::Where(_)) => continue,
                None => ALLOWED,
            };
            assert_eq!(answer, wanted, "{number}");
            assert!(steps <= 24, "{number}: {steps} lines");
        }
    }
}

#[test]
fn arguments_decide_where_they_matter() {
    let program = of(false, false);
    let high = 1 << 32;
    for (call, arguments, wanted) in [
        (libc::SYS_openat, [0, 0, 0o101, 0o644], ALLOWED),
        (libc::SYS_openat, [0, 0, 0o101, 0o4755], REFUSED_ANSWER),
        (libc::SYS_fchmod, [0, 0o755, 0, 0], ALLOWED),
        (libc::SYS_fchmod, [0, 0o2755, 0, 0], REFUSED_ANSWER),
        (libc::SYS_fchmodat2, [0, 0, 0o6777, 0], REFUSED_ANSWER),
        (libc::SYS_mknodat, [0, 0, 0o010_644, 0], ALLOWED),
        (libc::SYS_mknodat, [0, 0, 0o060_644, 0], REFUSED_ANSWER),
        (libc::SYS_mknodat, [0, 0, 0o020_644, 0], REFUSED_ANSWER),
        (libc::SYS_ioctl, [0, 0x5401, 0, 0], ALLOWED),
        (libc::SYS_ioctl, [0, 0x5412, 0, 0], REFUSED_ANSWER),
        (libc::SYS_ioctl, [0, 0x5412 | high, 0, 0], REFUSED_ANSWER),
        (libc::SYS_ioctl, [0, 0x541c, 0, 0], REFUSED_ANSWER),
        (libc::SYS_clone, [17, 0, 0, 0], ALLOWED),
        (libc::SYS_clone, [0x1000_0011, 0, 0, 0], REFUSED_ANSWER),
        (libc::SYS_clone, [0x0002_0011, 0, 0, 0], REFUSED_ANSWER),
        (libc::SYS_socket, [1, 1, 0, 0], ALLOWED),
        (libc::SYS_socket, [2, 0o2_000_001, 0, 0], ALLOWED),
        (libc::SYS_socket, [2, 0o2_000_003, 1, 0], REFUSED_ANSWER),
        (libc::SYS_socket, [10, 3, 0, 0], REFUSED_ANSWER),
        (libc::SYS_socket, [16, 3, 0, 0], ALLOWED),
        (libc::SYS_socket, [16, 3, 15, 0], REFUSED_ANSWER),
        (libc::SYS_socket, [40, 1, 0, 0], REFUSED_ANSWER),
        (libc::SYS_socket, [17, 3, 0, 0], REFUSED_ANSWER),
        (libc::SYS_socketpair, [1, 1, 0, 0], ALLOWED),
        (libc::SYS_socketpair, [30, 1, 0, 0], REFUSED_ANSWER),
    ] {
        check(&program, call, &arguments, wanted);
    }
}

#[test]
fn without_a_network_sockets_have_no_address() {
    let program = of(true, true);
    check(&program, libc::SYS_socket, &[1, 1, 0], ALLOWED);
    check(&program, libc::SYS_socket, &[2, 1, 0], REFUSED_ANSWER);
    check(&program, libc::SYS_socket, &[10, 2, 0], REFUSED_ANSWER);
    check(&program, libc::SYS_connect, &[], REFUSED_ANSWER);
    check(&program, libc::SYS_shmget, &[], REFUSED_ANSWER);
}

#[test]
fn other_machines_are_ended_and_second_numbers_are_unknown() {
    let program = of(false, false);
    let (answer, _) = run(&program, 0x4000_0003, number(libc::SYS_getpid), [0; 6]);
    assert_eq!(answer, libc::SECCOMP_RET_KILL_PROCESS);
    let second = 0x4000_0000 | number(libc::SYS_getpid);
    assert_eq!(run(&program, MACHINE, second, [0; 6]).0, UNKNOWN_ANSWER);
}
