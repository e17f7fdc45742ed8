//! Answers to the same question in other words: where they are switched on, and how sure they are.

use atelier_llm::{SemanticConfig, Vectors};
use atelier_model::Stage;

use super::given;

#[test]
fn it_is_off_unless_it_is_switched_on() {
    assert_eq!(
        given().settings().unwrap().semantic,
        SemanticConfig::default()
    );
}

#[test]
fn a_switch_for_all_stages_leaves_out_those_that_must_be_exact() {
    let all = given()
        .project("semantic_cache = \"on\"\n")
        .settings()
        .unwrap();
    let exact = [Stage::Code, Stage::Summary];
    let stages = Stage::ALL
        .into_iter()
        .filter(|stage| !exact.contains(stage));
    assert!(all.semantic.stages.iter().copied().eq(stages));
    assert!(!all.semantic.relayed);
}

#[test]
fn a_stage_and_the_gateway_have_switches_of_their_own() {
    let given = given()
        .project("semantic_cache = \"on\"\n[stages.design]\nsemantic_cache = \"off\"\n")
        .flag("gateway.semantic_cache=on")
        .flag("semantic_checked_min=0.5")
        .variable("ATELIER_SEMANTIC_ERROR_MAX", "0.01");
    let semantic = given.settings().unwrap().semantic;
    assert!(!semantic.stages.contains(&Stage::Design) && semantic.stages.contains(&Stage::Docs));
    assert!(semantic.relayed);
    let bounds = semantic.bounds;
    assert!((bounds.checked_min - 0.5).abs() < 1e-9 && (bounds.error_max - 0.01).abs() < 1e-9);
}

#[test]
fn where_code_is_written_it_cannot_be_switched_on() {
    let refusal = given()
        .project("[stages.code]\nsemantic_cache = \"on\"\n")
        .refusal();
    assert!(
        refusal.contains("`stages.code.semantic_cache` from /p/atelier.toml"),
        "{refusal}"
    );
    assert!(refusal.contains("it must be off"), "{refusal}");
    let off = given()
        .project("[stages.code]\nsemantic_cache = \"off\"\n")
        .settings()
        .unwrap();
    assert_eq!(off.semantic, SemanticConfig::default());
}

#[test]
fn a_value_that_does_not_fit_is_told_with_those_that_do() {
    let refusal = given().flag("semantic_cache=maybe").refusal();
    assert!(refusal.contains("it must be off or on"), "{refusal}");
    let refusal = given().flag("semantic_error_max=2").refusal();
    assert!(refusal.contains("a share from 0 to 1"), "{refusal}");
}

#[test]
fn vectors_of_a_model_need_a_model() {
    let given = || given().flag("semantic_vectors=model");
    let refusal = given().refusal();
    assert!(
        refusal.contains("it must be words, unless `embeddings` names a model"),
        "{refusal}"
    );
    let given = given()
        .flag("embeddings=ollama/nomic-embed-text")
        .flag("provider=ollama")
        .flag("model=llama3");
    let settings = given.settings().unwrap();
    assert_eq!(settings.semantic.vectors, Vectors::Model);
    let route = settings.embeddings.unwrap();
    assert_eq!(
        (route.provider.as_str(), route.model.as_str()),
        ("ollama", "nomic-embed-text")
    );
}
