//! What is kept of the forms in which edits are asked for.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{
    Attempt, AttemptOutcome, Digest, EditForm, EditsOutcome, FormTally, FormUse, TaskFact,
    TaskState,
};

use super::{attempt, memory, noon, run_id, task_id, tasks::store_with};
use crate::Store;

/// Ends an attempt whose reply was asked for in a form.
async fn tried(store: &Store, ordinal: u32, reply: &str, asked: EditForm, outcome: EditsOutcome) {
    let open = attempt("r1", "t1.1", ordinal);
    store.attempt_start(&open, noon()).await.unwrap();
    let ended = Attempt {
        reply: Some(Digest::of(reply)),
        outcome: Some(AttemptOutcome::EditsRefused),
        edits: Some(FormUse {
            model: "large".to_owned(),
            asked,
            found: vec!["diff".to_owned(), "whole-file".to_owned()],
            outcome,
        }),
        ended_at: Some(noon()),
        ..open
    };
    let fact = TaskFact::AttemptFailed;
    store
        .attempt_finish(&ended, fact, "", noon())
        .await
        .unwrap();
    let kept = store
        .attempt_list(&run_id("r1"), &task_id("t1.1"))
        .await
        .unwrap();
    assert_eq!(kept.last().unwrap().edits, ended.edits);
}

#[tokio::test]
async fn replies_are_counted_by_model_and_form_and_each_once() {
    let store = store_with("t1.1", TaskState::Running).await;
    let form = EditForm::ApplyPatch;
    tried(&store, 1, "a", form, EditsOutcome::Applied).await;
    tried(&store, 2, "b", form, EditsOutcome::Misplaced).await;
    tried(&store, 3, "c", form, EditsOutcome::Malformed).await;
    tried(&store, 4, "c", form, EditsOutcome::Malformed).await;
    tried(&store, 5, "d", EditForm::Whole, EditsOutcome::Applied).await;

    let tallies = store.form_tallies().await.unwrap();
    let tally = |asked, well_formed, applied| FormTally {
        asked,
        well_formed,
        applied,
    };
    let forms = [(EditForm::Whole, tally(1, 1, 1)), (form, tally(3, 2, 1))];
    assert_eq!(tallies, [("large".to_owned(), forms.into())].into());
}

#[tokio::test]
async fn an_attempt_that_begins_again_has_no_outcome_of_its_edits() {
    let store = store_with("t1.1", TaskState::Running).await;
    tried(&store, 1, "a", EditForm::Whole, EditsOutcome::Malformed).await;
    store
        .attempt_start(&attempt("r1", "t1.1", 1), noon())
        .await
        .unwrap();
    let again = store
        .attempt_list(&run_id("r1"), &task_id("t1.1"))
        .await
        .unwrap();
    assert_eq!(again[0].edits, None);
    assert_eq!(store.form_tallies().await.unwrap(), [].into());
}

#[tokio::test]
async fn the_form_of_a_question_is_chosen_once() {
    let store = memory().await;
    let (question, other) = (Digest::of("question"), Digest::of("other"));
    assert_eq!(store.form_choice(&question).await.unwrap(), None);
    let choose = |form| store.form_choose(&question, "large", form, noon());
    assert_eq!(
        choose(EditForm::DiffFenced).await.unwrap(),
        EditForm::DiffFenced
    );
    assert_eq!(choose(EditForm::Whole).await.unwrap(), EditForm::DiffFenced);
    let kept = store.form_choice(&question).await.unwrap();
    assert_eq!(kept, Some(EditForm::DiffFenced));
    assert_eq!(store.form_choice(&other).await.unwrap(), None);
}
