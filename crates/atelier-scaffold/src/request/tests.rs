//! Requirements as people write them, and what is read from them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::{
    ScaffoldError,
    request::{Kind, Language, Request, features::FEATURES_MAX, name, reserved, usable_name},
};

use Kind::{CommandLine, HttpService, Library, WebPage};
use Language::{C, Go, JavaScript, Python, Rust};

/// A requirement, and the language, the kind, the name and the number of features read from it.
type Row = (&'static str, Language, Kind, &'static str, usize);

fn check(rows: &[Row]) {
    for (requirement, language, kind, name, features) in rows {
        let read = Request::read(requirement).unwrap();
        let found = (
            read.language,
            read.kind,
            read.name.as_str(),
            read.features.len(),
        );
        assert_eq!(found, (*language, *kind, *name, *features), "{requirement}");
    }
}

#[test]
fn programs_for_the_command_line() {
    check(COMMAND_LINE);
}

const COMMAND_LINE: &[Row] = &[
    (
        "Build a Rust command-line tool called `todo-list`.",
        Rust,
        CommandLine,
        "todo-list",
        0,
    ),
    (
        "Build a command line tool in Rust called wordcount that counts words, lines and bytes.",
        Rust,
        CommandLine,
        "wordcount",
        1,
    ),
    (
        "A TypeScript CLI named csv2json that converts CSV files to JSON.",
        JavaScript,
        CommandLine,
        "csv2json",
        1,
    ),
    (
        "Please write me a small utility that renames photos by the date they were taken.",
        Python,
        CommandLine,
        "renames-photos-date",
        1,
    ),
    (
        "todo: a command line to-do manager in python",
        Python,
        CommandLine,
        "todo",
        1,
    ),
    (
        "`tally` is a CLI that counts votes.",
        Python,
        CommandLine,
        "tally",
        1,
    ),
    (
        "# Expense Tracker\n\nA Go command line program to track expenses.\n\n## Features\n\n- add an expense\n- list expenses by month\n- export to CSV\n",
        Go,
        CommandLine,
        "expense-tracker",
        4,
    ),
    (
        "Write a CLI in Go. It should let users go back to the previous step.",
        Go,
        CommandLine,
        "back-previous-step",
        1,
    ),
    (
        "Let people go through their photos in the terminal.",
        Python,
        CommandLine,
        "people-photos",
        1,
    ),
    (
        "An app to remove rust from car parts: price calculator for the command line.",
        Python,
        CommandLine,
        "remove-car-parts",
        1,
    ),
    (
        "A tool that calls the GitHub REST API and prints open issues.",
        Python,
        CommandLine,
        "calls-github-prints",
        1,
    ),
    (
        "A command line client for a REST API.",
        Python,
        CommandLine,
        "new-cli",
        1,
    ),
    (
        "Parse Python files with a Rust command line tool called pyscan.",
        Rust,
        CommandLine,
        "pyscan",
        1,
    ),
    (
        "Convert Java source files to UML with a Python script.",
        Python,
        CommandLine,
        "convert-java-source",
        1,
    ),
    (
        "name: price-watch\nlanguage: python\n\nWatches prices of products in online shops and mails me when they fall.",
        Python,
        CommandLine,
        "price-watch",
        1,
    ),
    (
        "Implement main.rs that prints prime numbers",
        Rust,
        CommandLine,
        "prints-prime-numbers",
        1,
    ),
    (
        "A thing that turns Markdown into slides",
        Python,
        CommandLine,
        "turns-markdown-slides",
        1,
    ),
    (
        "MyAwesomeTool: a CLI in Rust",
        Rust,
        CommandLine,
        "my-awesome-tool",
        0,
    ),
    (
        "Write a command-line program in Python 3.12 that prints a calendar",
        Python,
        CommandLine,
        "prints-calendar",
        1,
    ),
    (
        "A command-line tool:\n1. reads a log file\n2. counts errors\n   per hour\n3) prints a table\n",
        Python,
        CommandLine,
        "reads-log-counts",
        3,
    ),
    (
        "A CLI with no Python, just Rust, for hashing files",
        Rust,
        CommandLine,
        "hashing",
        1,
    ),
    ("ROT13 encoder", Python, CommandLine, "rot13-encoder", 1),
    (
        "Build a calculator\n```rust\nfn main() {}\n```\nIt adds numbers.",
        Python,
        CommandLine,
        "calculator-adds-numbers",
        2,
    ),
    (
        "A static site generator in Rust",
        Rust,
        CommandLine,
        "generator",
        1,
    ),
    (
        "A server monitor for the terminal",
        Python,
        CommandLine,
        "monitor",
        1,
    ),
    (
        "Write a Python script that generates files.",
        Python,
        CommandLine,
        "generates",
        1,
    ),
    (
        "A Node CLI, called `nodeish`, that lists modules",
        JavaScript,
        CommandLine,
        "nodeish",
        1,
    ),
    (
        "Build a CLI tool for tracking habits. Name it habitual.",
        Python,
        CommandLine,
        "habitual",
        1,
    ),
];

