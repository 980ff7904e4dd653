-- Offers, this institution's own and those that others told it.
CREATE TABLE escrow_offers (
    id         TEXT    NOT NULL PRIMARY KEY,
    maker      INTEGER NOT NULL,
    -- Names the client's wish: the same wish again finds what it led to.
    request    BLOB    UNIQUE,
    body       TEXT    NOT NULL,
    signed     TEXT    NOT NULL,
    -- Units that no signature of this institution promises to anybody. Counted for its own offers only.
    remaining  INTEGER NOT NULL CHECK (remaining >= 0),
    withdrawn  INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX escrow_offers_created ON escrow_offers (created_at, id);

-- Trades: from the first proposal to the last state of the deal on chain. One row per draft of an agreement.
CREATE TABLE escrow_trades (
    agreement        TEXT    NOT NULL PRIMARY KEY,
    deal             TEXT    NOT NULL UNIQUE,
    request          BLOB    UNIQUE,
    role             TEXT    NOT NULL,
    stage            TEXT    NOT NULL,
    finished         INTEGER NOT NULL,
    body             TEXT    NOT NULL,
    buyer_signed     TEXT,
    seller_signed    TEXT,
    -- The offer of this institution that units are set aside of, and how many. 0 once they were given back.
    reserved_of      TEXT    REFERENCES escrow_offers (id),
    reserved         INTEGER NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    -- When the buyer said that it has the goods, or the seller that it delivered.
    confirmed_at     INTEGER,
    -- What proves the delivery, or its lack, word for word.
    evidence         TEXT,
    other_evidence   TEXT,
    evidence_sent    INTEGER NOT NULL DEFAULT 0,
    -- Whether a person here wants the arbiter to rule.
    wants_dispute    INTEGER NOT NULL DEFAULT 0,
    -- Signatures under a cancellation: expiry and signature.
    own_cancellation   TEXT,
    other_cancellation TEXT,
    -- The arbiter's decision, and once ruled what the seller got.
    award            TEXT,
    created_at       INTEGER NOT NULL
) STRICT;
CREATE INDEX escrow_trades_unfinished ON escrow_trades (agreement) WHERE finished = 0;
CREATE INDEX escrow_trades_created ON escrow_trades (created_at, agreement);

-- The buyer's secrets, sealed: see escrow/secret.rs. Never changed and never removed: without its secret, money that was
-- locked comes back only when time runs out.
CREATE TABLE escrow_secrets (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    agreement TEXT    NOT NULL REFERENCES escrow_trades (agreement),
    hashlock  TEXT    NOT NULL UNIQUE,
    sealed    BLOB    NOT NULL
) STRICT;
CREATE INDEX escrow_secrets_agreement ON escrow_secrets (agreement, number);

-- Append-only.
CREATE TABLE escrow_history (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    agreement TEXT    NOT NULL REFERENCES escrow_trades (agreement),
    stage     TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    detail    TEXT    NOT NULL
) STRICT;
CREATE INDEX escrow_history_agreement ON escrow_history (agreement, number);

-- Letters to other institutions that are not answered yet. Written together with what they tell.
CREATE TABLE escrow_letters (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    recipient INTEGER NOT NULL,
    body      TEXT    NOT NULL
) STRICT;
