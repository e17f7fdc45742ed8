//! The steps of each phase, with the checks that prove them.

use atelier_model::{Acceptance, Check, ContextHints, DetailedPhase, Expect, Step};

use crate::{
    ScaffoldError,
    facts::DetailFacts,
    layout::{Layout, Part},
    pack::Pack,
    request::{Kind, Language},
    stages::design,
};

/// Takes one phase apart.
pub(crate) fn answer(facts: &DetailFacts) -> Result<DetailedPhase, ScaffoldError> {
    let layout = Layout::designed(&facts.requirement, &facts.files, &facts.design)?;
    let planned = facts
        .plan
        .phases
        .iter()
        .any(|phase| phase.number == facts.phase);
    let steps = match (planned, layout.pack, facts.phase) {
        (true, Some(pack), 1) => vec![skeleton(&layout, pack)],
        (true, Some(_), 2) => hygiene(&layout),
        (true, None, 1) => vec![proposals(&layout, "1.1", &[], "R1")],
        _ => return Err(ScaffoldError::UnknownPhase(facts.phase)),
    };
    Ok(DetailedPhase {
        number: facts.phase,
        steps,
    })
}

fn skeleton(layout: &Layout, pack: &Pack) -> Step {
    let request = &layout.request;
    let mut acceptance: Vec<_> = pack
        .build
        .iter()
        .map(|argv| criterion(0, "The sources build.", "R1", command(layout, argv, &[])))
        .collect();
    let tests = command(layout, pack.test, &[]);
    let mut tests = criterion(0, "The tests run and pass.", "R2", tests);
    tests.expect.tests_min = Some(pack.tests);
    if pack.kind == Kind::Library {
        tests.requirements.push("R3".to_owned());
    }
    acceptance.push(tests);
    acceptance.extend(behaviour(layout, pack));
    number(&mut acceptance);
    Step {
        title: format!("Lay out the skeleton of {}", request.name),
        description: format!(
            "Write the manifest, the sources and the tests of a {} in {}, without other packages.",
            request.kind.noun(),
            request.language.name()
        ),
        why: "Everything later stands on a project that builds and tests itself.".to_owned(),
        requirements: ["R1", "R2", "R3"].map(str::to_owned).to_vec(),
        ..step("1.1", layout.part(Part::Skeleton), acceptance)
    }
}

/// Criteria that the skeleton does what its kind must do.
fn behaviour(layout: &Layout, pack: &Pack) -> Vec<Acceptance> {
    match pack.kind {
        Kind::CommandLine => command_line(layout, pack),
        // The tests of a library are its behaviour.
        Kind::Library => Vec::new(),
        Kind::HttpService => {
            let start = filled(layout, pack.run, &[]);
            let check = Check::Http {
                start,
                method: "GET".to_owned(),
                path: "/health".to_owned(),
                body: None,
            };
            let mut health = criterion(3, "The service answers that it is well.", "R3", check);
            health.expect.status = Some(200);
            health.expect.output = Some("\"status\": ?\"ok\"".to_owned());
            vec![health]
        }
        Kind::WebPage => {
            let title = format!("<title>{}</title>", layout.words.title);
            vec![criterion(
                3,
                "The page has its title.",
                "R3",
                file("index.html", Some(title)),
            )]
        }
    }
}

fn command_line(layout: &Layout, pack: &Pack) -> Vec<Acceptance> {
    let name = &layout.request.name;
    let run = |number, text: &str, argument: &str| {
        criterion(number, text, "R3", command(layout, pack.run, &[argument]))
    };
    let mut help = run(3, "`--help` explains the usage.", "--help");
    help.expect.output = Some("(?i)usage:".to_owned());
    let mut version = run(4, "`--version` prints name and version.", "--version");
    version.expect.output = Some(format!("{name} 0\\.1\\.0"));
    let mut unknown = run(5, "An unknown option is a usage error.", "--no-such-option");
    if pack.language == Language::Go {
        // `go run` ends with code 1 whatever the program's code was, and prints that.
        unknown.expect.exit = Some(1);
        unknown.expect.output = Some("(?s)no-such-option.*exit status 2".to_owned());
    } else {
        unknown.expect.exit = Some(2);
        unknown.expect.output = Some("no-such-option".to_owned());
    }
    vec![help, version, unknown]
}

