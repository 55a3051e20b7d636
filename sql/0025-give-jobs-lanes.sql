-- Jobs that ask another server: at most one of a lane runs at a time, so that a server that hangs
-- holds one runner and not all.
ALTER TABLE jobs ADD COLUMN lane text;
CREATE INDEX jobs_lane ON jobs (lane) WHERE state = 'running' AND lane IS NOT NULL;
