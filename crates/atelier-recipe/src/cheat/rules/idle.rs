//! Tests that cannot fail: what is never reached, never asked or always true.

use super::{
    Language::{C, Go, Java, Python, Ruby, Rust, Script, Shell},
    Place::{Anywhere, Tests},
    Rule, certain, doubtful,
};

/// What a test may do that is its author's own: it fails nobody else's.
pub(super) const OF_OWN: [&str; 2] = [NEVER, ALWAYS];

const NEVER: &str = "keeps an assertion from ever being reached";
const ALWAYS: &str = "asserts what always holds";
const DROPS: &str = "catches what its assertions throw";
const RUNS: &str = "takes over how its tests are run";
const PATCHES: &str = "replaces what tests compare with";
const FEWER: &str = "chooses among the tests by their names";

pub(super) const RULES: &[Rule] = &[
    certain(
        &[Python],
        Tests,
        r"(?m)^[ \t]*(?:if|while)[ \t]+(?:False|0|None|not[ \t]+True)[ \t]*(?:and\b[^\n]*)?:|^[ \t]*for[ \t]+\w+[ \t]+in[ \t]+(?:range\(0\)|\[\]|\(\)|\{\})[ \t]*:|^[ \t]*lambda\b[^=\n]*:[ \t]*(?:self\.)?assert",
        NEVER,
    ),
    certain(
        &[Script, Java, C],
        Tests,
        r"\b(?:if|while)\s*\(\s*(?:false|0)\s*(?:&&[^\n]*)?\)|(?m)^[ \t]*#[ \t]*if[ \t]+0\b",
        NEVER,
    ),
    certain(
        &[Script],
        Tests,
        r"[;{}]\s*\n\s*(?:async\s*)?\(\)\s*=>\s*\{?\s*(?:assert|expect)\b",
        NEVER,
    ),
    certain(&[Go], Tests, r"\bif\s+false\b", NEVER),
    certain(
        &[Rust],
        Tests,
        r"\bif\s+false\b|\bwhile\s+false\b|let\s+_\w*\s*=\s*(?:move\s*)?\|\|\s*\{?\s*(?:debug_)?assert",
        NEVER,
    ),
    certain(
        &[Ruby],
        Tests,
        r"(?m)\b(?:if|while|unless)[ \t]+(?:false|nil)\b|^[ \t]*(?:_\w*[ \t]*=[ \t]*)?(?:lambda|proc|->)[ \t]*(?:\{|do)[ \t]*assert",
        NEVER,
    ),
    certain(
        &[Shell],
        Tests,
        r"(?m)^[ \t]*if[ \t]+false\b|^[ \t]*false[ \t]+&&",
        NEVER,
    ),
    doubtful(
        &[Python],
        Tests,
        r"(?m)^[ \t]+if[ \t][^\n]*(?:!=|==|\bnot\b)[^\n]*:[ \t]*\n?[ \t]*return[ \t]*$",
        "returns from a test where a value is not the expected one",
    ),
    certain(
        &[Python],
        Tests,
        r#"(?m)^[ \t]*assert[ \t]*\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*,[ \t]*f?(?:"[^"\n]*"|'[^'\n]*')[ \t]*\)[ \t]*$"#,
        ALWAYS,
    ),
    certain(
        &[Shell],
        Tests,
        r"(?m)^[ \t]*(?:\[\[?[ \t][^\n]*\]|assert\w*[ \t][^\n]*|run[ \t][^\n]*)[ \t]*\|\|[ \t]*(?:true|:)[ \t]*$",
        ALWAYS,
    ),
    certain(
        &[Shell],
        Tests,
        r"(?m)^[ \t]*(?:function[ \t]+)?(?:run|assert\w*|refute\w*|fail|\[|test)[ \t]*\(\)",
        PATCHES,
    ),
    certain(
        &[Python],
        Tests,
        r"raises\(\s*(?:Base)?Exception\s*\)[^:\n]*:[ \t]*\n?[ \t]*(?:self\.)?assert|raises\(\s*AssertionError\s*\)[^:\n]*:[ \t]*\n?[ \t]*(?:self\.assert|assert)\b",
        DROPS,
    ),
    certain(
        &[Ruby],
        Tests,
        r"(?s)\b(?:assert|expect|refute)\w*\b.{0,300}?\n\s*rescue\s+(?:Exception|Minitest::(?:Assertion|UnexpectedError)|RSpec::[\w:]+)(?:\s*=>\s*\w+)?\s*\n\s*(?:nil|true|puts\b[^\n]*|warn\b[^\n]*|end)\b",
        DROPS,
    ),
    certain(
        &[Python],
        Tests,
        r"\bfailureException\s*=|def\s+(?:_callTestMethod|_callSetUp|_feedErrorsToResult|defaultTestResult)\s*\(|def\s+run\s*\(\s*self\s*,\s*result\b|(?m)^[ \t]*(?:del[ \t]+(?:\w+\.)?test|delattr\([^\n]*test)",
        RUNS,
    ),
    certain(
        &[Python],
        Tests,
        r"\bassert(?:Equal|NotEqual|True|False|In|Is|Raises|AlmostEqual|ListEqual|DictEqual|Greater|Less)\s*=[^=]|addTypeEqualityFunc\([^\n]*lambda[^:\n]*:\s*(?:None|True|0)\b",
        PATCHES,
    ),
    certain(
        &[Go],
        Tests,
        r#"flag\.Set\(\s*"test\.(?:run|skip|short)"|"-test\.(?:run|skip)"#,
        FEWER,
    ),
    certain(
        &[Go],
        Tests,
        r"os\.Exit\([^)\n]*\*\s*0\s*\)|\bsyscall\.Exit\(\s*0\s*\)",
        "ends the test process as if it had succeeded",
    ),
    // What changes how a runner reports what failed.
    certain(
        &[Python],
        Anywhere,
        r#"(?s)def pytest_(?:runtest_\w+|pyfunc_call|report_teststatus)\(.{0,400}?(?:["']passed["']|excinfo\s*=\s*None)"#,
        RUNS,
    ),
    doubtful(
        &[Python],
        Anywhere,
        r"def pytest_(?:runtest_\w+|pyfunc_call|report_teststatus|collection_modifyitems|ignore_collect|itemcollected)\(",
        RUNS,
    ),
];