#[test]
fn libraries() {
    check(LIBRARIES);
}

const LIBRARIES: &[Row] = &[
    (
        "Write a Python library named \"Geo Kit\" for distances between coordinates.",
        Python,
        Library,
        "geo-kit",
        1,
    ),
    (
        "Write a crate for parsing INI files.",
        Rust,
        Library,
        "parsing-ini",
        1,
    ),
    (
        "a npm package that slugifies strings",
        JavaScript,
        Library,
        "slugifies-strings",
        1,
    ),
    (
        "A graph library. Every node has edges.",
        Python,
        Library,
        "graph-edges",
        2,
    ),
    (
        "A library for building command line tools in Python.",
        Python,
        Library,
        "building",
        1,
    ),
    ("A Rust library", Rust, Library, "new-lib", 0),
    (
        "Write `fizz_buzz` in Python, as a library",
        Python,
        Library,
        "fizz-buzz",
        0,
    ),
    (
        "Build a key-value store library with persistence",
        Python,
        Library,
        "key-value-store",
        1,
    ),
    (
        "Write a node module that validates IBANs",
        JavaScript,
        Library,
        "validates-ibans",
        1,
    ),
    (
        "Project name: Big Idea\nLanguage: Go\nType: library\n\nCompares versions.",
        Go,
        Library,
        "big-idea",
        1,
    ),
];

#[test]
fn http_services() {
    check(HTTP_SERVICES);
}

const HTTP_SERVICES: &[Row] = &[
    (
        "Create an HTTP API in Go for managing bookmarks.",
        Go,
        HttpService,
        "bookmarks",
        1,
    ),
    (
        "I need a REST API server in Node.js for a book shop with endpoints for books and orders.",
        JavaScript,
        HttpService,
        "book-shop-orders",
        1,
    ),
    (
        "golang microservice for sending emails",
        Go,
        HttpService,
        "sending-emails",
        1,
    ),
    (
        "JSON API for a parking garage",
        Python,
        HttpService,
        "parking-garage",
        1,
    ),
    (
        "A web server that serves static files, in Rust.",
        Rust,
        HttpService,
        "serves",
        1,
    ),
    (
        "Build an HTTP service, not in Python but in Go, for short links.",
        Go,
        HttpService,
        "short-links",
        1,
    ),
    (
        "A Rust HTTP service with a Python client.",
        Rust,
        HttpService,
        "new-service",
        1,
    ),
    (
        "server.py: answers with the current time over HTTP",
        Python,
        HttpService,
        "answers-current-time",
        1,
    ),
    (
        "We need an endpoint that returns the current exchange rate.",
        Python,
        HttpService,
        "returns-current-exchange",
        1,
    ),
    (
        "Build a TypeScript REST backend for inventory. Use e.g. an in-memory store. Data must survive restarts!",
        JavaScript,
        HttpService,
        "inventory-in-memory",
        3,
    ),
    (
        "Go service for pizza orders",
        Go,
        HttpService,
        "pizza-orders",
        1,
    ),
    (
        "A web service in JavaScript which shortens URLs, named short.ly",
        JavaScript,
        HttpService,
        "short-ly",
        1,
    ),
    (
        "A Django-free Python HTTP server for health checks",
        Python,
        HttpService,
        "django-free-health",
        1,
    ),
    (
        "A website in Python for recipes",
        Python,
        HttpService,
        "recipes",
        1,
    ),
    ("Create a web API", Python, HttpService, "new-service", 0),
    (
        "I'd like an HTTP backend for my game; players post scores.",
        Python,
        HttpService,
        "game-players-post",
        1,
    ),
];

