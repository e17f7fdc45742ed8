//! Reports of real tools, shortened, and what is read from them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::commands::analyse::tools::TOOLS;

fn output(text: &str) -> Output<'_> {
    Output {
        folder: None,
        root: Path::new("/project"),
        text,
    }
}

/// What a tool's report says: severity, rule, place and remedy of each finding.
fn check(name: &str, text: &str, expected: &[(&str, &str, &str, &str)]) {
    let tool = TOOLS.iter().find(|tool| tool.name == name).unwrap();
    let findings = (tool.read)(&output(text)).unwrap();
    let told: Vec<_> = findings
        .iter()
        .map(|one| {
            (
                one.severity.as_str(),
                one.rule.as_str(),
                one.place(),
                one.remedy.as_str(),
            )
        })
        .collect();
    let told: Vec<_> = told
        .iter()
        .map(|(a, b, c, d)| (*a, *b, c.as_str(), *d))
        .collect();
    assert_eq!(told, expected, "{name}");
}

#[test]
fn audits_are_read() {
    check(
        "npm-audit",
        "npm warn something\n{\"auditReportVersion\":2,\"vulnerabilities\":{\"lodash\":{\"name\":\"lodash\",\"severity\":\"critical\",\"via\":[{\"source\":1,\"name\":\"lodash\",\"title\":\"Prototype Pollution\",\"url\":\"https://github.com/advisories/GHSA-jf85-cpcp-j695\",\"severity\":\"critical\",\"range\":\"<4.17.12\"},\"other\"],\"fixAvailable\":true}}}\n",
        &[(
            "critical",
            "GHSA-jf85-cpcp-j695",
            "package-lock.json",
            "`npm audit fix` takes a version without it",
        )],
    );
    check(
        "pip-audit",
        "Found 1 known vulnerability in 1 package\n{\"dependencies\":[{\"name\":\"flask\",\"version\":\"0.5\",\"vulns\":[{\"id\":\"PYSEC-2019-179\",\"fix_versions\":[\"1.0\"],\"aliases\":[],\"description\":\"Memory\"}]}],\"fixes\":[]}",
        &[(
            "high",
            "PYSEC-2019-179",
            "requirements.txt",
            "take version 1.0",
        )],
    );
    check(
        "cargo-audit",
        "{\"vulnerabilities\":{\"found\":true,\"count\":1,\"list\":[{\"advisory\":{\"id\":\"RUSTSEC-2020-0071\",\"title\":\"Segfault\"},\"versions\":{\"patched\":[\">=0.2.23\"]},\"package\":{\"name\":\"time\",\"version\":\"0.1.40\"}}]},\"warnings\":{\"unmaintained\":[{\"advisory\":{\"id\":\"RUSTSEC-2021-0139\",\"title\":\"x\"},\"package\":{\"name\":\"a\",\"version\":\"1\"}}]}}",
        &[
            (
                "high",
                "RUSTSEC-2020-0071",
                "Cargo.lock",
                "take version >=0.2.23",
            ),
            (
                "low",
                "RUSTSEC-2021-0139",
                "Cargo.lock",
                "look for a crate that is kept up",
            ),
        ],
    );
    check(
        "govulncheck",
        "{\n \"config\": {}\n}\n{\"finding\":{\"osv\":\"GO-2021-0113\",\"fixed_version\":\"v0.3.7\",\"trace\":[{\"module\":\"golang.org/x/text\",\"version\":\"v0.3.0\"}]}}\n{\"finding\":{\"osv\":\"GO-2021-0113\",\"fixed_version\":\"v0.3.7\",\"trace\":[{\"module\":\"golang.org/x/text\",\"version\":\"v0.3.0\",\"function\":\"Parse\"}]}}",
        &[("high", "GO-2021-0113", "go.mod", "take version v0.3.7")],
    );
}

#[test]
fn linters_are_read() {
    check(
        "ruff",
        "[{\"code\":\"F821\",\"filename\":\"/project/a.py\",\"fix\":null,\"location\":{\"column\":1,\"row\":3},\"message\":\"Undefined name\"},{\"code\":\"F401\",\"filename\":\"/project/a.py\",\"fix\":{\"message\":\"Remove unused import\"},\"location\":{\"row\":1},\"message\":\"unused\"}]",
        &[
            ("medium", "F821", "a.py:3", ""),
            ("low", "F401", "a.py:1", "Remove unused import"),
        ],
    );
    check(
        "eslint",
        "[{\"filePath\":\"/project/src/a.js\",\"messages\":[{\"ruleId\":\"no-undef\",\"severity\":2,\"message\":\"x\",\"line\":4}]}]",
        &[("medium", "no-undef", "src/a.js:4", "")],
    );
    check(
        "clippy",
        "{\"reason\":\"compiler-message\",\"message\":{\"level\":\"warning\",\"message\":\"needless\",\"code\":{\"code\":\"clippy::needless_return\"},\"spans\":[{\"file_name\":\"src/lib.rs\",\"line_start\":2,\"is_primary\":true}],\"children\":[{\"level\":\"help\",\"message\":\"remove `return`\"}]}}\n{\"reason\":\"build-finished\",\"success\":true}",
        &[(
            "low",
            "clippy::needless_return",
            "src/lib.rs:2",
            "remove `return`",
        )],
    );
    check(
        "hadolint",
        "[{\"code\":\"DL3008\",\"column\":1,\"file\":\"./Dockerfile\",\"level\":\"warning\",\"line\":2,\"message\":\"Pin\"}]",
        &[("low", "DL3008", "Dockerfile:2", "")],
    );
    check(
        "shellcheck",
        "{\"comments\":[{\"file\":\"./a.sh\",\"line\":3,\"level\":\"error\",\"code\":2068,\"message\":\"Double quote\"}]}",
        &[("medium", "SC2068", "a.sh:3", "")],
    );
    check(
        "zizmor",
        "[{\"ident\":\"unpinned-uses\",\"desc\":\"unpinned\",\"url\":\"https://docs.zizmor.sh/x\",\"determinations\":{\"severity\":\"High\"},\"locations\":[{\"symbolic\":{\"key\":{\"Local\":{\"verbatim_path\":\"./.github/workflows/a.yml\"}},\"annotation\":\"this\",\"kind\":\"Primary\"},\"concrete\":{\"location\":{\"start_point\":{\"row\":26}}}}]}]",
        &[(
            "high",
            "unpinned-uses",
            ".github/workflows/a.yml:27",
            "see https://docs.zizmor.sh/x",
        )],
    );
}

#[test]
fn what_is_no_report_tells_nothing() {
    for tool in TOOLS {
        for text in ["", "error: no network", "{}", "{\"error\":{}}", "{", "3"] {
            assert_eq!((tool.read)(&output(text)), None, "{}: {text}", tool.name);
        }
    }
}

proptest! {
    #[test]
    fn no_output_breaks_a_reader(text in r#"(\{|\[|\]|\}|"via"|"vulnerabilities"|:|,|1|"a"|\n|é){0,60}"#) {
        for tool in TOOLS {
            let _ = (tool.read)(&output(&text));
        }
    }
}
