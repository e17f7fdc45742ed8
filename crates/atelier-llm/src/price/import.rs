//! Public price lists in the two forms that users know: `LiteLLM`'s
//! `model_prices_and_context_window.json` and the `api.json` of models.dev.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{LongPrice, Price};

/// Entries of a list, beyond which it is no price list.
const ENTRIES_MAX: usize = 100_000;

/// Micro-dollars for a million tokens that no model costs: a hundred thousand dollars.
const PRICE_MAX: u64 = 100_000_000_000;

/// Decimal places of a micro-dollar, and of a million tokens.
const DOLLAR_PLACES: usize = 6;
const TOKEN_PLACES: usize = 12;

/// Providers whose models are meant where a model is named without one.
const VENDORS: [&str; 5] = ["openai", "anthropic", "gemini", "deepseek", "mistral"];

/// Keys of a list that are no models.
const NO_MODELS: [&str; 2] = ["sample_spec", "fallback_generalizations"];

/// Who wrote a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PriceSource {
    /// `LiteLLM`: one object, a model each; dollars for a token.
    LiteLlm,
    /// models.dev: one object, a provider each; dollars for a million tokens.
    ModelsDev,
}

impl PriceSource {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LiteLlm => "LiteLLM",
            Self::ModelsDev => "models.dev",
        }
    }
}

/// What a list says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedPrices {
    /// Who wrote it.
    pub source: PriceSource,
    /// Prices by `provider/model`, and by the bare name where the provider is the model's vendor.
    pub prices: BTreeMap<String, Price>,
    /// Models whose prices make no sense.
    pub left_out: Vec<LeftOut>,
    /// Models that are not paid by the token.
    pub priceless: usize,
}

/// A model whose price makes no sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The model, as the list names it.
    pub model: String,
    /// The field.
    pub field: String,
    /// What stands there.
    pub value: String,
}

/// Why a list was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadPricesError {
    /// It is no JSON.
    #[error("read the price list as JSON: {0}")]
    Json(String),
    /// It is JSON of another form.
    #[error(
        "find prices in the list: it is neither LiteLLM's model_prices_and_context_window.json \
         nor the api.json of models.dev"
    )]
    Form,
    /// It has too many entries.
    #[error("read the price list: it has more than {ENTRIES_MAX} entries")]
    TooLong,
}

/// Reads a list in either form. Fields that this program does not know are left alone.
pub fn read_prices(text: &str) -> Result<ImportedPrices, ReadPricesError> {
    let list: Value =
        serde_json::from_str(text).map_err(|error| ReadPricesError::Json(error.to_string()))?;
    let list = list.as_object().ok_or(ReadPricesError::Form)?;
    let any = |is: fn(&Value) -> bool| list.values().any(is);
    let source = if any(|value| value.get("models").is_some_and(Value::is_object)) {
        PriceSource::ModelsDev
    } else if any(|value| value.get("litellm_provider").is_some_and(Value::is_string)) {
        PriceSource::LiteLlm
    } else {
        return Err(ReadPricesError::Form);
    };
    let mut read = ImportedPrices {
        source,
        prices: BTreeMap::new(),
        left_out: Vec::new(),
        priceless: 0,
    };
    match source {
        PriceSource::LiteLlm => read.take_litellm(list)?,
        PriceSource::ModelsDev => read.take_models_dev(list)?,
    }
    Ok(read)
}

impl ImportedPrices {
    fn take_litellm(&mut self, list: &Map<String, Value>) -> Result<(), ReadPricesError> {
        if list.len() > ENTRIES_MAX {
            return Err(ReadPricesError::TooLong);
        }
        let models = list
            .iter()
            .filter(|(name, _)| !NO_MODELS.contains(&name.as_str()));
        for (name, entry) in models {
            // An entry that names no provider stands for its model wherever that is.
            let provider = entry["litellm_provider"].as_str().unwrap_or_default();
            let bare = name
                .strip_prefix(provider)
                .and_then(|rest| rest.strip_prefix('/'))
                .unwrap_or(name);
            self.take(name, (provider, bare), litellm(entry));
        }
        Ok(())
    }

    fn take_models_dev(&mut self, list: &Map<String, Value>) -> Result<(), ReadPricesError> {
        let models = |provider: &Value| provider["models"].as_object().map_or(0, Map::len);
        if list.values().map(models).sum::<usize>() > ENTRIES_MAX {
            return Err(ReadPricesError::TooLong);
        }
        for (provider, entry) in list {
            for (model, entry) in entry["models"].as_object().into_iter().flatten() {
                let name = format!("{provider}/{model}");
                self.take(&name, (provider, model), models_dev(&entry["cost"]));
            }
        }
        Ok(())
    }

    fn take(&mut self, name: &str, (provider, model): (&str, &str), read: Read) {
        match read {
            Ok(Some(price)) => {
                let provider = our_name(provider);
                if provider.is_empty() || VENDORS.contains(&provider) {
                    self.prices.insert(model.to_owned(), price);
                }
                if !provider.is_empty() {
                    self.prices.insert(format!("{provider}/{model}"), price);
                }
            }
            Ok(None) => self.priceless += 1,
            Err((field, value)) => self.left_out.push(LeftOut {
                model: name.to_owned(),
                field,
                value,
            }),
        }
    }
}

