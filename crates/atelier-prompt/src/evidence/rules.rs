//! What each test runner and build tool prints that differs from time to time.
//!
//! A rule names the whole shape of a line, as far as it can: a figure alone may be what a tested
//! program printed, and that stays.

/// What is looked for in a line, and what is put in its place.
pub(super) struct Rule {
    pub(super) pattern: &'static str,
    pub(super) put: &'static str,
}

const fn rule(pattern: &'static str, put: &'static str) -> Rule {
    Rule { pattern, put }
}

/// Every rule, in the order in which they are applied.
pub(super) const RULES: &[Rule] = &[
    // Worktrees of Atelier, then folders that programs made for a while.
    rule(
        r#"(?:file://)?/[^\s'"`()<>\[\],;:]*/\.atelier/worktrees/[^/\s'"`()<>\[\],;:]+/"#,
        "",
    ),
    rule(
        r#"(?:file://)?/[^\s'"`()<>\[\],;:]*/\.atelier/worktrees/[^/\s'"`()<>\[\],;:]+"#,
        ".",
    ),
    rule(r"(/pytest-of-)[^/\s]+/pytest-(?:\d+|current)\b", "${1}…"),
    rule(r"(/go-build)\d{4,}\b", "${1}…"),
    rule(r"(/Test\w+?)\d{5,}(/\d{3})\b", "${1}…${2}"),
    rule(r"(/tmp/(?:\.?tmp|tmp\.))[A-Za-z0-9_]{6,10}\b", "${1}…"),
    rule(
        r"(/tmp/[A-Za-z][\w.]*-)(?:[a-z]*[A-Z0-9]\w{2,5}|\w{2,5}[A-Z0-9]\w{0,3})\b",
        "${1}…",
    ),
    rule(r"_logs/\S+-debug-\d+\.log", "_logs/…"),
    // Addresses, and numbers of processes and threads.
    rule(r"(\bat )0x[0-9a-fA-F]{6,16}\b", "${1}0x…"),
    rule(r"\b0x(?:0000)?(?:7f|5[56]|6[0-3])[0-9a-f]{10}\b", "0x…"),
    rule(r"\b0xc[0-9a-f]{9}\b", "0x…"),
    rule(r"(thread '[^']*') \(\d+\)( panicked at)", "${1}${2}"),
    rule(r"\((node):\d+\)", "(${1})"),
    rule(
        r"^(goroutine )\d+( )(?:gp=\S+ m=\S+ (?:mp=\S+ )?)?(\[.*\]:)$",
        "${1}…${2}${3}",
    ),
    rule(r"( in goroutine )\d+$", "${1}…"),
    rule(r"^(\t\S+\.go:\d+) \+0x[0-9a-f]+$", "${1}"),
    rule(r"(/deps/[\w.-]+?)-[0-9a-f]{16}\b", "${1}"),
    // Rust.
    rule(r"^(test result: .*; finished in )[\d.]+s$", "${1}…s"),
    rule(r"^(test .+ \.\.\. \w+) <[\d.]+s>$", "${1}"),
    rule(
        r"^(test .+ \.\.\. bench: +)[\d,.]+ ns/iter \(\+/- [\d,.]+\)",
        "${1}… ns/iter",
    ),
    rule(r"^(\s*Finished .* in )(?:\d+m )?[\d.]+s$", "${1}…s"),
    rule(
        r"^(\s*(?:PASS|FAIL|SLOW|LEAK|TIMEOUT|ABORT|SIG[A-Z]+|TRY \d+ [A-Z]+|Summary) \[) *>? ?[\d.]+s(\])",
        "${1}…s${2}",
    ),
    // Python.
    rule(
        r"^=+ (.*\bin )[\d.]+s(?: \(\d+:\d\d:\d\d\))? =+$",
        "=== ${1}…s ===",
    ),
    rule(
        r"^((?:\d+ (?:passed|failed|skipped|errors?|deselected|xfailed|xpassed|warnings?)\b.*|no tests ran) in )[\d.]+s(?: \(\d+:\d\d:\d\d\))?$",
        "${1}…s",
    ),
    rule(r"^[\d.]+s( +(?:call|setup|teardown) +\S+::\S+)", "…s${1}"),
    rule(r"^(Ran \d+ tests? in )[\d.]+s$", "${1}…s"),
    // Go.
    rule(
        r"^(\s*--- (?:PASS|FAIL|SKIP|BENCH): .* )\([\d.]+s\)$",
        "${1}(…s)",
    ),
    rule(
        r"^((?:ok|FAIL)\s+\S+\s+)(?:[\d.]+s|\(cached\))(\s.*)?$",
        "${1}…s${2}",
    ),
    rule(r#"^\{"Time":"[^"]*","#, "{"),
    rule(r#"("Elapsed":)[\d.]+"#, "${1}0"),
    rule(r"^(Benchmark\S+)\s+\d+\s+[\d.]+ ns/op.*$", "${1} … ns/op"),
    // JavaScript: a duration is only shown where it is long, so nothing stays of it.
    rule(
        r"^(\s*(?:\x1b\[[\d;]*m)*[✓✔✕✖✗×√❯↓▶●○] .*?)\s+(?:\([\d.]+ ?m?s\)|[\d.]+ ?m?s)$",
        "${1}",
    ),
    rule(r"^((?:PASS|FAIL) \S.*?) \([\d.]+ m?s\)$", "${1}"),
    rule(r"^(Time: +)[\d.]+ m?s(?:, estimated [\d.]+ m?s)?$", "${1}…"),
    rule(
        r"^(\s*\d+ (?:passing|failing|pending)) \([\d.]+(?:ms|s|m)\)$",
        "${1}",
    ),
    rule(r"^(\s*Duration\s+)[\d.]+m?s\b.*$", "${1}…"),
    rule(r"^(\s*Start at\s+)\d\d:\d\d:\d\d$", "${1}…"),
    rule(r"^((?:#|ℹ) duration_ms )[\d.]+$", "${1}…"),
    rule(r"^(\s*duration_ms: )[\d.]+$", "${1}…"),
    rule(r"^(\((?:pass|fail|skip|todo)\) .*?) \[[\d.]+m?s\]$", "${1}"),
    rule(r"^(Ran \d+ tests? across .*?) \[[\d.]+m?s\]$", "${1}"),
    rule(
        r"^(\S.* \.\.\. (?:ok|FAILED|ignored)) \([\d.]+m?s\)$",
        "${1}",
    ),
    rule(r"^((?:ok|FAILED) \| .*) \([\d.]+m?s\)$", "${1}"),
    rule(
        r"^((?:added|up to date|changed|removed)\b.* in )(?:\d+m ?)?[\d.]+m?s$",
        "${1}…s",
    ),
    rule(r"^(.*\bbuilt in )[\d.]+m?s\.?$", "${1}…s"),
    // The Java virtual machine and .NET.
    rule(r"(\bTime elapsed: )[\d.,]+( (?:s|sec|ms)\b)", "${1}…${2}"),
    rule(r"^(\[INFO\] (?:Total time|Finished at): +).*$", "${1}…"),
    rule(
        r"^(BUILD (?:SUCCESSFUL|FAILED) in )(?:\d+m )?\d+m?s$",
        "${1}…s",
    ),
    rule(
        r"^(\s*(?:Passed|Failed|Skipped) .*?) \[(?:< )?[\d.]+ m?s\]$",
        "${1}",
    ),
    rule(r"(, Duration: )(?:< )?[\d.]+ m?s( - )", "${1}…${2}"),
    rule(r"^(Time Elapsed )\d\d:\d\d:\d\d(?:\.\d+)?$", "${1}…"),
    rule(r"^(\s*Total time: )[\d.]+ (?:Seconds|Minutes)$", "${1}…"),
    // C and C++.
    rule(
        r"^(\s*\d+/\d+ Test +#\d+: .*?\S) +[\d.]+ sec(.*)$",
        "${1} … sec${2}",
    ),
    rule(r"^(Total Test time \(real\) = +)[\d.]+ sec$", "${1}… sec"),
    rule(r"^(\[ +(?:OK|FAILED|SKIPPED) +\] .*) \(\d+ ms\)$", "${1}"),
    rule(r"^(\[[-=]+\] .*) \(\d+ ms total\)$", "${1}"),
    // Ruby, PHP, Elixir, Swift.
    rule(r"^(Finished in )\d+\.\d+ ?(?:s|seconds)\b.*$", "${1}…"),
    rule(r"^(Run options: .*--seed )\d+", "${1}…"),
    rule(r"^((?:Randomized|Running ExUnit) with seed:? )\d+", "${1}…"),
    rule(r"^(Time: )[\d:.]+, Memory: [\d.]+ \w+$", "${1}…"),
    rule(
        r"^(Test Case .* (?:passed|failed)) \([\d.]+ seconds\)\.?$",
        "${1}",
    ),
    rule(
        r"^(\s*Executed \d+ tests?, with .* in )[\d.]+ \([\d.]+\) seconds$",
        "${1}…",
    ),
    // Reports in XML.
    rule(
        r#"(<test(?:suites?|case)\b[^>]*?\stime=")[^"]*""#,
        "${1}…\"",
    ),
    rule(
        r#"(<test(?:suites?|case)\b[^>]*?\stimestamp=")[^"]*""#,
        "${1}…\"",
    ),
    rule(r#"(<testsuites?\b[^>]*?\shostname=")[^"]*""#, "${1}…\""),
    // A check that was stopped.
    rule(r"^(not done after )\d+( ms)$", "${1}…${2}"),
];