#[test]
fn web_pages() {
    check(WEB_PAGES);
}

const WEB_PAGES: &[Row] = &[
    (
        "Make a landing page for my bakery.",
        JavaScript,
        WebPage,
        "bakery",
        1,
    ),
    (
        "Website for our hiking club with a calendar and a photo gallery",
        JavaScript,
        WebPage,
        "hiking-club-calendar",
        1,
    ),
    (
        "Build \"Weather Station\", a web page that shows the temperature.",
        JavaScript,
        WebPage,
        "weather-station",
        1,
    ),
    (
        "Hello, I would like to have a website about the history of Rust, the programming language",
        JavaScript,
        WebPage,
        "history",
        1,
    ),
    (
        "Make a portfolio site named Jane Doe",
        JavaScript,
        WebPage,
        "jane-doe",
        1,
    ),
];

#[test]
fn requirements_in_other_scripts_and_languages() {
    check(OTHER_SCRIPTS);
}

const OTHER_SCRIPTS: &[Row] = &[
    (
        "用Rust写一个命令行工具，统计文件里的单词。支持中文。",
        Rust,
        CommandLine,
        "new-cli",
        2,
    ),
    (
        "用 Go 写一个 HTTP 服务，管理图书。",
        Go,
        HttpService,
        "new-service",
        1,
    ),
    ("做一个介绍猫咪的网页", JavaScript, WebPage, "new-page", 1),
    (
        "Ein Kommandozeilenprogramm in Python für die Verwaltung von Rezepten.",
        Python,
        CommandLine,
        "verwaltung-rezepten",
        1,
    ),
    (
        "Une bibliothèque Python pour les dates, appelée «calendrier».",
        Python,
        Library,
        "calendrier",
        1,
    ),
    (
        "Café menu website called Café Olé",
        JavaScript,
        WebPage,
        "cafe-ole",
        1,
    ),
    (
        "A CLI called 待办 in Rust for todo lists",
        Rust,
        CommandLine,
        "todo-lists",
        1,
    ),
    (
        "Build a CLI tool \u{202e}evil\u{202c} named `safe-tool`",
        Python,
        CommandLine,
        "safe-tool",
        1,
    ),
    (
        "写一个叫 wordfreq 的 Python 库",
        Python,
        Library,
        "wordfreq",
        1,
    ),
];

#[test]
fn names_that_would_not_do_are_made_to_do() {
    check(AWKWARD_NAMES);
}

const AWKWARD_NAMES: &[Row] = &[
    ("A CLI called test", Python, CommandLine, "test-cli", 0),
    ("A CLI called std in Rust", Rust, CommandLine, "std-cli", 0),
    (
        "A Python library called json",
        Python,
        Library,
        "json-lib",
        0,
    ),
    ("A tool named con", Python, CommandLine, "con-cli", 0),
    ("A service named 1st", Python, HttpService, "service-1st", 0),
    ("A Go library called main", Go, Library, "main-lib", 0),
    ("A CLI called x", Python, CommandLine, "x-cli", 0),
    (
        "A CLI named \"!!!\" that shouts",
        Python,
        CommandLine,
        "shouts",
        1,
    ),
    (
        "Build a CLI which has a function called twice.",
        Python,
        CommandLine,
        "function-twice",
        1,
    ),
    (
        "A command line tool with a command named `sync` that mirrors folders.",
        Python,
        CommandLine,
        "sync-mirrors-folders",
        1,
    ),
    (
        "A library called ThisIsAVeryLongNameThatNobodyWouldEverWantToTypeOnAKeyboard in Rust",
        Rust,
        Library,
        "this-is-avery-long-name-that",
        0,
    ),
];

#[test]
fn nothing_to_build_is_said_so() {
    for requirement in [
        "",
        "  \n\t ",
        "...!!!",
        "🎉🎉🎉",
        "Please build it.",
        "a",
        "```\ncode\n```",
        "- \n- ",
    ] {
        let error = Request::read(requirement).unwrap_err();
        assert!(
            matches!(error, ScaffoldError::NothingToBuild),
            "{requirement}"
        );
    }
}

