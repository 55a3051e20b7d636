-- What an upload needs to go on after days, and to be found by its bytes while it is on its way.

-- Seconds that each of its presigned URLs is good for, as upload.url_ttl was when it began: once it
-- has ended, expires_at is when the last of them has expired. Earlier uploads had URLs that lived
-- as long as they did.
ALTER TABLE uploads ADD COLUMN url_seconds integer NOT NULL DEFAULT 604800 CHECK (url_seconds > 0);
-- The folders that the file was picked with, as the client says it.
ALTER TABLE uploads ADD COLUMN path text;
-- Two of one person with the same bytes are one upload.
CREATE INDEX uploads_bytes ON uploads (user_id, sha256) WHERE sha256 IS NOT NULL;
