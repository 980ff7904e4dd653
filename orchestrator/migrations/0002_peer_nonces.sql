-- Nonces of requests from other institutions, so that none is accepted twice, also across a restart.
-- A row outlives the time during which its request would still be fresh, and no longer.
CREATE TABLE peer_nonces (
    sender      INTEGER NOT NULL, -- member index
    nonce       TEXT    NOT NULL,
    fresh_until INTEGER NOT NULL, -- milliseconds since the Unix epoch
    PRIMARY KEY (sender, nonce)
) STRICT, WITHOUT ROWID;

CREATE INDEX peer_nonces_by_age ON peer_nonces (fresh_until);
