-- When the request that costs money went out, with which key of the provider, and the content that
-- holds what was hidden from it. A batch that never went out may be sent by whoever finds it.

ALTER TABLE batches ADD COLUMN ordered_at BIGINT;
ALTER TABLE batches ADD COLUMN key_name TEXT;
ALTER TABLE batches ADD COLUMN hidden {blob};

-- Whoever sent a batch before this knew of no other moment than that of its making.
UPDATE batches SET ordered_at = created_at WHERE state <> 'refused';
