-- Which kinds of media servers there are is said once, by the table of src/client/media_server.c.
ALTER TABLE media_servers DROP CONSTRAINT media_servers_kind_check;
