-- An upload is the only name of bytes that are complete and not processed yet: it outlives the
-- account that it belonged to, with the item.
ALTER TABLE uploads ALTER COLUMN user_id DROP NOT NULL;
ALTER TABLE uploads DROP CONSTRAINT uploads_user_id_fkey;
ALTER TABLE uploads ADD CONSTRAINT uploads_user_id_fkey
  FOREIGN KEY (user_id) REFERENCES users ON DELETE SET NULL;
