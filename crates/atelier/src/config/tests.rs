//! Sources and their rank, per-stage overrides, keys, wrong values, and whom a key may reach.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use atelier_model::{Approval, MicroUsd, Stage, Timestamp};

use super::{keys::Key, *};

mod routing;
mod semantic;

/// The route where no model is configured.
const OFFLINE_ROUTE: &str = concat!("offline offline-", env!("CARGO_PKG_VERSION"));

/// What a case starts from; nothing of the machine's own.
#[derive(Default)]
struct Given {
    sources: Sources,
    global: Global,
    options: RunOptions,
}

impl Given {
    fn project(mut self, text: &str) -> Self {
        self.sources.project = Some((PathBuf::from("/p/atelier.toml"), text.to_owned()));
        self
    }

    fn user(mut self, text: &str) -> Self {
        self.sources.user = Some((PathBuf::from("/u/config.toml"), text.to_owned()));
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.sources
            .variables
            .insert(name.to_owned(), value.to_owned());
        self
    }

    fn flag(mut self, assignment: &str) -> Self {
        self.global.set.push(assignment.to_owned());
        self
    }

    fn config(&self) -> Result<Config, ConfigError> {
        Config::load(&self.sources, &self.global, &self.options)
    }

    fn settings(&self) -> Result<Settings, ConfigError> {
        Settings::resolve(&self.config()?, &self.sources)
    }

    /// The whole error, as a person reads it.
    fn refusal(&self) -> String {
        let error = self.settings().unwrap_err();
        crate::cli_error::CliError::Config(error).text()
    }
}

fn given() -> Given {
    Given::default()
}

/// `provider model [at address] [key]` of a stage.
fn route(given: &Given, stage: Stage) -> String {
    let settings = given.settings().unwrap();
    let route = &settings.routes[&stage];
    let mut text = format!("{} {}", route.provider, route.model);
    if let Some(url) = &route.base_url {
        text = format!("{text} at {url}");
    }
    if let Some(key) = &route.key {
        text = format!("{text} key {}", key.expose());
    }
    text
}

#[test]
fn a_higher_source_wins_and_says_where_the_value_came_from() {
    let check = |given: &Given, value: &str, origin: &str| {
        let config = given.config().unwrap();
        let entry = config.get("model").unwrap();
        assert_eq!(entry.value.as_str(), Some(value));
        assert_eq!(entry.origin.to_string(), origin);
    };
    assert!(given().config().unwrap().get("model").is_none());
    let mut case = given().project("model = \"a\"");
    check(&case, "a", "/p/atelier.toml");
    case = case.user("model = \"b\"");
    check(&case, "b", "/u/config.toml");
    case = case.variable("ATELIER_MODEL", "c");
    check(&case, "c", "$ATELIER_MODEL");
    case = case.flag("model=d");
    check(&case, "d", "-c model");
    case.global.model = Some("e".to_owned());
    check(&case, "e", "--model");
}

#[test]
fn the_kind_of_a_value_does_not_depend_on_its_source() {
    let cases = [
        given().project("budget = 2\ntemperature = 1\n[limits]\nattempts_max = 5"),
        given().project("budget = \"2.00\"\ntemperature = 1.0\nlimits.attempts_max = 5"),
        given()
            .variable("ATELIER_BUDGET", "2")
            .variable("ATELIER_TEMPERATURE", "1")
            .variable("ATELIER_LIMITS_ATTEMPTS_MAX", "5"),
        given()
            .flag("budget=$2")
            .flag("temperature = 1")
            .flag("limits.attempts_max=5"),
    ];
    for case in cases {
        let case = case.flag("model=m").variable("OPENAI_API_KEY", "k");
        let settings = case.settings().unwrap();
        assert_eq!(settings.budget.usd, Some(MicroUsd(2_000_000)));
        assert_eq!(settings.limits.attempts_max, 5);
        assert_eq!(settings.routes[&Stage::Code].temperature, Some(1.0));
    }
}

