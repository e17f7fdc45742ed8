-- Questions whose answers may be given again where the same is asked in other words, what
-- comparing such answers has shown, and which asks were answered so.

CREATE TABLE semantic_questions (
    ask_key {blob} NOT NULL PRIMARY KEY,
    scope {blob} NOT NULL,
    question {blob} NOT NULL REFERENCES blobs (digest),
    created_at BIGINT NOT NULL
);
CREATE INDEX semantic_questions_scope ON semantic_questions (scope, created_at);
CREATE INDEX semantic_questions_age ON semantic_questions (created_at);

-- `similarity` is in millionths. What was learnt of a scope outlives its questions.
CREATE TABLE semantic_checks (
    id {blob} NOT NULL PRIMARY KEY,
    scope {blob} NOT NULL,
    ask_key {blob} NOT NULL,
    same BIGINT NOT NULL CHECK (same IN (0, 1)),
    similarity BIGINT NOT NULL,
    agreed BIGINT NOT NULL CHECK (agreed IN (0, 1)),
    at BIGINT NOT NULL
);
CREATE INDEX semantic_checks_scope ON semantic_checks (scope, at);

CREATE TABLE semantic_hits (
    ask_id TEXT NOT NULL PRIMARY KEY REFERENCES asks (id),
    ask_key {blob} NOT NULL,
    similarity BIGINT NOT NULL,
    saved BIGINT NOT NULL CHECK (saved >= 0)
);
