//! The event log as a person or a program reads it while a run goes on.

mod line;

use std::time::Duration;

use atelier_model::{Event, RunId};
use atelier_store::Store;
use tokio::sync::watch;

use crate::ui::Ui;

pub(crate) use line::{Lines, seconds};

/// Events read at once.
const PAGE: u32 = 200;
/// Longest time between two looks at the log, should a wake-up be lost.
const LOOK: Duration = Duration::from_secs(1);

/// Prints every event after `after` until `done` is set, and then what is left.
pub(crate) async fn follow(
    store: Store,
    ui: Ui,
    after: u64,
    mut run: watch::Receiver<Option<RunId>>,
    mut done: watch::Receiver<bool>,
) {
    let mut news = store.event_watch();
    let mut lines = Lines::new(ui.clone());
    let mut after = after;
    loop {
        let finished = *done.borrow_and_update();
        let wanted = run.borrow_and_update().clone();
        while let Ok(page) = store.event_list(after, PAGE).await {
            let Some(last) = page.last() else { break };
            after = last.seq;
            for event in page.iter().filter(|event| belongs(event, wanted.as_ref())) {
                print(&ui, &mut lines, event);
            }
        }
        if finished {
            lines.end();
            return;
        }
        tokio::select! {
            _ = news.changed() => {}
            _ = done.changed() => {}
            _ = run.changed() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
        lines.tick();
    }
}

fn belongs(event: &Event, run: Option<&RunId>) -> bool {
    run.is_none_or(|run| event.run.as_ref() == Some(run))
}

fn print(ui: &Ui, lines: &mut Lines, event: &Event) {
    if ui.json {
        ui.out(&json(event));
    } else {
        lines.show(event);
    }
}

/// One event as one line of JSON: `{"v":1,"seq":…,"at":…,"run":…,"task":…,"type":…,…}`.
pub(crate) fn json(event: &Event) -> String {
    let mut object = serde_json::json!({
        "v": 1, "seq": event.seq, "at": event.at, "run": event.run, "task": event.task,
    });
    if let (Some(object), Ok(serde_json::Value::Object(kind))) =
        (object.as_object_mut(), serde_json::to_value(&event.kind))
    {
        object.extend(kind);
    }
    object.to_string()
}
