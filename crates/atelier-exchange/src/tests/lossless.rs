//! Our own form: whatever a plan says comes back, and a mistyped key is told.

use atelier_model::{
    Acceptance, Check, Component, ContextHints, Design, DevPlan, Expect, Phase, PhaseOutline,
    RequirementItem, Step, TechnologyStack,
};
use proptest::prelude::*;

use crate::{ImportError, own};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[a-zA-Z0-9 ./_-]{1,20}",
        "(?s)[ \\t\\r\\n'\"\\\\#=\\[\\]{}]{1,12}",
        any::<String>(),
        Just("'''\n\"\"\"\n".to_owned()),
        Just("\r\nline\r\n".to_owned()),
    ]
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(text(), 0..3)
}

fn check() -> impl Strategy<Value = Check> {
    prop_oneof![
        (texts(), prop::option::of(text())).prop_map(|(argv, cwd)| Check::Command { argv, cwd }),
        (text(), prop::option::of(text()))
            .prop_map(|(path, contains)| Check::File { path, contains }),
        (text(), text()).prop_map(|(path, pattern)| Check::Regex { path, pattern }),
        (texts(), text(), text(), prop::option::of(text())).prop_map(
            |(start, method, path, body)| Check::Http {
                start,
                method,
                path,
                body
            }
        ),
        text().prop_map(|question| Check::Human { question }),
    ]
}

fn expect() -> impl Strategy<Value = Expect> {
    let numbers = (
        any::<Option<i32>>(),
        any::<Option<u32>>(),
        any::<Option<u16>>(),
    );
    (numbers, prop::option::of(text())).prop_map(|((exit, tests, status), output)| Expect {
        exit,
        output,
        tests_min: tests.map(u64::from),
        status,
    })
}

fn acceptance() -> impl Strategy<Value = Acceptance> {
    let words = (text(), text(), texts());
    (
        words,
        check(),
        expect(),
        any::<Option<u32>>(),
        any::<bool>(),
    )
        .prop_map(
            |((id, text, requirements), check, expect, timeout, must_fail_before)| Acceptance {
                id,
                text,
                requirements,
                check,
                expect,
                timeout_seconds: timeout.map(u64::from),
                must_fail_before,
            },
        )
}

fn step() -> impl Strategy<Value = Step> {
    let words = (text(), text(), text(), text());
    let lists = (texts(), texts(), texts(), texts(), texts(), texts());
    let context = (texts(), texts(), texts());
    (
        words,
        lists,
        prop::collection::vec(acceptance(), 0..3),
        context,
    )
        .prop_map(
            |(
                (number, title, description, why),
                lists,
                acceptance,
                (files, symbols, documents),
            )| {
                let (requirements, depends_on, inputs, outputs, owns, protected) = lists;
                Step {
                    number,
                    title,
                    description,
                    why,
                    requirements,
                    depends_on,
                    inputs,
                    outputs,
                    owns,
                    protected,
                    acceptance,
                    context: ContextHints {
                        files,
                        symbols,
                        documents,
                    },
                }
            },
        )
}

fn phase() -> impl Strategy<Value = Phase> {
    let outline = (
        any::<u32>(),
        text(),
        text(),
        texts(),
        prop::collection::vec(any::<u32>(), 0..3),
    );
    (outline, prop::collection::vec(step(), 0..3)).prop_map(
        |((number, title, description, requirements, depends_on), steps)| Phase {
            outline: PhaseOutline {
                number,
                title,
                description,
                requirements,
                depends_on,
            },
            steps,
        },
    )
}

fn design() -> impl Strategy<Value = Design> {
    let words = (text(), text(), text());
    let stack = (text(), text(), texts(), text());
    let item = (text(), text()).prop_map(|(id, text)| RequirementItem { id, text });
    let part =
        (text(), text(), text(), texts()).prop_map(|(name, path, purpose, depends_on)| Component {
            name,
            path,
            purpose,
            depends_on,
        });
    let lists = (
        texts(),
        prop::collection::vec(item, 0..3),
        prop::collection::vec(part, 0..2),
        texts(),
        texts(),
    );
    (words, stack, lists).prop_map(|((name, summary, overview), stack, lists)| {
        let (objectives, requirements, components, dependencies, challenges) = lists;
        let (language, kind, frameworks, testing) = stack;
        Design {
            name,
            summary,
            objectives,
            requirements,
            technology_stack: TechnologyStack {
                language,
                kind,
                frameworks,
                testing,
            },
            architecture_overview: overview,
            components,
            dependencies,
            challenges,
        }
    })
}

pub(super) fn plan() -> impl Strategy<Value = DevPlan> {
    (design(), text(), prop::collection::vec(phase(), 0..3)).prop_map(
        |(design, summary, phases)| DevPlan {
            design,
            summary,
            phases,
        },
    )
}

proptest! {
    #[test]
    fn whatever_a_plan_says_comes_back(plan in plan(), requirement in text(), run in prop::option::of("[0-9A-Z]{26}")) {
        let written = own::write(run.as_deref(), &requirement, &plan);
        let read = own::read(&written).map_err(|error| TestCaseError::fail(format!("{error}: {written}")))?;
        prop_assert_eq!(&read.plan, &plan);
        prop_assert_eq!(&read.requirement, &requirement);
        prop_assert_eq!(&read.run, &run);
        prop_assert_eq!(own::write(run.as_deref(), &requirement, &read.plan), written);
    }

    #[test]
    fn nothing_that_is_read_panics(text in any::<String>(), name in "[a-z]{1,4}\\.(toml|json|md|txt)") {
        let files = std::iter::once((name, text)).collect();
        let _ = crate::import(None, &files, None);
    }
}

#[test]
fn a_mistyped_key_is_told() {
    let step = "[[phases]]\nnumber = 1\ntitle = \"t\"\n[[phases.steps]]\nnumber = \"1.1\"\ntitle = \"t\"\n\
                description = \"\"\noutputs = []\nacceptance = []\n";
    let design = "[design]\nname = \"n\"\nsummary = \"\"\nobjectives = []\nrequirements = []\n\
                  architecture_overview = \"\"\n[design.technology_stack]\nlanguage = \"\"\nkind = \"\"\n";
    let text = format!("format = 1\nrequirement = \"r\"\n{design}{step}");
    assert!(own::read(&text).is_ok());
    let wrong = own::read(&format!("{text}depend_on = [\"1.0\"]\n"));
    match wrong {
        Err(ImportError::Key(key)) => assert_eq!(key, "phases[0].steps[0].depend_on"),
        other => panic!("{other:?}"),
    }
}
