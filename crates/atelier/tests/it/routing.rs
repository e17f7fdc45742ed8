//! Models that stand by: the first fails in every way there is, and the second builds the project.

use std::net::TcpListener;

use atelier_testkit::{
    Answer, Dialect, EditForm, Fixture, Mode, Prices, Script, Server, Times, chain,
};
use serde_json::{Value, json};

use crate::{
    gateway::Gateway,
    world::{Ended, KEY, World, count},
};

/// Waits so short that a test is not kept waiting.
const IMPATIENT: [&str; 8] = [
    "-c",
    "limits.first_byte_ms_max=1500",
    "-c",
    "limits.ask_idle_ms_max=1500",
    "-c",
    "limits.ask_total_ms_max=6000",
    "-c",
    "limits.ask_tries_max=2",
];

/// Dollars for a million tokens of either model.
const PRICED: [&str; 8] = [
    "-c",
    "prices.standin-large.input=5",
    "-c",
    "prices.standin-large.output=25",
    "-c",
    "prices.spare-model.input=1",
    "-c",
    "prices.spare-model.output=2",
];

const SPARE_PRICES: Prices = Prices {
    input: 1_000_000,
    output: 2_000_000,
};

/// A world whose model fails, and a second one, called spare, that answers well.
struct Standby {
    world: World,
    spare: Server,
    requirement: String,
}

impl Standby {
    fn new(first: Script) -> Self {
        let fixture = chain(1).unwrap();
        let script = Script::new(Mode::Oracle)
            .with_fixture(fixture.clone())
            .with_form(EditForm::Mixed);
        Self::with(first, script, &fixture)
    }

    fn with(first: Script, spare: Script, fixture: &Fixture) -> Self {
        let first = first.with_fixture(fixture.clone());
        Self {
            world: World::with(first, Dialect::OpenAi),
            spare: Server::start(spare).unwrap(),
            requirement: fixture.requirement.clone(),
        }
    }

    /// Arguments under which the spare model stands by.
    fn args(&self, args: &[&str]) -> Vec<String> {
        let address = format!("providers.spare.base_url={}", self.spare.base_url());
        let key = format!("providers.spare.key={KEY}");
        let set = [
            "-c",
            &address,
            "-c",
            &key,
            "-c",
            "fallback=spare/spare-model",
        ];
        let all = [&set[..], &IMPATIENT, &PRICED, args].concat();
        all.into_iter().map(str::to_owned).collect()
    }

    fn run(&self, args: &[&str]) -> Ended {
        let args = self.args(args);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        self.world.run(&args)
    }

    /// The models as other programs reach them.
    fn gateway(&self) -> Gateway {
        let args = self.args(&[]);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        Gateway::start(&self.world, &args)
    }

    fn build(&self) -> Ended {
        self.run(&["build", &self.requirement])
    }

    /// What was spent at each provider, and how many asks failed there.
    fn cost(&self, provider: &str) -> (u64, u64) {
        let rows = self.run(&["--json", "cost"]).expect(0).json();
        let rows = rows.iter().filter(|row| row["provider"] == provider);
        rows.fold((0, 0), |(cost, failed), row| {
            let number = |name: &str| row[name].as_u64().unwrap();
            (cost + number("cost_micro_usd"), failed + number("failed"))
        })
    }
}

/// The choices on record where an ask was sent to the standby, as JSON.
fn choices(events: &[Value]) -> Vec<Value> {
    let started = events.iter().filter(|event| event["type"] == "ask.started");
    let spare = started.filter(|event| event["provider"] == "spare");
    spare.map(|event| event["choice"].clone()).collect()
}

