-- What the notaries decide together, as this one knows it. A decision's id covers its content, number and expiry.
CREATE TABLE decisions (
    id         TEXT    NOT NULL PRIMARY KEY,
    -- The number of decisions before it on chain: each number is good for one.
    number     INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    body       TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    finished   INTEGER NOT NULL,
    -- Who agreed to it here: a client's name, or the schedule. Null where only other notaries did.
    agreed_by  TEXT,
    -- Names the wish of the client who agreed: the same wish again finds what it led to.
    request    TEXT    UNIQUE,
    -- Which other notary made it known here. Null where it began here.
    told_by    INTEGER,
    -- The block that carried it out, where this notary submitted it.
    block      INTEGER,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX decisions_unfinished ON decisions (number) WHERE finished = 0;
CREATE INDEX decisions_created ON decisions (created_at, id);

-- The first signature kept of a notary in an epoch is the one that counts: rows are never changed.
CREATE TABLE decision_signatures (
    decision  TEXT    NOT NULL REFERENCES decisions (id),
    epoch     INTEGER NOT NULL,
    member    INTEGER NOT NULL,
    signature TEXT    NOT NULL,
    PRIMARY KEY (decision, epoch, member)
) STRICT;

-- Append-only.
CREATE TABLE decision_history (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    decision TEXT    NOT NULL REFERENCES decisions (id),
    state    TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    detail   TEXT    NOT NULL
) STRICT;
CREATE INDEX decision_history_decision ON decision_history (decision, number);

-- What the schedule of windows has done: one row.
CREATE TABLE window_schedule (
    one             INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    -- The latest cut-off that is done with, in milliseconds since 1970. Null before the first start.
    served          INTEGER,
    -- Every window below this one is paid.
    first_unsettled INTEGER NOT NULL
) STRICT;
INSERT INTO window_schedule (one, first_unsettled) VALUES (1, 0);
