//! What the vendors count, when they count it, and what they give back.

use atelier_model::Usage;

use crate::limit::{
    measure::{Amounts, Measure},
    weights::{Load, Weights},
};

/// The rules by which a provider counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contract {
    /// Input and output apart, input from its prompt cache free, output as it is written: the limit
    /// of an answer costs nothing.
    Anthropic,
    /// Input and output in one count, the limit of an answer included and never given back, and
    /// failed requests count.
    OpenAi,
    /// Input alone, in windows that end, and no word of it in any header.
    Gemini,
    /// Nobody knows: input and output in one count, as they were used.
    Plain,
}

/// When a provider counts a measure, which decides what the rest it tells of is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counting {
    /// At the beginning, and it stays.
    Fixed,
    /// At the beginning, exactly where only an estimate is known here.
    AtBegin,
    /// While the answer is written.
    AsWritten,
}

/// How what was used comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Renewal {
    /// Little by little.
    Steady,
    /// All that was used in a window when the window is over.
    Windowed,
}

impl Contract {
    /// The contract of a provider by its name in the registry.
    pub(crate) fn of(provider: &str) -> Self {
        match provider {
            "anthropic" => Self::Anthropic,
            "gemini" => Self::Gemini,
            "openai" | "responses" | "azure" | "openrouter" | "requesty" | "groq" | "deepseek"
            | "mistral" => Self::OpenAi,
            _ => Self::Plain,
        }
    }

    /// Whether its answers usually say how much is left.
    pub(crate) fn tells(self) -> bool {
        match self {
            Self::Anthropic | Self::OpenAi => true,
            Self::Gemini | Self::Plain => false,
        }
    }

    /// How what was used comes back.
    pub(crate) fn renewal(self) -> Renewal {
        match self {
            Self::Anthropic | Self::OpenAi => Renewal::Steady,
            Self::Gemini | Self::Plain => Renewal::Windowed,
        }
    }

    /// When it counts a measure.
    pub(crate) fn counting(self, measure: Measure) -> Counting {
        match (self, measure) {
            (_, Measure::Requests) | (Self::OpenAi, _) => Counting::Fixed,
            (Self::Anthropic | Self::Plain, Measure::Tokens | Measure::Output) => {
                Counting::AsWritten
            }
            (Self::Gemini, Measure::Output) => Counting::AsWritten,
            (Self::Gemini, Measure::Tokens)
            | (Self::Anthropic | Self::Gemini | Self::Plain, Measure::Input) => Counting::AtBegin,
        }
    }

    /// What a request is taken to use up before it is sent.
    pub(crate) fn reserve(self, load: &Load, weights: &Weights) -> Amounts {
        let input = weights.input(load.bytes);
        let output = match self {
            Self::OpenAi => load.tokens_max.unwrap_or_else(|| weights.output(load)),
            Self::Anthropic | Self::Gemini | Self::Plain => weights.output(load),
        };
        self.amounts(input, output)
    }

    /// What an answered request did use up; `None` where what was reserved stays.
    pub(crate) fn settle(self, usage: &Usage) -> Option<Amounts> {
        let is_told = usage.input > 0 || usage.output > 0;
        match self {
            Self::OpenAi => None,
            _ if !is_told => None,
            Self::Anthropic => {
                let input = usage.input.saturating_sub(usage.cached_input);
                Some(self.amounts(input, usage.output))
            }
            Self::Gemini | Self::Plain => Some(self.amounts(usage.input, usage.output)),
        }
    }

    /// What a refused request used up; `None` where what was reserved stays.
    pub(crate) fn refused(self) -> Option<Amounts> {
        match self {
            Self::OpenAi => None,
            Self::Anthropic | Self::Gemini | Self::Plain => Some(Amounts::request(0, 0, 0)),
        }
    }

    fn amounts(self, input: u64, output: u64) -> Amounts {
        let tokens = match self {
            Self::Gemini => input,
            Self::Anthropic | Self::OpenAi | Self::Plain => input.saturating_add(output),
        };
        Amounts::request(tokens, input, output)
    }
}
