-- The evidence of limits that this institution set as a credit node, by its digest, which stands in the contract.
CREATE TABLE credit_scores (
    digest   TEXT NOT NULL PRIMARY KEY,
    evidence TEXT NOT NULL
) STRICT;

-- The evidence that each wish to set a limit was first computed from: repeated, it sets the same.
CREATE TABLE credit_score_wishes (
    key    TEXT NOT NULL PRIMARY KEY,
    digest TEXT NOT NULL REFERENCES credit_scores (digest)
) STRICT;
