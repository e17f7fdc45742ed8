//! Summaries: what is kept, what goes first, and that the limit holds.

use atelier_prompt::tokens;
use proptest::prelude::*;

use crate::summary;

const TEXT: &str = "# Design\n\n<!-- a comment\nover lines -->\nA tool that counts. It is fast.\n\n\
    ## Parts\n\n| a | b |\n| - | - |\n\nTwo parts:\n- one\n\n### Core\n```rust\n# no heading\n```\n\
    The core reads\nfiles of any size. More.\n## End\n";

#[test]
fn a_summary_has_headings_and_first_sentences() {
    let expected = "# Design\nA tool that counts.\n## Parts\nTwo parts:\n### Core\nThe core reads \
                    files of any size.\n## End\n";
    assert_eq!(summary(TEXT, 1000), expected);
}

#[test]
fn the_deepest_goes_first() {
    let all = "# Design\nA tool that counts.\n## Parts\nTwo parts:\n";
    for (tokens_max, expected) in [
        (24, format!("{all}### Core\n## End\n")),
        (17, format!("{all}## End\n")),
        (
            15,
            "# Design\nA tool that counts.\n## Parts\n## End\n".to_owned(),
        ),
        (9, "# Design\nA tool that counts.\n".to_owned()),
        (3, "# Design\n".to_owned()),
        (2, String::new()),
    ] {
        assert_eq!(summary(TEXT, tokens_max), expected, "{tokens_max}");
    }
}

proptest! {
    #[test]
    fn a_summary_never_exceeds_its_limit(text in "([#a-z .`|\n]|<!--|-->|## ){0,80}", max in 0_usize..60) {
        prop_assert!(tokens::estimate(&summary(&text, max)) <= max);
    }
}
