//! Prices by model and time: the user's own, those that were imported, and those that come with
//! the program.

use std::{collections::BTreeMap, fmt};

use atelier_model::Timestamp;
use jiff::{civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{LongPrice, Price, best};
use crate::Route;

/// The table that comes with the program.
const BUILT_IN: &str = include_str!("../../prices.toml");

/// Prices of one model that are kept; the oldest leave first.
const TARIFFS_MAX: usize = 32;

/// A price with the days on which it holds, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tariff {
    /// The price.
    pub price: Price,
    /// Its first day; it always held where there is none.
    pub from: Option<Date>,
    /// The day after its last; it holds on where there is none.
    pub to: Option<Date>,
}

/// Prices by model and time.
///
/// A name ending in `*` stands for every model whose name begins so. Any other stands for the
/// model of that name and its dated versions, such as `gpt-5-2025-08-07` for `gpt-5`. A name may
/// begin with a provider and a slash, and goes before the model's bare name then.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tariffs(BTreeMap<String, Vec<Tariff>>);

/// What became of new prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// Models that had no price.
    pub added: usize,
    /// Models whose price is another from now on.
    pub changed: usize,
    /// Models whose price is what it was.
    pub same: usize,
}

/// Why a table of prices was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadTariffsError {
    /// It is not such a table.
    #[error("read a table of prices: {0}")]
    Form(String),
    /// A day is none.
    #[error("read the price of `{model}`: `{text}` is no day such as 2026-11-20")]
    Day {
        /// The model.
        model: String,
        /// What stands there.
        text: String,
    },
}

/// A tariff as it is written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    input: u64,
    output: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cached_input: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cache_write: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cache_write_hour: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    batch_input: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    batch_output: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    long: Option<LongPrice>,
}

/// The prices of a model as they are written: one alone stands without a list.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Rows {
    One(Row),
    Many(Vec<Row>),
}

impl Tariffs {
    /// Reads a table as this program writes it.
    pub fn parse(text: &str) -> Result<Self, ReadTariffsError> {
        let rows: BTreeMap<String, Rows> =
            toml::from_str(text).map_err(|error| ReadTariffsError::Form(error.to_string()))?;
        let mut all = BTreeMap::new();
        for (model, rows) in rows {
            let rows = match rows {
                Rows::One(row) => vec![row],
                Rows::Many(rows) => rows,
            };
            let tariffs: Result<Vec<_>, _> =
                rows.into_iter().map(|row| tariff(&model, row)).collect();
            all.insert(model, tariffs?);
        }
        Ok(Self(all))
    }

    /// The table as a text that [`Self::parse`] reads.
    pub fn text(&self) -> String {
        let rows = |tariffs: &Vec<Tariff>| -> Vec<Row> { tariffs.iter().map(row).collect() };
        let all: BTreeMap<&String, Rows> = self
            .0
            .iter()
            .map(|(model, tariffs)| match rows(tariffs).as_slice() {
                [alone] => (model, Rows::One(alone.clone())),
                many => (model, Rows::Many(many.to_vec())),
            })
            .collect();
        // Texts and numbers are all it holds, and each of them can be written.
        toml::to_string(&all).unwrap_or_default()
    }

    /// Takes prices that hold from a day on. What held until then is kept, for the calls of that
    /// time.
    pub fn take(&mut self, prices: BTreeMap<String, Price>, day: Date) -> Taken {
        let mut taken = Taken::default();
        for (model, price) in prices {
            let tariffs = self.0.entry(model).or_default();
            let begun = Tariff {
                price,
                from: (!tariffs.is_empty()).then_some(day),
                to: None,
            };
            match tariffs.last_mut() {
                None => taken.added += 1,
                Some(last) if last.to.is_none() && last.price == price => {
                    taken.same += 1;
                    continue;
                }
                Some(last) => {
                    taken.changed += 1;
                    last.to = Some(last.to.map_or(day, |to| to.min(day)));
                    // A price that held on no day is none.
                    if last.from == last.to {
                        tariffs.pop();
                    }
                }
            }
            tariffs.push(begun);
            let surplus = tariffs.len().saturating_sub(TARIFFS_MAX);
            tariffs.drain(..surplus);
        }
        taken
    }