#[track_caller]
fn answers_in_place_of(first: Mode, said: &str) {
    let standby = Standby::new(Script::new(first));
    let ended = standby.build().expect(0);
    assert!(
        ended.stdout.contains("built and verified"),
        "{}",
        ended.all()
    );
    assert!(
        ended.stderr.contains("spare/spare-model"),
        "{}",
        ended.all()
    );
    assert_eq!(standby.spare.violations(), Vec::<String>::new());
    let events = standby.world.events();
    // Every ask that the standby answered says why the first did not.
    let choices = choices(&events);
    assert_eq!(choices.len(), standby.spare.request_count());
    let told = choices[0]["passed_over"].to_string();
    assert!(told.contains("openai/standin-large"), "{told}");
    assert!(told.contains(said), "no `{said}` in {told}");
    assert!(count(&events, "ask.failed") >= 1);
    let log = standby.run(&["log"]).expect(0);
    assert!(
        log.stdout.contains("standby; not openai/standin-large"),
        "{}",
        log.all()
    );
    // The standby is paid what it reported, to the micro-dollar.
    let (cost, failed) = standby.cost("spare");
    assert_eq!(
        (cost, failed),
        (standby.spare.spent(SPARE_PRICES).cost.0, 0)
    );
    assert!(standby.cost("openai").1 >= 1);
    // What is paid for is not asked again.
    let before = standby.spare.request_count();
    standby.build().expect(0);
    assert_eq!(standby.spare.request_count(), before);
}

#[test]
fn a_model_that_errs_is_replaced() {
    let (status, times) = (500, Times::Always);
    answers_in_place_of(Mode::ServerError { status, times }, "(500");
}

#[test]
fn a_model_that_is_asked_too_often_is_replaced() {
    let (retry_after, times) = (900, Times::Always);
    answers_in_place_of(Mode::RateLimited { retry_after, times }, "429");
}

#[test]
fn a_model_whose_key_is_refused_is_replaced() {
    answers_in_place_of(Mode::Unauthorized, "get access to");
}

#[test]
fn a_model_that_cuts_its_answers_is_replaced() {
    answers_in_place_of(Mode::Truncated(Times::Always), "ended too early");
}

#[test]
fn a_model_that_never_answers_is_replaced() {
    answers_in_place_of(Mode::Hang, "first byte");
}

#[test]
fn a_server_that_is_not_there_is_replaced() {
    let standby = Standby::new(Script::new(Mode::Hang));
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("base_url=http://{}", free.local_addr().unwrap());
    drop(free);
    let ended = standby.run(&["-c", &address, "build", &standby.requirement]);
    ended.expect(0);
    assert_eq!(standby.world.server().request_count(), 0);
    let told = choices(&standby.world.events())[0].to_string();
    assert!(told.contains("reach 127.0.0.1"), "{told}");
}

#[test]
fn where_nobody_answers_the_end_tells_the_whole_story() {
    let (status, times) = (503, Times::Always);
    let fixture = chain(1).unwrap();
    let failing = Script::new(Mode::ServerError { status, times });
    let standby = Standby::with(failing.clone(), failing, &fixture);
    let ended = standby.build().expect_failure(14, "any of 2 models");
    for part in [
        "openai/standin-large at ",
        "spare/spare-model at ",
        "tried 2 times",
        "for the design stage",
        "(503",
    ] {
        assert!(
            ended.stderr.contains(part),
            "no `{part}` in {}",
            ended.all()
        );
    }
    // A program reads the same out of the events.
    let ended = standby.run(&["--json", "resume"]).expect(14);
    let events = ended.json();
    assert_eq!(events.last().unwrap()["exit_code"], 14);
    let failed: Vec<&Value> = events
        .iter()
        .filter(|event| event["type"] == "ask.failed")
        .collect();
    assert_eq!(failed.len(), 2, "{}", ended.all());
    assert_eq!(standby.cost("openai").0 + standby.cost("spare").0, 0);
}

