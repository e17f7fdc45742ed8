-- The agent that does a task, where it is not the one that takes its files; and where a task came
-- from that neither the plan nor a person's own words asked for.
ALTER TABLE tasks ADD COLUMN agent TEXT;
ALTER TABLE tasks ADD COLUMN origin TEXT CHECK (origin IN ('proposal', 'agent'));
