//! One gate: the limits of one key and model, or those that a person set, and who is through.

use atelier_model::{Timestamp, Usage};

use crate::limit::{
    contract::{Contract, Counting, Renewal},
    measure::Amounts,
    meter::{Limit, Meter, Standing, TRANSIT_MS},
    rate::Rate,
    told::Told,
    weights::{Load, Weights},
};

/// Limits of one gate. A provider that tells of more is not believed.
const METERS_MAX: usize = 16;

/// Milliseconds for which nobody follows the first request, whose answer will tell the limits.
const TRIAL_MS_MAX: u64 = 3_000;

/// Milliseconds of the first wait after a refusal that names none; they double from time to time.
const BLIND_FIRST_MS: u64 = 1_000;

/// Milliseconds of the longest wait after a refusal that names none.
const BLIND_MS_MAX: u64 = 30_000;

/// Milliseconds that a provider is left alone at most because it asks for it. What wants to wait
/// for tomorrow is tried once an hour.
const ASKED_MS_MAX: u64 = 3_600_000;

/// Why a request may not pass now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lack {
    /// The provider wants to be left alone.
    Asked {
        /// For so many milliseconds.
        wait_ms: u64,
    },
    /// A limit is used up.
    Rate {
        /// Which.
        limit: Limit,
        /// For so many milliseconds at least.
        wait_ms: u64,
    },
    /// So many are under way already.
    AtOnce {
        /// As many as may be.
        limit: u64,
    },
    /// The first request is still on its way, and its answer will tell the limits.
    Trial {
        /// It is waited for so many milliseconds at most.
        wait_ms: u64,
    },
}

impl Lack {
    /// Milliseconds until it passes by itself; `None` where somebody has to come out first.
    pub(crate) fn wait_ms(&self) -> Option<u64> {
        match self {
            Self::Asked { wait_ms } | Self::Rate { wait_ms, .. } | Self::Trial { wait_ms } => {
                Some(*wait_ms)
            }
            Self::AtOnce { .. } => None,
        }
    }

    /// What there is not enough of, in words.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Asked { .. } => "the wait that the provider asks for".to_owned(),
            Self::Rate { limit, .. } => limit.words(),
            Self::AtOnce { limit } => format!("{limit} requests at once"),
            Self::Trial { .. } => "one request until its limits are known".to_owned(),
        }
    }
}

/// How a request that was let through ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It was answered, and so much was counted; nothing where nobody said.
    Answered(Usage),
    /// It was refused because too much was asked, or because nobody has time.
    Crowded {
        /// For so many milliseconds, where the provider says.
        wait_ms: Option<u64>,
    },
    /// It was refused for what it was.
    Refused,
    /// It was sent, and nobody knows what came of it.
    Lost,
    /// It was not sent.
    Unsent,
}

/// What is known of the limits of one key and model, or of one line of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitState {
    /// Who is asked, or the name of the line.
    pub provider: String,
    /// The model; empty for a line of the configuration.
    pub model: String,
    /// Requests under way.
    pub under_way: u64,
    /// Requests that wait for this model.
    pub waiting: u64,
    /// Milliseconds for which the provider wants to be left alone.
    pub shut_ms: u64,
    /// Every limit over time.
    pub limits: Vec<LimitLeft>,
}

/// What is left of one limit over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitLeft {
    /// What is counted: `requests`, `tokens`, `input tokens` or `output tokens`.
    pub counts: &'static str,
    /// Milliseconds of its window.
    pub window_ms: u64,
    /// How much there is in a window.
    pub amount: u64,
    /// How much of it is left.
    pub left: u64,
}

/// What one request took at one gate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    amounts: Amounts,
    at: Timestamp,
    /// All that was taken at this gate, up to and with this.
    through: Amounts,
    /// All that was taken so long before that the provider had counted it when this came.
    counted: Amounts,
    load: Load,
}

