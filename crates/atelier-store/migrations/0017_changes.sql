-- Changes of a run's plan. The requirement as it read before is kept with each, so that whoever
-- asks with the old words finds the run that came of them.
CREATE TABLE changes (
    run_id TEXT NOT NULL REFERENCES runs (id),
    ordinal BIGINT NOT NULL CHECK (ordinal > 0),
    wish TEXT NOT NULL,
    requirement_before {blob} NOT NULL REFERENCES requirements (digest),
    requirement {blob} NOT NULL REFERENCES requirements (digest),
    summary TEXT NOT NULL,
    removed {json} NOT NULL,
    tasks {json} NOT NULL,
    seq BIGINT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (run_id, ordinal)
);
CREATE INDEX changes_before ON changes (requirement_before);
