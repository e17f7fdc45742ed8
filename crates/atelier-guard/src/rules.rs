//! The rules that come with Atelier.

use std::sync::LazyLock;

use crate::scan::Guard;

/// Every file of rules; their order means nothing.
pub(crate) const FILES: &[&str] = &[
    include_str!("../rules/contact.toml"),
    include_str!("../rules/credentials.toml"),
    include_str!("../rules/identity.toml"),
    include_str!("../rules/money.toml"),
    include_str!("../rules/network.toml"),
    include_str!("../rules/person.toml"),
    include_str!("../rules/tokens.toml"),
];

static BUILTIN: LazyLock<Guard> = LazyLock::new(|| {
    #[expect(
        clippy::expect_used,
        reason = "the text is part of the program, and a test compiles every pattern of it"
    )]
    Guard::parse_unchecked(FILES).expect("the built-in rules are rules")
});

pub(crate) fn builtin() -> &'static Guard {
    &BUILTIN
}