/// Whether the first request is let through alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trial {
    /// Nobody was let through.
    Due,
    /// One is on its way since then.
    UnderWay(Timestamp),
    /// There is none.
    Over,
}

/// The limits of one key and model, or of one line of the configuration.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    label: (String, String),
    contract: Contract,
    /// What a person set; nothing at the gate of a key and model.
    rate: Rate,
    meters: Vec<Meter>,
    at_once: Option<u64>,
    under_way: u64,
    /// What those under way have taken and what is not settled.
    unsettled: Amounts,
    trial: Trial,
    /// Nobody is let through before.
    shut_until: Timestamp,
    /// Refusals in a row that named no wait.
    blind: u32,
    /// All that was ever taken.
    taken: Amounts,
    /// What was taken until two moments that lie at least a transit apart.
    marks: [(Timestamp, Amounts); 2],
    /// What was taken until a provider last said what is left; it has counted that exactly.
    anchor: Amounts,
    weights: Weights,
    /// When it was last used.
    pub(crate) touched: Timestamp,
}

impl Gate {
    /// The gate of a key and model of which nothing is known. With `trial`, the first request goes
    /// alone, so that a provider which tells its limits is not asked too often before it does.
    pub(crate) fn learning(contract: Contract, trial: bool, now: Timestamp) -> Self {
        Self {
            label: Default::default(),
            contract,
            rate: Rate::default(),
            meters: Vec::new(),
            at_once: None,
            under_way: 0,
            unsettled: Amounts::default(),
            trial: if trial { Trial::Due } else { Trial::Over },
            shut_until: Timestamp::from_millis(i64::MIN),
            blind: 0,
            taken: Amounts::default(),
            marks: [(now, Amounts::default()); 2],
            anchor: Amounts::default(),
            weights: Weights::default(),
            touched: now,
        }
    }

    /// The gate of limits that a person set.
    pub(crate) fn set(contract: Contract, rate: &Rate, now: Timestamp) -> Self {
        let mut gate = Self::learning(contract, false, now);
        gate.reset(rate, now);
        gate
    }

    /// Takes over limits that a person may have changed.
    pub(crate) fn keep_to(&mut self, rate: &Rate, now: Timestamp) {
        if self.rate != *rate {
            self.reset(rate, now);
        }
    }

    /// Takes over limits that a person changed; what was used stays used.
    fn reset(&mut self, rate: &Rate, now: Timestamp) {
        self.rate = *rate;
        let renewal = self.contract.renewal();
        let meters = rate.limits().map(|limit| {
            let known = self.meters.iter().find(|known| is_same(known, &limit));
            let mut meter = known
                .cloned()
                .unwrap_or_else(|| Meter::new(limit, renewal, now));
            meter.resize(limit.amount, now);
            meter
        });
        self.meters = meters.collect();
        self.at_once = rate.requests_at_once;
    }

    /// What is known of the tokens of its model.
    pub(crate) fn weights(&self) -> &Weights {
        &self.weights
    }

    /// Its contract.
    pub(crate) fn contract(&self) -> Contract {
        self.contract
    }

    /// How many are under way.
    pub(crate) fn under_way(&self) -> u64 {
        self.under_way
    }

    /// The gate under a name for people.
    pub(crate) fn labelled(self, (provider, model): (&str, &str)) -> Self {
        Self {
            label: (provider.to_owned(), model.to_owned()),
            ..self
        }
    }

    /// What is known of it, where so many wait.
    pub(crate) fn state(&self, waiting: u64, now: Timestamp) -> LimitState {
        let left = |meter: &Meter| LimitLeft {
            counts: meter.limit.measure.words(),
            window_ms: meter.limit.window_ms,
            amount: meter.limit.amount,
            left: meter.left(now),
        };
        let (provider, model) = self.label.clone();
        LimitState {
            provider,
            model,
            under_way: self.under_way,
            waiting,
            shut_ms: self.shut_ms(now),
            limits: self.meters.iter().map(left).collect(),
        }
    }