#[test]
fn the_provider_follows_from_what_is_named() {
    let keys = || {
        given()
            .variable("OPENAI_API_KEY", "o")
            .variable("ANTHROPIC_API_KEY", "a")
    };
    let check = |given: &Given, expected: &str| assert_eq!(route(given, Stage::Code), expected);
    check(&keys(), OFFLINE_ROUTE);
    check(&keys().flag("model=gpt-5"), "openai gpt-5 key o");
    check(
        &keys().flag("model=claude-sonnet-4-5"),
        "anthropic claude-sonnet-4-5 key a",
    );
    check(
        &keys()
            .variable("GEMINI_API_KEY", "g")
            .flag("model=gemini-2.5-pro"),
        "gemini gemini-2.5-pro key g",
    );
    check(
        &keys()
            .flag("model=gemini-2.5-pro")
            .flag("base_url=https://proxy.example/v1"),
        "openai gemini-2.5-pro at https://proxy.example/v1 key o",
    );
    check(
        &keys().flag("provider=openai").flag("model=claude-x"),
        "openai claude-x key o",
    );
    check(
        &given()
            .flag("model=qwen")
            .flag("base_url=http://127.0.0.1:11434/v1"),
        "openai qwen at http://127.0.0.1:11434/v1",
    );
    check(
        &keys().flag("provider=offline").flag("model=gpt-5"),
        OFFLINE_ROUTE,
    );
}

#[test]
fn a_stage_takes_its_own_settings_and_only_those_of_the_rest_that_fit() {
    let case = given()
        .project(
            "model = \"gpt-5\"\ntemperature = 0.5\n\
             [stages.code]\nmodel = \"claude-x\"\nprovider = \"anthropic\"\ntokens_max = 99\n\
             [stages.docs]\nprovider = \"offline\"\n\
             [stages.plan]\ntemperature = 0.1\n",
        )
        .variable("OPENAI_API_KEY", "o")
        .variable("ANTHROPIC_API_KEY", "a");
    assert_eq!(route(&case, Stage::Design), "openai gpt-5 key o");
    assert_eq!(route(&case, Stage::Code), "anthropic claude-x key a");
    assert_eq!(route(&case, Stage::Docs), OFFLINE_ROUTE);
    let settings = case.settings().unwrap();
    assert_eq!(settings.routes[&Stage::Code].tokens_max, 99);
    assert_eq!(settings.routes[&Stage::Plan].temperature, Some(0.1));
    assert_eq!(settings.routes[&Stage::Code].temperature, Some(0.5));
}

#[test]
fn a_stage_has_its_own_key_where_one_is_set() {
    for variable in [
        "CODE_API_KEY",
        "ATELIER_CODE_API_KEY",
        "ATELIER_STAGES_CODE_KEY",
    ] {
        let case = given()
            .flag("model=gpt-5")
            .variable("OPENAI_API_KEY", "o")
            .variable(variable, "own");
        assert_eq!(
            route(&case, Stage::Code),
            "openai gpt-5 key own",
            "{variable}"
        );
        assert_eq!(
            route(&case, Stage::Plan),
            "openai gpt-5 key o",
            "{variable}"
        );
    }
    let case = given()
        .flag("model=gpt-5")
        .variable("ATELIER_API_KEY", "mine");
    assert_eq!(route(&case, Stage::Plan), "openai gpt-5 key mine");
}

#[test]
fn an_empty_variable_counts_as_none() {
    let case = given()
        .variable("ATELIER_MODEL", "")
        .variable("OPENAI_API_KEY", "");
    assert_eq!(route(&case, Stage::Code), OFFLINE_ROUTE);
}

#[test]
fn a_variable_that_means_nothing_is_told() {
    let case = given()
        .variable("ATELIER_MODLE", "x")
        .variable("ATELIER_CONFIG", "/u/config.toml");
    let warnings = case.config().unwrap().warnings;
    assert_eq!(
        warnings,
        ["ATELIER_MODLE is set but means nothing to atelier"]
    );
}

