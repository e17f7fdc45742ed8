//! The kind of project a requirement asks for.

use crate::request::{
    Language,
    token::{Statement, Word, listed},
};

/// Kind of project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A program for the terminal.
    CommandLine,
    /// A library for other programs.
    Library,
    /// A server that answers HTTP requests.
    HttpService,
    /// A static page for the browser.
    WebPage,
}

impl Kind {
    /// Every kind.
    pub(crate) const ALL: [Self; 4] = [
        Self::CommandLine,
        Self::Library,
        Self::HttpService,
        Self::WebPage,
    ];

    /// The word a design uses for the kind.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::CommandLine => "command-line",
            Self::Library => "library",
            Self::HttpService => "http-service",
            Self::WebPage => "web-page",
        }
    }

    /// The kind as a noun for people.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::CommandLine => "command-line program",
            Self::Library => "library",
            Self::HttpService => "HTTP service",
            Self::WebPage => "static web page",
        }
    }

    /// The kind a design's word stands for.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// The language where none is named: the one that is most often installed already.
    pub(crate) fn default_language(self) -> Language {
        match self {
            Self::CommandLine | Self::Library | Self::HttpService => Language::Python,
            Self::WebPage => Language::JavaScript,
        }
    }

    /// Phrases that name the kind beyond doubt; a hyphen counts as a blank.
    fn phrases(self) -> impl Iterator<Item = &'static str> {
        let list = match self {
            Self::CommandLine => COMMAND_LINE,
            Self::Library => LIBRARY,
            Self::HttpService => HTTP_SERVICE,
            Self::WebPage => WEB_PAGE,
        };
        list.split(", ")
    }

    /// Words that hint at the kind where no phrase names one.
    fn hints(self) -> impl Iterator<Item = &'static str> {
        let list = match self {
            Self::CommandLine => COMMAND_LINE_HINTS,
            Self::Library => LIBRARY_HINTS,
            Self::HttpService => HTTP_SERVICE_HINTS,
            Self::WebPage => WEB_PAGE_HINTS,
        };
        list.split(", ")
    }
}

const COMMAND_LINE: &str = "command line, commandline, cli, clis, terminal, console app, console application, \
    console tool, console program, shell tool, 命令行, 终端, コマンドライン, 명령줄, kommandozeile, \
    kommandozeilenprogramm, kommandozeilenwerkzeug, kommandozeilen, ligne de commande, \
    línea de comandos, linha de comando, командной строки";
const LIBRARY: &str = "library, libraries, crate, sdk, npm package, python package, go package, go module, \
    python module, node module, pypi package, bibliothek, bibliothèque, biblioteca, \
    библиотека, библиотеку, ライブラリ, 라이브러리, 类库, 函数库, 一个库, 程序库";
const HTTP_SERVICE: &str = "http service, http server, http api, http backend, http endpoint, http endpoints, \
    web service, web server, web api, web backend, rest service, rest api, rest server, \
    restful api, restful service, rest backend, json api, api server, api service, \
    graphql api, microservice, micro service, endpoint, endpoints, backend, webhook, \
    webhooks, webservice, http 服务, web 服务, 服务器, 接口服务, 微服务, 后端, webdienst, service web, \
    servicio web, サーバー, 서버, сервер, веб сервис";
const WEB_PAGE: &str = "web page, webpage, web site, website, landing page, static site, static page, \
    html page, homepage, home page, single page, static web, portfolio site, \
    portfolio page, 网页, 网站, ウェブページ, ホームページ, 홈페이지, webseite, site web, page web, \
    sitio web, página web, сайт, веб страница";
const COMMAND_LINE_HINTS: &str = "tool, utility, script, subcommand, subcommands, stdin, stdout, command, commands, \
    program, app, application, 工具, 脚本, ツール";
const LIBRARY_HINTS: &str = "package, module, lib, functions, 库";
const HTTP_SERVICE_HINTS: &str =
    "api, server, service, daemon, 服务, 接口, http, dienst, 서비스, サービス, сервис";
