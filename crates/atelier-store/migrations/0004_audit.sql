-- The audit log: entries are the leaves of a Merkle tree, whose roots are signed. What an entry
-- says stands in its body alone, letter by letter as it was hashed.

CREATE TABLE audit_entries (
    seq BIGINT NOT NULL PRIMARY KEY CHECK (seq > 0),
    leaf {blob} NOT NULL,
    body TEXT NOT NULL
);

CREATE TABLE audit_checkpoints (
    size BIGINT NOT NULL PRIMARY KEY CHECK (size > 0),
    body TEXT NOT NULL
);

-- What is needed to add the next entry. Locking this row is what makes `seq` free of gaps.
CREATE TABLE audit_head (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    size BIGINT NOT NULL,
    peaks {blob} NOT NULL,
    origin {blob} NOT NULL,
    signed BIGINT NOT NULL
);

CREATE TRIGGER audit_entries_no_update BEFORE UPDATE ON audit_entries
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER audit_entries_no_delete BEFORE DELETE ON audit_entries
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER audit_checkpoints_no_update BEFORE UPDATE ON audit_checkpoints
BEGIN
    SELECT RAISE(ABORT, 'checkpoints are append-only');
END;
CREATE TRIGGER audit_checkpoints_no_delete BEFORE DELETE ON audit_checkpoints
BEGIN
    SELECT RAISE(ABORT, 'checkpoints are append-only');
END;
CREATE TRIGGER audit_head_forward BEFORE UPDATE ON audit_head
WHEN NEW.size < OLD.size
BEGIN
    SELECT RAISE(ABORT, 'the audit log never shrinks');
END;
CREATE TRIGGER audit_head_no_delete BEFORE DELETE ON audit_head
BEGIN
    SELECT RAISE(ABORT, 'the audit log keeps its head');
END;
