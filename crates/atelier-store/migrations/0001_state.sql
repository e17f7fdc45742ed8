-- One text for SQLite and PostgreSQL. `{json}` and `{blob}` stand for each dialect's types.
-- Identifiers are text, instants BIGINT milliseconds since 1970 in UTC, money BIGINT millionths
-- of a dollar, digests 32 bytes. `seq` is the number of the event that made the row.

CREATE TABLE events (
    seq BIGINT NOT NULL PRIMARY KEY CHECK (seq > 0),
    at BIGINT NOT NULL,
    run_id TEXT,
    task_id TEXT,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    hash {blob} NOT NULL
);
CREATE INDEX events_run ON events (run_id, seq);

-- The newest link of the chain. Locking this row is what makes `seq` free of gaps.
CREATE TABLE chain_head (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    seq BIGINT NOT NULL,
    hash {blob} NOT NULL
);

CREATE TABLE blobs (
    digest {blob} NOT NULL PRIMARY KEY,
    size BIGINT NOT NULL,
    data {blob} NOT NULL
);

CREATE TABLE projects (
    id TEXT NOT NULL PRIMARY KEY,
    root TEXT NOT NULL,
    title TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE requirements (
    digest {blob} NOT NULL PRIMARY KEY,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE runs (
    id TEXT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL UNIQUE,
    project_id TEXT REFERENCES projects (id),
    requirement {blob} NOT NULL REFERENCES requirements (digest),
    mode TEXT NOT NULL CHECK (mode IN ('build', 'plan_only')),
    approval TEXT NOT NULL CHECK (approval IN ('never', 'plan', 'task')),
    budget BIGINT CHECK (budget >= 0),
    base_branch TEXT,
    base_commit TEXT,
    branch TEXT NOT NULL,
    trunk TEXT,
    status TEXT NOT NULL CHECK (status IN (
        'planning', 'planned', 'running', 'verifying', 'done', 'stopped', 'cancelled')),
    exit_code BIGINT,
    reason TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX runs_requirement ON runs (requirement, seq);

CREATE TABLE artifacts (
    run_id TEXT NOT NULL REFERENCES runs (id),
    stage TEXT NOT NULL,
    name TEXT NOT NULL,
    digest {blob} NOT NULL REFERENCES blobs (digest),
    phase BIGINT,
    seq BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (run_id, stage, name)
);

CREATE TABLE designs (
    run_id TEXT NOT NULL PRIMARY KEY REFERENCES runs (id),
    doc {json} NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE plans (
    run_id TEXT NOT NULL PRIMARY KEY REFERENCES designs (run_id) ON DELETE CASCADE,
    summary TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE phases (
    run_id TEXT NOT NULL REFERENCES plans (run_id) ON DELETE CASCADE,
    ordinal BIGINT NOT NULL,
    number BIGINT NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    requirements {json} NOT NULL,
    depends_on {json} NOT NULL,
    PRIMARY KEY (run_id, ordinal)
);

CREATE TABLE steps (
    run_id TEXT NOT NULL,
    phase BIGINT NOT NULL,
    ordinal BIGINT NOT NULL,
    number TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    why TEXT NOT NULL,
    requirements {json} NOT NULL,
    depends_on {json} NOT NULL,
    inputs {json} NOT NULL,
    outputs {json} NOT NULL,
    owns {json} NOT NULL,
    protected {json} NOT NULL,
    acceptance {json} NOT NULL,
    context {json} NOT NULL,
    PRIMARY KEY (run_id, phase, ordinal),
    FOREIGN KEY (run_id, phase) REFERENCES phases (run_id, ordinal) ON DELETE CASCADE
);

CREATE TABLE tasks (
    run_id TEXT NOT NULL REFERENCES runs (id),
    id TEXT NOT NULL,
    seq BIGINT NOT NULL UNIQUE,
    step TEXT,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    why TEXT NOT NULL,
    requirements {json} NOT NULL,
    inputs {json} NOT NULL,
    outputs {json} NOT NULL,
    owns {json} NOT NULL,
    protected {json} NOT NULL,
    acceptance {json} NOT NULL,
    context {json} NOT NULL,
    priority BIGINT NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('plan', 'user')),
    attempts BIGINT NOT NULL CHECK (attempts >= 0),
    round_first BIGINT NOT NULL CHECK (round_first > 0),
    state TEXT NOT NULL CHECK (state IN (
        'pending', 'ready', 'running', 'verifying', 'merging', 'done', 'blocked', 'failed',
        'cancelled')),
    commit_id TEXT,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (run_id, id)
);
CREATE INDEX tasks_run ON tasks (run_id, seq);

CREATE TABLE task_deps (
    run_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    ordinal BIGINT NOT NULL,
    needs_id TEXT NOT NULL CHECK (needs_id <> task_id),
    PRIMARY KEY (run_id, task_id, needs_id),
    FOREIGN KEY (run_id, task_id) REFERENCES tasks (run_id, id),
    FOREIGN KEY (run_id, needs_id) REFERENCES tasks (run_id, id)
);

CREATE TABLE attempts (
    run_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    ordinal BIGINT NOT NULL CHECK (ordinal > 0),
    base TEXT NOT NULL,
    reply {blob},
    outcome TEXT CHECK (outcome IN ('passed', 'edits_refused', 'checks_failed', 'interrupted')),
    feedback TEXT NOT NULL,
    evidence {json} NOT NULL,
    cost BIGINT NOT NULL CHECK (cost >= 0),
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (run_id, task_id, ordinal),
    FOREIGN KEY (run_id, task_id) REFERENCES tasks (run_id, id),
    CHECK ((outcome IS NULL) = (ended_at IS NULL))
);

CREATE TABLE asks (
    id TEXT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL UNIQUE,
    run_id TEXT NOT NULL REFERENCES runs (id),
    task_id TEXT,
    stage TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    ask_key {blob} NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    template TEXT NOT NULL,
    template_version {blob} NOT NULL,
    prompt {blob} NOT NULL,
    reply {blob},
    source TEXT CHECK (source IN ('provider', 'cache')),
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cached_input_tokens BIGINT NOT NULL,
    cache_write_tokens BIGINT NOT NULL,
    reserved BIGINT NOT NULL CHECK (reserved >= 0),
    cost BIGINT NOT NULL CHECK (cost >= 0),
    latency_ms BIGINT NOT NULL,
    error TEXT,
    at BIGINT NOT NULL,
    ended_at BIGINT,
    CHECK (ended_at IS NULL OR reserved = 0)
);
CREATE INDEX asks_run ON asks (run_id, seq);

CREATE TABLE replies (
    ask_key {blob} NOT NULL PRIMARY KEY,
    ask_id TEXT NOT NULL REFERENCES asks (id),
    digest {blob} NOT NULL REFERENCES blobs (digest),
    stop TEXT NOT NULL CHECK (stop IN ('end', 'length', 'filtered')),
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cached_input_tokens BIGINT NOT NULL,
    cache_write_tokens BIGINT NOT NULL,
    cost BIGINT NOT NULL CHECK (cost >= 0),
    latency_ms BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE documents (
    path TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    digest {blob} NOT NULL,
    run_id TEXT NOT NULL REFERENCES runs (id),
    at BIGINT NOT NULL
);

-- What happened is never changed: not by a bug, not by a repair with the sqlite3 shell in haste.
CREATE TRIGGER events_no_update BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are append-only');
END;
CREATE TRIGGER events_no_delete BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are append-only');
END;
CREATE TRIGGER chain_head_forward BEFORE UPDATE ON chain_head
WHEN NEW.seq <> OLD.seq + 1
BEGIN
    SELECT RAISE(ABORT, 'the chain of events has no gaps');
END;
CREATE TRIGGER chain_head_no_delete BEFORE DELETE ON chain_head
BEGIN
    SELECT RAISE(ABORT, 'the chain of events keeps its head');
END;
