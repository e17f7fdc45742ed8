//! The design: the skeleton as checkable statements, the features as one.

use atelier_model::{Component, Design, RequirementItem, TechnologyStack};

use crate::{
    ScaffoldError,
    facts::DesignFacts,
    layout::{Layout, Part},
    pack::Pack,
    request::{Kind, Request},
};

/// Designs the skeleton, or, over a project with sources, only the list of proposals.
pub(crate) fn answer(facts: &DesignFacts) -> Result<Design, ScaffoldError> {
    let layout = Layout::of(&facts.requirement, &facts.files)?;
    Ok(match layout.pack {
        Some(pack) => skeleton(&layout, pack),
        None => proposals_only(&layout),
    })
}

/// Id of the statement that features are recorded, in the design of a skeleton.
pub(crate) const RECORDED: &str = "R5";

fn skeleton(layout: &Layout, pack: &Pack) -> Design {
    let request = &layout.request;
    let language = request.language.name();
    let noun = request.kind.noun();
    let statement = |id: &str, text: String| RequirementItem {
        id: id.to_owned(),
        text,
    };
    Design {
        name: request.name.clone(),
        summary: format!(
            "A working skeleton of {}, a {noun} in {language}, laid out without a model; the requested \
             features are recorded as proposals.",
            layout.words.title
        ),
        objectives: vec![
            format!(
                "A {noun} in {language} that builds, runs and tests itself from the first commit."
            ),
            format!(
                "Every requested feature recorded in {}, ready for a model or a person.",
                layout.proposals
            ),
        ],
        requirements: vec![
            statement(
                "R1",
                format!(
                    "The project builds with the {language} toolchain alone, without other packages."
                ),
            ),
            statement(
                "R2",
                format!("Its tests run and pass: at least {} of them.", pack.tests),
            ),
            statement("R3", behaviour(request)),
            statement(
                "R4",
                "A README, a licence and a continuous-integration workflow are there.".to_owned(),
            ),
            statement(
                RECORDED,
                format!(
                    "Every requested feature is recorded in {} in the user's words.",
                    layout.proposals
                ),
            ),
        ],
        technology_stack: stack(request),
        architecture_overview: overview(layout),
        components: components(layout, pack),
        dependencies: Vec::new(),
        challenges: challenges(layout),
    }
}

fn proposals_only(layout: &Layout) -> Design {
    let request = &layout.request;
    Design {
        name: request.name.clone(),
        summary: format!(
            "The project has sources already and no model is connected, so nothing is changed; the requested \
             features are recorded in {}.",
            layout.proposals
        ),
        objectives: vec!["Record every requested feature, ready for a model or a person.".to_owned()],
        requirements: vec![RequirementItem {
            id: "R1".to_owned(),
            text: format!("Every requested feature is recorded in {} in the user's words.", layout.proposals),
        }],
        technology_stack: stack(request),
        architecture_overview: "The project's own parts stay as they are.".to_owned(),
        components: Vec::new(),
        dependencies: Vec::new(),
        challenges: vec![
            "A scaffolder must not lay a skeleton over sources that are there; writing features into them \
             needs a model."
                .to_owned(),
        ],
    }
}

/// What the skeleton of a kind can do.
fn behaviour(request: &Request) -> String {
    let name = &request.name;
    match request.kind {
        Kind::CommandLine => format!(
            "`{name} --help` explains the usage, `--version` prints the version, and an unknown option ends with \
             exit code 2 and a message."
        ),
        Kind::Library => {
            "The public interface has a documented first type that refuses invalid input with a typed error.".to_owned()
        }
        Kind::HttpService => {
            "The service listens on the port in PORT and answers `GET /health` with status 200 and JSON.".to_owned()
        }
        Kind::WebPage => {
            "`index.html` is a complete, accessible page that works without a network.".to_owned()
        }
    }
}

fn stack(request: &Request) -> TechnologyStack {
    TechnologyStack {
        language: request.language.name().to_owned(),
        kind: request.kind.word().to_owned(),
        frameworks: Vec::new(),
        testing: request.language.testing().to_owned(),
    }
}

fn overview(layout: &Layout) -> String {
    let text = match layout.request.kind {
        Kind::CommandLine => {
            "The entry point reads the arguments and hands them to the parser, which turns them into one command or a usage \
             error; the command does the work and returns text and an exit code, so that everything but the entry point is \
             tested without starting a process."
        }
        Kind::Library => {
            "The front door names the public types; each type stands in a module of its own, checks its input once, when it is \
             made, and reports what is wrong as a typed error."
        }
        Kind::HttpService => {
            "The entry point reads the port and serves until it is asked to stop; requests go through a router, a pure function \
             from request to response, so that routes are tested without a socket and the server once with one."
        }
        Kind::WebPage => {
            "The page is plain HTML and CSS that works without a script; the script adds behaviour, and its logic stands in a \
             module of pure functions that is tested outside the browser."
        }
    };
    text.to_owned()
}

/// The folders of sources and tests, each as one part.
fn components(layout: &Layout, pack: &Pack) -> Vec<Component> {
    let part = |name: &str, path: String, purpose: &str, uses: &[&str]| Component {
        name: name.to_owned(),
        path,
        purpose: purpose.to_owned(),
        depends_on: uses.iter().map(|name| (*name).to_owned()).collect(),
    };
    let sources = layout.words.fill(pack.sources);
    let tests = layout.words.fill(pack.tests_path);
    let purpose = format!("The {} itself.", layout.request.kind.noun());
    vec![
        part("sources", sources, &purpose, &[]),
        part(
            "tests",
            tests,
            "Shows the behaviour that must stay.",
            &["sources"],
        ),
    ]
}

/// What was decided without being told, and what a person should know.
fn challenges(layout: &Layout) -> Vec<String> {
    let request = &layout.request;
    let language = request.language.name();
    let mut list = vec![format!(
        "No model is connected: the skeleton is laid out, the features are proposals in {}.",
        layout.proposals
    )];
    if !request.language_named && request.kind != Kind::WebPage {
        list.push(format!(
            "The requirement names no language; {language} is taken, because it needs the fewest tools. Name another to have it."
        ));
    }
    if request.typescript {
        list.push(
            "TypeScript needs an installed compiler, and nothing can be installed here: the sources are JavaScript modules with \
             types in JSDoc comments, which the TypeScript compiler checks wherever it may be installed."
                .to_owned(),
        );
    }
    if !request.other_languages.is_empty() {
        let others: Vec<_> = request
            .other_languages
            .iter()
            .map(|other| other.name())
            .collect();
        list.push(format!(
            "The requirement also names {}; the skeleton is in {language}, the language it names first or most clearly.",
            others.join(" and ")
        ));
    }
    let kept: Vec<_> = layout
        .pack_files()
        .into_iter()
        .map(|file| file.path)
        .filter(|path| layout.has(path))
        .collect();
    if !kept.is_empty() {
        list.push(format!(
            "These files are there already and stay as they are: {}.",
            kept.join(", ")
        ));
    }
    if layout.part(Part::Hygiene).is_empty() {
        list.push("README, licence and workflow are the project's own.".to_owned());
    }
    list
}
