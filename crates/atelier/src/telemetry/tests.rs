//! What the environment asks for.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

fn of(pairs: &[(&str, &str)]) -> Result<Wanted, StartError> {
    let find = |name: &str| {
        let mut pairs = pairs.iter();
        let found = pairs.find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    wanted(None, &find)
}

#[test]
fn nothing_is_asked_for_by_default() {
    let wanted = of(&[]).unwrap();
    assert!(wanted.log.is_none() && wanted.collector.is_none());
}

#[test]
fn the_variables_of_open_telemetry_are_honoured() {
    let wanted = of(&[
        (COLLECTOR, "http://127.0.0.1:4318"),
        (HEADERS, "authorization=Bearer abc, x-scope = one"),
        (SERVICE, "nightly"),
    ])
    .unwrap();
    assert_eq!(wanted.collector.unwrap().as_str(), "http://127.0.0.1:4318/");
    assert_eq!(wanted.headers[0].1, "Bearer abc");
    assert_eq!(wanted.headers[1], ("x-scope".to_owned(), "one".to_owned()));
    assert_eq!(wanted.service.as_deref(), Some("nightly"));
    let disabled = of(&[(COLLECTOR, "http://127.0.0.1:4318"), (DISABLED, "TRUE")]);
    assert!(disabled.unwrap().collector.is_none());
}

#[test]
fn a_value_that_does_not_fit_is_named() {
    for (name, value) in [(COLLECTOR, "localhost:4318"), (LOG_LEVEL, "loud")] {
        let refused = of(&[(name, value)]).unwrap_err().to_string();
        assert!(
            refused.contains(name) && refused.contains(value),
            "{refused}"
        );
    }
}