#[test]
fn what_cannot_be_used_is_named_with_its_source_and_a_remedy() {
    let check = |given: &Given, expected: &str| {
        assert_eq!(
            given.refusal(),
            format!("failed to read the configuration: {expected}")
        );
    };
    check(
        &given().project("modle = \"x\""),
        "use `modle` from /p/atelier.toml: there is no such key; did you mean `model`?",
    );
    check(
        &given().flag("code.model=x"),
        "use `code.model` from -c code.model: there is no such key; did you mean \
         `stages.code.model`?",
    );
    check(
        &given().flag("zzz=1"),
        "use `zzz` from -c zzz: there is no such key",
    );
    check(
        &given().flag("model"),
        "use `-c model`: write it as KEY=VALUE",
    );
    check(
        &given().user("budget = \"much\""),
        "use `budget` from /u/config.toml: it must be dollars, such as 2 or 0.25; \
         it is `\"much\"`",
    );
    check(
        &given().variable("ATELIER_STREAM", "perhaps"),
        "use `stream` from $ATELIER_STREAM: it must be true or false; it is \
         `\"perhaps\"`",
    );
    check(
        &given().flag("approval=sometimes"),
        "use `approval` from -c approval: it must be never, plan or task; \
         it is `\"sometimes\"`",
    );
    check(
        &given().flag("limits.attempts_max=-1"),
        "use `limits.attempts_max` from -c limits.attempts_max: it must be a whole number, not \
         negative; it is `-1`",
    );
    check(
        &given().flag("model=gpt-5").flag("base_url=nowhere"),
        "use `base_url` from -c base_url: it must be an address such as \
         http://127.0.0.1:11434/v1; it is `\"nowhere\"`",
    );
    check(
        &given().flag("provider=openai"),
        "ask for the design stage: no model is named for provider `openai`",
    );
    check(
        &given().flag("model=gpt-5"),
        "ask for the design stage: provider `openai` needs a key",
    );
}

#[test]
fn a_provider_works_by_its_name_and_the_variable_of_its_key() {
    let named = |provider: &str| {
        given()
            .flag(&format!("provider={provider}"))
            .flag("model=m")
    };
    for entry in atelier_llm::PROVIDERS
        .iter()
        .filter(|entry| entry.needs_key)
    {
        let mut case = named(entry.name).variable(entry.key_variables[0], "k");
        if entry.default_base_url.is_none() {
            case = case.variable(entry.address_variables[0], "https://own.example");
            let expected = format!("{} m at https://own.example/ key k", entry.name);
            assert_eq!(route(&case, Stage::Code), expected);
            continue;
        }
        assert_eq!(route(&case, Stage::Code), format!("{} m key k", entry.name));
        let hint = named(entry.name).settings().unwrap_err().hint();
        assert!(hint.contains(entry.key_variables[0]), "{hint}");
    }
}

#[test]
fn every_provider_is_named_where_the_key_is_explained() {
    let keys = known_keys();
    let provider = keys.iter().find(|key| key.name == "provider").unwrap();
    for entry in atelier_llm::PROVIDERS {
        assert!(provider.about.contains(entry.name), "{}", entry.name);
    }
}

#[test]
fn a_server_on_this_machine_works_by_its_name_alone() {
    for provider in ["ollama", "lmstudio", "llamacpp", "vllm"] {
        let case = given()
            .flag(&format!("provider={provider}"))
            .flag("model=m");
        assert_eq!(route(&case, Stage::Code), format!("{provider} m"));
    }
    let elsewhere = given()
        .flag("provider=ollama")
        .flag("model=m")
        .variable("OLLAMA_HOST", "0.0.0.0:11500");
    assert_eq!(
        route(&elsewhere, Stage::Code),
        "ollama m at http://127.0.0.1:11500/"
    );
}

#[test]
fn an_effort_is_one_of_three_words() {
    let case = given()
        .flag("model=gpt-5")
        .variable("OPENAI_API_KEY", "k")
        .project("effort = \"high\"\n[stages.docs]\neffort = \"low\"\n");
    let settings = case.settings().unwrap();
    let effort = |stage| settings.routes[&stage].effort;
    assert_eq!(effort(Stage::Code), Some(atelier_llm::Effort::High));
    assert_eq!(effort(Stage::Docs), Some(atelier_llm::Effort::Low));
    let refusal = given().flag("effort=some").refusal();
    assert!(
        refusal.ends_with("it must be low, medium or high; it is `\"some\"`"),
        "{refusal}"
    );
}

#[test]
fn a_missing_key_is_asked_for_by_its_variable() {
    let hint = |model: &str| given().flag(model).settings().unwrap_err().hint();
    assert!(hint("model=gpt-5").contains("set OPENAI_API_KEY,"));
    assert!(hint("model=claude-x").contains("set ANTHROPIC_API_KEY,"));
}

