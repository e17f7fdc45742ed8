-- Questions that a provider answers together and later, for less. A row is there before anything
-- is sent; whoever finds one without the provider's name for it knows that its sending may have
-- arrived.

CREATE TABLE batches (
    id TEXT NOT NULL PRIMARY KEY,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    questions {blob} NOT NULL,
    custom_ids {json} NOT NULL,
    vendor_id TEXT,
    state TEXT NOT NULL CHECK (state IN ('sending', 'sent', 'ended', 'collected', 'refused')),
    succeeded BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cached_input_tokens BIGINT NOT NULL,
    cache_write_tokens BIGINT NOT NULL,
    reserved BIGINT NOT NULL CHECK (reserved >= 0),
    cost BIGINT NOT NULL CHECK (cost >= 0),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX batches_questions ON batches (questions);
