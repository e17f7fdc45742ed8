-- How models write edits: what they were asked for and what came of it, and what was once decided
-- to ask, so that the same question is asked the same way again.

CREATE TABLE form_uses (
    run_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    ordinal BIGINT NOT NULL,
    reply {blob} NOT NULL,
    model TEXT NOT NULL,
    asked TEXT NOT NULL,
    found {json} NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('applied', 'malformed', 'misplaced')),
    PRIMARY KEY (run_id, task_id, ordinal),
    FOREIGN KEY (run_id, task_id, ordinal) REFERENCES attempts (run_id, task_id, ordinal)
);
CREATE INDEX form_uses_model ON form_uses (model, asked);

CREATE TABLE form_choices (
    question {blob} NOT NULL PRIMARY KEY,
    model TEXT NOT NULL,
    form TEXT NOT NULL,
    at BIGINT NOT NULL
);
