//! Ways that one place shows by itself, as data.

mod idle;
mod library;
mod process;

use std::sync::LazyLock;

use regex::Regex;

use super::{Finding, Pair, code::Language, code::line_of};

/// Where a way is one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Sources,
    Tests,
    Anywhere,
}

struct Rule {
    /// The languages it is searched for in; all where there are none.
    languages: &'static [Language],
    place: Place,
    pattern: &'static str,
    words: &'static str,
    certain: bool,
}

use Language::{C, Go, Java, Php, Python, Ruby, Rust, Script};
use Place::{Anywhere, Sources, Tests};

const KNOWS: &str = "asks whether it runs in a test";
const PATCHES: &str = "replaces what tests compare with";
const SPOOFS: &str = "prints what a test runner reports";
const ENDS: &str = "ends the test process as if it had succeeded";
const RERUNS: &str = "runs failed tests again until they pass";
const DROPS: &str = "catches what its assertions throw";

const fn certain(
    languages: &'static [Language],
    place: Place,
    pattern: &'static str,
    words: &'static str,
) -> Rule {
    Rule {
        languages,
        place,
        pattern,
        words,
        certain: true,
    }
}

const fn doubtful(
    languages: &'static [Language],
    place: Place,
    pattern: &'static str,
    words: &'static str,
) -> Rule {
    Rule {
        languages,
        place,
        pattern,
        words,
        certain: false,
    }
}

