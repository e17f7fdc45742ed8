-- Replies that were given in another state. Those of this one go before them.

CREATE TABLE archived_replies (
    ask_key {blob} NOT NULL PRIMARY KEY,
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
