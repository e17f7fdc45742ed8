-- Summaries of long texts, each made once in a run, and what the prompts of tasks were put together
-- from.
CREATE TABLE summaries (
    run_id TEXT NOT NULL REFERENCES runs (id),
    summary_key {blob} NOT NULL,
    name TEXT NOT NULL,
    maker TEXT NOT NULL,
    digest {blob} NOT NULL REFERENCES blobs (digest),
    fault TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (run_id, summary_key)
);
CREATE TABLE prompts (
    run_id TEXT NOT NULL REFERENCES runs (id),
    task_id TEXT NOT NULL,
    attempt BIGINT NOT NULL CHECK (attempt > 0),
    base TEXT,
    parts {json} NOT NULL,
    tokens BIGINT NOT NULL,
    PRIMARY KEY (run_id, task_id, attempt)
);