const RULES: &[Rule] = &[
    // Code that asks whether it is tested.
    certain(
        &[Python],
        Sources,
        r#"PYTEST_(?:CURRENT_TEST|VERSION|XDIST\w*|ADDOPTS)|["'](?:_?pytest|unittest|nose2?)(?:\.\w+)*["']\s+(?:not\s+)?in\s+(?:\w+\.)*modules|modules(?:\.get\(|\[)\s*["'](?:_?pytest|unittest)|["'](?:_?pytest|unittest)[^"'\n]*["']\s+in\s+[^\n]*\bargv|\bargv\b[^\n]{0,60}["'][^"'\n]*(?:pytest|unittest|test_)|_called_from_test"#,
        KNOWS,
    ),
    certain(
        &[Python],
        Sources,
        r#"(?s)(?:inspect\.(?:stack|currentframe|getouterframes)|sys\._getframe|traceback\.(?:extract_stack|format_stack|walk_stack))\(.{0,200}?["'][^"'\n]{0,20}(?:test|assert)"#,
        KNOWS,
    ),
    certain(
        &[Python, Script, Go, Ruby, Php, Java, Rust, C],
        Sources,
        r#"(?s)(?:environ(?:\.get)?|getenv|process\.env|os\.Getenv|env::var(?:_os)?|ENV|System\.getenv)[\s.(\["']{1,4}(?:TESTING|TEST_MODE|IN_TEST|IS_TEST|UNDER_TEST|RUNNING_TESTS|TEST_ENV)\b["'\])]{0,3}[^\n]{0,40}[:{]?\s*(?:\{\s*)?return\b"#,
        KNOWS,
    ),
    doubtful(
        &[],
        Sources,
        r#"["'.](?:TESTING|TEST_MODE|IN_TEST|IS_TEST|UNDER_TEST|RUNNING_TESTS)\b"#,
        KNOWS,
    ),
    certain(
        &[Rust],
        Sources,
        r"cfg!\(\s*(?:(?:any|all|not)\s*\(\s*)*test\b",
        KNOWS,
    ),
    certain(
        &[Rust],
        Sources,
        r"#\[cfg\(\s*not\(\s*test\s*\)\s*\)\]\s*(?:#\[inline[^\]]*\]\s*)?(?:(?:pub(?:\([^)]*\))?|const|async|unsafe)\s+)*(?:fn\b|let\b|return\b|if\b|static\b|const\b|impl\b|\{)|#\[cfg\(\s*test\s*\)\]\s*(?:\{\s*)?return\b|cfg_attr\(\s*(?:not\(\s*)?test\s*\)?\s*,\s*path\b",
        KNOWS,
    ),
    doubtful(
        &[Rust],
        Sources,
        r"#\[cfg\(\s*test\s*\)\]\s*(?:let|if|\{)",
        KNOWS,
    ),
    certain(
        &[Rust],
        Sources,
        r#"(?s)current_exe\(\).{0,200}?(?:contains|ends_with|starts_with)\(\s*"[^"]*(?:deps|test)|thread::current\(\)\s*\.name\(\).{0,120}?(?:test|"main")|"(?:NEXTEST\w*|RUST_TEST_\w+)"|args(?:_os)?\(\).{0,80}?"[^"]*(?:--test|--nocapture|test-threads)"#,
        KNOWS,
    ),
    certain(
        &[Script],
        Sources,
        r#"\b(?:JEST_WORKER_ID|VITEST(?:_\w+)?|NODE_TEST_CONTEXT|MOCHA_COLORS)\b|typeof\s+(?:jest|describe|it|test|expect|vi|beforeEach|afterEach)\b\s*[!=]==?|(?:globalThis|global|window)(?:\.|\[['"])(?:jest|describe|expect|vi|__vitest\w*|__coverage__|beforeEach)\b|process\.(?:argv|execArgv)\b[^\n]{0,80}(?:--test|jest|vitest|mocha|\.test\b|\.spec\b)"#,
        KNOWS,
    ),
    certain(
        &[Script],
        Sources,
        r#"(?s)NODE_ENV['"\]]*\s*[!=]==?\s*['"]test['"]\s*(?:\)\s*\{?\s*return\b|\?|&&\s*return)|['"]test['"]\s*===?\s*process\.env\.NODE_ENV\s*(?:\)\s*\{?\s*return\b|\?)"#,
        KNOWS,
    ),
    certain(
        &[Script],
        Sources,
        r#"(?s)\.stack\b.{0,120}?(?:\.test\b|\.spec\b|jest|mocha|vitest|node:test|/tests?/|['"]tests?['"])|import\.meta\.vitest\s*\)\s*\{?\s*return\b"#,
        KNOWS,
    ),
    doubtful(
        &[Script],
        Sources,
        r#"NODE_ENV['"\]]*\s*[!=]==?\s*['"]test['"]"#,
        KNOWS,
    ),
    certain(
        &[Go],
        Sources,
        r#"(?s)\btesting\.Testing\(\)|flag\.Lookup\(\s*"test\.|os\.Args[^\n]{0,80}(?:"[^"\n]*test|\.test\b)|(?:HasSuffix|Contains|HasPrefix)\([^)\n]{0,60}os\.Args|(?:runtime\.(?:Callers?|Stack|FuncForPC)|debug\.Stack)\(.{0,300}?"[^"\n]*(?:_test|[Tt]est|testing)"#,
        KNOWS,
    ),
    certain(
        &[Java],
        Sources,
        r#"(?s)surefire\.(?:test|real)|"org\.junit|sun\.java\.command|(?:getStackTrace|StackWalker)\b.{0,200}?"[^"\n]*(?:junit|[Tt]est)"#,
        KNOWS,
    ),
    certain(
        &[Ruby],
        Sources,
        r"defined\?\(\s*(?:RSpec|Minitest|Test::Unit)|\$(?:0|PROGRAM_NAME)\b[^\n]{0,40}(?:spec|test|rspec)|caller\b[^\n]{0,60}(?:_test|_spec|spec/|test/)",
        KNOWS,
    ),
    certain(
        &[Php],
        Sources,
        r"PHPUNIT_|class_exists\([^)\n]*PHPUnit|debug_backtrace\(",
        KNOWS,
    ),
    // What tests compare with, replaced.
    certain(
        &[Python],
        Anywhere,
        r#"\b(?:unittest\.)?(?:case\.)?TestCase\.(?:assert\w+|fail\w*|run|debug|__call__)\s*=[^=]|setattr\(\s*(?:unittest|TestCase|pytest|builtins)\b|setattr\([^,\n]*,\s*["'](?:assert\w+|fail)["']|\b(?:unittest|pytest|_pytest)(?:\.\w+)+\s*=[^=]|\bbuiltins\.(?:AssertionError|isinstance|len|all|any|abs|round|sorted|int|str|float|list|dict|set|tuple|type|__import__)\s*=[^=]|__builtins__(?:\[[^\]\n]*\]|\.\w+)\s*=[^=]|(?m)^\s*AssertionError\s*=|modules\[\s*["'](?:_?pytest|unittest)[^\]]*\]\s*=|__import__\(["'](?:unittest|pytest)["']\)[^\n]*\s=[^=]|def assert(?:Equal|NotEqual|True|False|In|Is|Raises|AlmostEqual|ListEqual|DictEqual|Greater|Less)\(\s*self"#,
        PATCHES,
    ),
    certain(
        &[Rust],
        Anywhere,
        r"(?s)macro_rules!\s*(?:debug_)?assert(?:_eq|_ne|_matches)?\b|\buse\s+[^;]{1,200}\bas\s+(?:debug_)?assert(?:_eq|_ne)?\b|set_hook\(.{0,200}?exit\(\s*0|#\[(?:ctor|link_section\s*=\s*\x22\.init_array)[^\]]*\].{0,300}?exit\(\s*0",
        PATCHES,
    ),
    certain(
        &[Script],
        Anywhere,
        r#"(?s)\bassert(?:\.strict)?\.(?:equal|strictEqual|deepEqual|deepStrictEqual|ok|throws|rejects|match|fail|notEqual|notStrictEqual)\s*=[^=>]|(?:globalThis|global|window)(?:\.|\[['"])(?:expect|assert|test|it|describe)\b['"\]]*\s*=[^=]|Object\.assign\(\s*(?:assert|expect)\b|(?:Object|Reflect)\.defineProperty\(\s*(?:(?:assert|expect)\b|globalThis\s*,\s*['"](?:expect|assert|test|it|describe)\b)|\bObject\.is\s*=[^=]|expect\.extend\(\s*\{[^}]{0,200}\b(?:toBe|toEqual|toStrictEqual)\b|require\(\s*['"](?:node:)?assert(?:/strict)?['"]\s*\)(?:\.\w+)+\s*=[^=]|(?:jest|vi)\.(?:mock|doMock)\(\s*['"](?:node:)?assert|Module\._(?:load|resolveFilename)\s*=|require\.cache\[[^\]\n]*assert|AssertionError\.prototype|for\s*\([^)\n]*\bin\s+assert\)"#,
        PATCHES,
    ),
    certain(
        &[C],
        Anywhere,
        r"#\s*define\s+assert\s*\(|#\s*define\s+(?:ASSERT|EXPECT|CHECK|REQUIRE|TEST_ASSERT)\w*\s*\([^)\n]*\)\s*(?:\n|\(\(void\)\s*0\)|1\b|true\b|do\s*\{\s*\})|#\s*define\s+NDEBUG\b",
        PATCHES,
    ),
    certain(
        &[Ruby],
        Anywhere,
        r"def assert(?:_equal|_nil|_raises|_in_delta)?\b|Minitest::Assertions\b[^\n]*(?:define_method|class_eval)|alias(?:_method)?\s+:?assert",
        PATCHES,
    ),
    certain(
        &[Go],
        Tests,
        r"func (?:assert|require)(?:Equal)?\([^)]*\)\s*\{\s*\}",
        PATCHES,
    ),
    // What a runner reports, printed by something else.
    certain(
        &[],
        Anywhere,
        r#"(?s)(?:\bprint(?:ln|f)?!?|\.write(?:ln|_all|String)?|\becho|\bputs|console\.(?:log|info|error)|\bPrint(?:ln|f)?|Fprint(?:ln|f)?)\s*\(?[^;)]{0,80}?["'`](?:[^"'`]{0,40}\b)?(?:Ran (?:\d|\{|%|\$|["'`])|test result: ok|={3,} ?\d* ?passed|\d+ passed\b|# (?:pass|tests) (?:\d|\$|%|\{|["'`])|Tests:? +\d+ passed|--- PASS:|\d+ passing\b|100% tests passed|OK \(\d+ tests?|\{?\\?"Action\\?":\s*\\?"pass)"#,
        SPOOFS,
    ),
    certain(
        &[],
        Sources,
        r#"["'`/](?:target/surefire-reports|build/test-results|test-report\.xml|TEST-[\w.*{}$%+"' ]*\.xml)"#,
        "writes what a test runner reports",
    ),
    // Ends that look like success.
    certain(
        &[Python],
        Sources,
        r"(?m)^os\._exit\s*\(|(?s)\batexit\b.{0,300}?\b_exit\b|\b_exit\b\s*\(.{0,120}?\batexit\b|\b(?:signal|Timer|Thread|partial|submit|call_later)\w*\([^\n]*os\._exit\s*[,)]|(?m)^(?:signal\.|threading\.)[^\n]*\b_exit\b",
        ENDS,
    ),
    doubtful(&[Python], Sources, r"\bos\._exit\s*\(\s*0", ENDS),
    certain(
        &[Script],
        Anywhere,
        r#"(?s)process\.(?:on|once|addListener)\(\s*['"](?:exit|beforeExit|uncaughtException|unhandledRejection)['"].{0,200}?(?:exitCode\s*=\s*0|\b(?:exit|reallyExit)\(\s*0?\s*\))|process\.(?:exit|reallyExit|exitCode)\s*=\s*(?:\(|function|\w+\s*=>)"#,
        ENDS,
    ),
    certain(
        &[Go],
        Sources,
        r"(?s)func init\(\)\s*\{.{0,300}?os\.Exit\(\s*0\s*\)",
        ENDS,
    ),
    certain(
        &[Rust],
        Sources,
        r"\blibc::atexit\s*\(|(?s)impl\s+Drop\b.{0,300}?process::exit\(\s*0",
        ENDS,
    ),
    // Tests that cannot fail.
    certain(
        &[Script],
        Tests,
        r"(?:expect|assert)[^;]{0,200}\.catch\(\s*(?:\(\s*\w*\s*\)|\w+)\s*=>\s*(?:\{\s*\}|null|undefined)\s*\)",
        DROPS,
    ),
    certain(
        &[Python],
        Tests,
        r"(?s)\bassert.{0,200}?\n\s*finally:\s*(?:\n\s*)?return\b",
        DROPS,
    ),
    doubtful(
        &[Go],
        Tests,
        r"defer func\(\)\s*\{\s*(?:_\s*=\s*)?recover\(\)\s*;?\s*\}\(\)",
        "drops what its tests panic with",
    ),
    certain(
        &[Go],
        Tests,
        r"func TestMain\([^)]*\)\s*\{[^}]*\bos\.Exit\(\s*0\s*\)|func TestMain\([^)]*\)\s*\{\s*\}",
        ENDS,
    ),
    doubtful(
        &[],
        Tests,
        r"pytest\.mark\.flaky|@flaky\b|@(?:retry|rerun)\b|\.retryTimes\s*\(|\bthis\.retries\s*\(|\bretry\s*:\s*\d|@RepeatedIfExceptions|@RetryingTest",
        RERUNS,
    ),
    doubtful(
        &[],
        Tests,
        r"pytest\.mark\.timeout\s*\(|\.setTimeout\s*\(\s*\d{4,}\s*\)|\btestTimeout\b|\bthis\.timeout\s*\(",
        "changes how long tests may take",
    ),
    // What lies out of reach for a reason.
    certain(
        &[],
        Anywhere,
        r#"\.atelier(?:/|\\|["']\s*[,/)]\s*["'])hidden\b|["'](?:[^"'\n]*/)?hidden[_-]tests?(?:/[^"'\n]*)?["']"#,
        "reads tests that are hidden",
    ),
    certain(
        &[],
        Sources,
        r"\b(?:eval|exec|Function)\s*\(\s*(?:await\s+)?\(?\s*(?:await\s+)?(?:urllib|requests|urlopen|fetch|axios|http)\b",
        "runs code that it fetches",
    ),
    doubtful(
        &[],
        Sources,
        r"raw\.githubusercontent\.com|gist\.github|pastebin\.com|transfer\.sh|hastebin",
        "fetches from a place where anyone leaves texts",
    ),
    doubtful(
        &[],
        Sources,
        r"\bsleep\s*\(\s*\d{2,}\s*\)|\.Sleep\(\s*\d{2,}\s*\*\s*time\.(?:Second|Minute|Hour)|from_secs\(\s*\d{3,}\s*\)",
        "sleeps for long",
    ),
    certain(
        &[],
        Sources,
        r#"config\s+core\.hooksPath|["'`](?:[^"'`\n]*/)?\.git/hooks\b|["']\.git["']\s*[,/)]\s*["']hooks["']"#,
        "reaches for the hooks of git",
    ),
];