fn hygiene(layout: &Layout) -> Vec<Step> {
    let outputs = layout.part(Part::Hygiene);
    let checks = [
        (
            "README.md",
            "The README is there and says how to run the tests.",
            Some("## Test"),
        ),
        ("LICENSE", "The licence is there.", None),
        (
            ".github/workflows/ci.yml",
            "The workflow is there and may only read the repository.",
            Some("contents: read"),
        ),
    ];
    let acceptance: Vec<_> = (1..)
        .zip(checks)
        .map(|(number, (path, text, contains))| {
            let ours = outputs.iter().any(|output| output == path);
            let contains = contains.filter(|_| ours).map(str::to_owned);
            criterion(number, text, "R4", file(path, contains))
        })
        .collect();
    if outputs.is_empty() {
        let mut record = proposals(layout, "2.1", &["1.1"], design::RECORDED);
        record.requirements.push("R4".to_owned());
        record.acceptance.extend(acceptance);
        number(&mut record.acceptance);
        return vec![record];
    }
    let around = Step {
        title: "Add README, licence and continuous integration".to_owned(),
        description: "Write the files around the sources that are not there yet.".to_owned(),
        why: "A stranger must be able to run, test and reuse the project.".to_owned(),
        requirements: vec!["R4".to_owned()],
        depends_on: vec!["1.1".to_owned()],
        ..step("2.1", outputs, acceptance)
    };
    vec![around, proposals(layout, "2.2", &["1.1"], design::RECORDED)]
}

/// The step that records the features.
fn proposals(layout: &Layout, number: &str, depends_on: &[&str], requirement: &str) -> Step {
    let path = &layout.proposals;
    let whole = "## The requirement, word for word".to_owned();
    let mut acceptance = vec![criterion(
        1,
        "The requirement is recorded word for word.",
        requirement,
        file(path, Some(whole)),
    )];
    for (number, feature) in (2..).zip(&layout.request.features) {
        let text = format!("Recorded: {}", crate::proposals::title(feature));
        let check = file(path, Some(feature.clone()));
        acceptance.push(criterion(number, &text, requirement, check));
    }
    Step {
        title: format!("Record the requested features in {path}"),
        description: "Write each requested feature as a proposal in the user's words, with a suggested acceptance.".to_owned(),
        why: "Features need a model or a person; none may be lost.".to_owned(),
        requirements: vec![requirement.to_owned()],
        depends_on: depends_on.iter().map(|number| (*number).to_owned()).collect(),
        ..step(number, vec![path.clone()], acceptance)
    }
}

/// A step with nothing but its number, outputs and criteria.
pub(super) fn step(number: &str, outputs: Vec<String>, acceptance: Vec<Acceptance>) -> Step {
    Step {
        number: number.to_owned(),
        title: String::new(),
        description: String::new(),
        why: String::new(),
        requirements: Vec::new(),
        depends_on: Vec::new(),
        inputs: Vec::new(),
        owns: outputs.clone(),
        outputs,
        protected: Vec::new(),
        acceptance,
        context: ContextHints::default(),
    }
}

pub(super) fn criterion(number: u32, text: &str, requirement: &str, check: Check) -> Acceptance {
    Acceptance {
        id: format!("A{number}"),
        text: text.to_owned(),
        requirements: vec![requirement.to_owned()],
        check,
        expect: Expect::default(),
        timeout_seconds: None,
        must_fail_before: false,
    }
}

/// Gives criteria their ids, in order.
fn number(acceptance: &mut [Acceptance]) {
    for (number, criterion) in (1..).zip(acceptance) {
        criterion.id = format!("A{number}");
    }
}

pub(super) fn file(path: &str, contains: Option<String>) -> Check {
    Check::File {
        path: path.to_owned(),
        contains,
    }
}

fn command(layout: &Layout, argv: &[&str], more: &[&str]) -> Check {
    Check::Command {
        argv: filled(layout, argv, more),
        cwd: None,
    }
}

/// A pack's command with its placeholders filled. What follows goes to the program, not to Cargo.
fn filled(layout: &Layout, argv: &[&str], more: &[&str]) -> Vec<String> {
    let cargo = argv.first() == Some(&"cargo") && !more.is_empty();
    let separator = cargo.then_some("--");
    argv.iter()
        .copied()
        .chain(separator)
        .chain(more.iter().copied())
        .map(|part| layout.words.fill(part))
        .collect()
}
