-- What a person's items occupy is kept, not added up at each upload. Triggers add changes as rows
-- of their own, so that no writer waits for another; housekeeping folds them into the sums, checks
-- these, and corrects one that is wrong by a change of its own.
CREATE TABLE storage_sums (
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  month date NOT NULL,                      -- in which the items were created, UTC
  bytes bigint NOT NULL,                    -- of all items and of uploads that are held
  uploads bigint NOT NULL,                  -- items whose file has arrived
  uploaded_bytes bigint NOT NULL,
  PRIMARY KEY (user_id, month)
);
-- No reference: the items of a deleted account are deleted after it.
CREATE TABLE storage_changes (
  user_id uuid NOT NULL,
  month date NOT NULL,
  bytes bigint NOT NULL,
  uploads bigint NOT NULL,
  uploaded_bytes bigint NOT NULL
);
CREATE INDEX storage_changes_user ON storage_changes (user_id);
CREATE VIEW storage_kept AS SELECT * FROM storage_sums UNION ALL SELECT * FROM storage_changes;

CREATE FUNCTION mn_month(at timestamptz) RETURNS date LANGUAGE sql STABLE
  AS $$ SELECT date_trunc('month', at AT TIME ZONE 'UTC')::date $$;
CREATE FUNCTION mn_uploaded(source text, status text) RETURNS boolean LANGUAGE sql IMMUTABLE
  AS $$ SELECT source = 'upload' AND status <> 'pending' $$;

CREATE FUNCTION mn_storage_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO storage_changes
      SELECT owner_id, mn_month(created_at), coalesce(sum(size), 0),
        count(*) FILTER (WHERE mn_uploaded(source, status)),
        coalesce(sum(size) FILTER (WHERE mn_uploaded(source, status)), 0)
      FROM new_rows WHERE owner_id IS NOT NULL GROUP BY 1, 2;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO storage_changes
      SELECT owner_id, mn_month(created_at), -coalesce(sum(size), 0),
        -count(*) FILTER (WHERE mn_uploaded(source, status)),
        -coalesce(sum(size) FILTER (WHERE mn_uploaded(source, status)), 0)
      FROM old_rows WHERE owner_id IS NOT NULL GROUP BY 1, 2;
  ELSE
    INSERT INTO storage_changes
      SELECT owner_id, mn_month(created_at), sum(bytes), sum(uploads), sum(bytes * abs(uploads))
      FROM (
        SELECT owner_id, created_at, -coalesce(size, 0) AS bytes,
          -mn_uploaded(source, status)::integer AS uploads FROM old_rows
        UNION ALL
        SELECT owner_id, created_at, coalesce(size, 0), mn_uploaded(source, status)::integer
        FROM new_rows) AS c
      WHERE owner_id IS NOT NULL GROUP BY 1, 2
      HAVING sum(bytes) <> 0 OR sum(uploads) <> 0 OR sum(bytes * abs(uploads)) <> 0;
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER media_storage_insert AFTER INSERT ON media REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION mn_storage_follow();
CREATE TRIGGER media_storage_update AFTER UPDATE ON media
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION mn_storage_follow();
CREATE TRIGGER media_storage_delete AFTER DELETE ON media REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION mn_storage_follow();

INSERT INTO storage_sums
  SELECT owner_id, mn_month(created_at), coalesce(sum(size), 0),
    count(*) FILTER (WHERE mn_uploaded(source, status)),
    coalesce(sum(size) FILTER (WHERE mn_uploaded(source, status)), 0)
  FROM media WHERE owner_id IS NOT NULL GROUP BY 1, 2;

-- An upload that ended without an item, or whose item is gone, is held while the store may have its
-- bytes: until they were removed and its URL has expired or is refused.
ALTER TABLE uploads ADD COLUMN held boolean NOT NULL DEFAULT false;
CREATE INDEX uploads_held ON uploads (expires_at) WHERE held;
CREATE FUNCTION mn_upload_held() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.held AND OLD.user_id IS NOT NULL THEN
    INSERT INTO storage_changes VALUES (OLD.user_id, mn_month(OLD.created_at), -OLD.size, 0, 0);
  END IF;
  IF TG_OP = 'UPDATE' AND NEW.held AND NEW.user_id IS NOT NULL THEN
    INSERT INTO storage_changes VALUES (NEW.user_id, mn_month(NEW.created_at), NEW.size, 0, 0);
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER uploads_held_update AFTER UPDATE OF held, user_id ON uploads FOR EACH ROW
  WHEN ((OLD.held, OLD.user_id) IS DISTINCT FROM (NEW.held, NEW.user_id))
  EXECUTE FUNCTION mn_upload_held();