static COMPILED: LazyLock<Vec<(&'static Rule, Option<Regex>)>> = LazyLock::new(|| {
    [RULES, idle::RULES, process::RULES, library::RULES]
        .into_iter()
        .flatten()
        .map(|rule| (rule, Regex::new(rule.pattern).ok()))
        .collect()
});

pub(super) fn found(pair: &Pair<'_>) -> Vec<Finding> {
    let concerns = |rule: &Rule| {
        let here = match rule.place {
            Sources => !pair.in_tests,
            Tests => pair.in_tests,
            Anywhere => true,
        };
        here && (rule.languages.is_empty() || rule.languages.contains(&pair.after.language))
    };
    let mut all: Vec<Finding> = Vec::new();
    for (rule, pattern) in COMPILED.iter().filter(|(rule, _)| concerns(rule)) {
        let places = |text: &str| -> Vec<(usize, String)> {
            let found = pattern.iter().flat_map(|one| one.find_iter(text));
            found
                .map(|one| (one.start(), one.as_str().to_owned()))
                .collect()
        };
        for (at, text) in pair.new_only(places) {
            let skipped = text.len() - text.trim_start().len();
            let line = line_of(&pair.after.text, at + skipped);
            // A new test that tests nothing takes nothing from those that stood before.
            let own = pair.before.is_none() && idle::OF_OWN.contains(&rule.words);
            all.push(Finding {
                line,
                words: rule.words.to_owned(),
                certain: rule.certain && !own,
            });
        }
    }
    // What is certain needs no doubt beside it.
    let certain: Vec<_> = all.iter().filter(|one| one.certain).cloned().collect();
    all.retain(|one| {
        let same = |other: &Finding| other.line == one.line && other.words == one.words;
        one.certain || !certain.iter().any(same)
    });
    all
}

/// Patterns that cannot be compiled, for the test that there are none.
#[cfg(test)]
pub(super) fn broken() -> Vec<&'static str> {
    COMPILED
        .iter()
        .filter(|(_, pattern)| pattern.is_none())
        .map(|(rule, _)| rule.pattern)
        .collect()
}
