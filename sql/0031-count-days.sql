-- How many items each day of wall clock has, kept like storage_sums (0009): triggers add
-- changes, housekeeping folds them into the sums and checks these. What only its owner can read,
-- and what everybody can, are counted apart; what is shared with some is the owner's here, and
-- counted for the others when they ask. Items that the list does not show, pending ones and the
-- trash, are in no sum.
CREATE TABLE day_sums (
  owner_id uuid NOT NULL,                   -- zeros: nobody's
  house boolean NOT NULL,                   -- everybody can read them
  month date NOT NULL,
  source text NOT NULL,
  kind text NOT NULL,
  top boolean NOT NULL,                     -- they have no parent
  days integer[] NOT NULL,                  -- 31
  PRIMARY KEY (owner_id, house, month, source, kind, top)
);
CREATE INDEX day_sums_house ON day_sums (month) WHERE house;
CREATE TABLE day_changes (
  owner_id uuid NOT NULL,
  house boolean NOT NULL,
  day date NOT NULL,
  source text NOT NULL,
  kind text NOT NULL,
  top boolean NOT NULL,
  n integer NOT NULL
);
-- Here, not only in roles.sql: programs that run meanwhile write through the triggers at once.
GRANT INSERT ON day_changes TO medianest_api, medianest_worker;

-- What an item counts as.
-- The day of its place in the order of the date taken (0028).
CREATE FUNCTION mn_day(taken_local timestamp, taken_at timestamptz, created_at timestamptz)
  RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN coalesce(taken_local, taken_at AT TIME ZONE 'UTC', created_at AT TIME ZONE 'UTC')::date;
CREATE FUNCTION mn_day_owner(owner_id uuid) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN coalesce(owner_id, '00000000-0000-0000-0000-000000000000'::uuid);
CREATE FUNCTION mn_day_house(visibility text, status text, asset_prefix text) RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN visibility = 'house' AND (status = 'ready' OR asset_prefix IS NOT NULL);
CREATE FUNCTION mn_day_counts(status text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN status NOT IN ('pending', 'trashed');
CREATE VIEW days_of_items AS
  SELECT mn_day_owner(owner_id) AS owner_id,
    mn_day_house(visibility, status, asset_prefix) AS house,
    mn_day(taken_local, taken_at, created_at) AS day, source, kind, parent_id IS NULL AS top
  FROM media WHERE mn_day_counts(status);
CREATE VIEW days_kept AS
  SELECT owner_id, house, month + i::integer - 1 AS day, source, kind, top, n
  FROM day_sums, unnest(days) WITH ORDINALITY AS each (n, i) WHERE n <> 0
  UNION ALL SELECT owner_id, house, day, source, kind, top, n FROM day_changes;

CREATE FUNCTION mn_days_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO day_changes
      SELECT mn_day_owner(owner_id), mn_day_house(visibility, status, asset_prefix),
        mn_day(taken_local, taken_at, created_at), source, kind, parent_id IS NULL, count(*)
      FROM new_rows WHERE mn_day_counts(status) GROUP BY 1, 2, 3, 4, 5, 6;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO day_changes
      SELECT mn_day_owner(owner_id), mn_day_house(visibility, status, asset_prefix),
        mn_day(taken_local, taken_at, created_at), source, kind, parent_id IS NULL, -count(*)
      FROM old_rows WHERE mn_day_counts(status) GROUP BY 1, 2, 3, 4, 5, 6;
  ELSE
    INSERT INTO day_changes
      SELECT mn_day_owner(owner_id), mn_day_house(visibility, status, asset_prefix),
        mn_day(taken_local, taken_at, created_at), source, kind, parent_id IS NULL, sum(n)
      FROM (
        SELECT owner_id, visibility, status, asset_prefix, taken_local, taken_at, created_at,
          source, kind, parent_id, -1 AS n FROM old_rows
        UNION ALL
        SELECT owner_id, visibility, status, asset_prefix, taken_local, taken_at, created_at,
          source, kind, parent_id, 1 FROM new_rows) AS c
      WHERE mn_day_counts(status) GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(n) <> 0;
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER media_days_insert AFTER INSERT ON media REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION mn_days_follow();
CREATE TRIGGER media_days_update AFTER UPDATE ON media
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION mn_days_follow();
CREATE TRIGGER media_days_delete AFTER DELETE ON media REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION mn_days_follow();

INSERT INTO day_changes
  SELECT owner_id, house, day, source, kind, top, count(*) FROM days_of_items
  GROUP BY owner_id, house, day, source, kind, top;