    /// Every name with its prices, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[Tariff])> {
        let all = self.0.iter();
        all.map(|(name, tariffs)| (name.as_str(), tariffs.as_slice()))
    }

    /// What a model of a provider costs at a time.
    fn price(&self, provider: &str, model: &str, at: Timestamp) -> Option<Price> {
        let precise = format!("{provider}/{model}");
        let tariffs = best(&self.0, &precise).or_else(|| best(&self.0, model))?;
        let holds = |tariff: &&Tariff| tariff.holds(at);
        tariffs.iter().rev().find(holds).map(|tariff| tariff.price)
    }
}

impl Tariff {
    /// Whether it holds at a time. A time that no calendar has is no reason to call a price
    /// unknown.
    fn holds(&self, at: Timestamp) -> bool {
        if self.from.is_none() && self.to.is_none() {
            return true;
        }
        let Some(day) = day(at) else {
            return self.to.is_none();
        };
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day < to)
    }
}

/// The day of an instant in UTC.
pub fn day(at: Timestamp) -> Option<Date> {
    let instant = jiff::Timestamp::from_millisecond(at.millis()).ok()?;
    Some(instant.to_zoned(TimeZone::UTC).date())
}

fn tariff(model: &str, row: Row) -> Result<Tariff, ReadTariffsError> {
    let read = |text: Option<String>| {
        let read = |text: String| {
            text.parse().map_err(|_| ReadTariffsError::Day {
                model: model.to_owned(),
                text,
            })
        };
        text.map(read).transpose()
    };
    Ok(Tariff {
        price: Price {
            input: row.input,
            output: row.output,
            cached_input: row.cached_input,
            cache_write: row.cache_write,
            cache_write_hour: row.cache_write_hour,
            batch_input: row.batch_input,
            batch_output: row.batch_output,
            long: row.long,
        },
        from: read(row.from)?,
        to: read(row.to)?,
    })
}

fn row(tariff: &Tariff) -> Row {
    let Tariff { price, from, to } = tariff;
    Row {
        input: price.input,
        output: price.output,
        cached_input: price.cached_input,
        cache_write: price.cache_write,
        cache_write_hour: price.cache_write_hour,
        batch_input: price.batch_input,
        batch_output: price.batch_output,
        from: from.as_ref().map(Date::to_string),
        to: to.as_ref().map(Date::to_string),
        long: price.long,
    }
}

/// Prices of every origin; the user's own go before imported ones, these before those that come
/// with the program.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct PriceTable {
    own: Tariffs,
    imported: Tariffs,
    built_in: Tariffs,
}

impl PriceTable {
    /// The public list prices that come with the program, under prices of the user's own.
    pub fn new(own: BTreeMap<String, Price>) -> Self {
        let always = |(model, price)| {
            let tariff = Tariff {
                price,
                from: None,
                to: None,
            };
            (model, vec![tariff])
        };
        Self {
            own: Tariffs(own.into_iter().map(always).collect()),
            imported: Tariffs::default(),
            // A test reads the table; an unreadable one would make every price unknown, which
            // refuses every budget instead of passing it.
            built_in: Tariffs::parse(BUILT_IN).unwrap_or_default(),
        }
    }

    /// The same with these imported prices.
    #[must_use]
    pub fn with_imported(self, imported: Tariffs) -> Self {
        Self { imported, ..self }
    }

    /// What a model of a provider costs at a time, where it is known.
    pub fn price(&self, provider: &str, model: &str, at: Timestamp) -> Option<Price> {
        let mut all = self.tariffs();
        all.find_map(|(_, tariffs)| tariffs.price(provider, model, at))
    }

    /// What a model costs behind a route; a server on this machine costs nothing unless the user
    /// says so.
    pub(crate) fn of_route(&self, route: &Route, model: &str, at: Timestamp) -> Option<Price> {
        let free = route.is_local().then_some(Price::FREE);
        self.price(&route.provider, model, at).or(free)
    }

    /// The tables with their origins, the one that goes before first.
    pub fn tariffs(&self) -> impl Iterator<Item = (&'static str, &Tariffs)> {
        let all = [
            ("configuration", &self.own),
            ("imported", &self.imported),
            ("built in", &self.built_in),
        ];
        all.into_iter()
    }
}

impl fmt::Debug for PriceTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |tariffs: &Tariffs| tariffs.0.len();
        f.debug_struct("PriceTable")
            .field("own", &self.own)
            .field("imported", &count(&self.imported))
            .field("built_in", &count(&self.built_in))
            .finish()
    }
}
