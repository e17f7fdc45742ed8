//! Every refusal has a remedy that fits it.

use super::remedy;
use crate::relay::Refusal;

#[test]
fn the_remedy_fits_the_refusal() {
    let of = |status, no_access| {
        remedy(&Refusal {
            no_access,
            ..Refusal::new(status, "")
        })
    };
    for (status, no_access, part) in [
        (400, false, "mend the request"),
        (401, false, "set a key"),
        (402, false, "raise the budget"),
        (402, true, "set a key"),
        (404, false, "/v1/models"),
        (413, false, "send less"),
        (429, false, "retry-after"),
        (429, true, "set a key"),
        (500, false, "try again later"),
        (504, false, "streamed"),
    ] {
        let said = of(status, no_access);
        assert!(said.contains(part), "{status} {no_access}: {said}");
    }
}