const WEB_PAGE_HINTS: &str = "page, site, html, 页面, ページ, seite";

/// Words before a phrase that make it something the project deals with, not what it is.
const DEALT_WITH: &[&str] = &[
    "against", "calls", "calling", "call", "consumes", "from", "fetches", "queries", "query",
    "querying", "scrapes", "to a", "to the", "uses", "using", "via", "of a", "of the", "parses",
    "parse", "any", "existing", "external", "other",
];

/// The kind that the earliest statement with a clear word names, or else the earliest hint.
pub(crate) fn find(statements: &[Statement]) -> Option<Kind> {
    let first = statements
        .get(..statements.len().min(OPENING))
        .unwrap_or_default();
    let mut tiers = first
        .iter()
        .flat_map(|statement| [(statement, Table::Phrases), (statement, Table::Hints)])
        .chain(
            statements
                .iter()
                .map(|statement| (statement, Table::Phrases)),
        )
        .chain(statements.iter().map(|statement| (statement, Table::Hints)));
    tiers.find_map(|(statement, table)| earliest(&statement.words, table))
}

/// Whether a statement itself says what kind of project is wanted.
pub(crate) fn is_named(statement: &Statement) -> bool {
    [Table::Phrases, Table::Hints]
        .into_iter()
        .any(|table| earliest(&statement.words, table).is_some())
}

/// Which list of words is looked up.
#[derive(Debug, Clone, Copy)]
enum Table {
    Phrases,
    Hints,
}

impl Table {
    fn of(self, kind: Kind) -> Vec<&'static str> {
        match self {
            Self::Phrases => kind.phrases().collect(),
            Self::Hints => kind.hints().collect(),
        }
    }
}

/// Statements at the start whose hints outweigh a clear word further on.
const OPENING: usize = 2;

fn earliest(words: &[Word], table: Table) -> Option<Kind> {
    let parts: Vec<&str> = words
        .iter()
        .flat_map(|word| word.lower.split('-'))
        .filter(|part| !part.is_empty())
        .collect();
    let line = format!(" {} ", parts.join(" "));
    let mut best: Option<(usize, usize, Kind)> = None;
    for kind in Kind::ALL {
        for phrase in table.of(kind) {
            let Some(at) = place(&line, kind, phrase) else {
                continue;
            };
            let better = best.is_none_or(|(place, length, _)| {
                at < place || (at == place && phrase.len() > length)
            });
            if better {
                best = Some((at, phrase.len(), kind));
            }
        }
    }
    best.map(|(_, _, kind)| kind)
}

/// Where a phrase stands as what the project is. Scripts without blanks are searched anywhere.
fn place(line: &str, kind: Kind, phrase: &str) -> Option<usize> {
    if !phrase.is_ascii() {
        return line.find(phrase);
    }
    let padded = format!(" {phrase} ");
    let remote = matches!(kind, Kind::HttpService | Kind::WebPage);
    line.match_indices(&padded)
        .map(|(at, _)| at)
        .find(|at| !(dealt_with(&line[..*at]) || remote && worked_on(&line[at + padded.len()..])))
}

/// Words after a phrase that make it something the project works on: `static site generator`.
const WORKERS: &str = "analyser analyzer builder checker client clients crawler downloader generator linter monitor \
    parser scraper tester validator wrapper output emulator requests calls logs";

fn worked_on(after: &str) -> bool {
    let next = after.split(' ').next().unwrap_or_default();
    listed(WORKERS, next)
}

fn dealt_with(before: &str) -> bool {
    let near = before
        .rsplit(' ')
        .filter(|w| !w.is_empty())
        .take(3)
        .collect::<Vec<_>>();
    let phrase = near.iter().rev().copied().collect::<Vec<_>>().join(" ");
    DEALT_WITH
        .iter()
        .any(|word| format!(" {phrase} ").contains(&format!(" {word} ")))
}
