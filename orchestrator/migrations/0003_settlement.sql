-- Settlement: one row per payment that this institution takes part in. An institution has exactly one role in a
-- payment: originator, home and notary are always three different members.

CREATE TABLE payments (
    voucher     TEXT NOT NULL PRIMARY KEY,
    role        TEXT NOT NULL,
    state       TEXT NOT NULL,
    finished    INTEGER NOT NULL,
    -- The digest of the user's request: one request leads to one voucher. The notary doesn't see requests.
    request     TEXT UNIQUE,
    body        TEXT NOT NULL,
    relation    TEXT,
    retained_in INTEGER,
    cleared_in  INTEGER,
    created_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX payments_unfinished ON payments (voucher) WHERE finished = 0;
CREATE INDEX payments_created ON payments (created_at, voucher);

-- What was signed by whom. The first one kept is the one that counts: rows are never changed.
CREATE TABLE payment_documents (
    voucher TEXT NOT NULL REFERENCES payments (voucher),
    kind    TEXT NOT NULL,
    member  INTEGER NOT NULL,
    epoch   INTEGER NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (voucher, kind, member, epoch)
) STRICT;

-- Append-only.
CREATE TABLE payment_history (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    voucher TEXT NOT NULL REFERENCES payments (voucher),
    state   TEXT NOT NULL,
    at      INTEGER NOT NULL,
    detail  TEXT NOT NULL
) STRICT;
CREATE INDEX payment_history_voucher ON payment_history (voucher, number);

-- What the originator delivered to users: at most once for each voucher.
CREATE TABLE payouts (
    voucher TEXT NOT NULL PRIMARY KEY REFERENCES payments (voucher),
    amount  TEXT NOT NULL,
    at      INTEGER NOT NULL
) STRICT;

-- The home institution's users. Amounts are decimal text: SQLite's integers end at 2^63.
CREATE TABLE users (
    number     TEXT NOT NULL PRIMARY KEY,
    public_key TEXT NOT NULL,
    wallet     TEXT NOT NULL,
    balance    TEXT NOT NULL,
    ceiling    TEXT NOT NULL,
    blocked    INTEGER NOT NULL
) STRICT;

-- What is set aside on a user's account for a confirmed payment: placed, then released or debited, once.
CREATE TABLE holds (
    voucher TEXT NOT NULL PRIMARY KEY REFERENCES payments (voucher),
    user    TEXT NOT NULL REFERENCES users (number),
    amount  TEXT NOT NULL,
    state   TEXT NOT NULL CHECK (state IN ('placed', 'released', 'debited'))
) STRICT;
CREATE INDEX holds_placed ON holds (user) WHERE state = 'placed';

-- Entries on users' accounts: at most one for each voucher.
CREATE TABLE account_entries (
    voucher   TEXT NOT NULL PRIMARY KEY REFERENCES payments (voucher),
    user      TEXT NOT NULL REFERENCES users (number),
    direction TEXT NOT NULL CHECK (direction IN ('debit', 'credit')),
    amount    TEXT NOT NULL,
    at        INTEGER NOT NULL
) STRICT;
