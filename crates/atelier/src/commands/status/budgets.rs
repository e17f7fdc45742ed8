//! What of the budgets is used, by whom, and what the run is going to use.

use atelier_engine::{BudgetUse, ConfiguredBudgets, budgets_used, run_forecast};
use atelier_model::{Budget, Resource, Run, Used};
use atelier_store::Store;

use crate::{
    app::{self, Place},
    cli::Global,
    cli_error::CliError,
    commands::control::now,
    ui::{Tone, Ui},
};

/// Letters of a bar.
const BAR: u64 = 20;

/// What stages and tasks may use as it is configured; nothing where that cannot be read.
pub(super) fn configured(global: &Global, place: &Place) -> ConfiguredBudgets {
    let Ok(settings) = app::configure_unasked(place, global) else {
        return ConfiguredBudgets::default();
    };
    settings.configured_budgets()
}

/// Shows the budgets of a run, its stages and its tasks under way, and the forecast.
pub(super) async fn show(
    ui: &Ui,
    store: &Store,
    run: &Run,
    configured: &ConfiguredBudgets,
) -> Result<(), CliError> {
    for line in budgets_used(store, run, configured, now()).await? {
        tell(ui, &line);
    }
    if let Some(expected) = run_forecast(store, run).await? {
        foretell(ui, expected, run.budget);
    }
    Ok(())
}

fn tell(ui: &Ui, line: &BudgetUse) {
    for resource in Resource::ALL {
        let Some(limit) = line.budget.limit(resource) else {
            continue;
        };
        let spent = line.used.of(resource);
        let percent = share(spent, limit);
        let tone = match percent {
            0..80 => Tone::Faint,
            80..100 => Tone::Warning,
            _ => Tone::Bad,
        };
        let of = format!("{} {}", line.scope, line.subject);
        let bar = ui.ink(tone, &format!("[{}] {percent:>3} %", bar(percent)));
        ui.out(&format!(
            "  budget {:<12} {bar}  {} of {}",
            of.trim_end(),
            resource.in_words(spent),
            resource.in_words(limit)
        ));
    }
}

fn foretell(ui: &Ui, expected: Used, budget: Budget) {
    let words: Vec<String> = Resource::ALL
        .into_iter()
        .map(|resource| resource.in_words(expected.of(resource)))
        .collect();
    let over = |resource: &Resource| {
        let limit = budget.limit(*resource);
        limit.is_some_and(|limit| expected.of(*resource) > limit)
    };
    let beyond: Vec<&str> = Resource::ALL
        .into_iter()
        .filter(over)
        .map(Resource::name)
        .collect();
    let warning = if beyond.is_empty() {
        String::new()
    } else {
        format!("  (beyond the budget: {})", beyond.join(", "))
    };
    ui.out(&format!(
        "  forecast            {}{warning}",
        words.join(" · ")
    ));
}

fn share(spent: u64, limit: u64) -> u64 {
    let spent = u128::from(spent) * 100;
    let percent = spent.checked_div(u128::from(limit)).unwrap_or(100);
    u64::try_from(percent).unwrap_or(u64::MAX)
}

fn bar(percent: u64) -> String {
    let full = usize::try_from(percent.min(100) * BAR / 100).unwrap_or(0);
    let all = usize::try_from(BAR).unwrap_or(0);
    format!("{}{}", "=".repeat(full), " ".repeat(all - full))
}
