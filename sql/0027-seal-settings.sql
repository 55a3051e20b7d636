-- Settings that are secrets.
-- Of a secret, `value` is empty.
ALTER TABLE settings
  ADD COLUMN id text GENERATED ALWAYS AS (key) STORED,
  ADD COLUMN sealed text;              -- settings, id, value
