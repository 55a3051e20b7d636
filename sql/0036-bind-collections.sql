-- What is purged leaves collections and marks with its row.
ALTER TABLE collections ADD CONSTRAINT collections_cover_media
  FOREIGN KEY (cover_id) REFERENCES media ON DELETE SET NULL;
ALTER TABLE collection_items ADD CONSTRAINT collection_items_media_id
  FOREIGN KEY (media_id) REFERENCES media ON DELETE CASCADE;
ALTER TABLE media_favorites ADD CONSTRAINT media_favorites_media_id
  FOREIGN KEY (media_id) REFERENCES media ON DELETE CASCADE;
ALTER TABLE media_archived ADD CONSTRAINT media_archived_media_id
  FOREIGN KEY (media_id) REFERENCES media ON DELETE CASCADE;
