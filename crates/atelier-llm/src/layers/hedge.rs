//! Asks a second time where the first answer is long in coming, and takes whichever is there first.
//!
//! It stands between the choice of a route and the budget: both askings are reserved, limited,
//! watched and recorded as asks of their own. The one that comes second is stopped, and counts as
//! it may have cost.

use std::{borrow::Cow, time::Duration};

use atelier_model::{
    AskId, AskRecord, AuditFact, BoxFuture, ChoiceReason, MicroUsd, Reply, RouteChoice, Strategy,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    AskErrorKind,
    layers::{Failure, GivenUp, Layer, Next, Passage},
    relay::{Demand, Opened, Refusal, Transit},
};

/// The status, on the record, of a request whose answer nobody waited for.
const OVERTAKEN: u16 = 499;

/// Remembers nothing.
pub(crate) struct Hedges;

impl Layer for Hedges {
    fn ask<'a>(
        &'a self,
        passage: &'a mut Passage<'_>,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Reply, Failure>> {
        let Some(after_ms) = passage.route.hedge_ms else {
            return next.run(passage);
        };
        Box::pin(async move {
            let raced = race(passage, after_ms, next).await;
            passage.settle(raced)
        })
    }

    fn open<'a>(
        &'a self,
        transit: &'a mut Transit,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Opened, Refusal>> {
        let prepared = &transit.prepared;
        // A stream has begun to reach its client before anybody knows who is faster.
        let is_whole = !prepared.stream && prepared.demand == Demand::Answer;
        let hedge_ms = prepared.relayed.route.hedge_ms.filter(|_| is_whole);
        match hedge_ms {
            Some(after_ms) => Box::pin(open_either(transit, after_ms, next)),
            None => next.open(transit),
        }
    }
}

/// Which of two askings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    First,
    Second,
}

/// How one of two askings ended.
struct Arm {
    record: AskRecord,
    sendings: u32,
    turned_away: u32,
    /// What kind of trouble it had, where the other is taken.
    lost: AskErrorKind,
}

/// How a race ended.
struct Raced {
    answered: Result<Reply, Failure>,
    won: Which,
    first: Arm,
    /// The one that was asked beside it, where one was.
    second: Option<Arm>,
    /// Where that one was asked, if not at the same place.
    place: Option<usize>,
}

/// Asks once, and once more where that takes too long.
async fn race(passage: &Passage<'_>, after_ms: u64, next: Next<'_>) -> Raced {
    let (cancel_first, cancel_second) =
        (passage.cancel.child_token(), passage.cancel.child_token());
    let mut first = passage.twin(&cancel_first);
    let mut second = passage.beside(&cancel_second);
    let mut is_asked_twice = false;
    let (answered, won, other) = {
        let mut one = next.run(&mut first);
        let early = tokio::select! {
            biased;
            answered = &mut one => Some(answered),
            () = sleep(Duration::from_millis(after_ms)) => None,
        };
        if let Some(answered) = early {
            (answered, Which::First, None)
        } else {
            is_asked_twice = true;
            second.stamp(after_ms);
            let mut two = next.run(&mut second);
            let (answered, won) = tokio::select! {
                biased;
                answered = &mut one => (answered, Which::First),
                answered = &mut two => (answered, Which::Second),
            };
            let (rest, cancel) = match won {
                Which::First => (two, &cancel_second),
                Which::Second => (one, &cancel_first),
            };
            decided(answered, won, rest, cancel).await
        }
    };
    let (of_first, of_second) = match won {
        Which::First => (None, other),
        Which::Second => (other, None),
    };
    Raced {
        answered,
        won,
        first: Arm::of(first, of_first),
        second: is_asked_twice.then(|| Arm::of(second, of_second)),
        place: passage.standby,
    }
}

/// The answer that counts, and the end of the other asking: an answer stops the other, which then
/// settles its money; a failure waits for it.
async fn decided(
    answered: Result<Reply, Failure>,
    by: Which,
    rest: BoxFuture<'_, Result<Reply, Failure>>,
    cancel: &CancellationToken,
) -> (
    Result<Reply, Failure>,
    Which,
    Option<Result<Reply, Failure>>,
) {
    let other = match by {
        Which::First => Which::Second,
        Which::Second => Which::First,
    };
    if answered.is_ok() {
        cancel.cancel();
        return (answered, by, Some(rest.await));
    }
    let late = rest.await;
    // Where both failed, the first one speaks: it is the one that was chosen.
    if late.is_ok() || by == Which::Second {
        (late, other, Some(answered))
    } else {
        (answered, by, Some(late))
    }
}

impl Arm {
    fn of(passage: Passage<'_>, lost: Option<Result<Reply, Failure>>) -> Self {
        let failure = lost.and_then(Result::err);
        let lost = failure.map_or(AskErrorKind::Cancelled, |failure| failure.error.kind());
        Self {
            sendings: passage.sendings,
            turned_away: passage.turned_away,
            lost,
            record: passage.record,
        }
    }
}

