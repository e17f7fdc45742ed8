-- Of the tokens written to a provider's prompt cache, those that it keeps for an hour: they cost
-- more than those of some minutes. Nothing was written down of them before.

ALTER TABLE asks ADD COLUMN cache_write_hour_tokens BIGINT NOT NULL DEFAULT 0;
ALTER TABLE replies ADD COLUMN cache_write_hour_tokens BIGINT NOT NULL DEFAULT 0;
ALTER TABLE archived_replies ADD COLUMN cache_write_hour_tokens BIGINT NOT NULL DEFAULT 0;
ALTER TABLE relays ADD COLUMN cache_write_hour_tokens BIGINT NOT NULL DEFAULT 0;
ALTER TABLE relay_answers ADD COLUMN cache_write_hour_tokens BIGINT NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN cache_write_hour_tokens BIGINT NOT NULL DEFAULT 0;
