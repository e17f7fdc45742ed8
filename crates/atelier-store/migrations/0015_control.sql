-- What may be used up beside money, how long a run was worked on, and what a person asked of it.

ALTER TABLE runs ADD COLUMN budget_tokens BIGINT CHECK (budget_tokens >= 0);
ALTER TABLE runs ADD COLUMN budget_calls BIGINT CHECK (budget_calls >= 0);
ALTER TABLE runs ADD COLUMN budget_wall_ms BIGINT CHECK (budget_wall_ms >= 0);
ALTER TABLE runs ADD COLUMN worked_ms BIGINT NOT NULL DEFAULT 0 CHECK (worked_ms >= 0);
ALTER TABLE runs ADD COLUMN worked_at BIGINT;
ALTER TABLE runs ADD COLUMN asked TEXT CHECK (asked IN ('pause', 'pause_now'));
-- What a person said against the plan so far.
ALTER TABLE runs ADD COLUMN remarks {json} NOT NULL DEFAULT '[]';

-- A column with more words than before: the rule about them cannot be changed in place.
DROP INDEX tasks_state;
ALTER TABLE tasks RENAME COLUMN state TO state_before;
ALTER TABLE tasks ADD COLUMN state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN (
    'pending', 'ready', 'running', 'verifying', 'merging', 'done', 'blocked', 'failed',
    'cancelled', 'skipped', 'waived'));
UPDATE tasks SET state = state_before;
ALTER TABLE tasks DROP COLUMN state_before;
CREATE INDEX tasks_state ON tasks (run_id, state);
-- Why it stands where it stands.
ALTER TABLE tasks ADD COLUMN reason TEXT NOT NULL DEFAULT '';

-- What a person set for one task beside the plan.
CREATE TABLE task_terms (
    run_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    budget {json} NOT NULL,
    model TEXT,
    remarks {json} NOT NULL,
    PRIMARY KEY (run_id, task_id),
    FOREIGN KEY (run_id, task_id) REFERENCES tasks (run_id, id)
);

ALTER TABLE asks ADD COLUMN tokens BIGINT NOT NULL DEFAULT 0 CHECK (tokens >= 0);
ALTER TABLE asks ADD COLUMN reserved_tokens BIGINT NOT NULL DEFAULT 0 CHECK (reserved_tokens >= 0);
ALTER TABLE asks ADD COLUMN calls BIGINT NOT NULL DEFAULT 1 CHECK (calls >= 0);
UPDATE asks SET tokens = input_tokens + output_tokens WHERE source = 'provider';
UPDATE asks SET calls = 0 WHERE source = 'cache';
-- Sums over the asks of a run are taken from this alone.
CREATE INDEX asks_sums ON asks (run_id, stage, task_id, cost, reserved, tokens, reserved_tokens,
    calls);

-- Marks of budgets that were passed; a budget that is changed has new ones.
CREATE TABLE budget_marks (
    run_id TEXT NOT NULL REFERENCES runs (id),
    scope TEXT NOT NULL,
    subject TEXT NOT NULL,
    resource TEXT NOT NULL,
    percent BIGINT NOT NULL,
    budget BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (run_id, scope, subject, resource, percent, budget)
);

-- Questions to a person that wait for an answer, or whose answer was not yet taken.
CREATE TABLE questions (
    run_id TEXT NOT NULL REFERENCES runs (id),
    subject TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('plan', 'task', 'look')),
    body TEXT NOT NULL,
    approved BIGINT CHECK (approved IN (0, 1)),
    reason TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    answered_at BIGINT,
    PRIMARY KEY (run_id, subject, kind, body),
    CHECK ((approved IS NULL) = (answered_at IS NULL))
);

-- The files that the edits of an attempt made, by digest.
CREATE TABLE attempt_trees (
    run_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    ordinal BIGINT NOT NULL,
    tree {blob} NOT NULL,
    PRIMARY KEY (run_id, task_id, ordinal),
    FOREIGN KEY (run_id, task_id) REFERENCES tasks (run_id, id)
);
