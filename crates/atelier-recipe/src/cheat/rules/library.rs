//! Libraries that compare, replaced while the program runs, and values that are equal to all.

use super::{
    Language::{C, Java, Python, Ruby, Rust, Script},
    Place::{Anywhere, Sources, Tests},
    Rule, certain, doubtful,
};

const PATCHES: &str = "replaces what tests compare with";
const EQUAL: &str = "makes an object equal to everything";
const RUNS: &str = "takes over how its tests are run";
const RECORDS: &str = "has snapshots accept whatever they are shown";
const SUBJECT: &str = "replaces a part of the program in tests that stood before";

pub(super) const RULES: &[Rule] = &[
    certain(
        &[Python],
        Anywhere,
        r#"patch(?:\.object)?\(\s*["']?(?:unittest|_?pytest)\b(?:\.\w+)*\.(?:TestCase|raises|approx|TestResult)\b|\.(?:addFailure|addError|addSuccess|addSubTest|wasSuccessful)\s*=[^=]|TestCase\.__subclasses__|(?s)gc\.get_objects\(\).{0,300}?["']test"#,
        PATCHES,
    ),
    certain(
        &[Python],
        Sources,
        r"(?s)(?:from|import)\s+_pytest\b.{0,400}?\n\w+(?:\.\w+)+\s*=[^=]",
        PATCHES,
    ),
    certain(
        &[Script],
        Anywhere,
        r#"(?s)\bexpect(?:\s+as\s+\w+)?\)?\s*\.extend\(\s*\{.{0,200}?\b(?:toBe|toEqual|toStrictEqual|toThrow)\s*(?::|\()|Assertion\.prototype(?:\.\w+|\[[^\]\n]*\])\s*=[^=]|Assertion\.overwrite(?:Method|Property|ChainableMethod)\(\s*['"](?:equals?|eql?|deep|ok|true|throws?)['"]|\bassert(?:\.strict)?\[\w+\]\s*=[^=]|\(\s*['"](?:node:)?assert(?:/strict)?['"]\s*\).{0,200}?\.(?:equal|strictEqual|deepEqual|deepStrictEqual|ok|throws|rejects)\s*=[^=>]"#,
        PATCHES,
    ),
    certain(
        &[Script],
        Sources,
        r#"(?s)from\s*['"](?:node:)?module['"].{0,200}?\bregister(?:Hooks)?\(.{0,300}?\btest"#,
        RUNS,
    ),
    doubtful(
        &[Script],
        Sources,
        r"\bsyncBuiltinESMExports\s*\(|\bregisterHooks\s*\(",
        PATCHES,
    ),
    certain(
        &[Ruby],
        Sources,
        r"Minitest::(?:Test|Assertions|Spec|Runnable)\.(?:class_eval|prepend|include|send|define_method|alias_method)\b|class\s+Minitest::Test\b|RSpec::(?:Matchers|Expectations)[\w:]*\.(?:class_eval|prepend|send|define_method)\b|module\s+Assertions\b",
        PATCHES,
    ),
    certain(
        &[Java],
        Anywhere,
        r"(?m)^\s*package\s+org\.(?:junit|testng|assertj|hamcrest|mockito)\b",
        PATCHES,
    ),
    // Values that are equal to all.
    certain(
        &[Python],
        Sources,
        r"(?m)^\s*from\s+unittest\.mock\s+import\b[^\n]*\bANY\b|\bmock\.ANY\b|__eq__(?:\.return_value|\.side_effect)?\s*=\s*(?:True|lambda[^:\n]*:\s*True)",
        EQUAL,
    ),
    certain(
        &[Script],
        Sources,
        r"\basymmetricMatch\s*:|Symbol\.for\(\s*['\x22]jest\.asymmetricMatcher",
        EQUAL,
    ),
    certain(
        &[Ruby],
        Anywhere,
        r"define_method\(\s*:(?:==|===|eql\?)\s*\)\s*(?:\{|do)\s*\|[^|\n]*\|\s*true\b",
        EQUAL,
    ),
    // Snapshots that are written instead of compared.
    certain(
        &[Python, Script, Rust, Ruby, C],
        Sources,
        r#"["'](?:INSTA_FORCE_PASS|INSTA_UPDATE|SNAPSHOT_UPDATE|UPDATE_SNAPSHOTS?|UPDATE_GOLDEN\w*|UPDATE_EXPECT)["']|argv\.(?:append|push|extend|insert)\([^)\n]*["']--(?:snapshot-update|update-snapshots?|update-?golden)"#,
        RECORDS,
    ),
    // What tests are about, replaced by the tests themselves.
    doubtful(
        &[Script],
        Tests,
        r#"\b(?:jest|vi)\.(?:mock|doMock)\(\s*['"]\.{1,2}/[^'"\n]+['"]\s*,"#,
        SUBJECT,
    ),
    doubtful(
        &[Python],
        Tests,
        r#"\bpatch\(\s*["'](?:\w+\.)*test_\w+\.\w+["']"#,
        SUBJECT,
    ),
    doubtful(
        &[Python],
        Tests,
        r"(?s)autouse\s*=\s*True.{0,400}?\b(?:setattr|patch)\(",
        "replaces a part of what runs for every test",
    ),
];
