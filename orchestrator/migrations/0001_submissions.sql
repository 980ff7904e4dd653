-- Transactions of this institution's accounts, written before they are sent. One row for each attempt at a business
-- step; an attempt whose bytes died unseen is signed again in the same row.
CREATE TABLE submissions (
    account     BLOB    NOT NULL CHECK (length(account) = 32),
    -- Names the business step.
    key         TEXT    NOT NULL,
    attempt     INTEGER NOT NULL CHECK (attempt >= 1),
    genesis     BLOB    NOT NULL CHECK (length(genesis) = 32),
    -- SCALE of the call, and blake2-256 of that.
    call        BLOB    NOT NULL,
    call_digest BLOB    NOT NULL CHECK (length(call_digest) = 32),
    -- What was signed: the extrinsic, blake2-256 of it, and the blocks after and through which it can be included.
    extrinsic   BLOB    NOT NULL,
    hash        BLOB    NOT NULL CHECK (length(hash) = 32),
    nonce       INTEGER NOT NULL,
    birth       INTEGER NOT NULL,
    death       INTEGER NOT NULL,
    status      TEXT    NOT NULL CHECK (status IN ('pending', 'done', 'failed', 'rejected')),
    -- Where it was finalized, or why it failed.
    block       INTEGER,
    block_hash  BLOB    CHECK (length(block_hash) = 32),
    failure     TEXT,
    PRIMARY KEY (genesis, account, key, attempt)
) STRICT;

CREATE INDEX submissions_pending ON submissions (genesis, account) WHERE status = 'pending';