/// What an entry says: nothing where it is not paid by the token, and the field and its value
/// where that makes no sense.
type Read = Result<Option<Price>, (String, String)>;

/// The provider as this program calls it.
fn our_name(provider: &str) -> &str {
    match provider {
        "google" => "gemini",
        "text-completion-openai" => "openai",
        other => other,
    }
}

fn litellm(entry: &Value) -> Read {
    let field = |name: &str| micros(entry, name, TOKEN_PLACES);
    let Some(input) = field("input_cost_per_token")? else {
        return Ok(None);
    };
    Ok(Some(Price {
        input,
        output: match field("output_cost_per_token")? {
            Some(output) => output,
            // Vectors have no answer to pay for; whatever else answers without a price would count
            // as free.
            None if entry["mode"] == "embedding" => 0,
            None => return Err(missing("output_cost_per_token")),
        },
        cached_input: field("cache_read_input_token_cost")?,
        cache_write: field("cache_creation_input_token_cost")?,
        cache_write_hour: field("cache_creation_input_token_cost_above_1hr")?,
        batch_input: field("input_cost_per_token_batches")?,
        batch_output: field("output_cost_per_token_batches")?,
        long: litellm_long(entry)?,
    }))
}

/// What is said of a field that is not there.
fn missing(field: &str) -> (String, String) {
    (field.to_owned(), "missing".to_owned())
}

/// The price of long prompts: `input_cost_per_token_above_200k_tokens` and its like.
fn litellm_long(entry: &Value) -> Result<Option<LongPrice>, (String, String)> {
    let fields = entry.as_object().into_iter().flatten();
    let thresholds = fields.filter_map(|(name, _)| {
        let rest = name.strip_prefix("input_cost_per_token_above_")?;
        let thousands = rest.strip_suffix("k_tokens")?;
        thousands.parse::<u64>().ok()
    });
    // Where a list has several, the price rises at the first.
    let Some(thousands) = thresholds.min() else {
        return Ok(None);
    };
    let field = |name: &str| {
        let name = format!("{name}_above_{thousands}k_tokens");
        micros(entry, &name, TOKEN_PLACES)
    };
    let plain = |name: &str| micros(entry, name, TOKEN_PLACES);
    Ok(Some(LongPrice {
        above: thousands.saturating_mul(1000),
        input: field("input_cost_per_token")?.unwrap_or(0),
        output: field("output_cost_per_token")?
            .or(plain("output_cost_per_token")?)
            .unwrap_or(0),
        cached_input: field("cache_read_input_token_cost")?,
        cache_write: field("cache_creation_input_token_cost")?,
    }))
}

fn models_dev(cost: &Value) -> Read {
    let field = |name: &str| micros(cost, name, DOLLAR_PLACES);
    let Some(input) = field("input")? else {
        return Ok(None);
    };
    let output = field("output")?.ok_or_else(|| missing("output"))?;
    let long = &cost["context_over_200k"];
    let of_long = |name: &str| micros(long, name, DOLLAR_PLACES);
    let long = match of_long("input")? {
        None => None,
        Some(input) => Some(LongPrice {
            above: 200_000,
            input,
            output: of_long("output")?.unwrap_or(output),
            cached_input: of_long("cache_read")?,
            cache_write: of_long("cache_write")?,
        }),
    };
    Ok(Some(Price {
        input,
        output,
        cached_input: field("cache_read")?,
        cache_write: field("cache_write")?,
        cache_write_hour: None,
        batch_input: None,
        batch_output: None,
        long,
    }))
}

/// A price in dollars as micro-dollars for a million tokens, rounded up; `None` where there is
/// none, an error where it is no price.
fn micros(entry: &Value, name: &str, places: usize) -> Result<Option<u64>, (String, String)> {
    let value = &entry[name];
    if value.is_null() {
        return Ok(None);
    }
    let number = match value {
        // Some lists write numbers as texts.
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => number.as_f64(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let price = number.and_then(|number| shifted(number, places));
    match price.filter(|price| *price <= PRICE_MAX) {
        Some(price) => Ok(Some(price)),
        None => Err((name.to_owned(), value.to_string())),
    }
}

/// A number times a power of ten, rounded up: done on its digits, because the binary number is
/// only close to what was written.
fn shifted(number: f64, places: usize) -> Option<u64> {
    if !number.is_finite() || number.is_sign_negative() && number != 0.0 {
        return None;
    }
    // The shortest digits that mean this number are those that were written.
    let text = number.abs().to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let cut = places.min(fraction.len());
    let (kept, rest) = fraction.split_at(cut);
    let digits = format!("{whole}{kept}{}", "0".repeat(places - cut));
    let price: u64 = digits.parse().ok()?;
    let more = rest.bytes().any(|digit| digit != b'0');
    price.checked_add(u64::from(more))
}

#[cfg(test)]
mod tests;
