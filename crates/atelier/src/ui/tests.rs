//! Who sees what, by flags, environment and terminal.

use super::*;

fn global(json: bool, quiet: bool) -> Global {
    Global {
        json,
        quiet,
        ..Global::default()
    }
}

#[test]
fn a_region_needs_a_person_at_a_terminal() {
    let seen = Terminal {
        seen: true,
        ..Terminal::default()
    };
    let check = |global: Global, terminal: Terminal, expected: Talk| {
        assert_eq!(talk(&global, terminal), expected, "{global:?} {terminal:?}");
    };
    check(global(false, false), seen, Talk::Live);
    check(global(false, false), Terminal::default(), Talk::Lines);
    check(
        global(false, false),
        Terminal { ci: true, ..seen },
        Talk::Lines,
    );
    check(
        global(false, false),
        Terminal { dumb: true, ..seen },
        Talk::Lines,
    );
    check(global(false, true), seen, Talk::Little);
    check(global(true, false), seen, Talk::Events);
    check(global(true, true), seen, Talk::Events);
}

#[test]
fn colour_follows_the_flag_then_the_environment_then_the_terminal() {
    let seen = Terminal {
        seen: true,
        ..Terminal::default()
    };
    let hidden = Terminal::default();
    let no_color = Terminal {
        no_color: true,
        ..seen
    };
    let forced = Terminal {
        force_color: true,
        ..hidden
    };
    let both = Terminal {
        no_color: true,
        force_color: true,
        ..seen
    };
    for (when, terminal, expected) in [
        (ColorWhen::Auto, seen, true),
        (ColorWhen::Auto, hidden, false),
        (ColorWhen::Auto, no_color, false),
        (ColorWhen::Auto, forced, true),
        (ColorWhen::Auto, both, false),
        (ColorWhen::Auto, Terminal { dumb: true, ..seen }, false),
        (ColorWhen::Auto, Terminal { ci: true, ..seen }, false),
        (ColorWhen::Always, no_color, true),
        (ColorWhen::Always, hidden, true),
        (ColorWhen::Never, forced, false),
    ] {
        assert_eq!(color(when, terminal), expected, "{when:?} {terminal:?}");
    }
}

#[test]
fn a_foreign_text_cannot_steer_the_terminal() {
    assert_eq!(plain("a\u{1b}[2Jb\nc\u{9b}d\te"), "a [2Jb c d e");
    assert_eq!(visible("a\u{1b}[2Jb\tc\u{7}"), "a�[2Jb\tc�");
}