CREATE TRIGGER uploads_held_delete AFTER DELETE ON uploads FOR EACH ROW
  WHEN (OLD.held) EXECUTE FUNCTION mn_upload_held();

-- For the embedded store, which sees no other table: may a client still write the file, or a part of
-- the store's upload part_of? With `hold` the upload cannot end before the transaction does. What it
-- names is qualified, and pg_temp comes last: the caller must not put a table of its own in between.
CREATE FUNCTION mn_upload_open(upload uuid, part_of text, hold boolean) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF hold THEN
    PERFORM FROM public.uploads u WHERE u.id = upload AND u.status = 'pending'
      AND u.expires_at > clock_timestamp() AND u.multipart_id IS NOT DISTINCT FROM part_of
      FOR SHARE;
  ELSE
    PERFORM FROM public.uploads u WHERE u.id = upload AND u.status = 'pending'
      AND u.expires_at > clock_timestamp() AND u.multipart_id IS NOT DISTINCT FROM part_of;
  END IF;
  RETURN FOUND;
END
$$;

-- Nobody reads parts, or what clients have sent, once it was replaced or deleted: the store removes
-- such blobs at once instead of after the hour that a reader may need.
CREATE OR REPLACE FUNCTION object_discard_blob() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO object_garbage (blob, since) VALUES (OLD.blob,
      CASE WHEN to_jsonb(OLD) ? 'upload_id' OR to_jsonb(OLD)->>'key' LIKE 'incoming/%'
        THEN '-infinity' ELSE now() END)
    ON CONFLICT (blob) DO UPDATE SET since = excluded.since;
  RETURN NULL;
END
$$;

CREATE INDEX activity_played ON activity (user_id, at) WHERE kind = 'media.played';

-- How often each tag is used, kept in the same way. A scope is what people read as a whole: 'house',
-- or an owner's items that are not the house's, or not yet.
CREATE TABLE tag_sums (
  scope text NOT NULL,
  tag text NOT NULL,
  n bigint NOT NULL,
  PRIMARY KEY (scope, tag)
);
CREATE TABLE tag_changes (
  scope text NOT NULL,
  tag text NOT NULL,
  n bigint NOT NULL
);
CREATE INDEX tag_changes_scope ON tag_changes (scope);
CREATE VIEW tags_kept AS SELECT * FROM tag_sums UNION ALL SELECT * FROM tag_changes;

-- NULL: the trash counts for nobody.
CREATE FUNCTION mn_tag_scope(m media) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN m.status = 'trashed' THEN NULL
    WHEN m.visibility = 'house' AND (m.status = 'ready' OR m.asset_prefix IS NOT NULL) THEN 'house'
    ELSE coalesce(m.owner_id::text, 'nobody') END
$$;

CREATE FUNCTION mn_tags_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO tag_changes SELECT mn_tag_scope(m), tag, count(*)
      FROM new_rows m, unnest(m.tags) AS tag WHERE mn_tag_scope(m) IS NOT NULL GROUP BY 1, 2;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO tag_changes SELECT mn_tag_scope(m), tag, -count(*)
      FROM old_rows m, unnest(m.tags) AS tag WHERE mn_tag_scope(m) IS NOT NULL GROUP BY 1, 2;
  ELSE
    INSERT INTO tag_changes SELECT scope, tag, sum(n) FROM (
        SELECT mn_tag_scope(m) AS scope, tag, -1 AS n FROM old_rows m, unnest(m.tags) AS tag
        UNION ALL SELECT mn_tag_scope(m), tag, 1 FROM new_rows m, unnest(m.tags) AS tag) AS c
      WHERE scope IS NOT NULL GROUP BY 1, 2 HAVING sum(n) <> 0;
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER media_tags_insert AFTER INSERT ON media REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION mn_tags_follow();
CREATE TRIGGER media_tags_update AFTER UPDATE ON media
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION mn_tags_follow();
CREATE TRIGGER media_tags_delete AFTER DELETE ON media REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION mn_tags_follow();

INSERT INTO tag_sums SELECT mn_tag_scope(m), tag, count(*)
  FROM media m, unnest(m.tags) AS tag WHERE mn_tag_scope(m) IS NOT NULL GROUP BY 1, 2;
