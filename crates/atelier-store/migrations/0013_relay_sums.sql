-- What relayed requests came to of which the rows are gone: one sum for each client, provider,
-- model and day, counted in days since 1970. Requests that showed no key are those of the client
-- without a name.

CREATE TABLE relay_sums (
    day BIGINT NOT NULL,
    client TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    requests BIGINT NOT NULL,
    cached BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cached_input_tokens BIGINT NOT NULL,
    cache_write_tokens BIGINT NOT NULL,
    cache_write_hour_tokens BIGINT NOT NULL,
    cost BIGINT NOT NULL CHECK (cost >= 0),
    saved BIGINT NOT NULL CHECK (saved >= 0),
    PRIMARY KEY (day, client, provider, model)
);

CREATE INDEX batches_created ON batches (created_at);
