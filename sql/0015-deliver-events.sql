-- Webhooks that go out: the endpoints that want to hear of events, and one delivery for each event
-- and endpoint.

CREATE TABLE webhook_endpoints (
  id uuid PRIMARY KEY,
  url text NOT NULL,
  events text[] NOT NULL CHECK (cardinality(events) > 0), -- names, or *
  header_names text[] NOT NULL DEFAULT '{}',
  headers text,                        -- sealed: webhook_endpoints, id, headers; a JSON object
  secret text NOT NULL,                -- sealed: webhook_endpoints, id, secret
  previous_secret text,                -- the same; signs too until previous_until
  previous_until timestamptz,
  enabled boolean NOT NULL DEFAULT true,
  off_reason text CHECK (off_reason IN ('person', 'gone', 'failing')), -- of enabled = false
  failing_since timestamptz,           -- first failure since the last success
  rest_until timestamptz,              -- while it fails it is not tried all the time
  delivered_at timestamptz,            -- last success
  -- The runner that sends this endpoint's deliveries now; void once no running job has this lease.
  lease uuid,
  served_at timestamptz,               -- when one last began to: whose turn it is
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE webhook_deliveries (
  id uuid PRIMARY KEY,                 -- webhook-id: the same at every attempt
  seq bigint GENERATED ALWAYS AS IDENTITY,
  endpoint_id uuid NOT NULL REFERENCES webhook_endpoints ON DELETE CASCADE,
  event text NOT NULL,
  payload text NOT NULL,               -- the body, byte for byte
  -- failed: tried in vain, and due again at next_attempt_at; dead: given up
  status text NOT NULL DEFAULT 'waiting'
    CHECK (status IN ('waiting', 'delivered', 'failed', 'dead')),
  attempts integer NOT NULL DEFAULT 0,
  step integer NOT NULL DEFAULT 0,     -- failures since it was last started
  next_attempt_at timestamptz NOT NULL DEFAULT now(),
  retry_until timestamptz NOT NULL,    -- a failure after this is the last one
  response_status integer,
  duration_ms integer,
  error text,
  created_at timestamptz NOT NULL DEFAULT now(),
  delivered_at timestamptz
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, next_attempt_at, seq)
  WHERE status IN ('waiting', 'failed');
CREATE INDEX webhook_deliveries_newest ON webhook_deliveries (endpoint_id, seq DESC);
CREATE INDEX webhook_deliveries_age ON webhook_deliveries (created_at);
