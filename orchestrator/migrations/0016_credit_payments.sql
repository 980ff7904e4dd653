-- Payments on credit, at the credit node: from the payer's request to the payee's receipt on the payer's chain.
CREATE TABLE credit_payments (
    id                TEXT    NOT NULL PRIMARY KEY,
    -- Who will owe, and on which chain: what else it owes there is looked up before it gets more.
    payer             TEXT    NOT NULL,
    debt_chain        TEXT    NOT NULL,
    -- The payee's institution, by its index in the registry of the payee's chain.
    payee_institution INTEGER NOT NULL,
    stage             TEXT    NOT NULL,
    finished          INTEGER NOT NULL,
    request           TEXT    NOT NULL,
    payer_signature   TEXT    NOT NULL,
    payer_certificate TEXT    NOT NULL,
    -- Who payer and payee are, by their certificates, as it was checked.
    payer_person      TEXT    NOT NULL,
    payee_signature   TEXT,
    payee_person      TEXT,
    -- Why it is refused, or waits for a higher limit.
    refusal           TEXT,
    created_at        INTEGER NOT NULL
) STRICT;
CREATE INDEX credit_payments_unfinished ON credit_payments (id) WHERE finished = 0;
CREATE INDEX credit_payments_created ON credit_payments (created_at, id);
CREATE INDEX credit_payments_payer ON credit_payments (payer, debt_chain);

-- Append-only.
CREATE TABLE credit_history (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    payment TEXT    NOT NULL REFERENCES credit_payments (id),
    stage   TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    detail  TEXT    NOT NULL
) STRICT;
CREATE INDEX credit_history_payment ON credit_history (payment, number);

-- What credit nodes asked, at a payee's institution. A decision is made once.
CREATE TABLE credit_consents (
    id                TEXT    NOT NULL PRIMARY KEY,
    -- Who asked, by its index in the registry here.
    node              INTEGER NOT NULL,
    decision          TEXT    NOT NULL CHECK (decision IN ('pending', 'accepted', 'refused')),
    request           TEXT    NOT NULL,
    payer_signature   TEXT    NOT NULL,
    payer_certificate TEXT    NOT NULL,
    reason            TEXT,
    signature         TEXT,
    -- Who decided: a client's name, or that the policy did.
    decided_by        TEXT,
    created_at        INTEGER NOT NULL,
    decided_at        INTEGER
) STRICT;
CREATE INDEX credit_consents_created ON credit_consents (created_at, id);
