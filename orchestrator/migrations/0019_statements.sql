-- What the sides of books said of days, as they signed it, and what the chain had: page by page. The other side's is evidence
-- of what its book said.
CREATE TABLE book_statements (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    book      INTEGER NOT NULL,
    day       INTEGER NOT NULL,
    side      TEXT    NOT NULL CHECK (side IN ('debit', 'credit', 'chain')),
    -- Of all pages. Nothing, while pages are missing: then nothing else is known yet, either.
    digest    BLOB,
    lines     INTEGER NOT NULL,
    total     TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    -- The side's, and the registry's epoch at signing; the chain signs nothing.
    signature BLOB,
    epoch     INTEGER
) STRICT;
CREATE UNIQUE INDEX book_statements_digest ON book_statements (book, side, day, digest) WHERE digest IS NOT NULL;
CREATE INDEX book_statements_unfinished ON book_statements (book, side, day) WHERE digest IS NULL;

CREATE TABLE book_pages (
    statement INTEGER NOT NULL REFERENCES book_statements (id) ON DELETE CASCADE,
    page      INTEGER NOT NULL,
    -- SCALE.
    lines     BLOB    NOT NULL,
    PRIMARY KEY (statement, page)
) STRICT;
