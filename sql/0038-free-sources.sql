-- As the kinds of media servers, whose names are sources too.
ALTER TABLE media DROP CONSTRAINT media_source_check;
