//! Counts in the text format 0.0.4 of Prometheus.

use std::fmt::Write as _;

use crate::{
    limit::gate::LimitState,
    meter::{Counts, Histogram, Series},
};

/// One line of labels and a value for each of its rows.
type Rows = Vec<(String, String)>;

/// What is known now, as a text that Prometheus reads.
pub(crate) fn text(counted: &[(Series, Counts)], limits: &[LimitState]) -> String {
    let mut page = String::new();
    counters(&mut page, counted);
    for (name, help, histogram) in [
        (
            "first_byte_seconds",
            "Time to the first byte of an answer.",
            (|one| &one.first_byte) as fn(&Counts) -> &Histogram,
        ),
        ("duration_seconds", "Time to the end of an answer.", |one| {
            &one.total
        }),
    ] {
        head(&mut page, name, "histogram", help);
        for (series, counts) in counted {
            buckets(&mut page, name, &labels(series), histogram(counts));
        }
    }
    gauges(&mut page, limits);
    page
}

/// What a counter says of one row of counts: further labels and values.
type Read = fn(&Counts) -> Rows;

/// Every counter.
const COUNTERS: [(&str, &str, Read); 6] = [
    ("requests_total", "Requests by how they ended.", |one| {
        let row = |(outcome, count): (&String, &u64)| {
            (
                format!("outcome=\"{}\"", escaped(outcome)),
                count.to_string(),
            )
        };
        one.outcomes.iter().map(row).collect()
    }),
    ("answers_total", "Answers by where they came from.", |one| {
        let names = ["provider", "cache", "semantic"].into_iter();
        let row = |(name, count): (&str, u64)| (format!("source=\"{name}\""), count.to_string());
        names.zip(one.sources).map(row).collect()
    }),
    (
        "repeats_total",
        "Sendings beyond the first of a request.",
        |one| vec![(String::new(), one.repeats.to_string())],
    ),
    ("tokens_total", "Tokens that providers counted.", |one| {
        let kinds = [
            ("input", one.usage.input),
            ("output", one.usage.output),
            ("cached_input", one.usage.cached_input),
            ("cache_write", one.usage.cache_write),
        ];
        let row = |(name, count): (&str, u64)| (format!("kind=\"{name}\""), count.to_string());
        kinds.into_iter().map(row).collect()
    }),
    ("cost_dollars_total", "Money spent.", |one| {
        vec![(String::new(), decimal(one.cost.0, 6))]
    }),
    (
        "saved_dollars_total",
        "Money that kept answers would have cost again.",
        |one| vec![(String::new(), decimal(one.saved.0, 6))],
    ),
];

fn counters(page: &mut String, counted: &[(Series, Counts)]) {
    for (name, help, read) in COUNTERS {
        let rows = counted.iter().flat_map(|(series, counts)| {
            let of = labels(series);
            read(counts).into_iter().map(move |(more, value)| {
                let comma = if more.is_empty() { "" } else { "," };
                (format!("{of}{comma}{more}"), value)
            })
        });
        family(page, name, "counter", help, &rows.collect());
    }
}

/// What limits leave, and who waits for them.
fn gauges(page: &mut String, limits: &[LimitState]) {
    let of = |state: &LimitState| {
        format!(
            "provider=\"{}\",model=\"{}\"",
            escaped(&state.provider),
            escaped(&state.model)
        )
    };
    let simple = |value: fn(&LimitState) -> u64| -> Rows {
        let rows = limits.iter();
        rows.map(|state| (of(state), value(state).to_string()))
            .collect()
    };
    let rows = simple(|state| state.under_way);
    family(
        page,
        "under_way",
        "gauge",
        "Requests that a provider works on.",
        &rows,
    );
    let rows = simple(|state| state.waiting);
    family(
        page,
        "waiting",
        "gauge",
        "Requests that wait for a limit.",
        &rows,
    );
    let rows: Rows = limits
        .iter()
        .map(|state| (of(state), decimal(state.shut_ms, 3)))
        .collect();
    family(
        page,
        "shut_seconds",
        "gauge",
        "Time that a provider wants to be left alone.",
        &rows,
    );
    let rows: Rows = limits
        .iter()
        .flat_map(|state| {
            let of = of(state);
            state.limits.iter().map(move |limit| {
                let more = format!(
                    "counts=\"{}\",window_ms=\"{}\"",
                    limit.counts, limit.window_ms
                );
                (format!("{of},{more}"), limit.left.to_string())
            })
        })
        .collect();
    family(
        page,
        "limit_left",
        "gauge",
        "What a limit leaves in its window.",
        &rows,
    );
}

fn labels(series: &Series) -> String {
    format!(
        "asker=\"{}\",provider=\"{}\",model=\"{}\"",
        escaped(&series.asker),
        escaped(&series.provider),
        escaped(&series.model)
    )
}

fn head(page: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a text does not fail.
    let _ = writeln!(
        page,
        "# HELP atelier_{name} {help}\n# TYPE atelier_{name} {kind}"
    );
}

fn family(page: &mut String, name: &str, kind: &str, help: &str, rows: &Rows) {
    head(page, name, kind, help);
    for (labels, value) in rows {
        let _ = writeln!(page, "atelier_{name}{{{labels}}} {value}");
    }
}

fn buckets(page: &mut String, name: &str, labels: &str, histogram: &Histogram) {
    for (bound_ms, count) in histogram.below() {
        let bound = decimal(bound_ms, 3);
        let _ = writeln!(
            page,
            "atelier_{name}_bucket{{{labels},le=\"{bound}\"}} {count}"
        );
    }
    let (count, sum) = (histogram.count(), decimal(histogram.sum_ms(), 3));
    let _ = writeln!(
        page,
        "atelier_{name}_bucket{{{labels},le=\"+Inf\"}} {count}"
    );
    let _ = writeln!(page, "atelier_{name}_sum{{{labels}}} {sum}");
    let _ = writeln!(page, "atelier_{name}_count{{{labels}}} {count}");
}

/// A whole number of thousandths or millionths as a decimal, exactly.
fn decimal(number: u64, places: usize) -> String {
    let digits = format!("{number:0width$}", width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    match fraction.trim_end_matches('0') {
        "" => whole.to_owned(),
        fraction => format!("{whole}.{fraction}"),
    }
}

/// A label's value as the format wants it.
fn escaped(text: &str) -> String {
    let escape = |c: char| match c {
        '\\' => "\\\\".to_owned(),
        '"' => "\\\"".to_owned(),
        '\n' => "\\n".to_owned(),
        other => other.to_string(),
    };
    text.chars().map(escape).collect()
}