#[test]
fn a_language_without_a_pack_is_refused_by_name() {
    let rows = [
        ("Build a Java Spring Boot service", "Java"),
        ("Write a C++ library for matrices", "C++"),
        ("A Swift app for the command line", "Swift"),
        ("Build a program in Kotlin", "Kotlin"),
        ("A parser written in OCaml", "OCaml"),
    ];
    for (requirement, language) in rows {
        let error = Request::read(requirement).unwrap_err();
        assert!(
            matches!(&error, ScaffoldError::NoPack(name) if name.ends_with(language)),
            "{requirement}: {error}"
        );
    }
}

#[test]
fn the_summary_is_what_the_first_sentence_says() {
    let rows = [
        (
            "A TypeScript CLI named csv2json that converts CSV files to JSON.",
            Some("Converts CSV files to JSON"),
        ),
        (
            "Create an HTTP API in Go for managing bookmarks.",
            Some("HTTP API in Go for managing bookmarks"),
        ),
        (
            "Build \"Weather Station\", a web page that shows `<b>` and \\n.",
            Some("Shows b and n"),
        ),
        ("Build a Rust library called `x1`.\n- one\n- two", None),
        ("# Ledger\n\n- one payment", None),
    ];
    for (requirement, summary) in rows {
        assert_eq!(
            Request::read(requirement).unwrap().summary.as_deref(),
            summary
        );
    }
}

#[test]
fn a_summary_fits_on_a_line_however_long_the_sentence() {
    let long = format!("A tool that {}.", "counts words ".repeat(30));
    assert!(Request::read(&long).unwrap().summary.unwrap().len() <= 72);
    let wide = "统计".repeat(60);
    assert_eq!(
        Request::read(&wide)
            .unwrap()
            .summary
            .unwrap()
            .chars()
            .count(),
        36
    );
}

#[test]
fn other_languages_are_remembered() {
    let read = Request::read("A Rust HTTP service with a Python client and a Go client.").unwrap();
    assert_eq!(read.other_languages, [Python, Go]);
    let read = Request::read("Compare `a.py` with `b.rs`, in Go").unwrap();
    assert_eq!(
        (read.language, read.other_languages),
        (Go, vec![Python, Rust])
    );
}

#[test]
fn typescript_is_remembered() {
    for requirement in [
        "A TypeScript library",
        "A CLI in TS",
        "Write index.ts that prints primes",
    ] {
        let read = Request::read(requirement).unwrap();
        assert!(
            read.typescript && read.language == JavaScript,
            "{requirement}"
        );
    }
    assert!(!Request::read("A JavaScript library").unwrap().typescript);
}

#[test]
fn features_are_the_users_sentences_and_items() {
    let requirement = "# Ledger\n\nBuild a CLI called ledger in Go. It must:\n\n- [ ] record a payment,\n  with a date\n\
        * show e.g. the balance. And more.\n\n## Later\n\nExport, see export.csv for the form! Import\u{200b} too?\n\n\
        ```\nno feature\n```\n---\n1) record a payment, with a date\n";
    let expected = [
        "record a payment, with a date",
        "show e.g. the balance. And more.",
        "Export, see export.csv for the form!",
        "Import too?",
    ];
    assert_eq!(Request::read(requirement).unwrap().features, expected);
}

#[test]
fn a_requirement_of_sixty_kilobytes_is_read() {
    let items: Vec<String> = (0..1_600)
        .map(|number| format!("- feature {number} does something worth it"))
        .collect();
    let requirement = format!("Build a Python CLI called big.\n{}", items.join("\n"));
    assert!(requirement.len() > 60_000);
    let read = Request::read(&requirement).unwrap();
    assert_eq!(read.name, "big");
    assert_eq!(read.features.len(), FEATURES_MAX);
    let one = "word ".repeat(12 * 1024);
    assert!(Request::read(&one).unwrap().features[0].chars().count() <= 400);
    let dense = "数".repeat(20 * 1024);
    assert_eq!(
        Request::read(&dense).unwrap().features[0].chars().count(),
        400
    );
}

