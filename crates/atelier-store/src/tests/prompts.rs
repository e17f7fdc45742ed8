//! What is kept of summaries and of the parts of prompts.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{
    Digest, PromptPart, PromptRecord, Summary, SummaryMaker, SummaryRecord, TaskState,
};

use super::{later, noon, run_id, task_id, tasks::store_with};

fn summary(text: &str, goal: &str) -> SummaryRecord {
    SummaryRecord {
        run: run_id("r1"),
        key: Digest::of(text),
        name: "the requirement".to_owned(),
        maker: SummaryMaker::Model,
        summary: Summary {
            goal: goal.to_owned(),
            constraints: vec!["At most 10 entries.".to_owned()],
            ..Summary::default()
        },
        fault: String::new(),
        at: noon(),
    }
}

#[tokio::test]
async fn a_text_is_summarised_once_in_a_run() {
    let store = store_with("t1.1", TaskState::Running).await;
    let first = summary("long", "A clock.");
    store.summary_keep(&first).await.unwrap();
    let second = SummaryRecord {
        at: later(1),
        ..summary("long", "Another clock.")
    };
    store.summary_keep(&second).await.unwrap();
    let run = run_id("r1");
    let kept = store.summary_fetch(&run, &first.key).await.unwrap();
    assert_eq!(kept, Some(first.clone()));
    assert_eq!(store.summary_list(&run).await.unwrap(), [first]);
    let other = Digest::of("other");
    assert_eq!(store.summary_fetch(&run, &other).await.unwrap(), None);
    let elsewhere = run_id("r2");
    assert_eq!(store.summary_list(&elsewhere).await.unwrap(), []);
}

#[tokio::test]
async fn what_a_prompt_was_made_of_is_kept_for_each_conversation() {
    let store = store_with("t1.1", TaskState::Running).await;
    let prompt = |attempt: u32, form: &str| PromptRecord {
        run: run_id("r1"),
        task: task_id("t1.1"),
        attempt,
        base: Some("c0ffee".to_owned()),
        parts: vec![PromptPart {
            name: "src/main.rs".to_owned(),
            form: form.to_owned(),
            tokens: 12,
            tokens_full: 40,
            why: String::new(),
        }],
        tokens: 900,
    };
    store.prompt_keep(&prompt(2, "whole")).await.unwrap();
    store.prompt_keep(&prompt(1, "left out")).await.unwrap();
    store.prompt_keep(&prompt(1, "whole")).await.unwrap();
    let kept = store
        .prompt_list(&run_id("r1"), &task_id("t1.1"))
        .await
        .unwrap();
    assert_eq!(kept, [prompt(1, "whole"), prompt(2, "whole")]);
}
