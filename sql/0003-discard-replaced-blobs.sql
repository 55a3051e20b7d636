-- A blob that its row lets go of becomes garbage in the same statement, whatever the statement was: replaced, deleted, cascaded, or one
-- of two writers of one key. Without this, the loser of such a race would leave a blob that nobody ever collects.
CREATE FUNCTION object_discard_blob() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO object_garbage (blob) VALUES (OLD.blob) ON CONFLICT (blob) DO UPDATE SET since = now();
  RETURN NULL;
END
$$;
CREATE TRIGGER objects_replaced AFTER UPDATE OF blob ON objects FOR EACH ROW
  WHEN (OLD.blob <> NEW.blob) EXECUTE FUNCTION object_discard_blob();
CREATE TRIGGER objects_deleted AFTER DELETE ON objects FOR EACH ROW EXECUTE FUNCTION object_discard_blob();
CREATE TRIGGER object_parts_replaced AFTER UPDATE OF blob ON object_parts FOR EACH ROW
  WHEN (OLD.blob <> NEW.blob) EXECUTE FUNCTION object_discard_blob();
CREATE TRIGGER object_parts_deleted AFTER DELETE ON object_parts FOR EACH ROW EXECUTE FUNCTION object_discard_blob();
