-- A user's limit for a day (none: NULL), and the kinds of payments that it may use, as a JSON list (all: NULL). Nothing
-- looks into the list but the reader of the whole user.
ALTER TABLE users ADD COLUMN daily_ceiling TEXT;
ALTER TABLE users ADD COLUMN services TEXT;

-- The day on which money was set aside, in days since 1970 (UTC). What was set aside before is of no day that counts.
ALTER TABLE holds ADD COLUMN day INTEGER NOT NULL DEFAULT 0;
CREATE INDEX holds_day ON holds (user, day) WHERE state <> 'released';

-- A payment of a user of this institution has the institution as originator and home in one: such a row has the role of
-- an originator. Payments in which the institution is neither have the role `destination`.
