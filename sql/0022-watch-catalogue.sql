-- What those who keep the house look at, without reading whole tables.
CREATE INDEX media_failed ON media (failure_code, id) WHERE status = 'failed';

-- How much there is of each kind, kept like storage_sums (0009): triggers add changes, housekeeping
-- folds them into the sums and checks these.
CREATE TABLE media_sums (
  kind text NOT NULL,
  status text NOT NULL,
  month date NOT NULL,                      -- in which the items were created, UTC
  items bigint NOT NULL,
  bytes bigint NOT NULL,
  PRIMARY KEY (kind, status, month)
);
CREATE TABLE media_changes (
  kind text NOT NULL,
  status text NOT NULL,
  month date NOT NULL,
  items bigint NOT NULL,
  bytes bigint NOT NULL
);
CREATE VIEW media_kept AS SELECT * FROM media_sums UNION ALL SELECT * FROM media_changes;
-- Here, not only in roles.sql: programs that run meanwhile write through the triggers at once.
GRANT INSERT ON media_changes TO medianest_api, medianest_worker;

CREATE FUNCTION mn_media_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO media_changes
      SELECT kind, status, mn_month(created_at), count(*), coalesce(sum(size), 0)
      FROM new_rows GROUP BY 1, 2, 3;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO media_changes
      SELECT kind, status, mn_month(created_at), -count(*), -coalesce(sum(size), 0)
      FROM old_rows GROUP BY 1, 2, 3;
  ELSE
    INSERT INTO media_changes
      SELECT kind, status, mn_month(created_at), sum(n), sum(bytes)
      FROM (
        SELECT kind, status, created_at, -1 AS n, -coalesce(size, 0) AS bytes FROM old_rows
        UNION ALL
        SELECT kind, status, created_at, 1, coalesce(size, 0) FROM new_rows) AS c
      GROUP BY 1, 2, 3 HAVING sum(n) <> 0 OR sum(bytes) <> 0;
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER media_sums_insert AFTER INSERT ON media REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION mn_media_follow();
CREATE TRIGGER media_sums_update AFTER UPDATE ON media
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION mn_media_follow();
CREATE TRIGGER media_sums_delete AFTER DELETE ON media REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION mn_media_follow();

INSERT INTO media_sums
  SELECT kind, status, mn_month(created_at), count(*), coalesce(sum(size), 0)
  FROM media GROUP BY 1, 2, 3;
