-- Disputes that concern this institution: over obligations of its payments; at a notary, all that the chain shows.
CREATE TABLE disputes (
    -- The voucher, a slash, and the place of the contested obligation in its relation.
    id         TEXT    NOT NULL PRIMARY KEY,
    voucher    TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    finished   INTEGER NOT NULL,
    -- How much somebody here wants back. Null where another institution opened it.
    wanted     TEXT,
    -- As the finalized chain showed it last. Null as long as it shows none.
    shown      TEXT,
    -- Who claims, owes and is owed.
    claimant   INTEGER NOT NULL,
    debtor     INTEGER NOT NULL,
    creditor   INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX disputes_unfinished ON disputes (id) WHERE finished = 0;
CREATE INDEX disputes_created ON disputes (created_at, id);
CREATE INDEX disputes_voucher ON disputes (voucher);

-- Documents, whose digests stand on chain, or are to: what a client here sent is stored before its digest goes there, what
-- another institution sent once it was seen there.
CREATE TABLE dispute_evidence (
    dispute  TEXT    NOT NULL REFERENCES disputes (id),
    -- `claim` or `answer`.
    paper    TEXT    NOT NULL,
    digest   TEXT    NOT NULL,
    document BLOB    NOT NULL,
    -- Whether it was written here.
    own      INTEGER NOT NULL,
    -- Names the client's wish that it came with: the same wish again finds what it led to.
    request  TEXT    UNIQUE,
    -- Whether nothing more is to be done with it: its letters are written, it came too late, or it is another's.
    done     INTEGER NOT NULL,
    PRIMARY KEY (dispute, paper, digest)
) STRICT;
CREATE INDEX dispute_evidence_undone ON dispute_evidence (dispute) WHERE done = 0;

-- Documents of this institution that another one has to get and has not acknowledged yet.
CREATE TABLE dispute_letters (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    recipient INTEGER NOT NULL,
    dispute   TEXT    NOT NULL,
    paper     TEXT    NOT NULL,
    digest    TEXT    NOT NULL,
    FOREIGN KEY (dispute, paper, digest) REFERENCES dispute_evidence (dispute, paper, digest)
) STRICT;

-- Append-only.
CREATE TABLE dispute_history (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    dispute TEXT    NOT NULL REFERENCES disputes (id),
    state   TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    detail  TEXT    NOT NULL
) STRICT;
CREATE INDEX dispute_history_dispute ON dispute_history (dispute, number);

-- The latest block whose disputes were looked at: one row, after the first start.
CREATE TABLE dispute_journal (
    one   INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    block INTEGER NOT NULL
) STRICT;
