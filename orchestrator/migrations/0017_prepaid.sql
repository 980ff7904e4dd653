-- What terminals ordered, at the card issuer, as acquirers handed it in. An order is answered once, and keeps its answer.
CREATE TABLE card_orders (
    -- The order of arrival: payments are decided in it.
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    reference   TEXT    NOT NULL UNIQUE,
    -- Who handed it in, by its index in the registry.
    acquirer    INTEGER NOT NULL,
    -- What was in the envelope; nothing, where that was no such order.
    kind        TEXT CHECK (kind IN ('pay', 'void', 'refund')),
    card        TEXT,
    counter     TEXT,
    terminal    TEXT,
    content     TEXT,
    -- The call that it is decided in, with others.
    batch       INTEGER,
    -- The final one.
    answer      TEXT,
    created_at  INTEGER NOT NULL,
    answered_at INTEGER
) STRICT;
CREATE INDEX card_orders_open ON card_orders (number) WHERE answer IS NULL;
CREATE INDEX card_orders_created ON card_orders (created_at, reference);
CREATE INDEX card_orders_batch ON card_orders (batch);

-- What terminals sent to this institution for card issuers, as their merchants' acquirer.
CREATE TABLE terminal_messages (
    issuer      INTEGER NOT NULL,
    reference   TEXT    NOT NULL,
    terminal    TEXT    NOT NULL,
    merchant    INTEGER NOT NULL,
    sealed      TEXT    NOT NULL,
    -- The issuer's final one.
    answer      TEXT,
    created_at  INTEGER NOT NULL,
    answered_at INTEGER,
    PRIMARY KEY (issuer, reference, terminal)
) STRICT;
CREATE INDEX terminal_messages_open ON terminal_messages (created_at) WHERE answer IS NULL;
CREATE INDEX terminal_messages_created ON terminal_messages (created_at, reference);

-- The numbers of cards and merchants and the keys of terminals that this institution gave out; what became of them, the chain
-- knows. Written down before anything is submitted.
CREATE TABLE prepaid_numbers (
    issuer     INTEGER NOT NULL,
    kind       TEXT    NOT NULL CHECK (kind IN ('card', 'merchant', 'terminal')),
    id         TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (issuer, kind, id)
) STRICT;
CREATE INDEX prepaid_numbers_created ON prepaid_numbers (issuer, kind, created_at, id);
