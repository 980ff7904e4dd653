-- What counts against the limits for a day of this institution's policy. Gone when the payment is refused or expires.
CREATE TABLE policy_uses (
    voucher TEXT    NOT NULL,
    -- What is counted together, as the policy says it.
    scope   TEXT    NOT NULL,
    -- In days since 1970 (UTC).
    day     INTEGER NOT NULL,
    amount  TEXT    NOT NULL,
    PRIMARY KEY (voucher, scope)
) STRICT;
CREATE INDEX policy_uses_day ON policy_uses (scope, day);

-- What this institution answered to destinations that asked it for assistance. The first answer counts.
CREATE TABLE assistances (
    voucher  TEXT    NOT NULL,
    asked_by INTEGER NOT NULL,
    answer   TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (voucher, asked_by)
) STRICT;
