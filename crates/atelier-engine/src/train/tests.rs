//! Who is first, and what is foreseen, whatever happens to those before.

use std::sync::Arc;

use atelier_model::TaskId;
use futures_util::FutureExt as _;

use super::{Car, Tip, Train};

fn train() -> Arc<Train> {
    Arc::default()
}

fn couple(train: &Arc<Train>, name: &str) -> Car {
    train.couple(TaskId::from_text(name), format!("commit of {name}"))
}

fn tip(train: &Train) -> Vec<String> {
    let tasks = train.tip().map(|tip| tip.tasks).unwrap_or_default();
    tasks.iter().map(ToString::to_string).collect()
}

fn is_first(car: &Car) -> bool {
    car.first().now_or_never().is_some()
}

#[test]
fn an_empty_train_foresees_nothing() {
    assert_eq!(train().tip(), None);
}

#[test]
fn the_last_one_tells_what_the_trunk_will_hold() {
    let train = train();
    let _first = couple(&train, "a");
    let _second = couple(&train, "b");
    let foreseen = Tip {
        commit: "commit of b".to_owned(),
        tasks: vec![TaskId::from_text("a"), TaskId::from_text("b")],
    };
    assert_eq!(train.tip(), Some(foreseen));
}

#[test]
fn who_arrives_lets_the_next_one_be_first() {
    let train = train();
    let (first, second) = (couple(&train, "a"), couple(&train, "b"));
    assert!(is_first(&first));
    assert!(!is_first(&second));
    first.arrive();
    assert!(is_first(&second));
    assert_eq!(tip(&train), ["b"]);
}

#[test]
fn who_does_not_arrive_takes_with_it_what_was_foreseen_behind_it() {
    let train = train();
    let first = couple(&train, "a");
    let second = couple(&train, "b");
    let third = couple(&train, "c");
    drop(second);
    assert_eq!(tip(&train), ["a"]);
    // It is foreseen no more, and still waits for those before it.
    assert!(!is_first(&third));
    first.arrive();
    assert!(is_first(&third));
    let anew = couple(&train, "d");
    third.arrive();
    assert_eq!(tip(&train), ["d"]);
    assert!(is_first(&anew));
}

#[tokio::test]
async fn who_waits_is_woken() {
    let train = train();
    let first = couple(&train, "a");
    let second = couple(&train, "b");
    let waits = second.first();
    let arrives = async { first.arrive() };
    // The first of both is looked at first, and waits.
    futures_util::future::join(waits, arrives).await;
    assert_eq!(tip(&train), ["b"]);
}
