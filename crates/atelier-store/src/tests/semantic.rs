//! Questions in other words: what is kept of them and of answers that were compared.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atelier_model::{AskRecord, AskSource, Digest, MicroUsd, Reply, Timestamp};

use super::{ask, later, memory, noon, prompt, reply, run, run_id};
use crate::{RunBudgets, SemanticCheck, SemanticQuestion, SemanticTotals, Store};

fn question(text: &str, at: i64) -> SemanticQuestion {
    SemanticQuestion {
        key: Digest::of(text),
        question: text.to_owned(),
        at: later(at),
    }
}

async fn texts(store: &Store, scope: &Digest, count_max: usize) -> Vec<String> {
    let since = Timestamp::from_millis(0);
    let kept = store.semantic_list(scope, since, count_max).await.unwrap();
    kept.into_iter().map(|kept| kept.question).collect()
}

#[tokio::test]
async fn questions_are_kept_by_scope_and_the_oldest_leave_first() {
    let store = memory().await;
    let (scope, other) = (Digest::of("scope"), Digest::of("other"));
    for (place, text) in ["a", "b", "c"].into_iter().enumerate() {
        let at = i64::try_from(place).unwrap();
        store
            .semantic_put(&scope, &question(text, at), 3)
            .await
            .unwrap();
    }
    assert_eq!(texts(&store, &scope, 10).await, ["a", "b", "c"]);
    assert_eq!(texts(&store, &scope, 2).await, ["b", "c"]);
    store
        .semantic_put(&other, &question("d", 9), 3)
        .await
        .unwrap();
    assert_eq!(texts(&store, &scope, 10).await, ["b", "c"]);
    assert_eq!(texts(&store, &other, 10).await, ["d"]);
    store.semantic_forget(&Digest::of("b")).await.unwrap();
    assert_eq!(texts(&store, &scope, 10).await, ["c"]);
    let since = question("", 3).at;
    assert_eq!(store.semantic_list(&scope, since, 10).await.unwrap(), []);
}

#[tokio::test]
async fn comparisons_come_back_as_they_were_made() {
    let store = memory().await;
    let scope = Digest::of("scope");
    let check = |asked: &str, similarity, agreed| SemanticCheck {
        key: Digest::of("kept"),
        asked: Digest::of(asked),
        is_same: agreed,
        similarity,
        agreed,
    };
    let (first, second) = (check("1", 0.75, true), check("2", 0.5, false));
    store
        .semantic_check_put(&scope, &first, noon())
        .await
        .unwrap();
    store
        .semantic_check_put(&scope, &second, later(1))
        .await
        .unwrap();
    let kept = store.semantic_check_list(&scope, 10).await.unwrap();
    assert_eq!(kept, [second, first]);
    let totals = store.semantic_totals().await.unwrap();
    assert_eq!((totals.checks, totals.disagreed), (2, 1));
}

#[tokio::test]
async fn an_answer_in_other_words_is_told_from_an_exact_one_and_saves_what_it_had_cost() {
    let store = memory().await;
    store.run_create(&run("r1")).await.unwrap();
    let asked = ask("r1", "a1", 2_000);
    store
        .ask_begin(&asked, &prompt("a1"), RunBudgets::default())
        .await
        .unwrap();
    let paid = reply(&asked, 1_500);
    store
        .ask_finish(&asked.id, &paid, RunBudgets::default(), noon())
        .await
        .unwrap();
    let kept = store.reply_by_key(&asked.key).await.unwrap().unwrap();
    let again = Reply {
        source: AskSource::Semantic,
        ..kept
    };
    let other = ask("r1", "a2", 0);
    let saved = store
        .semantic_hit(&other, &again, 0.97, noon())
        .await
        .unwrap();
    assert_eq!(saved, MicroUsd(1_500));
    let sources: Vec<Option<AskSource>> = store
        .ask_list(&run_id("r1"))
        .await
        .unwrap()
        .iter()
        .map(|ask: &AskRecord| ask.source)
        .collect();
    assert_eq!(
        sources,
        [Some(AskSource::Provider), Some(AskSource::Semantic)]
    );
    let cost = store.run_cost(&run_id("r1")).await.unwrap();
    assert_eq!(
        (cost.asks, cost.cached, cost.spent),
        (2, 1, MicroUsd(1_500))
    );
    let totals = store.semantic_totals().await.unwrap();
    let expected = SemanticTotals {
        hits: 1,
        saved: MicroUsd(1_500),
        ..SemanticTotals::default()
    };
    assert_eq!(totals, expected);
}
