-- Contents are sealed with the project's data key, which lies here sealed itself. Rows from before
-- are plain and stay readable.

CREATE TABLE data_keys (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    sealed {blob} NOT NULL,
    created_at BIGINT NOT NULL
);

ALTER TABLE blobs ADD COLUMN sealed BIGINT NOT NULL DEFAULT 0 CHECK (sealed IN (0, 1));
