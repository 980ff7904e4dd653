-- What payments are looked for by. Everything but the window stands in the voucher already, and never changes.
ALTER TABLE payments ADD COLUMN asset TEXT NOT NULL DEFAULT '';
ALTER TABLE payments ADD COLUMN user TEXT NOT NULL DEFAULT '';
-- The window that it is settled in, once retained. Null: by itself.
ALTER TABLE payments ADD COLUMN window INTEGER;
UPDATE payments SET user = json_extract(body, '$.user'),
    asset = CASE json_type(body, '$.asset') WHEN 'text' THEN 'native' ELSE json_extract(body, '$.asset.Psp22') END;
CREATE INDEX payments_user ON payments (user, created_at, voucher);
CREATE INDEX payments_relation ON payments (relation);

-- The institutions of a payment.
CREATE TABLE payment_parties (
    member  INTEGER NOT NULL,
    voucher TEXT    NOT NULL REFERENCES payments (voucher),
    PRIMARY KEY (member, voucher)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO payment_parties (member, voucher)
    SELECT json_extract(body, '$.originator'), voucher FROM payments
    UNION SELECT json_extract(body, '$.home'), voucher FROM payments
    UNION SELECT other.value, payments.voucher FROM payments, json_each(payments.body, '$.others') AS other;

-- Who is told, by the names in the configuration, since which event. Where nobody is, nothing is written down.
CREATE TABLE webhook_endpoints (
    name TEXT    NOT NULL PRIMARY KEY,
    -- Everything up to this event is in the delivery log, or from before the endpoint was there.
    seen INTEGER NOT NULL
) STRICT;

-- What is told. Written together with the change that it tells of.
CREATE TABLE webhook_events (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT    NOT NULL UNIQUE,
    kind       TEXT    NOT NULL,
    -- What it is about: events of one subject are delivered in order.
    subject    TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    data       TEXT    NOT NULL,
    -- The finalized block that it comes from. Hash and place in the block are looked up before it is told.
    block      INTEGER,
    block_hash TEXT,
    place      INTEGER,
    located    INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_events_unlocated ON webhook_events (number) WHERE located = 0;

-- The delivery log: one row for each event and endpoint.
CREATE TABLE webhook_deliveries (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    event       INTEGER NOT NULL REFERENCES webhook_events (number),
    endpoint    TEXT    NOT NULL,
    subject     TEXT    NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts    INTEGER NOT NULL DEFAULT 0,
    created_at  INTEGER NOT NULL,
    due_at      INTEGER NOT NULL,
    give_up_at  INTEGER NOT NULL,
    -- The latest answer's status, or why there was none.
    status      INTEGER,
    problem     TEXT,
    finished_at INTEGER,
    UNIQUE (endpoint, event)
) STRICT;
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint, due_at) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_order ON webhook_deliveries (endpoint, subject, event) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_created ON webhook_deliveries (created_at, number);

-- The latest block whose windows were looked at: one row, once there was an endpoint.
CREATE TABLE webhook_journal (
    one   INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    block INTEGER NOT NULL
) STRICT;
