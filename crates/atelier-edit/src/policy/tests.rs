//! Which form a model is asked for, by its name, the files, and what was measured.

use std::collections::BTreeMap;

use atelier_model::{
    EditForm::{self, ApplyPatch, DiffFenced, SearchReplace, Whole},
    FormTally,
};

use super::{FAMILIES, choose, family};

fn measured(tallies: &[(EditForm, u64, u64)]) -> BTreeMap<EditForm, FormTally> {
    let tally = |&(form, asked, applied): &(EditForm, u64, u64)| {
        let well_formed = applied;
        (
            form,
            FormTally {
                asked,
                well_formed,
                applied,
            },
        )
    };
    tallies.iter().map(tally).collect()
}

#[test]
fn a_model_belongs_to_the_family_of_its_name() {
    let families = [
        ("gpt-5.1", "gpt"),
        ("openai/gpt-4o", "gpt"),
        ("gpt-4o-mini", "small"),
        ("o3", "gpt"),
        ("codex-max", "gpt"),
        ("gemini-2.5-pro", "gemini"),
        ("models/gemini-2.5-flash-lite", "small"),
        ("claude-opus-4-5", "other"),
        ("claude-3-haiku-20240307", "small"),
        ("qwen2.5-coder:7b", "small"),
        ("Qwen/Qwen3-Coder-480B", "other"),
        ("deepseek-chat", "other"),
        ("standin-large", "other"),
        ("", "other"),
    ];
    for (model, name) in families {
        assert_eq!(family(model).name, name, "{model}");
    }
}

#[test]
fn what_is_small_is_written_whole_and_the_rest_as_the_family_does() {
    let cases: [(&str, &[usize], EditForm); 10] = [
        ("claude-opus-4-5", &[], Whole),
        ("claude-opus-4-5", &[0, 150], Whole),
        ("claude-opus-4-5", &[3, 151], SearchReplace),
        ("gpt-5.1", &[151], ApplyPatch),
        ("gpt-5.1", &[150], Whole),
        ("gemini-2.5-pro", &[5_000], DiffFenced),
        ("gpt-4o-mini", &[600], Whole),
        ("gpt-4o-mini", &[601], SearchReplace),
        ("local-7b", &[400, 3], Whole),
        ("deepseek-chat", &[9_999], SearchReplace),
    ];
    for (model, lines, form) in cases {
        let chosen = choose(model, lines.iter().copied(), &BTreeMap::new());
        assert_eq!(chosen, form, "{model} {lines:?}");
    }
}

#[test]
fn only_what_is_better_beyond_chance_overrides_the_family() {
    type Measured = (EditForm, u64, u64);
    let cases: [(&str, usize, &[Measured], EditForm); 12] = [
        // A few failures are chance.
        ("gpt-5.1", 1_000, &[(ApplyPatch, 1, 0)], ApplyPatch),
        ("gpt-5.1", 1_000, &[(ApplyPatch, 4, 2)], ApplyPatch),
        // Many are not: the next form is tried, although nobody measured it.
        ("gpt-5.1", 1_000, &[(ApplyPatch, 20, 8)], SearchReplace),
        ("gpt-5.1", 1_000, &[(ApplyPatch, 1_000, 940)], ApplyPatch),
        // It must be better than the first, not only good.
        (
            "gpt-5.1",
            1_000,
            &[(ApplyPatch, 20, 8), (SearchReplace, 20, 4)],
            ApplyPatch,
        ),
        // A little better, often seen, is enough.
        (
            "gpt-5.1",
            1_000,
            &[(ApplyPatch, 2_000, 1_800), (SearchReplace, 2_000, 1_900)],
            SearchReplace,
        ),
        // A little better, seldom seen, is not.
        (
            "gpt-5.1",
            1_000,
            &[(ApplyPatch, 20, 18), (SearchReplace, 20, 19)],
            ApplyPatch,
        ),
        // Whole files are a way out for files that are not large.
        ("claude-opus-4-5", 400, &[(SearchReplace, 40, 20)], Whole),
        (
            "claude-opus-4-5",
            601,
            &[(SearchReplace, 40, 20)],
            SearchReplace,
        ),
        // The best of several.
        (
            "gemini-2.5-pro",
            300,
            &[
                (DiffFenced, 50, 10),
                (SearchReplace, 200, 199),
                (Whole, 20, 18),
            ],
            SearchReplace,
        ),
        // What is measured of a form that is never asked for changes nothing.
        (
            "deepseek-chat",
            1_000,
            &[(ApplyPatch, 500, 500)],
            SearchReplace,
        ),
        // More replies that went well than there were replies: not more than all of them.
        (
            "deepseek-chat",
            1_000,
            &[(SearchReplace, 0, 9)],
            SearchReplace,
        ),
    ];
    for (model, lines, tallies, form) in cases {
        let chosen = choose(model, [lines], &measured(tallies));
        assert_eq!(chosen, form, "{model} {lines} {tallies:?}");
    }
}

#[test]
fn every_family_has_forms_and_the_last_fits_every_model() {
    for family in FAMILIES {
        assert!(!family.forms.is_empty(), "{}", family.name);
        for (form, prior) in family.forms {
            assert!((0.5..1.0).contains(prior), "{} {form}", family.name);
        }
    }
    assert_eq!(FAMILIES[FAMILIES.len() - 1].words, ["*"]);
}
