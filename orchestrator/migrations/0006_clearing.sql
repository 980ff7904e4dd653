-- The numbers of this institution's vouchers. The first one is random above the lower 32 bits, so that a database that
-- was lost or set back doesn't lead to numbers that were used already.
CREATE TABLE voucher_sequence (
    one  INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    next INTEGER NOT NULL
) STRICT;
INSERT INTO voucher_sequence (one, next) VALUES (1, (random() & 0x7fffffff) << 32);
