-- Days of books, as this side reconciles them.
CREATE TABLE book_days (
    book             INTEGER NOT NULL,
    day              INTEGER NOT NULL,
    state            TEXT    NOT NULL CHECK (state IN
        ('open', 'due', 'matched', 'correcting', 'clean', 'closing', 'closed', 'paying', 'paid')),
    -- How many runs were begun, and which one was kept last.
    runs             INTEGER NOT NULL,
    kept_run         INTEGER NOT NULL,
    -- When that one was begun, and the finalized block up to which it saw the chain.
    ran_at           INTEGER,
    block            INTEGER,
    summary          TEXT,
    -- What both books said in it, as their sides signed it.
    debit_statement  TEXT,
    credit_statement TEXT,
    -- Whether another run is wanted, and since when the other side waits for one.
    is_wanted        INTEGER NOT NULL,
    asked_at         INTEGER,
    -- What is signed, before it is sent.
    closing          TEXT,
    -- How it was closed on the finalized chain.
    closed           TEXT,
    -- The payment of the total: which one it is, and what became of it.
    attempt          INTEGER NOT NULL,
    voucher          TEXT,
    -- Why it doesn't go on, how often that was so, and when it is tried again.
    failure          TEXT,
    failures         INTEGER NOT NULL,
    retry_at         INTEGER NOT NULL,
    -- Counts changes.
    version          INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    PRIMARY KEY (book, day)
) STRICT;

-- Append-only.
CREATE TABLE book_day_history (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    book   INTEGER NOT NULL,
    day    INTEGER NOT NULL,
    state  TEXT    NOT NULL,
    at     INTEGER NOT NULL,
    detail TEXT    NOT NULL
) STRICT;
CREATE INDEX book_day_history_day ON book_day_history (book, day, number);

-- What this side's own matching found wrong, and what came of it.
CREATE TABLE book_breaks (
    book       INTEGER NOT NULL,
    day        INTEGER NOT NULL,
    trade      BLOB    NOT NULL,
    -- The entry that its correction is of: another trade's, where a line stands for many; and how often that was corrected
    -- when the break was found.
    corrects   BLOB    NOT NULL,
    number     INTEGER NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN
        ('expected', 'open', 'proposed', 'signed', 'recorded', 'booked', 'resolved')),
    -- As in the finding, each between blanks: ' missing:debit amount:credit '.
    causes     TEXT    NOT NULL,
    finding    TEXT    NOT NULL,
    -- The run of the day that found it last; that during or before which its correction was booked.
    run        INTEGER NOT NULL,
    booked_run INTEGER NOT NULL,
    assigned   TEXT,
    -- The correction that is proposed, with the signatures that are there.
    proposal   TEXT,
    -- Why the other side doesn't sign.
    refusal    TEXT,
    failures   INTEGER NOT NULL,
    retry_at   INTEGER NOT NULL,
    -- Counts changes.
    version    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (book, day, trade)
) STRICT;
CREATE INDEX book_breaks_unfinished ON book_breaks (book, day) WHERE state NOT IN ('booked', 'resolved');
CREATE INDEX book_breaks_trade ON book_breaks (book, trade);
CREATE INDEX book_breaks_corrects ON book_breaks (book, corrects);
CREATE INDEX book_breaks_created ON book_breaks (book, created_at);

-- Append-only.
CREATE TABLE book_break_history (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    book   INTEGER NOT NULL,
    day    INTEGER NOT NULL,
    trade  BLOB    NOT NULL,
    state  TEXT    NOT NULL,
    at     INTEGER NOT NULL,
    -- Who did it: a client's name; nothing, where nobody had to.
    who    TEXT,
    detail TEXT    NOT NULL
) STRICT;
CREATE INDEX book_break_history_break ON book_break_history (book, day, trade, number);

-- The treasury's requests to pay what days come to, signed and written down before they are handed in.
CREATE TABLE book_payments (
    closing TEXT    NOT NULL,
    attempt INTEGER NOT NULL,
    request TEXT    NOT NULL,
    PRIMARY KEY (closing, attempt)
) STRICT;
