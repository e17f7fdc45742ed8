//! What of the budgets is used, by whom, and what the run is going to use.

use atelier_engine::forecast;
use atelier_model::{Budget, Resource, Run, Stage, Task, Used};
use atelier_store::Store;
use serde_json::json;

use crate::{
    app::{self, Place},
    cli::{Global, RunOptions},
    cli_error::CliError,
    commands::control::now,
    ui::{Tone, Ui},
};

/// Letters of a bar.
const BAR: u64 = 20;
/// Tasks whose own budgets are shown.
const TASKS_MAX: usize = 20;

/// One budget and what is used of it.
struct Line {
    scope: &'static str,
    subject: String,
    budget: Budget,
    used: Used,
}

/// What stages and tasks may use as it is configured; nothing where that cannot be read.
pub(super) fn configured(global: &Global, place: &Place) -> (Vec<(Stage, Budget)>, Budget) {
    let Ok((_, settings)) = app::configure(place, global, &RunOptions::default()) else {
        return (Vec::new(), Budget::default());
    };
    let stages = settings.stage_budgets.into_iter().collect();
    (stages, settings.task_budget)
}

/// Shows the budgets of a run, its stages and its tasks under way, and the forecast.
pub(super) async fn show(
    ui: &Ui,
    store: &Store,
    run: &Run,
    tasks: &[Task],
    (stages, of_task): &(Vec<(Stage, Budget)>, Budget),
) -> Result<(), CliError> {
    let used = store.run_used(&run.id).await?;
    let mut lines = vec![Line {
        scope: "run",
        subject: String::new(),
        budget: run.budget,
        used,
    }];
    for (stage, budget) in stages {
        lines.push(Line {
            scope: "stage",
            subject: stage.name().to_owned(),
            budget: *budget,
            used: store.stage_used(&run.id, *stage, now()).await?,
        });
    }
    let mut shown = 0;
    for task in tasks {
        let own = store.task_terms(&run.id, &task.id).await?.budget;
        let under_way = task.state.is_under_way();
        if own.is_none() && (of_task.is_none() || !under_way) || shown >= TASKS_MAX {
            continue;
        }
        shown += 1;
        lines.push(Line {
            scope: "task",
            subject: task.id.to_string(),
            budget: own.or(*of_task),
            used: store.task_used(&run.id, &task.id, now()).await?,
        });
    }
    for line in &lines {
        tell(ui, line);
    }
    let progress = store.run_progress(&run.id).await?;
    if let Some(expected) = forecast(used, &progress) {
        foretell(ui, expected, run.budget);
    }
    Ok(())
}

fn tell(ui: &Ui, line: &Line) {
    for resource in Resource::ALL {
        let Some(limit) = line.budget.limit(resource) else {
            continue;
        };
        let spent = line.used.of(resource);
        if ui.is_json() {
            let value = json!({
                "v": 1, "type": "budget", "scope": line.scope, "subject": line.subject,
                "resource": resource, "used": spent, "budget": limit,
            });
            ui.out(&value.to_string());
            continue;
        }
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
    if ui.is_json() {
        let value = json!({
            "v": 1, "type": "forecast", "usd": expected.usd, "tokens": expected.tokens,
            "calls": expected.calls, "wall_ms": expected.wall_ms,
        });
        ui.out(&value.to_string());
        return;
    }
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