#[test]
fn a_key_that_is_refused_everywhere_is_a_matter_of_configuration() {
    let fixture = chain(1).unwrap();
    let refusing = Script::new(Mode::Unauthorized);
    let standby = Standby::with(refusing.clone(), refusing, &fixture);
    let ended = standby.build().expect_failure(3, "any of 2 models");
    assert!(
        ended.line("hint: ").contains("providers.spare.key"),
        "{}",
        ended.all()
    );
}

#[test]
fn the_cheapest_is_asked_where_cost_decides() {
    let fixture = chain(1).unwrap();
    let oracle = Script::new(Mode::Oracle)
        .with_fixture(fixture.clone())
        .with_form(EditForm::Mixed);
    let standby = Standby::with(oracle.clone(), oracle, &fixture);
    let args = ["-c", "routing=cost", "build", &standby.requirement];
    standby.run(&args).expect(0);
    assert_eq!(standby.world.server().request_count(), 0);
    let choices = choices(&standby.world.events());
    assert!(!choices.is_empty());
    assert!(
        choices
            .iter()
            .all(|choice| choice["reason"]["type"] == "cheapest")
    );
    let shown = standby
        .run(&["-c", "routing=cost", "config", "show"])
        .expect(0);
    assert!(
        shown.stdout.contains("or by spare/spare-model"),
        "{}",
        shown.all()
    );
}

/// A question of another program, in either of two dialects.
fn question(path: &str) -> Value {
    let messages = json!([{"role": "user", "content": "# DESIGN\nWhat grows in a garden?"}]);
    let limit = match path {
        "/v1/messages" => "max_tokens",
        _ => "max_completion_tokens",
    };
    json!({"model": "design", "messages": messages, limit: 100})
}

#[test]
fn other_programs_are_answered_by_the_standby_and_the_ledger_says_so() {
    let (status, times) = (500, Times::Always);
    let fixture = chain(1).unwrap();
    let said = vec![Answer::Text("A tree.".to_owned()); 2];
    let standby = Standby::with(
        Script::new(Mode::ServerError { status, times }),
        Script::new(Mode::Scripted(said)),
        &fixture,
    );
    let gateway = standby.gateway();
    for path in ["/v1/chat/completions", "/v1/messages"] {
        let answer = gateway.post(path, "", &question(path));
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("x-atelier-provider: spare"), "{answer}");
        assert!(answer.contains("A tree."), "{answer}");
    }
    // The first is left alone once it has failed.
    let asked = standby.world.server().request_count();
    assert_eq!(asked, 2, "one request, sent twice");
    gateway.stop();
    let rows = standby
        .run(&["--json", "cost", "--gateway"])
        .expect(0)
        .json();
    let of = |provider: &str, name: &str| -> u64 {
        let rows = rows.iter().filter(|row| row["provider"] == provider);
        rows.map(|row| row[name].as_u64().unwrap()).sum()
    };
    assert_eq!((of("openai", "requests"), of("openai", "failed")), (1, 1));
    assert_eq!((of("spare", "requests"), of("spare", "failed")), (2, 0));
    let served = standby.spare.spent(SPARE_PRICES).cost.0;
    assert_eq!(of("spare", "cost_micro_usd"), served);
    assert_eq!(of("openai", "cost_micro_usd"), 0);
}

#[test]
fn other_programs_are_told_the_whole_story_in_their_dialect() {
    let (status, times) = (503, Times::Always);
    let fixture = chain(1).unwrap();
    let failing = Script::new(Mode::ServerError { status, times });
    let standby = Standby::with(failing.clone(), failing, &fixture);
    let gateway = standby.gateway();
    let path = "/v1/messages";
    let answer = gateway.post(path, "", &question(path));
    gateway.stop();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 503"), "{head}");
    assert!(head.contains("x-atelier-request: "), "{head}");
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["type"], "error");
    let said = body["error"]["message"].as_str().unwrap();
    for part in [
        "openai/standin-large at ",
        "spare/spare-model at ",
        "remedy: try again",
    ] {
        assert!(said.contains(part), "no `{part}` in {said}");
    }
}