    /// Milliseconds for which the provider wants to be left alone.
    pub(crate) fn shut_ms(&self, now: Timestamp) -> u64 {
        self.shut_until.millis_since(now)
    }

    /// Why so much may not pass now: what lasts longest.
    pub(crate) fn lack(&self, amounts: Amounts, now: Timestamp) -> Option<Lack> {
        let shut_ms = self.shut_ms(now);
        if shut_ms > 0 {
            return Some(Lack::Asked { wait_ms: shut_ms });
        }
        if let Some(limit) = self.at_once.filter(|limit| self.under_way >= *limit) {
            return Some(Lack::AtOnce { limit });
        }
        if let Trial::UnderWay(since) = self.trial {
            let wait_ms = TRIAL_MS_MAX.saturating_sub(now.millis_since(since));
            if wait_ms > 0 {
                return Some(Lack::Trial { wait_ms });
            }
        }
        let waits = self.meters.iter().map(|meter| {
            let wait_ms = meter.wait_ms(amounts.of(meter.limit.measure), now);
            (wait_ms, meter.limit)
        });
        let longest = waits.max_by_key(|(wait_ms, _)| *wait_ms);
        longest
            .filter(|(wait_ms, _)| *wait_ms > 0)
            .map(|(wait_ms, limit)| Lack::Rate { limit, wait_ms })
    }

    /// Milliseconds until all of this will have come back, with what lasts longest.
    pub(crate) fn forecast(&self, amounts: Amounts, now: Timestamp) -> Option<Lack> {
        let waits = self.meters.iter().map(|meter| {
            let wait_ms = meter.forecast_ms(amounts.of(meter.limit.measure), now);
            (wait_ms, meter.limit)
        });
        let longest = waits.max_by_key(|(wait_ms, _)| *wait_ms)?;
        let (wait_ms, limit) = longest;
        Some(Lack::Rate { limit, wait_ms })
    }

    /// Lets a request through.
    pub(crate) fn take(&mut self, amounts: Amounts, load: Load, now: Timestamp) -> Taken {
        self.touched = now;
        self.under_way += 1;
        self.unsettled = self.unsettled + amounts;
        if matches!(self.trial, Trial::Due | Trial::UnderWay(_)) {
            self.trial = Trial::UnderWay(now);
        }
        let [_, newer] = self.marks;
        if now.millis_since(newer.0) >= TRANSIT_MS {
            self.marks = [newer, (now, self.taken)];
        }
        for meter in &mut self.meters {
            meter.take(amounts.of(meter.limit.measure), now);
        }
        self.taken = self.taken + amounts;
        Taken {
            amounts,
            at: now,
            through: self.taken,
            counted: self.marks[0].1,
            load,
        }
    }

    /// An answer has begun, and its headers tell what is left.
    pub(crate) fn hear(&mut self, taken: &Taken, told: &[Told], now: Timestamp) {
        self.trial = Trial::Over;
        for told in told {
            self.adopt(taken, told, now);
        }
    }

    fn adopt(&mut self, taken: &Taken, told: &Told, now: Timestamp) {
        let measure = told.limit.measure;
        let standing = told.remaining.map(|remaining| Standing {
            remaining,
            sent_at: taken.at,
            after: (self.taken - taken.through).of(measure),
            doubtful: (taken.through - taken.amounts - taken.counted).of(measure),
        });
        let unsettled = self.unsettled.of(measure);
        let counting = self.contract.counting(measure);
        let found = self.meters.iter_mut().find(|meter| {
            meter.limit.measure == measure && meter.limit.window_ms == told.limit.window_ms
        });
        let Some(meter) = found else {
            if self.meters.len() < METERS_MAX {
                let mut meter = Meter::new(told.limit, Renewal::Steady, now);
                if let Some(standing) = standing {
                    let late = standing.after.saturating_add(standing.doubtful);
                    let beside = if counting == Counting::AsWritten {
                        unsettled
                    } else {
                        late
                    };
                    meter.set_left(standing.remaining, beside, now);
                }
                self.meters.push(meter);
            }
            return;
        };
        if meter.limit.amount != told.limit.amount {
            meter.resize(told.limit.amount, now);
        }
        let Some(standing) = standing else { return };
        match counting {
            Counting::Fixed => {
                meter.lower(&standing, 0, now);
                meter.raise(&standing, now);
            }
            Counting::AtBegin => {
                if meter.lower(&standing, 0, now) {
                    self.anchor = taken.through;
                }
            }
            Counting::AsWritten => {
                meter.lower(&standing, unsettled, now);
            }
        }
    }

