//! Programs of this machine are fed, read and ended.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

fn shell(script: &str, input: &[u8], wall: Duration) -> Result<HostOutput, HostError> {
    let limits = HostLimits {
        wall,
        output_bytes_max: 1_000_000,
    };
    run(Command::new("sh").args(["-c", script]), input, limits)
}

const LONG: Duration = Duration::from_mins(1);

#[test]
fn a_program_is_fed_and_both_its_outputs_are_read() {
    let input = b"x".repeat(900_000);
    let output = shell(
        "cat; yes x | tr -d '\\n' | head -c 900000 >&2; exit 3",
        &input,
        LONG,
    )
    .unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(output.stdout, input);
    assert_eq!(output.stderr.len(), STDERR_BYTES_MAX);
}

#[test]
fn a_program_that_does_not_end_is_killed() {
    for script in ["exec sleep 1000", "exec sleep 1000 > /dev/null 2>&1"] {
        let error = shell(script, &[], Duration::from_millis(200)).unwrap_err();
        assert!(
            matches!(error, HostError::TimedOut { .. }),
            "{script}: {error}"
        );
    }
}

#[test]
fn a_program_that_floods_is_killed() {
    let error = shell("exec yes", &[], LONG).unwrap_err();
    assert!(matches!(
        error,
        HostError::TooMuchOutput {
            bytes_max: 1_000_000,
            ..
        }
    ));
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let limits = HostLimits {
        wall: LONG,
        output_bytes_max: 0,
    };
    let error = run(&mut Command::new("no-such-program"), &[], limits).unwrap_err();
    assert_eq!(error.to_string(), "start `no-such-program`");
}
