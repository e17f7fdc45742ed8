//! What was learned changes how new questions are asked, and no question that was asked before.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{
    Approval, Attempt, AttemptOutcome, Budget, Digest, EditForm, EditsOutcome, Evidence, FormUse,
    MicroUsd, Run, RunMode, RunStatus, TaskFact, Timestamp,
};
use atelier_store::Store;
use serde_json::{Value, json};

use super::for_question;
use crate::sample;

const MODEL: &str = "gpt-5.1";
fn noon() -> Timestamp {
    Timestamp::from_millis(0)
}

async fn form_of(store: &Store, question: &Value) -> EditForm {
    let lines = [10, 1_000];
    for_question(store, MODEL, question, &lines, noon())
        .await
        .unwrap()
}

/// A store with a run and one task under way.
async fn store() -> Store {
    let store = Store::open_in_memory().await.unwrap();
    let task = sample::task();
    let run = Run {
        id: task.run.clone(),
        requirement: "a clock".to_owned(),
        requirement_digest: Digest::of("a clock"),
        mode: RunMode::Build,
        approval: Approval::Never,
        budget: Budget::default(),
        base_branch: None,
        base_commit: None,
        branch: "atelier/RUN".to_owned(),
        trunk: None,
        status: RunStatus::Planning,
        exit_code: None,
        reason: String::new(),
        created_at: noon(),
        ended_at: None,
    };
    store.run_create(&run).await.unwrap();
    store
        .task_add(std::slice::from_ref(&task), noon())
        .await
        .unwrap();
    for fact in [TaskFact::DependenciesDone, TaskFact::Claimed] {
        store
            .task_advance(&task.run, &task.id, fact, "", noon())
            .await
            .unwrap();
    }
    store
}

/// Puts an attempt on record whose patch could not be read.
async fn fails(store: &Store, ordinal: u32) {
    let task = sample::task();
    let open = Attempt {
        run: task.run,
        task: task.id,
        ordinal,
        base: String::new(),
        reply: Some(Digest::of(ordinal.to_string())),
        edits: Some(FormUse {
            model: MODEL.to_owned(),
            asked: EditForm::ApplyPatch,
            found: Vec::new(),
            outcome: EditsOutcome::Malformed,
        }),
        outcome: None,
        feedback: String::new(),
        evidence: Evidence::default(),
        cost: MicroUsd::ZERO,
        started_at: noon(),
        ended_at: None,
    };
    store.attempt_start(&open, noon()).await.unwrap();
    let ended = Attempt {
        outcome: Some(AttemptOutcome::EditsRefused),
        ended_at: Some(noon()),
        ..open
    };
    let fact = TaskFact::AttemptFailed;
    store
        .attempt_finish(&ended, fact, "", noon())
        .await
        .unwrap();
}

#[tokio::test]
async fn what_was_learned_changes_new_questions_and_no_old_one() {
    let store = store().await;
    let old = json!({"task": "the first"});
    assert_eq!(form_of(&store, &old).await, EditForm::ApplyPatch);
    for ordinal in 1..=20 {
        fails(&store, ordinal).await;
    }
    let new = json!({"task": "the second"});
    assert_eq!(form_of(&store, &new).await, EditForm::SearchReplace);
    assert_eq!(form_of(&store, &old).await, EditForm::ApplyPatch);
    assert_eq!(form_of(&store, &new).await, EditForm::SearchReplace);
}

#[tokio::test]
async fn another_model_is_another_question() {
    let store = store().await;
    let question = json!({"task": "the first"});
    assert_eq!(form_of(&store, &question).await, EditForm::ApplyPatch);
    let other = for_question(&store, "gemini-3-pro", &question, &[1_000], noon()).await;
    assert_eq!(other.unwrap(), EditForm::DiffFenced);
}
