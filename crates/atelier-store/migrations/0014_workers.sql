-- Who works on the project, and what each of them alone may do at the moment. A lease that was given
-- back keeps its row, so that its fence only ever grows.

CREATE TABLE workers (
    id TEXT NOT NULL PRIMARY KEY,
    pid BIGINT NOT NULL,
    run_id TEXT,
    began_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX workers_living ON workers (ended_at, id);

CREATE TABLE leases (
    name TEXT NOT NULL PRIMARY KEY,
    worker TEXT REFERENCES workers (id),
    fence BIGINT NOT NULL CHECK (fence > 0),
    until BIGINT NOT NULL
);
CREATE INDEX leases_worker ON leases (worker);

-- The commits the trunk of a run stood at, in order, each with the task that brought it there, the
-- most tests that build steps executed up to it, and the newest event before it.
CREATE TABLE trunk_moves (
    run_id TEXT NOT NULL REFERENCES runs (id),
    ordinal BIGINT NOT NULL CHECK (ordinal > 0),
    commit_id TEXT NOT NULL,
    task_id TEXT,
    tests BIGINT NOT NULL CHECK (tests >= 0),
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (run_id, ordinal)
);
CREATE INDEX trunk_moves_commit ON trunk_moves (run_id, commit_id);

-- An attempt may end in a conflict.
CREATE TABLE attempts_new (
    run_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    ordinal BIGINT NOT NULL CHECK (ordinal > 0),
    base TEXT NOT NULL,
    reply {blob},
    outcome TEXT CHECK (outcome IN (
        'passed', 'edits_refused', 'checks_failed', 'interrupted', 'conflict')),
    feedback TEXT NOT NULL,
    evidence {json} NOT NULL,
    cost BIGINT NOT NULL CHECK (cost >= 0),
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (run_id, task_id, ordinal),
    FOREIGN KEY (run_id, task_id) REFERENCES tasks (run_id, id),
    CHECK ((outcome IS NULL) = (ended_at IS NULL))
);
INSERT INTO attempts_new (run_id, task_id, ordinal, base, reply, outcome, feedback, evidence, cost,
    started_at, ended_at)
SELECT run_id, task_id, ordinal, base, reply, outcome, feedback, evidence, cost, started_at,
    ended_at FROM attempts;

CREATE TABLE form_uses_new (
    run_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    ordinal BIGINT NOT NULL,
    reply {blob} NOT NULL,
    model TEXT NOT NULL,
    asked TEXT NOT NULL,
    found {json} NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('applied', 'malformed', 'misplaced')),
    PRIMARY KEY (run_id, task_id, ordinal),
    FOREIGN KEY (run_id, task_id, ordinal) REFERENCES attempts_new (run_id, task_id, ordinal)
);
INSERT INTO form_uses_new (run_id, task_id, ordinal, reply, model, asked, found, outcome)
SELECT run_id, task_id, ordinal, reply, model, asked, found, outcome FROM form_uses;

DROP TABLE form_uses;
DROP TABLE attempts;
ALTER TABLE attempts_new RENAME TO attempts;
ALTER TABLE form_uses_new RENAME TO form_uses;
CREATE INDEX form_uses_model ON form_uses (model, asked);
CREATE INDEX attempts_open ON attempts (run_id, outcome);

ALTER TABLE asks ADD COLUMN worker TEXT;
CREATE INDEX asks_open ON asks (run_id, ended_at);
CREATE INDEX asks_task ON asks (run_id, task_id);
CREATE INDEX tasks_state ON tasks (run_id, state);
CREATE INDEX task_deps_needs ON task_deps (run_id, needs_id);
CREATE INDEX events_kind ON events (run_id, kind, seq);