#[test]
fn a_usable_name_is_always_usable() {
    let awkward = [
        "",
        "-",
        "test",
        "std",
        "main",
        "con",
        "1st",
        "NUL",
        "class",
        "Ünïcode",
        "a",
        "node_modules",
        "__init__",
        "x--y",
        "../up",
        "json",
        "Http",
        "é",
        "待办",
        "self",
        "fn",
        "async",
        "42",
        "a b c",
        "ALLCAPS",
        "camelCaseName",
        "lib.rs",
    ];
    for text in awkward {
        for kind in Kind::ALL {
            let name = usable_name(text, kind);
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(name.chars().all(fits), "{text:?}: {name}");
            assert!(
                name.starts_with(|c: char| c.is_ascii_lowercase()),
                "{text:?}: {name}"
            );
            assert!(
                !name.ends_with('-') && !name.contains("--"),
                "{text:?}: {name}"
            );
            assert!((2..=40).contains(&name.len()), "{text:?}: {name}");
            assert!(!reserved::is_reserved(&name), "{text:?}: {name}");
            assert_eq!(usable_name(&name, kind), name, "{text:?}: {name}");
        }
    }
}

#[test]
fn kebab_case() {
    let rows = [
        ("Geo Kit", "geo-kit"),
        ("fizz_buzz", "fizz-buzz"),
        ("MyAwesomeTool", "my-awesome-tool"),
        ("HTTPServer", "httpserver"),
        ("Café Olé", "cafe-ole"),
        ("Anna's shop", "annas-shop"),
        ("  --x.y/z--  ", "x-y-z"),
        ("ﬁle", "file"),
        ("日本語", ""),
        (
            "one two three four five six seven eight",
            "one-two-three-four-five-six",
        ),
        (
            "abcdefghijklmnopqrstuvwxyzabcdefghijklmnop",
            "abcdefghijklmnopqrstuvwxyzabcdef",
        ),
    ];
    for (text, kebab) in rows {
        assert_eq!(name::kebab(text), kebab);
    }
}

#[test]
fn a_word_of_the_language_before_called_is_no_part_of_a_project() {
    check(&[
        ("Write a Rust crate called oxide", Rust, Library, "oxide", 0),
        ("A Go module named gopher", Go, Library, "gopher", 0),
        (
            "A .NET-like runtime in Go",
            Go,
            CommandLine,
            "net-like-runtime",
            1,
        ),
    ]);
}

#[test]
fn c_is_a_language_only_where_it_stands_as_one() {
    check(&[
        ("A parser written in C", C, CommandLine, "parser", 1),
        (
            "Write a C library for bit fields",
            C,
            Library,
            "bit-fields",
            1,
        ),
        ("A small C11 tool called `tick`", C, CommandLine, "tick", 1),
        (
            "A vitamin C calculator",
            Python,
            CommandLine,
            "vitamin-calculator",
            1,
        ),
        (
            "A library with plans a, b and c",
            Python,
            Library,
            "plans",
            1,
        ),
    ]);
}

#[test]
fn requirements_of_half_a_page() {
    let rows = [
        (
            include_str!("../../../../fixtures/requirements/c-ringlog/requirement.md"),
            C,
            Library,
            "ringlog",
        ),
        (
            include_str!("../../../../fixtures/requirements/go-logstat/requirement.md"),
            Go,
            CommandLine,
            "logstat",
        ),
        (
            include_str!("../../../../fixtures/requirements/node-shortener/requirement.md"),
            JavaScript,
            HttpService,
            "url-shortener-intranet",
        ),
        (
            include_str!("../../../../fixtures/requirements/python-intervals/requirement.md"),
            Python,
            Library,
            "intervals",
        ),
        (
            include_str!("../../../../fixtures/requirements/rust-duplicates/requirement.md"),
            Rust,
            CommandLine,
            "dupes",
        ),
        (
            include_str!("../../../../fixtures/requirements/web-tip-calculator/requirement.md"),
            JavaScript,
            WebPage,
            "tip-share-cent",
        ),
    ];
    for (requirement, language, kind, name) in rows {
        let read = Request::read(requirement).unwrap();
        let found = (read.language, read.kind, read.name.as_str());
        assert_eq!(found, (language, kind, name));
        assert!(read.features.len() >= 7, "{:#?}", read.features);
        assert_eq!(read.other_languages, []);
    }
}
