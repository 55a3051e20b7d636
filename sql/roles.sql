-- What each database role may do. medianest-admin migrate runs this after every migration, so that
-- it covers new tables too. medianest_api: the API pools and notifyd. medianest_worker: the worker.
-- medianest_store: the embedded object store. None of them may change the schema.

REVOKE ALL ON SCHEMA public FROM PUBLIC;
-- No service makes temporary tables. Only the owner of the database can take that away.
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_database
      WHERE datname = current_database() AND pg_has_role(datdba, 'USAGE')) THEN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
  END IF;
END
$$;
GRANT USAGE ON SCHEMA public TO medianest_api, medianest_worker, medianest_store;

GRANT SELECT ON schema_migrations TO medianest_api, medianest_worker, medianest_store;

GRANT SELECT, INSERT, UPDATE, DELETE ON
  users, role_permissions, sessions, refresh_tokens, revoked_tokens, login_attempts, settings,
  media, media_shares, media_assets, media_events, uploads, jobs,
  notifications, notification_preferences, vocabulary
TO medianest_api, medianest_worker;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO medianest_api, medianest_worker;

GRANT SELECT, INSERT, UPDATE, DELETE ON
  object_buckets, objects, object_uploads, object_parts, object_garbage
TO medianest_store;
-- It runs as the owner of the schema.
REVOKE EXECUTE ON FUNCTION mn_upload_open(uuid, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mn_upload_open(uuid, text, boolean) TO medianest_store;

GRANT SELECT, INSERT, UPDATE, DELETE ON
  invites, mail_counters, mail_tokens, recovery_codes, api_tokens, plex_pins, activity,
  idempotency_keys
TO medianest_api, medianest_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON storage_sums, storage_changes, tag_sums, tag_changes
TO medianest_api, medianest_worker;
GRANT SELECT ON storage_kept, tags_kept TO medianest_api, medianest_worker;
-- The audit log can be added to and read, but never changed.
GRANT SELECT, INSERT ON audit_log TO medianest_api, medianest_worker;
GRANT SELECT, INSERT ON audit_chain TO medianest_worker;
GRANT SELECT ON audit_chain TO medianest_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON
  media_servers, media_sections, media_section_users, server_items, sync_runs, sync_missing,
  sync_pending
TO medianest_api, medianest_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON
  notification_groups, notification_parts, notification_mails, notification_digests
TO medianest_api, medianest_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_sources, webhook_events, plays, hook_silences
TO medianest_api, medianest_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_endpoints, webhook_deliveries
TO medianest_api, medianest_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON media_looks TO medianest_api, medianest_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON media_enrichments, tmdb_cache, tmdb_pace
TO medianest_api, medianest_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON
  overseerr_settings, overseerr_users, overseerr_people, request_removals, requests
TO medianest_api, medianest_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON
  metric_registries, metric_readings, metric_samples, metric_levels
TO medianest_worker;
GRANT SELECT ON metric_registries, metric_samples TO medianest_api;
-- Backups and checksums are medianest-admin's; the others only ask whether a backup is being made.
GRANT SELECT ON backups, object_sums, object_verification TO medianest_api, medianest_worker;
GRANT SELECT (held_until) ON backups TO medianest_store;
GRANT SELECT, INSERT, UPDATE, DELETE ON day_sums, day_changes TO medianest_api, medianest_worker;
GRANT SELECT ON days_of_items, days_kept TO medianest_api, medianest_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON media_sums, media_changes
TO medianest_api, medianest_worker;
GRANT SELECT ON media_kept TO medianest_api, medianest_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON spot_sums, spot_changes TO medianest_api, medianest_worker;
GRANT SELECT ON cities TO medianest_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON cities, city_source TO medianest_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON title_posters TO medianest_api, medianest_worker;
GRANT SELECT ON metric_registries, metric_samples, metric_levels TO medianest_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON alerts, alert_watch, alert_samples
TO medianest_api, medianest_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON media_playback TO medianest_api, medianest_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON
  collections, collection_people, collection_items, media_favorites, media_archived
TO medianest_api, medianest_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON links, link_items TO medianest_api, medianest_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON downloads TO medianest_api, medianest_worker;
GRANT SELECT ON search_index TO medianest_api;
GRANT SELECT, UPDATE ON search_index TO medianest_worker;
