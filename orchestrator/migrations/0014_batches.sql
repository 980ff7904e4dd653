-- What this institution signed for a notary's retention batch: the first signature is the one that counts.
CREATE TABLE batch_signatures (
    id         TEXT NOT NULL,
    epoch      INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    signature  TEXT NOT NULL,
    PRIMARY KEY (id, epoch, expires_at)
) STRICT;