#[test]
fn an_unknown_provider_is_refused_with_the_known_ones() {
    let refusal = given().flag("provider=opnai").flag("model=x").refusal();
    assert!(
        refusal.contains("use provider `opnai` from -c provider: there are "),
        "{refusal}"
    );
    for name in ["openai", "anthropic", "offline"] {
        assert!(refusal.contains(name), "{refusal}");
    }
}

#[test]
fn broken_toml_is_told_with_its_line() {
    let refusal = given().project("model = \"a\"\nbudget = = 2\n").refusal();
    assert!(refusal.contains("read /p/atelier.toml"), "{refusal}");
    assert!(refusal.contains("line 2"), "{refusal}");
}

/// A project that was cloned from somewhere must not be able to reach what is near.
#[test]
fn prompts_go_into_a_private_network_only_where_the_user_says() {
    let inner = "model = \"m\"\nprovider = \"vllm\"\nbase_url = \"https://10.0.0.7/v1\"\n";
    let refusal = "failed to read the configuration: send prompts to https://10.0.0.7/v1 in a \
                   private network: only /p/atelier.toml names that address";
    assert_eq!(given().project(inner).refusal(), refusal);
    let by_user = given().user(inner).settings().unwrap();
    let route = &by_user.routes[&atelier_model::Stage::Code];
    assert_eq!(
        route.base_url.as_ref().unwrap().host_str(),
        Some("10.0.0.7")
    );
    let by_flag = given().project(inner).flag("base_url=https://10.0.0.7/v1");
    let by_flag = by_flag.settings().unwrap();
    assert!(by_flag.routes.contains_key(&atelier_model::Stage::Code));
}

/// A project that was cloned from somewhere must not be able to collect keys.
#[test]
fn a_key_of_the_user_never_goes_where_only_the_project_says() {
    let foreign = "model = \"gpt-5\"\nbase_url = \"https://collect.example/v1\"\n";
    let refusal = "failed to read the configuration: send a key to https://collect.example/v1: \
                   only /p/atelier.toml names that address";
    let own_keys = [
        given().variable("OPENAI_API_KEY", "secret"),
        given().variable("ATELIER_KEY", "secret"),
        given().variable("CODE_API_KEY", "secret"),
        given().user("key = \"secret\""),
        given().flag("key=secret"),
    ];
    for case in own_keys {
        assert_eq!(case.project(foreign).refusal(), refusal);
    }
    // Also where it names the address for one stage alone.
    let staged = "model = \"gpt-5\"\n[stages.code]\nbase_url = \"https://collect.example/v1\"\n";
    let case = given().project(staged).variable("OPENAI_API_KEY", "secret");
    assert_eq!(case.refusal(), refusal);
}

#[test]
fn a_key_goes_where_the_user_says_and_to_this_machine() {
    let address = "model = \"m\"\nbase_url = \"https://own.example/v1\"\n";
    let allowed = [
        // The user names the address too.
        given()
            .project(address)
            .user("base_url = \"https://own.example/v1\"\nkey = \"k\""),
        given().user(address).variable("OPENAI_API_KEY", "k"),
        given()
            .project(address)
            .flag("base_url=https://own.example/v1")
            .flag("key=k"),
        // Address and key are both the project's.
        given().project(&format!("{address}key = \"k\"\n")),
    ];
    for case in allowed {
        assert_eq!(
            route(&case, Stage::Code),
            "openai m at https://own.example/v1 key k"
        );
    }
    let local = "model = \"m\"\nbase_url = \"http://127.0.0.1:1234/v1\"\n";
    let case = given().project(local).variable("OPENAI_API_KEY", "k");
    assert_eq!(
        route(&case, Stage::Code),
        "openai m at http://127.0.0.1:1234/v1 key k"
    );
}

#[test]
fn a_price_may_name_a_model_with_dots() {
    let case = given().project(
        "[prices.\"qwen2.5-coder\"]\ninput = 0.5\noutput = \"1.25\"\n[prices.plain]\ninput = 1\n",
    );
    let prices = case.settings().unwrap().prices;
    let price = prices
        .price("openai", "qwen2.5-coder", Timestamp::default())
        .unwrap();
    assert_eq!((price.input, price.output), (500_000, 1_250_000));
    assert_eq!(
        prices
            .price("openai", "plain", Timestamp::default())
            .unwrap()
            .input,
        1_000_000
    );
    assert_eq!(
        parts("prices.qwen2.5-coder.input"),
        ["prices", "qwen2.5-coder", "input"]
    );
}

