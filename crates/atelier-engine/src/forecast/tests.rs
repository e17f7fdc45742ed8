//! Forecasts, as figures.

use atelier_model::{MicroUsd, Used};
use atelier_store::RunProgress;

use super::forecast;

fn used(usd: u64, tokens: u64, calls: u64, wall_ms: u64) -> Used {
    Used {
        usd: MicroUsd(usd),
        tokens,
        calls,
        wall_ms,
    }
}

#[test]
fn each_open_task_is_taken_to_use_what_a_finished_one_did() {
    let progress = RunProgress {
        done: 2,
        open: 3,
        done_used: used(200, 1_001, 4, 0),
    };
    let expected = used(900 + 300, 5_000 + 1_502, 9 + 6, 60 + 90);
    assert_eq!(forecast(used(900, 5_000, 9, 60), &progress), Some(expected));
}

#[test]
fn nothing_is_foretold_without_a_measure_or_without_work() {
    for (done, open) in [(0, 3), (3, 0), (0, 0)] {
        let progress = RunProgress {
            done,
            open,
            done_used: used(1, 1, 1, 0),
        };
        assert_eq!(forecast(used(1, 1, 1, 1), &progress), None);
    }
}

#[test]
fn absurd_figures_do_not_wrap() {
    let progress = RunProgress {
        done: 1,
        open: u64::MAX,
        done_used: used(u64::MAX, u64::MAX, u64::MAX, 0),
    };
    let all = u64::MAX;
    let most = used(all, all, all, all);
    assert_eq!(forecast(most, &progress), Some(most));
}
