-- What the finalized chain has of the books that this institution takes part in, read from the contract's events. Amounts are
-- decimal text: SQLite's integers end at 2^63. Ids are 32 bytes, so that books of a million lines stay small.
CREATE TABLE chain_books (
    book           INTEGER NOT NULL PRIMARY KEY,
    -- What both sides signed.
    terms          TEXT    NOT NULL,
    -- This day and all before it are final.
    closed_through INTEGER,
    block          INTEGER NOT NULL
) STRICT;

CREATE TABLE chain_entries (
    book        INTEGER NOT NULL,
    trade       BLOB    NOT NULL,
    day         INTEGER NOT NULL,
    payer       BLOB    NOT NULL,
    -- 0: both sides agreed that there was no such payment.
    amount      TEXT    NOT NULL,
    time        INTEGER NOT NULL,
    batch       BLOB,
    corrections INTEGER NOT NULL,
    -- Where the event stands that made it, or changed it last.
    block       INTEGER NOT NULL,
    block_hash  BLOB    NOT NULL,
    event       INTEGER NOT NULL,
    PRIMARY KEY (book, trade)
) STRICT, WITHOUT ROWID;
CREATE INDEX chain_entries_day ON chain_entries (book, day, trade);
CREATE INDEX chain_entries_batch ON chain_entries (book, batch, trade) WHERE batch IS NOT NULL;

