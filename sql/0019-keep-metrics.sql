-- What the house has measured, kept for the page and for alerts. Each host's worker adds what its
-- registry (src/core/metric.h) has counted since the last time.

-- A registry: the counters that the processes of a host share. A host that starts again has a new
-- one, which begins at zero.
CREATE TABLE metric_registries (
  registry uuid PRIMARY KEY,
  host text NOT NULL,                       -- its name, for people
  sampled_at timestamptz NOT NULL,
  sampled_before timestamptz NOT NULL       -- the time before that; of the first one, its creation
);
-- What of it is in the samples: the counters as they were when they were last read, and the reading
-- before that, so that one statement can tell the difference however many workers read.
CREATE TABLE metric_readings (
  registry uuid NOT NULL REFERENCES metric_registries ON DELETE CASCADE,
  route text NOT NULL,
  method text NOT NULL,
  counts bigint[] NOT NULL,
  before bigint[] NOT NULL,
  PRIMARY KEY (registry, route, method)
);

-- Sums over all hosts, in buckets of three widths (seconds), each kept for a time of its own. Route
-- and method '' are the house: all routes but those that hash passwords, which takes its time.
-- counts: requests, those of them that failed (5xx), responses from the cache, cacheable responses
-- that were computed, microseconds waited for PostgreSQL; then requests by duration, one number for
-- each bound of LATENCY in src/core/metric_table.def and one for longer ones.
CREATE TABLE metric_samples (
  step integer NOT NULL CHECK (step IN (60, 600, 3600)),
  at timestamptz NOT NULL,                  -- the start of the bucket
  route text NOT NULL,
  method text NOT NULL,
  hashing boolean NOT NULL,                 -- the route hashes passwords
  counts bigint[] NOT NULL,
  PRIMARY KEY (step, at, route, method)
) WITH (fillfactor = 70);                   -- the newest bucket of each width is updated in place

-- What is not counted but is there: of the house (host '') the jobs that wait, at most, and the bytes
-- of everybody's files; of a host size and free bytes of its directories.
CREATE TABLE metric_levels (
  step integer NOT NULL CHECK (step IN (60, 600, 3600)),
  at timestamptz NOT NULL,
  host text NOT NULL,
  name text NOT NULL,
  value bigint NOT NULL,
  PRIMARY KEY (step, name, host, at)
) WITH (fillfactor = 70);

-- Element by element; a shorter array counts as filled up with zeros.
CREATE FUNCTION mn_counts_add(a bigint[], b bigint[]) RETURNS bigint[]
  LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT array_agg(coalesce(x, 0) + coalesce(y, 0) ORDER BY i)
  FROM unnest(a, b) WITH ORDINALITY AS u (x, y, i)
$$;
CREATE AGGREGATE mn_counts_sum(bigint[]) (sfunc = mn_counts_add, stype = bigint[], initcond = '{}');
-- What was added from b to a: counters that do not end only grow.
CREATE FUNCTION mn_counts_since(a bigint[], b bigint[]) RETURNS bigint[]
  LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT array_agg(greatest(coalesce(x, 0) - coalesce(y, 0), 0) ORDER BY i)
  FROM unnest(a, b) WITH ORDINALITY AS u (x, y, i)
$$;

-- Jobs that were given up are counted at each reading of the metrics.
CREATE INDEX jobs_dead ON jobs (finished_at DESC, id DESC) WHERE state = 'dead';
CREATE INDEX jobs_dead_key ON jobs (unique_key) WHERE state = 'dead';
