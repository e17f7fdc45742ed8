//! Several models behind a stage, providers with settings of their own, and whom their keys reach.

use atelier_model::Strategy;

use super::*;

/// The strategy of a stage, and who else answers it: `name/model [at address] [key]` each.
fn others(given: &Given, stage: Stage) -> (Strategy, Vec<String>) {
    let settings = given.settings().unwrap();
    let routing = &settings.routing[&stage];
    let told = routing.fallback.iter().map(told);
    (routing.strategy, told.collect())
}

fn told(route: &atelier_llm::Route) -> String {
    let mut text = route.label();
    if let Some(url) = &route.base_url {
        text = format!("{text} at {url}");
    }
    if let Some(key) = &route.key {
        text = format!("{text} key {}", key.expose());
    }
    text
}

/// A model with a key, and keys of two more providers.
fn keyed() -> Given {
    given()
        .variable("OPENAI_API_KEY", "o")
        .variable("ANTHROPIC_API_KEY", "a")
        .variable("GROQ_API_KEY", "g")
        .flag("model=gpt-5")
}

#[test]
fn whoever_stands_by_has_the_address_and_the_key_of_its_provider() {
    let case = keyed().project("fallback = [\"anthropic/claude-x\", \"groq/vendor/model\"]");
    let told = ["anthropic/claude-x key a", "groq/vendor/model key g"];
    assert_eq!(
        others(&case, Stage::Code),
        (Strategy::Static, told.map(str::to_owned).to_vec())
    );
}

#[test]
fn every_source_names_those_who_stand_by() {
    let told = vec!["anthropic/x key a".to_owned(), "groq/y key g".to_owned()];
    for case in [
        keyed().flag("fallback=anthropic/x, groq/y"),
        keyed().variable("ATELIER_FALLBACK", "anthropic/x,groq/y"),
        keyed().user("fallback = [\"anthropic/x\", \"groq/y\"]"),
    ] {
        let case = case.flag("routing=latency");
        assert_eq!(
            others(&case, Stage::Plan),
            (Strategy::Latency, told.clone())
        );
    }
}

#[test]
fn a_stage_has_others_of_its_own() {
    let case = keyed().project(
        "fallback = [\"groq/y\"]\n[stages.code]\nfallback = [\"anthropic/x\"]\nrouting = \"cost\"",
    );
    let one = |text: &str| vec![text.to_owned()];
    assert_eq!(
        others(&case, Stage::Code),
        (Strategy::Cost, one("anthropic/x key a"))
    );
    assert_eq!(
        others(&case, Stage::Plan),
        (Strategy::Static, one("groq/y key g"))
    );
    let none = case.flag("stages.docs.fallback=openai/gpt-5, openai/gpt-5");
    assert_eq!(others(&none, Stage::Docs), (Strategy::Static, vec![]));
}

#[test]
fn another_model_of_the_same_provider_is_at_the_same_place() {
    let case = given()
        .flag("model=large")
        .flag("base_url=https://own.example/v1")
        .flag("key=k")
        .flag("fallback=openai/small");
    let at = "openai/small at https://own.example/v1 key k";
    assert_eq!(others(&case, Stage::Code).1, [at]);
}

#[test]
fn a_provider_may_have_a_name_and_settings_of_its_own() {
    let spare = "[providers.spare]\nbase_url = \"http://127.0.0.1:9/v1\"\nkey = \"s\"";
    let case = keyed().user(spare).flag("fallback=spare/m");
    let at = "spare/m at http://127.0.0.1:9/v1 key s";
    assert_eq!(others(&case, Stage::Code).1, [at]);
    // As the provider of all it is known by the same settings.
    let case = given()
        .user(spare)
        .flag("provider=spare")
        .flag("model=m")
        .flag("providers.spare.provider=anthropic");
    let settings = case.settings().unwrap();
    let route = &settings.routes[&Stage::Code];
    assert_eq!(told(route), at);
    assert_eq!(route.provider, "anthropic");
}

#[test]
fn the_key_of_a_provider_that_the_user_named_stands_in_its_variable() {
    let case = keyed()
        .user("[providers.spare]\nbase_url = \"http://127.0.0.1:9/v1\"")
        .flag("fallback=spare/m");
    // The key of the vendor whose dialect it speaks is not its key.
    let at = "spare/m at http://127.0.0.1:9/v1";
    assert_eq!(others(&case, Stage::Code).1, [at]);
    let case = case.variable("ATELIER_PROVIDERS_SPARE_KEY", "s");
    assert_eq!(others(&case, Stage::Code).1, [format!("{at} key s")]);
}

#[test]
fn a_project_cannot_collect_keys_through_those_who_stand_by() {
    let project = "fallback = [\"anthropic/x\"]\n\
                   [providers.anthropic]\nbase_url = \"https://collector.example\"";
    let said = keyed().project(project).refusal();
    assert!(said.contains("send a key to"), "{said}");
    assert!(said.contains("collector.example"), "{said}");
}

#[test]
fn models_for_other_programs_are_routes() {
    let case = keyed().user(
        "[providers.groq]\nmodels = [\"one\", \"two\"]\n\
         [providers.spare]\nbase_url = \"http://127.0.0.1:9/v1\"\nmodels = [\"m\"]",
    );
    let settings = case.settings().unwrap();
    let told: Vec<String> = settings.upstreams.iter().map(told).collect();
    assert_eq!(
        told,
        [
            "groq/one key g",
            "groq/two key g",
            "spare/m at http://127.0.0.1:9/v1"
        ]
    );
}

#[test]
fn wrong_values_name_the_key_and_the_form() {
    for (flag, parts) in [
        ("fallback=gpt-5", ["`fallback`", "PROVIDER/MODEL"]),
        ("fallback=/m", ["`fallback`", "PROVIDER/MODEL"]),
        ("routing=random", ["`routing`", "static, cost or latency"]),
        (
            "providers.a.colour=red",
            ["`providers.a.colour`", "no such key"],
        ),
        ("fallback=nobody/m", ["`nobody`", "openai"]),
    ] {
        let said = keyed().flag(flag).refusal();
        for part in parts {
            assert!(said.contains(part), "no `{part}` in: {said}");
        }
    }
    let said = given()
        .flag("model=gpt-5")
        .flag("key=k")
        .flag("fallback=groq/m");
    let said = said.refusal();
    assert!(said.contains("provider `groq` needs a key"), "{said}");
}

#[test]
fn without_a_model_nobody_stands_by() {
    let case = given()
        .variable("GROQ_API_KEY", "g")
        .flag("fallback=groq/m");
    assert_eq!(others(&case, Stage::Code), (Strategy::Static, vec![]));
}
