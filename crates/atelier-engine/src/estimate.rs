//! What a run will probably use: tokens, money and time, before anything is spent.

use atelier_llm::Gateway;
use atelier_model::{DevPlan, EventKind, MicroUsd, Run, Stage};

use crate::{BuildError, Ctx};

/// What one stage will probably use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageEstimate {
    /// The stage.
    pub stage: Stage,
    /// Provider.
    pub provider: String,
    /// Model.
    pub model: String,
    /// How many asks.
    pub asks: u64,
    /// Tokens of all prompts.
    pub input_tokens: u64,
    /// Tokens of all answers.
    pub output_tokens: u64,
    /// Money; `None` where the model has no price.
    pub cost: Option<MicroUsd>,
}

/// What a run will probably use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimate {
    /// By stage.
    pub stages: Vec<StageEstimate>,
    /// All money; `None` where a model has no price.
    pub cost: Option<MicroUsd>,
    /// Seconds, asks and checks together.
    pub seconds: u64,
    /// Whether the plan is known; otherwise phases and tasks are guessed from the requirement.
    pub planned: bool,
}

impl Estimate {
    /// Money and time, as read before a question.
    pub fn in_words(&self) -> String {
        let minutes = self.seconds.div_ceil(60);
        let time = if minutes == 1 {
            "a minute".to_owned()
        } else {
            format!("{minutes} minutes")
        };
        match self.cost {
            Some(cost) => format!("about {cost} and {time}"),
            None => format!("about {time}; a model has no price"),
        }
    }
}

/// Puts on record what a run will probably use, once before there is a plan and once with it, so that
/// its report can hold it against what it took. Where no model is asked there is nothing to foretell.
pub(crate) async fn foretell(
    ctx: &Ctx,
    run: &Run,
    plan: Option<&DevPlan>,
) -> Result<(), BuildError> {
    if ctx.recording.is_some() || ctx.gateway.route(Stage::Code).provider == "offline" {
        return Ok(());
    }
    let told = ctx.store.event_list_kind(&run.id, "run.estimated").await?;
    let is_told = told.iter().any(|event| {
        matches!(event.kind, EventKind::RunEstimated { planned, .. } if planned || plan.is_none())
    });
    if is_told {
        return Ok(());
    }
    let guess = estimate(&ctx.gateway, &run.requirement, plan);
    let sum = |of: fn(&StageEstimate) -> u64| guess.stages.iter().map(of).sum();
    let kind = EventKind::RunEstimated {
        planned: guess.planned,
        cost: guess.cost,
        asks: sum(|stage| stage.asks),
        input_tokens: sum(|stage| stage.input_tokens),
        output_tokens: sum(|stage| stage.output_tokens),
        wall_ms: guess.seconds.saturating_mul(1_000),
    };
    ctx.store
        .event_append(Some(&run.id), None, kind, ctx.now())
        .await?;
    Ok(())
}

/// Tokens of a stage's prompt beside the requirement, as runs of middle-sized projects show.
struct Habit {
    stage: Stage,
    prompt_tokens: usize,
}

const HABITS: [Habit; 6] = [
    Habit {
        stage: Stage::Design,
        prompt_tokens: 1_600,
    },
    Habit {
        stage: Stage::Plan,
        prompt_tokens: 2_600,
    },
    Habit {
        stage: Stage::Detail,
        prompt_tokens: 4_200,
    },
    Habit {
        stage: Stage::Handoff,
        prompt_tokens: 5_000,
    },
    Habit {
        stage: Stage::Code,
        prompt_tokens: 6_000,
    },
    Habit {
        stage: Stage::Docs,
        prompt_tokens: 2_800,
    },
];
/// Attempts a task takes on average, in hundredths.
const ATTEMPTS_PERCENT: u64 = 130;
/// Tokens of an answer that arrive in a second.
const TOKENS_A_SECOND: u64 = 60;
/// Seconds the build steps and checks of one task take.
const CHECK_SECONDS: u64 = 8;
/// Bytes of a token.
const TOKEN_BYTES: usize = 4;

/// Estimates a run from its requirement, or from its plan where there is one.
pub fn estimate(gateway: &Gateway, requirement: &str, plan: Option<&DevPlan>) -> Estimate {
    let words = requirement.split_whitespace().count() as u64;
    let (phases, tasks) = match plan {
        Some(plan) => (plan.phases.len() as u64, plan.steps().count() as u64),
        None => ((2 + words / 120).min(8), (4 + words / 30).min(40)),
    };
    let stages: Vec<StageEstimate> = HABITS
        .iter()
        .map(|habit| {
            let asks = match habit.stage {
                Stage::Detail => phases,
                Stage::Code => (tasks * ATTEMPTS_PERCENT).div_ceil(100),
                Stage::Design | Stage::Plan | Stage::Handoff | Stage::Docs => 1,
                // Only a change, or a long text, asks it.
                Stage::Change | Stage::Summary => 0,
            };
            let bytes = habit.prompt_tokens * TOKEN_BYTES + requirement.len();
            let one = gateway.estimate(habit.stage, bytes);
            let route = gateway.route(habit.stage);
            StageEstimate {
                stage: habit.stage,
                provider: route.provider.clone(),
                model: route.model.clone(),
                asks,
                input_tokens: asks * one.input_tokens,
                output_tokens: asks * one.output_tokens,
                cost: one
                    .expected
                    .map(|cost| MicroUsd(cost.0.saturating_mul(asks))),
            }
        })
        .collect();
    let answered: u64 = stages.iter().map(|stage| stage.output_tokens).sum();
    Estimate {
        cost: stages.iter().map(|stage| stage.cost).sum(),
        seconds: answered / TOKENS_A_SECOND + tasks * CHECK_SECONDS,
        planned: plan.is_some(),
        stages,
    }
}
