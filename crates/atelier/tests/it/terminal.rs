//! The program on a terminal: questions, the live region, and the interactive shell.

use std::{fs, num::NonZero, path::Path, process::Command};

use atelier_testkit::{Dialect, Fixture, Mode, Script, chain};

use crate::world::{Ended, World, count, end};

/// Runs a program on a terminal of its own. Each pair of arguments before `--` is a text to wait
/// for, and what is typed then. Everything the terminal receives goes to standard output.
const ON_A_TERMINAL: &str = r#"
import fcntl, os, pty, signal, struct, sys, termios
signal.alarm(120)
at = sys.argv.index("--")
script = [text.encode() for text in sys.argv[1:at]]
child, terminal = pty.fork()
if child == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    os.execvp(sys.argv[at + 1], sys.argv[at + 1:])
seen = b""
while True:
    try:
        piece = os.read(terminal, 65536)
    except OSError:
        break
    if not piece:
        break
    os.write(1, piece)
    # A terminal that is asked where its cursor stands has to answer.
    for _ in range(piece.count(b"\x1b[6n")):
        os.write(terminal, b"\x1b[1;1R")
    seen += piece
    while script and script[0] in seen:
        seen = seen[seen.index(script[0]) + len(script[0]):]
        os.write(terminal, script[1])
        script = script[2:]
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"#;

/// Rows of the screen that is looked at: so many that nothing leaves it.
const ROWS: Option<NonZero<u16>> = NonZero::new(200);
/// Columns of the terminal.
const COLUMNS: Option<NonZero<u16>> = NonZero::new(80);

/// The program with these arguments on a terminal of 80 columns and 24 rows.
fn on_a_terminal(world: &World, script: &[&str], args: &[&str]) -> Command {
    let file = world.home.path().join("terminal.py");
    fs::write(&file, ON_A_TERMINAL).unwrap();
    let program = world.command(&[]);
    let mut command = world.home.command("python3");
    command
        .current_dir(world.folder())
        .arg(&file)
        .args(script)
        .arg("--")
        .arg(program.get_program())
        .args(args)
        .env("TERM", "xterm-256color");
    for (name, value) in program.get_envs() {
        let model = name.to_string_lossy().starts_with("ATELIER_");
        if let Some(value) = value.filter(|_| model) {
            command.env(name, value);
        }
    }
    command
}

/// What stands on the screen in the end, and in the lines above it.
fn screen(ended: &Ended) -> String {
    let mut parser = vt100::Parser::new(ROWS.unwrap(), COLUMNS.unwrap(), 0);
    parser.process(ended.stdout.as_bytes());
    assert!(!parser.screen().hide_cursor(), "the cursor is shown again");
    parser.screen().contents()
}

fn small() -> (World, Fixture) {
    let fixture = chain(1).unwrap();
    (
        World::oracle(&fixture, Dialect::OpenAi).with_commit(),
        fixture,
    )
}

#[test]
fn a_plan_is_approved_on_the_terminal() {
    let (world, fixture) = small();
    let args = ["build", "--approval", "plan", &fixture.requirement];
    let ended = end(on_a_terminal(&world, &["[y/N]", "y\n"], &args)).expect(0);
    let screen = screen(&ended);
    assert!(screen.contains("Add link 1"), "{screen}");
    assert!(screen.contains("built and verified"), "{screen}");
    assert_eq!(count(&world.events(), "approval.given"), 1);
}

#[test]
fn a_plan_that_is_declined_is_not_executed_and_asked_about_again() {
    let (world, fixture) = small();
    let args = ["build", "--approval", "plan", &fixture.requirement];
    let ended = end(on_a_terminal(&world, &["[y/N]", "n\n"], &args)).expect(10);
    let seen = screen(&ended);
    assert!(
        seen.contains("declined") && seen.contains("hint: "),
        "{seen}"
    );
    assert_eq!(count(&world.events(), "task.committed"), 0);

    end(on_a_terminal(&world, &["[y/N]", "y\n"], &["resume"])).expect(0);
    assert_eq!(count(&world.events(), "approval.asked"), 2);
}

#[test]
fn the_live_region_leaves_only_finished_lines() {
    let (world, fixture) = small();
    let ended = end(on_a_terminal(&world, &[], &["build", &fixture.requirement])).expect(0);
    assert!(ended.stdout.contains('\u{1b}'), "the region was drawn");
    assert!(
        !ended.stdout.contains("\u{1b}[?1049h"),
        "never the alternate screen"
    );
    let screen = screen(&ended);
    for line in ["Passed t1.1 Add link 1", "Verified", "built and verified"] {
        assert_eq!(screen.matches(line).count(), 1, "{line}: {screen}");
    }
}

#[test]
fn no_color_is_honoured_on_a_terminal() {
    let (world, fixture) = small();
    let mut command = on_a_terminal(&world, &[], &["build", &fixture.requirement]);
    command.env("NO_COLOR", "1");
    let ended = end(command).expect(0);
    for colour in ["\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m", "\u{1b}[38;"] {
        assert!(!ended.stdout.contains(colour), "{}", ended.all());
    }
}

#[test]
fn an_interrupted_terminal_is_left_as_it_was() {
    let fixture = chain(1).unwrap();
    let world = World::with(Script::new(Mode::Hang), Dialect::OpenAi).with_commit();
    // The line is drawn while the model is asked; 3 is what Ctrl-C sends.
    let script = ["design", "\u{3}"];
    let ended = end(on_a_terminal(
        &world,
        &script,
        &["build", &fixture.requirement],
    ))
    .expect(11);
    let screen = screen(&ended);
    assert!(screen.contains("atelier resume"), "{screen}");
}

#[test]
fn the_shell_is_interactive_and_goes_on_after_a_failure() {
    let (world, fixture) = small();
    world.run(&["build", &fixture.requirement]).expect(0);
    // What is typed before the prompt is back would not reach the line editor.
    let prompt = "> ";
    let script = [
        [prompt, "list\r"],
        ["Add link 1", ""],
        [prompt, "show t9.9\r"],
        ["name one of these", ""],
        [prompt, "docs\r"],
        ["docs/DEVPLAN.md", ""],
        [prompt, "exit\r"],
    ]
    .concat();
    let ended = end(on_a_terminal(&world, &script, &["shell"])).expect(0);
    assert!(ended.stdout.contains("failed to find"), "{}", ended.all());
    let history = world.folder().join(Path::new(".atelier/history"));
    let history = fs::read_to_string(history).unwrap();
    assert!(
        history.contains("list") && history.contains("docs"),
        "{history}"
    );
}
