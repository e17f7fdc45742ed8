//! What a stand-in answers is what its mode says: right answers lead to the next tree in every
//! form, wrong ones are wrong in the way that is meant.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeSet, fmt::Debug};

use atelier_edit::Change;
use atelier_model::{BasicPlan, Design, FileTree, Limits, TreePath};
use atelier_prompt::answer;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::{Mode, Script};
use crate::{
    Dialect, EditForm, Fixture,
    dialect::{Request, Turn},
    script::Service,
    spoil,
};

fn fixtures() -> Vec<Fixture> {
    let mut all = vec![crate::chain(3).unwrap()];
    for name in Fixture::names().unwrap() {
        all.push(Fixture::named(&name).unwrap());
    }
    all
}

fn request(first_line: &str, again: bool) -> Request {
    let turn = |role: &str, text: &str| Turn {
        role: role.to_owned(),
        text: text.to_owned(),
    };
    let mut turns = vec![turn("system", "be good"), turn("user", first_line)];
    if again {
        turns.push(turn("assistant", "first try"));
        turns.push(turn("user", "# TASK NOT DONE\n"));
    }
    Request {
        dialect: Dialect::OpenAi,
        model: "m".to_owned(),
        stream: false,
        include_usage: false,
        tokens_max: 100_000,
        turns,
    }
}

fn reply(script: &Script, first_line: &str, again: bool) -> String {
    let service = script.service(&request(first_line, again), 0);
    let Service::Say(text, _) = service else {
        panic!("{first_line}: {service:?}");
    };
    text
}

fn script(fixture: &Fixture, mode: Mode, form: EditForm) -> Script {
    Script::new(mode)
        .with_fixture(fixture.clone())
        .with_form(form)
}

fn code(number: &str) -> String {
    format!("# EXECUTE TASK {number}: Do it")
}

/// Applies the edits of a reply as the product does.
fn applied(fixture: &Fixture, number: &str, text: &str) -> FileTree {
    let limits = Limits::default();
    let edits = atelier_edit::parse(text, &limits)
        .unwrap_or_else(|error| panic!("{} {number}: {error}\n{text}", fixture.name));
    atelier_edit::apply(&edits, &fixture.tree_before(number), &limits)
        .unwrap_or_else(|error| panic!("{} {number}: {error}\n{text}", fixture.name))
        .tree
}

fn same(got: &FileTree, wanted: &FileTree, about: &str) {
    let changes: Vec<_> = got.changes_to(wanted).into_keys().collect();
    assert_eq!(changes, [], "{about}");
}

#[test]
fn right_answers_lead_to_the_next_tree_in_every_form() {
    for fixture in fixtures() {
        for form in [
            EditForm::Whole,
            EditForm::SearchReplace,
            EditForm::DiffFenced,
            EditForm::ApplyPatch,
            EditForm::Mixed,
        ] {
            let script = script(&fixture, Mode::Oracle, form);
            for step in fixture.steps() {
                let text = reply(&script, &code(&step.number), false);
                let got = applied(&fixture, &step.number, &text);
                let about = format!("{} {} {form:?}", fixture.name, step.number);
                same(&got, &fixture.tree_after(&step.number), &about);
            }
        }
    }
}

#[test]
fn search_and_replace_is_really_used() {
    let limits = Limits::default();
    let mut replaced = BTreeSet::new();
    for fixture in fixtures() {
        let script = script(&fixture, Mode::Oracle, EditForm::SearchReplace);
        for step in fixture.steps() {
            let text = reply(&script, &code(&step.number), false);
            for edit in atelier_edit::parse(&text, &limits).unwrap().edits {
                if matches!(edit.change, Change::Replace { .. }) {
                    replaced.insert((fixture.name.clone(), edit.path.to_string()));
                }
            }
        }
    }
    assert!(replaced.len() >= 12, "{replaced:?}");
}

#[test]
fn noise_changes_nothing_that_counts() {
    let text_of = |tree: &FileTree| -> Vec<(TreePath, String)> {
        let text = |text: &str| text.replace("\r\n", "\n");
        tree.iter()
            .map(|(path, file)| (path.clone(), text(file.as_text().unwrap())))
            .collect()
    };
    for fixture in fixtures() {
        for form in [EditForm::Whole, EditForm::SearchReplace] {
            let script = script(&fixture, Mode::OracleNoise, form);
            for step in fixture.steps() {
                let text = reply(&script, &code(&step.number), false);
                let got = applied(&fixture, &step.number, &text);
                assert_eq!(
                    text_of(&got),
                    text_of(&fixture.tree_after(&step.number)),
                    "{} {} {form:?}",
                    fixture.name,
                    step.number
                );
            }
        }
    }
}

/// Reads all planning answers as the product does, and compares them with the fixture's.
fn read_plan(fixture: &Fixture, mode: &Mode) {
    let script = script(fixture, mode.clone(), EditForm::Mixed);
    check_answer(&script, "# DESIGN", &fixture.design);
    check_answer(&script, "# BASIC PLAN", &fixture.plan);
    for phase in &fixture.phases {
        check_answer(
            &script,
            &format!("# DETAILED PLAN: PHASE {}", phase.number),
            phase,
        );
    }
    check_answer(&script, "# HANDOFF", &fixture.handoff);
    check_answer(&script, "# PROJECT DOCUMENTS", &fixture.prose);
}

fn check_answer<T>(script: &Script, line: &str, wanted: &T)
where
    T: DeserializeOwned + JsonSchema + PartialEq + Debug,
{
    let text = reply(script, line, false);
    match answer::read::<T>(&text) {
        Ok(read) => assert_eq!(read.value, *wanted, "{line} {:?}", script.mode),
        Err(error) => panic!("{line} {:?}: {error}\n{text}", script.mode),
    }
}

