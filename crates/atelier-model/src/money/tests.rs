//! Money is read as people write it, shown as on a bill, and never wraps round.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::MicroUsd;

fn check(text: &str, expected: Option<u64>) {
    let parsed = text.parse::<MicroUsd>().ok();
    assert_eq!(parsed, expected.map(MicroUsd), "{text:?}");
}

#[test]
fn amounts_are_read() {
    check("2", Some(2_000_000));
    check("0.25", Some(250_000));
    check("$1.50", Some(1_500_000));
    check(" $1.50 ", Some(1_500_000));
    check(".5", Some(500_000));
    check("5.", Some(5_000_000));
    check("0", Some(0));
    check("000.000001", Some(1));
    check("0.000001", Some(1));
    check("18446744073709.551615", Some(u64::MAX));
}

#[test]
fn what_is_no_amount_is_refused() {
    for text in [
        "",
        " ",
        ".",
        "$",
        "$.",
        "-1",
        "+1",
        "1e3",
        "1,5",
        "1_000",
        "1.2.3",
        "0.0000001",
        "NaN",
        "inf",
        "1 2",
        "$ 1",
        "١",
        "18446744073709.551616",
        "18446744073710",
        "99999999999999999999999",
        "1$",
        "€1",
        "0x10",
    ] {
        check(text, None);
    }
}

#[test]
fn a_refusal_shows_the_beginning_of_the_text() {
    let error = "x".repeat(1000).parse::<MicroUsd>().unwrap_err();
    let said = format!(
        "read `{}` as dollars, such as `2`, `0.25` or `$1.50`",
        "x".repeat(40)
    );
    assert_eq!(error.to_string(), said);
}

#[test]
fn amounts_are_shown_as_on_a_bill() {
    let shown = |micros| MicroUsd(micros).to_string();
    assert_eq!(shown(0), "$0.000");
    assert_eq!(shown(1), "$0.000001");
    assert_eq!(shown(999), "$0.000999");
    assert_eq!(shown(1_000), "$0.001");
    assert_eq!(shown(1_999), "$0.001");
    assert_eq!(shown(12_345_678), "$12.345");
    assert_eq!(shown(u64::MAX), "$18446744073709.551");
}

#[test]
fn an_amount_is_a_plain_number_in_json() {
    assert_eq!(serde_json::to_string(&MicroUsd(42)).unwrap(), "42");
    assert_eq!(
        serde_json::from_str::<MicroUsd>("42").unwrap(),
        MicroUsd(42)
    );
    assert!(serde_json::from_str::<MicroUsd>("-1").is_err());
    assert!(serde_json::from_str::<MicroUsd>("1.5").is_err());
}

proptest! {
    #[test]
    fn what_is_shown_is_read_back_to_its_precision(micros: u64) {
        let step = if micros < 1_000 { 1 } else { 1_000 };
        let back: MicroUsd = MicroUsd(micros).to_string().parse().unwrap();
        prop_assert_eq!(back.0, micros - micros % step);
    }

    #[test]
    fn six_decimals_are_read_exactly(micros: u64) {
        let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
        prop_assert_eq!(text.parse::<MicroUsd>().unwrap(), MicroUsd(micros));
    }

    #[test]
    fn any_text_is_read_or_refused(text: String) {
        let _ = text.parse::<MicroUsd>();
    }

    #[test]
    fn sums_stop_at_the_largest_amount(amounts: Vec<u64>) {
        let exact: u128 = amounts.iter().map(|one| u128::from(*one)).sum();
        let sum: MicroUsd = amounts.into_iter().map(MicroUsd).sum();
        prop_assert_eq!(u128::from(sum.0), exact.min(u128::from(u64::MAX)));
    }

    #[test]
    fn a_difference_is_never_negative(one: u64, two: u64) {
        let left = MicroUsd(one).saturating_sub(MicroUsd(two));
        prop_assert_eq!(left.0, one.saturating_sub(two));
        prop_assert!(left + MicroUsd(two) >= MicroUsd(one));
    }
}
