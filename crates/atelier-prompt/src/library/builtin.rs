//! The templates that come with Atelier, embedded at build.

/// Every template by name, in the order of the flow.
pub(super) const TEMPLATES: &[(&str, &str)] = &[
    (
        "technical-lead",
        include_str!("../../../../prompts/technical-lead.md"),
    ),
    ("design", include_str!("../../../../prompts/design.md")),
    ("plan", include_str!("../../../../prompts/plan.md")),
    ("detail", include_str!("../../../../prompts/detail.md")),
    ("handoff", include_str!("../../../../prompts/handoff.md")),
    ("change", include_str!("../../../../prompts/change.md")),
    ("summary", include_str!("../../../../prompts/summary.md")),
    ("code", include_str!("../../../../prompts/code.md")),
    ("review", include_str!("../../../../prompts/review.md")),
    ("docs", include_str!("../../../../prompts/docs.md")),
    ("reask", include_str!("../../../../prompts/reask.md")),
    ("relint", include_str!("../../../../prompts/relint.md")),
    ("repair", include_str!("../../../../prompts/repair.md")),
    ("conflict", include_str!("../../../../prompts/conflict.md")),
    ("agent", include_str!("../../../../prompts/agent.md")),
    ("changes", include_str!("../../../../prompts/changes.md")),
    ("edits", include_str!("../../../../prompts/edits.md")),
    ("answer", include_str!("../../../../prompts/answer.md")),
];