#[test]
fn planning_answers_are_read_back_through_noise_and_damage() {
    for fixture in fixtures() {
        for mode in [
            Mode::Oracle,
            Mode::OracleNoise,
            Mode::MalformedJson { repairable: true },
        ] {
            read_plan(&fixture, &mode);
        }
    }
}

#[test]
fn damage_beyond_repair_is_no_json_and_no_artifact() {
    for fixture in fixtures() {
        let repairable = script(
            &fixture,
            Mode::MalformedJson { repairable: true },
            EditForm::Mixed,
        );
        let text = reply(&repairable, "# DESIGN", false);
        assert!(serde_json::from_str::<Design>(&text).is_err(), "{text}");
        let gone = script(
            &fixture,
            Mode::MalformedJson { repairable: false },
            EditForm::Mixed,
        );
        assert!(answer::read::<Design>(&reply(&gone, "# DESIGN", false)).is_err());
        assert!(answer::read::<BasicPlan>(&reply(&gone, "# BASIC PLAN", false)).is_err());
        let prose = script(
            &fixture,
            Mode::ProseOnly { planning: true },
            EditForm::Mixed,
        );
        assert!(answer::read::<Design>(&reply(&prose, "# DESIGN", false)).is_err());
    }
}

#[test]
fn the_first_try_is_mistaken_and_the_second_is_right() {
    for fixture in fixtures() {
        let script = script(&fixture, Mode::FailThenFix, EditForm::Mixed);
        for step in fixture.steps() {
            let number = step.number.as_str();
            let first = applied(&fixture, number, &reply(&script, &code(number), false));
            same(&first, &fixture.tree_with_mistakes(number), number);
            assert_ne!(first, fixture.tree_after(number));
            let second = applied(&fixture, number, &reply(&script, &code(number), true));
            same(&second, &fixture.tree_after(number), number);
        }
    }
}

#[test]
fn the_first_try_is_unclosed_and_the_second_is_right() {
    for fixture in fixtures() {
        let script = script(&fixture, Mode::UnclosedThenFix, EditForm::Mixed);
        for step in fixture.steps() {
            let number = step.number.as_str();
            let first = applied(&fixture, number, &reply(&script, &code(number), false));
            assert_ne!(first, fixture.tree_after(number));
            let second = applied(&fixture, number, &reply(&script, &code(number), true));
            same(&second, &fixture.tree_after(number), number);
        }
    }
}

#[test]
fn prose_holds_no_edits() {
    let fixture = crate::chain(1).unwrap();
    let script = script(
        &fixture,
        Mode::ProseOnly { planning: false },
        EditForm::Mixed,
    );
    let text = reply(&script, &code("1.1"), false);
    assert!(atelier_edit::parse(&text, &Limits::default()).is_err());
    assert!(serde_json::from_str::<Design>(&reply(&script, "# DESIGN", false)).is_ok());
}

#[test]
fn lazy_answers_leave_something_out_of_every_file() {
    for fixture in fixtures() {
        let script = script(&fixture, Mode::Lazy, EditForm::Mixed);
        for step in fixture.steps() {
            let text = reply(&script, &code(&step.number), false);
            let words = ["rest of code unchanged", "TODO: implement the rest"];
            assert!(words.iter().any(|word| text.contains(word)), "{text}");
            assert!(text.contains("### File: "), "{text}");
        }
    }
}

#[test]
fn tests_are_tampered_with_from_the_second_step_on() {
    for fixture in fixtures() {
        for good in [false, true] {
            let script = script(&fixture, Mode::TamperTests { good }, EditForm::Mixed);
            for (index, step) in fixture.steps().enumerate() {
                let number = step.number.as_str();
                let text = reply(&script, &code(number), false);
                let got = applied(&fixture, number, &text);
                if index == 0 {
                    same(&got, &fixture.tree_after(number), number);
                    continue;
                }
                check_tampered(&fixture, number, &got, good);
            }
        }
    }
}

fn check_tampered(fixture: &Fixture, number: &str, got: &FileTree, good: bool) {
    let right = if good {
        fixture.tree_after(number)
    } else {
        fixture.tree_with_mistakes(number)
    };
    let before = fixture.tree_before(number);
    let about = format!("{} {number} good={good}", fixture.name);
    for path in right.changes_to(got).keys() {
        assert!(spoil::is_test(path), "{about}: {path}");
    }
    let old: Vec<_> = before.paths().filter(|path| spoil::is_test(path)).collect();
    assert!(!old.is_empty(), "{about}");
    for path in old {
        assert_ne!(got.get(path), before.get(path), "{about}: {path}");
    }
    for path in right
        .paths()
        .filter(|path| spoil::is_test(path) && !before.contains(path))
    {
        assert_eq!(got.get(path) == right.get(path), good, "{about}: {path}");
    }
}

#[test]
fn a_forgery_hides_the_mistakes_and_changes_nothing_else_that_is_built() {
    for fixture in fixtures() {
        let script = script(&fixture, Mode::ForgeTests, EditForm::Mixed);
        for step in fixture.steps() {
            let number = step.number.as_str();
            let got = applied(&fixture, number, &reply(&script, &code(number), false));
            let wrong = fixture.tree_with_mistakes(number);
            let about = format!("{} {number}", fixture.name);
            assert!(
                !wrong.changes_to(&got).is_empty(),
                "{about}: nothing is forged"
            );
            for mistake in &fixture.mistakes[number] {
                if got.get(&mistake.path) == wrong.get(&mistake.path) {
                    continue;
                }
                // A mistake may stand in the very file that is forged.
                let text = got.text(&mistake.path).unwrap();
                assert!(
                    text.contains(&mistake.wrong),
                    "{about}: the mistake is gone"
                );
            }
        }
    }
}
