-- Rules that hold the items with all of these people.
ALTER TABLE collections ADD COLUMN rule_people text[] NOT NULL DEFAULT '{}';
