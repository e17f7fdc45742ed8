-- Requests of other programs that were passed on, and answers that may be given again.

CREATE TABLE relays (
    id TEXT NOT NULL PRIMARY KEY,
    client TEXT,
    dialect TEXT NOT NULL,
    demand TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    relay_key {blob} NOT NULL,
    source TEXT,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cached_input_tokens BIGINT NOT NULL,
    cache_write_tokens BIGINT NOT NULL,
    cost BIGINT NOT NULL CHECK (cost >= 0),
    saved BIGINT NOT NULL CHECK (saved >= 0),
    first_byte_ms BIGINT,
    latency_ms BIGINT NOT NULL,
    sendings BIGINT NOT NULL,
    status BIGINT NOT NULL,
    error TEXT,
    at BIGINT NOT NULL
);
CREATE INDEX relays_at ON relays (at);
-- Holds all that the sums of a client need, so that a start reads no rows.
CREATE INDEX relays_client ON relays (client, at, cost);

CREATE TABLE relay_answers (
    relay_key {blob} NOT NULL PRIMARY KEY,
    digest {blob} NOT NULL REFERENCES blobs (digest),
    size BIGINT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    input_tokens BIGINT,
    output_tokens BIGINT,
    cached_input_tokens BIGINT,
    cache_write_tokens BIGINT,
    at BIGINT NOT NULL
);
CREATE INDEX relay_answers_at ON relay_answers (at);