    /// A refusal names limits that were exceeded: they are used up until the wait is over.
    pub(crate) fn exceeded(&mut self, limits: &[Limit], wait_ms: u64, now: Timestamp) {
        let renewal = self.contract.renewal();
        for limit in limits {
            let found = self.meters.iter_mut().find(|meter| is_same(meter, limit));
            if let Some(meter) = found {
                meter.resize(limit.amount, now);
                meter.exhaust(wait_ms, now);
            } else if self.meters.len() < METERS_MAX {
                let mut meter = Meter::new(*limit, renewal, now);
                meter.exhaust(wait_ms, now);
                self.meters.push(meter);
            }
        }
    }

    /// A request has ended.
    pub(crate) fn end(&mut self, taken: &Taken, ending: &Ending, now: Timestamp) {
        self.touched = now;
        self.under_way = self.under_way.saturating_sub(1);
        self.unsettled = self.unsettled - taken.amounts;
        let settled = match ending {
            Ending::Answered(usage) => {
                self.blind = 0;
                self.weights.learn(&taken.load, usage);
                self.contract.settle(usage)
            }
            Ending::Crowded { wait_ms } => {
                self.shut(*wait_ms, now);
                self.contract.refused()
            }
            Ending::Refused => self.contract.refused(),
            Ending::Lost => None,
            Ending::Unsent => Some(Amounts::default()),
        };
        if let Some(settled) = settled {
            self.settle(taken, settled, now);
        }
        // Whoever was to find out the limits did not, so the next one is to; a refusal has shut
        // the gate, and whoever comes first after that goes alone again.
        self.trial = match (self.trial, ending) {
            (Trial::UnderWay(since), Ending::Unsent | Ending::Lost) if since == taken.at => {
                Trial::Due
            }
            (Trial::UnderWay(_), Ending::Answered(_) | Ending::Refused) => Trial::Over,
            (_, Ending::Crowded { .. }) => Trial::Due,
            (trial, _) => trial,
        };
    }

    fn settle(&mut self, taken: &Taken, settled: Amounts, now: Timestamp) {
        for meter in &mut self.meters {
            let measure = meter.limit.measure;
            let is_counted = self.contract.counting(measure) == Counting::AtBegin
                && taken.through.of(measure) <= self.anchor.of(measure);
            if is_counted {
                // What the provider said was left took the exact count into account.
                continue;
            }
            let (was, is) = (taken.amounts.of(measure), settled.of(measure));
            meter.correct(was, is, taken.at, now);
        }
    }

    fn shut(&mut self, wait_ms: Option<u64>, now: Timestamp) {
        let wait_ms = wait_ms.unwrap_or_else(|| {
            let doublings = self.blind.min(u64::BITS - 1);
            self.blind = self.blind.saturating_add(1);
            BLIND_FIRST_MS
                .saturating_mul(1 << doublings)
                .min(BLIND_MS_MAX)
        });
        let until = now
            .millis()
            .saturating_add_unsigned(wait_ms.min(ASKED_MS_MAX));
        self.shut_until = self.shut_until.max(Timestamp::from_millis(until));
    }
}

/// Whether a meter is the one of a limit, perhaps of another size.
fn is_same(meter: &Meter, limit: &Limit) -> bool {
    meter.limit.measure == limit.measure && meter.limit.window_ms == limit.window_ms
}