impl Passage<'_> {
    /// The same ask, with a stop of its own.
    fn twin<'b>(&'b self, cancel: &'b CancellationToken) -> Passage<'b> {
        Passage {
            ask: Cow::Borrowed(&*self.ask),
            key_of: self.key_of,
            guard_key: self.guard_key,
            record: self.record.clone(),
            budgets: self.budgets,
            cancel,
            route: self.route,
            provider: self.provider,
            key: self.key.clone(),
            has_spare_key: self.has_spare_key,
            price: self.price,
            channels: self.channels,
            has_standby: self.has_standby,
            standby: self.standby,
            semantic: self.semantic,
            embedder: self.embedder,
            rates: self.rates,
            permit: None,
            number: None,
            store: self.store,
            clock: self.clock,
            clock_shared: self.clock_shared,
            ids: self.ids,
            limits: self.limits,
            sendings: self.sendings,
            turned_away: self.turned_away,
            partial: None,
            given_up: Vec::new(),
        }
    }

    /// The same ask for whoever stands by, else for the same route.
    fn beside<'b>(&'b self, cancel: &'b CancellationToken) -> Passage<'b> {
        let mut twin = self.twin(cancel);
        twin.sendings = 0;
        twin.turned_away = 0;
        twin.turn_beside(self.standby);
        twin
    }

    /// Stands at the channel of a place.
    fn turn_beside(&mut self, place: Option<usize>) {
        let Some(place) = place else { return };
        let channel = self.channels.at(place);
        self.route = &channel.route;
        self.provider = &*channel.provider;
        self.price = channel.price(self.clock.now());
        self.key = None;
        self.has_spare_key = false;
    }

    /// It is asked now, as an ask of its own on the record.
    fn stamp(&mut self, after_ms: u64) {
        let at = self.clock.now();
        self.record.at = at;
        self.record.id = AskId::new(at, self.ids);
        self.record.cost = MicroUsd::ZERO;
        self.route.name().clone_into(&mut self.record.provider);
        self.route.model.clone_into(&mut self.record.model);
        self.record.choice = Some(RouteChoice {
            strategy: self.channels.strategy,
            reason: ChoiceReason::Hedge { after_ms },
            passed_over: Vec::new(),
        });
    }

    /// Goes on as whichever asking counts; the other is counted as given up.
    fn settle(&mut self, raced: Raced) -> Result<Reply, Failure> {
        let Raced {
            answered,
            won,
            first,
            second,
            place,
        } = raced;
        let (taken, lost) = match (won, second) {
            (Which::First, second) => (first, second),
            (Which::Second, Some(second)) => {
                self.turn_beside(place);
                (second, Some(first))
            }
            (Which::Second, None) => (first, None),
        };
        self.record = taken.record;
        self.sendings = taken.sendings;
        self.turned_away = taken.turned_away;
        if let Some(lost) = lost.filter(|lost| lost.sendings > 0) {
            // What it counts for stands in its record already.
            let latency_ms = self.clock.now().millis_since(lost.record.at);
            self.given_up.push(GivenUp {
                record: AskRecord {
                    latency_ms,
                    ..lost.record
                },
                kind: lost.lost,
                sendings: lost.sendings,
            });
        }
        answered
    }
}

/// How a race of two relayed requests ended.
enum Opening {
    /// The first speaks, and what is said of the second.
    First(Result<Opened, Refusal>, Option<Refusal>),
    /// The second has answered, and what the first said, if it failed before.
    Second(Opened, Option<Refusal>),
}

/// Opens the answer of one request, and of a second one where that takes too long.
async fn open_either(
    transit: &mut Transit,
    after_ms: u64,
    next: Next<'_>,
) -> Result<Opened, Refusal> {
    let Ok(mut twin) = transit.twin() else {
        // Whoever stands by does not speak of this, so nobody is asked beside.
        return next.open(transit).await;
    };
    let opening = {
        let mut one = next.open(transit);
        tokio::select! {
            biased;
            opened = &mut one => return opened,
            () = sleep(Duration::from_millis(after_ms)) => {}
        }
        twin.begin();
        twin.record.decisions.push(beside(&twin, after_ms));
        let mut two = next.open(&mut twin);
        tokio::select! {
            biased;
            opened = &mut one => match opened {
                Ok(opened) => Opening::First(Ok(opened), None),
                Err(refusal) => match two.await {
                    Ok(opened) => Opening::Second(opened, Some(refusal)),
                    Err(second) => Opening::First(Err(refusal), Some(second)),
                },
            },
            opened = &mut two => match opened {
                Ok(opened) => Opening::Second(opened, None),
                Err(second) => Opening::First(one.await, Some(second)),
            },
        }
    };
    match opening {
        Opening::First(opened, second) => {
            let lost = second.unwrap_or_else(|| overtaken(&twin));
            transit.outlive(twin, &lost);
            opened
        }
        Opening::Second(opened, first) => {
            let lost = first.unwrap_or_else(|| overtaken(transit));
            transit.adopt(twin, &lost);
            Ok(opened)
        }
    }
}

/// Why a second request was sent, as it stands on the record.
fn beside(twin: &Transit, after_ms: u64) -> AuditFact {
    AuditFact::RouteChosen {
        provider: twin.record.provider.clone(),
        model: twin.record.model.clone(),
        choice: RouteChoice {
            strategy: Strategy::Static,
            reason: ChoiceReason::Hedge { after_ms },
            passed_over: Vec::new(),
        },
    }
}

/// What is said of a request whose answer nobody waited for.
fn overtaken(transit: &Transit) -> Refusal {
    Refusal {
        may_be_billed: transit.sendings > 0,
        ..Refusal::new(OVERTAKEN, "another answer was there first")
    }
}