#[test]
fn approval_is_never_unless_it_is_asked_for() {
    let approval = |given: Given| given.settings().unwrap().approval;
    assert_eq!(approval(given()), Approval::Never);
    assert_eq!(approval(given().flag("approval=plan")), Approval::Plan);
    assert_eq!(approval(given().flag("approval=task")), Approval::Task);
}

#[test]
fn every_key_can_be_set_by_a_variable() {
    for key in known_keys().iter().filter(|key| !key.name.contains("NAME")) {
        let name = format!("ATELIER_{}", key.name.replace('.', "_").to_uppercase());
        let value = match key.kind {
            Kind::Text | Kind::Secret => "text",
            Kind::Whole | Kind::Count | Kind::Number | Kind::Money => "3",
            Kind::Flag => "true",
            Kind::Approval => "plan",
            Kind::Effort => "low",
            Kind::Strategy => "cost",
            Kind::Guard => "all",
            Kind::Compression => "safe",
            Kind::Sandbox => "light",
            Kind::Switch => "on",
            Kind::Share => "0.5",
            Kind::Model => "p/one",
            Kind::Duration => "30m",
            Kind::Address => "http://127.0.0.1:5001",
            Kind::Vectors => "model",
            Kind::Texts => "one, two",
            Kind::Models => "p/one, p/two",
        };
        let config = given().variable(&name, value).config().unwrap();
        assert!(
            config.get(&key.name).is_some(),
            "{name} does not set {}",
            key.name
        );
        assert!(config.warnings.is_empty(), "{name}: {:?}", config.warnings);
    }
}

#[test]
fn every_limit_has_its_key_and_its_default() {
    let keys = known_keys();
    let limits: Vec<&str> = keys
        .iter()
        .filter_map(|key| key.name.strip_prefix("limits."))
        .collect();
    let mut expected = keys::limit_names();
    expected.sort();
    let mut found = limits.clone();
    found.sort_unstable();
    assert_eq!(found, expected);
    let with_default = |key: &&Key| key.name.starts_with("limits.") && key.default.is_some();
    assert_eq!(keys.iter().filter(with_default).count(), limits.len());
}

#[test]
fn the_defaults_that_are_shown_are_those_that_count() {
    let case = given().flag("model=m").variable("OPENAI_API_KEY", "k");
    let settings = case.settings().unwrap();
    let route = &settings.routes[&Stage::Code];
    let default = |name: &str| {
        known_keys()
            .into_iter()
            .find(|key| key.name == name)
            .unwrap()
            .default
            .unwrap()
    };
    assert_eq!(default("tokens_max"), route.tokens_max.to_string());
    assert_eq!(default("stream"), route.stream.to_string());
    assert_eq!(default("structured"), route.structured.to_string());
    assert_eq!(default("plain_http"), route.plain_http.to_string());
    assert_eq!(default("approval"), "never");
    assert_eq!(settings.approval, Approval::Never);
}

#[test]
fn the_usual_variables_name_an_address_as_the_user_would() {
    let case = || {
        given()
            .variable("OPENAI_API_KEY", "o")
            .variable("ANTHROPIC_API_KEY", "a")
    };
    for variable in ["OPENAI_BASE_URL", "OPENAI_API_BASE"] {
        let case = case()
            .flag("model=gpt-5")
            .variable(variable, "https://proxy.example/v1");
        assert_eq!(
            route(&case, Stage::Code),
            "openai gpt-5 at https://proxy.example/v1 key o"
        );
    }
    let both = case()
        .variable("ANTHROPIC_BASE_URL", "https://proxy.example")
        .project(
            "model = \"gpt-5\"\n[stages.code]\nmodel = \"claude-x\"\nprovider = \"anthropic\"",
        );
    assert_eq!(
        route(&both, Stage::Code),
        "anthropic claude-x at https://proxy.example/ key a"
    );
    assert_eq!(route(&both, Stage::Plan), "openai gpt-5 key o");
    // What is configured for atelier itself comes first.
    let own = case()
        .flag("model=gpt-5")
        .flag("base_url=https://own.example/v1")
        .variable("OPENAI_BASE_URL", "https://proxy.example/v1");
    assert_eq!(
        route(&own, Stage::Code),
        "openai gpt-5 at https://own.example/v1 key o"
    );
}
