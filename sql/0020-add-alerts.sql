-- Alerts: what was raised, and what the rules found when they were looked at last.

CREATE TABLE alerts (
  id uuid PRIMARY KEY,
  rule text NOT NULL,                  -- name in src/model/alert_rules.def
  subject text NOT NULL DEFAULT '',    -- id of what it is about; empty: the house
  subject_name text,
  severity text NOT NULL CHECK (severity IN ('warning', 'critical')),
  title text NOT NULL,
  message text NOT NULL,
  value double precision,              -- when it was raised; NULL: the rule has none
  threshold double precision,
  raised_at timestamptz NOT NULL DEFAULT now(),
  cleared_at timestamptz,
  acknowledged_by uuid REFERENCES users ON DELETE SET NULL,
  acknowledged_at timestamptz
);
-- One of a kind at a time: who raises it second has nothing to tell.
CREATE UNIQUE INDEX alerts_open ON alerts (rule, subject) WHERE cleared_at IS NULL;
CREATE INDEX alerts_newest ON alerts (raised_at DESC, id DESC);
CREATE INDEX alerts_acknowledged ON alerts (acknowledged_by) WHERE acknowledged_by IS NOT NULL;

-- The evidence of rules that are looked at, one row for each subject that they found.
CREATE TABLE alert_watch (
  rule text NOT NULL,
  subject text NOT NULL DEFAULT '',
  value double precision,              -- of the last look; NULL: there was none, or it is not known
  known boolean NOT NULL,
  since timestamptz,                   -- since when it is bad, or well if the alert is open
  looked_at timestamptz NOT NULL,
  PRIMARY KEY (rule, subject)
);

-- Measurements that are compared with earlier ones.
CREATE TABLE alert_samples (
  series text NOT NULL,                -- what is measured, and where
  at timestamptz NOT NULL,
  value double precision NOT NULL,
  PRIMARY KEY (series, at)
);
CREATE INDEX alert_samples_age ON alert_samples (at);