CREATE TABLE chain_corrections (
    book       INTEGER NOT NULL,
    trade      BLOB    NOT NULL,
    number     INTEGER NOT NULL,
    -- The day that it counts on.
    day        INTEGER NOT NULL,
    -- What the chain had before.
    before     TEXT,
    correction TEXT    NOT NULL,
    block      INTEGER NOT NULL,
    block_hash BLOB    NOT NULL,
    event      INTEGER NOT NULL,
    PRIMARY KEY (book, trade, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX chain_corrections_day ON chain_corrections (book, day, trade, number);

CREATE TABLE chain_closings (
    book       INTEGER NOT NULL,
    day        INTEGER NOT NULL,
    closing    TEXT    NOT NULL,
    closed     TEXT    NOT NULL,
    block      INTEGER NOT NULL,
    block_hash BLOB    NOT NULL,
    event      INTEGER NOT NULL,
    PRIMARY KEY (book, day)
) STRICT, WITHOUT ROWID;

-- Up to which finalized block the contract's events were read.
CREATE TABLE reconciliation_cursor (
    contract TEXT    NOT NULL PRIMARY KEY,
    block    INTEGER NOT NULL
) STRICT;

-- What this institution records as the client of books (S3.1). Written down before anything is submitted.
CREATE TABLE book_entries (
    -- The order of arrival.
    number             INTEGER PRIMARY KEY AUTOINCREMENT,
    book               INTEGER NOT NULL,
    trade              BLOB    NOT NULL,
    payer              BLOB    NOT NULL,
    amount             TEXT    NOT NULL,
    time               INTEGER NOT NULL,
    -- The day that it was meant for, and the one that it is recorded for: a later one, if that was closed meanwhile.
    dated              INTEGER NOT NULL,
    day                INTEGER NOT NULL,
    batch              BLOB,
    -- Which of the institution's own payments it comes from, if any.
    feed               TEXT,
    state              TEXT    NOT NULL CHECK (state IN ('waiting', 'recorded', 'refused')),
    -- The call that it is recorded in, with others.
    call               INTEGER,
    refusal            TEXT,
    created_at         INTEGER NOT NULL,
    recorded_at        INTEGER,
    debit_informed_at  INTEGER,
    credit_informed_at INTEGER,
    UNIQUE (book, trade)
) STRICT;
CREATE INDEX book_entries_waiting ON book_entries (call, number) WHERE state = 'waiting';
CREATE INDEX book_entries_call ON book_entries (call);
CREATE INDEX book_entries_refused ON book_entries (book) WHERE state = 'refused';
CREATE INDEX book_entries_debit ON book_entries (book, number) WHERE state = 'recorded' AND debit_informed_at IS NULL;
CREATE INDEX book_entries_credit ON book_entries (book, number) WHERE state = 'recorded' AND credit_informed_at IS NULL;
CREATE INDEX book_entries_created ON book_entries (book, created_at, number);

-- Up to where the institution's own payments were looked through: by the number of the line of their history, or, of card
-- payments, by the time of the answer.
CREATE TABLE book_feeds (
    book  INTEGER NOT NULL,
    feed  TEXT    NOT NULL CHECK (feed IN ('settlement', 'credit', 'prepaid')),
    place INTEGER NOT NULL,
    PRIMARY KEY (book, feed)
) STRICT;
CREATE INDEX card_orders_answered ON card_orders (answered_at, reference) WHERE answered_at IS NOT NULL;

-- What clients told this institution of, as a side of books (S3.1): each entry once.
CREATE TABLE delivered_entries (
    book         INTEGER NOT NULL,
    trade        BLOB    NOT NULL,
    day          INTEGER NOT NULL,
    batch        BLOB,
    payer        BLOB    NOT NULL,
    amount       TEXT    NOT NULL,
    time         INTEGER NOT NULL,
    delivered_at INTEGER NOT NULL,
    PRIMARY KEY (book, trade)
) STRICT, WITHOUT ROWID;
CREATE INDEX delivered_entries_day ON delivered_entries (book, day, trade);

-- Files that this institution imported into its own books.
CREATE TABLE book_imports (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    book        INTEGER NOT NULL,
    name        TEXT    NOT NULL,
    format      TEXT    NOT NULL CHECK (format IN ('csv', 'json_lines', 'camt053')),
    -- sha256 of the file: the same file twice is the same import.
    digest      BLOB    NOT NULL,
    lines       INTEGER NOT NULL,
    total       TEXT    NOT NULL,
    first_day   INTEGER,
    last_day    INTEGER,
    imported_by TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    replaces    INTEGER REFERENCES book_imports (id),
    replaced_by INTEGER REFERENCES book_imports (id)
) STRICT;
CREATE UNIQUE INDEX book_imports_digest ON book_imports (book, digest) WHERE replaced_by IS NULL;

-- This institution's own books: lines as it booked them.
CREATE TABLE book_lines (
    book      INTEGER NOT NULL,
    day       INTEGER NOT NULL,
    -- A trade's id, or that of a batch that was booked as one line.
    trade     BLOB    NOT NULL,
    -- Tells lines of one id apart, and says where it came from: 0, where the client delivered it; 1, where a correction made
    -- it; an import's id × 2^32 + the line in the file.
    number    INTEGER NOT NULL,
    amount    TEXT    NOT NULL,
    asset     TEXT    NOT NULL,
    payer     BLOB,
    time      INTEGER,
    -- As the book writes the id.
    reference TEXT,
    import    INTEGER REFERENCES book_imports (id),
    -- The day that the chain has the trade on, where that is another than this line's.
    elsewhere INTEGER,
    PRIMARY KEY (book, day, trade, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX book_lines_trade ON book_lines (book, trade, number);
CREATE INDEX book_lines_elsewhere ON book_lines (book, elsewhere, trade, number) WHERE elsewhere IS NOT NULL;
CREATE INDEX book_lines_import ON book_lines (import) WHERE import IS NOT NULL;

-- What corrections changed of own lines. Append-only.
CREATE TABLE book_changes (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    book     INTEGER NOT NULL,
    -- The id that people look for it by.
    trade    BLOB    NOT NULL,
    -- The lines as they were and as they are.
    before   TEXT    NOT NULL,
    after    TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    at       INTEGER NOT NULL
) STRICT;
CREATE INDEX book_changes_trade ON book_changes (book, trade, number);
