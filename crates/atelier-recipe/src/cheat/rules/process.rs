//! Ends of a process that look like success, and what tells a program that it is tested.

use super::{
    Language::{C, Go, Java, Python, Ruby, Rust, Script, Shell},
    Place::{Anywhere, Sources},
    Rule, certain, doubtful,
};

const ENDS: &str = "ends the test process as if it had succeeded";
const KNOWS: &str = "asks whether it runs in a test";
const SPOOFS: &str = "prints what a test runner reports";
const EXPECTS: &str = "reads what its caller expects";

pub(super) const RULES: &[Rule] = &[
    certain(
        &[Python],
        Sources,
        r#"(?m)^(?:\w+\.)?_exit[ \t]*\(|getattr\(\s*\w+\s*,\s*["']_exit["']|CDLL\([^)\n]*\)\s*\.\s*_?[eE]xit\b|\bexec[lv]p?e?\(\s*["'](?:/\w+)*/?(?:true|echo|printf|:)["']"#,
        ENDS,
    ),
    certain(
        &[Script],
        Anywhere,
        r#"process\s*\[\s*['"](?:reallyExit|exit|abort)['"]\s*\]"#,
        ENDS,
    ),
    certain(
        &[Go],
        Sources,
        r"(?s)func init\(\)\s*\{.{0,300}?syscall\.Exit\(\s*0\s*\)|\bvar\s+\w+\s*=\s*func\(\)[^{]{0,40}\{.{0,200}?(?:os|syscall)\.Exit\(\s*0\s*\)",
        ENDS,
    ),
    certain(
        &[Rust],
        Anywhere,
        r#"(?s)link_section\s*=\s*"\.(?:init|fini)_array".{0,300}?exit\(\s*0"#,
        ENDS,
    ),
    certain(
        &[Ruby],
        Anywhere,
        r"(?s)\b(?:at_exit|after_run)\b.{0,120}?\bexit!",
        ENDS,
    ),
    certain(
        &[Java],
        Anywhere,
        r"(?s)addShutdownHook\(.{0,200}?halt\(\s*0\s*\)",
        ENDS,
    ),
    certain(
        &[C],
        Sources,
        r"(?s)__attribute__\s*\(\(\s*(?:con|de)structor.{0,300}?_?[eE]xit\s*\(\s*(?:0|EXIT_SUCCESS)\s*\)|_[eE]xit\s*\(\s*(?:0|EXIT_SUCCESS)\s*\).{0,600}?\b(?:SIGABRT|atexit)\b|\b(?:SIGABRT|atexit)\b.{0,600}?\b_[eE]xit\s*\(\s*(?:0|EXIT_SUCCESS)\s*\)|\bvoid\s+(?:__assert_fail|__assert|abort)\s*\(",
        ENDS,
    ),
    // Code that asks whether it is tested.
    certain(
        &[Python],
        Sources,
        r#"(?s)\b__main__\b.{0,160}?["'][^"'\n]*(?:unittest|pytest)|startswith\(\s*["'](?:_?pytest|unittest)["']\s*\)\s*for\s+\w+\s+in\s+(?:\w+\.)*modules|/proc/self/cmdline.{0,200}?["'][^"'\n]*(?:unittest|pytest|test)|orig_argv.{0,80}?(?:unittest|pytest|test)"#,
        KNOWS,
    ),
    certain(
        &[Python],
        Sources,
        r#"(?s)(?:_getframe|currentframe|\bstack)\(.{0,80}?f_(?:locals|back\.f_locals).{0,40}?["'](?:expected|want|answer|wanted|result|output)["']"#,
        EXPECTS,
    ),
    doubtful(
        &[Python],
        Sources,
        r"f_back\.f_locals|_getframe\([^)]*\)\.f_locals",
        EXPECTS,
    ),
    certain(
        &[Script],
        Sources,
        r#"npm_lifecycle_event\b['"\]]*\s*[!=]==?\s*['"](?:pre|post)?test['"]|process\.argv\s*\[\s*[01]\s*\]\s*(?:\?\.)?\.?\s*(?:includes|endsWith|match|indexOf)\(\s*['"/][^)\n]*test|(?:require\.main|module\.parent|process\.mainModule)\b[^\n]{0,60}\b(?:test|spec|jest|mocha)"#,
        KNOWS,
    ),
    certain(
        &[Go],
        Sources,
        r#"(?s)os\.Executable\(\).{0,200}?"[^"\n]*\.test"|runtime\.Caller\([^)]*\).{0,200}?"[^"\n]*_test"#,
        KNOWS,
    ),
    certain(
        &[Rust],
        Sources,
        r#"(?s)Location::caller\(\).{0,200}?"[^"\n]*\btests?\b|Backtrace::(?:force_)?capture\(\).{0,200}?"[^"\n]*\btest"#,
        KNOWS,
    ),
    certain(
        &[Ruby],
        Sources,
        r#"(?s)(?:LOADED_FEATURES|\$").{0,120}?(?:minitest|rspec|test)|const_defined\?\(\s*[:"'](?:RSpec|Minitest|Test)|defined\?[ (]+(?:RSpec|Minitest|Test::Unit)|caller_locations\b[^\n]{0,80}(?:test|spec)"#,
        KNOWS,
    ),
    certain(
        &[Java],
        Sources,
        r#"(?s)java\.class\.path.{0,120}?"[^"\n]*(?:test|junit)"#,
        KNOWS,
    ),
    certain(
        &[C],
        Sources,
        r#"(?s)program_invocation_(?:short_)?name.{0,80}?"[^"\n]*test|/proc/self/(?:cmdline|exe|comm).{0,300}?"[^"\n]*test"#,
        KNOWS,
    ),
    certain(
        &[Shell],
        Sources,
        r"\$\{?(?:BATS_\w+|SHUNIT_\w+|SHELLSPEC_\w+)",
        KNOWS,
    ),
    // What a runner reports, printed by something else.
    certain(
        &[],
        Sources,
        r#"(?s)(?:\bprint(?:ln|f)?!?|\.write(?:ln|_all|String)?|\becho|\bputs|console\.(?:log|info|error)|\bPrint(?:ln|f)?|Fprint(?:ln|f)?)\s*\(?[^;)\n]{0,80}?["'`](?:[^"'`]{0,40}(?:\d|\}|%d) runs, (?:\d|#?\{|%)|[^"'`]{0,40}\d+ examples?, 0 failures|[^"'`]{0,20}\bTests run: (?:\d|\{|%)|(?:[^"'`]{0,20}\\n)?ok \d+\b|1\.\.\d|\[  PASSED  \]|All tests passed \()"#,
        SPOOFS,
    ),
    certain(
        &[Shell],
        Sources,
        r#"(?:echo|printf)\s+["']?[^"'\n]{0,60}\bok \d+[^\n]*>&3|>&3[^\n]*\bok \d+"#,
        SPOOFS,
    ),
];
