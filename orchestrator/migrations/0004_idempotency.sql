-- Every write under /v1, under the client's key: what it was, and what was answered.
CREATE TABLE idempotency (
    client       TEXT    NOT NULL,
    key          TEXT    NOT NULL,
    -- sha256 of method, path and body.
    fingerprint  BLOB    NOT NULL,
    started_at   INTEGER NOT NULL,
    -- Null until there is a final answer.
    status       INTEGER,
    content_type TEXT,
    location     TEXT,
    body         BLOB,
    PRIMARY KEY (client, key)
) STRICT, WITHOUT ROWID;
