-- What the programs ask for in the options of a connection, for roles that come through a pooler.
-- As postgres, in MediaNest's database: psql -d medianest -f pgbouncer.sql
-- 2500 is database.timeout, 15000 what the worker's statements may take.
SELECT format('ALTER ROLE %I IN DATABASE %I SET %s', role, current_database(), setting)
FROM (VALUES ('medianest_api', 2500), ('medianest_store', 2500), ('medianest_worker', 15000))
    AS roles (role, timeout),
  unnest(ARRAY[
    'statement_timeout = ' || timeout,
    'lock_timeout = ' || timeout,
    'idle_in_transaction_session_timeout = 60000',
    'client_connection_check_interval = 1000',
    'client_min_messages = warning',
    'timezone = ''UTC''',
    'jit = off',
    'pg_trgm.similarity_threshold = 0.25']) AS setting
\gexec
