-- What people did to runs, in its order, with its place among the moves of the trunk: whoever
-- replays a run does the same at the same places.
CREATE TABLE acts (
    run_id TEXT NOT NULL REFERENCES runs (id),
    ordinal BIGINT NOT NULL CHECK (ordinal > 0),
    moves BIGINT NOT NULL,
    body {json} NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (run_id, ordinal)
);
-- Titles that tasks had before a person gave them others: a commit of before is told with them.
CREATE TABLE task_titles (
    run_id TEXT NOT NULL REFERENCES runs (id),
    task_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    title TEXT NOT NULL,
    PRIMARY KEY (run_id, task_id, seq)
);
-- The round an attempt belongs to, and the trunk that its work did not fit with. Unknown of
-- attempts of before.
ALTER TABLE attempts ADD COLUMN round_first BIGINT;
ALTER TABLE attempts ADD COLUMN met TEXT;
