/* Every query of the program, so that a test can PREPARE each against the migrated schema. */
#include "store/pg.h"
#include "store/store_health.h"
#include "store/store_idempotency.h"
#include "store/store_jobs.h"
#include "store/store_account_flow.h"
#include "store/store_accounts.h"
#include "store/store_admin.h"
#include "store/store_admin_jobs.h"
#include "store/store_alert_facts.h"
#include "store/store_alerts.h"
#include "store/store_audit.h"
#include "store/store_backups.h"
#include "store/store_cities.h"
#include "store/store_collections.h"
#include "store/store_credentials.h"
#include "store/store_deliver.h"
#include "store/store_dates.h"
#include "store/store_playback.h"
#include "store/store_doctor.h"
#include "store/store_hooks.h"
#include "store/store_downloads.h"
#include "store/store_endpoints.h"
#include "store/store_enrich.h"
#include "store/store_invites.h"
#include "store/store_libraries.h"
#include "store/store_links.h"
#include "store/store_looks.h"
#include "store/store_mail_links.h"
#include "store/store_media.h"
#include "store/store_notifications.h"
#include "store/store_notify.h"
#include "store/store_overseerr.h"
#include "store/store_people.h"
#include "store/store_plays.h"
#include "store/store_plex.h"
#include "store/store_process.h"
#include "store/store_replay.h"
#include "store/store_objects.h"
#include "store/store_requests.h"
#include "store/store_schema.h"
#include "store/store_seals.h"
#include "store/store_search.h"
#include "store/store_search_index.h"
#include "store/store_servers.h"
#include "store/store_sessions.h"
#include "store/store_settings.h"
#include "store/store_setup.h"
#include "store/store_spots.h"
#include "store/store_sums.h"
#include "store/store_sync.h"
#include "store/store_uploads.h"
#include "store/store_title_posters.h"
#include "store/store_tokens.h"
#include "store/store_totp.h"
#include "store/store_reread.h"
#include "store/store_turn.h"
#include "store/store_watch.h"

#include "core/banned.h"

const struct query *const store_query_tables[] = {
	store_account_flow_queries,
	store_accounts_queries,
	store_admin_queries,
	store_admin_jobs_queries,
	store_alert_facts_queries,
	store_alerts_queries,
	store_audit_queries,
	store_backups_queries,
	store_backup_objects_queries,
	store_cities_queries,
	store_collections_queries,
	store_credentials_queries,
	store_deliver_queries,
	store_dates_queries,
	store_playback_queries,
	store_doctor_queries,
	store_downloads_queries,
	store_endpoints_queries,
	store_enrich_queries,
	store_health_queries,
	store_idempotency_queries,
	store_hooks_queries,
	store_invites_queries,
	store_jobs_queries,
	store_libraries_queries,
	store_links_queries,
	store_looks_queries,
	store_mail_links_queries,
	store_media_queries,
	store_media_change_queries,
	store_media_list_queries,
	store_notifications_queries,
	store_notify_queries,
	store_overseerr_queries,
	store_people_queries,
	store_plays_queries,
	store_plex_queries,
	store_object_uploads_queries,
	store_objects_queries,
	store_notify_share_queries,
	store_replay_queries,
	store_process_queries,
	store_requests_queries,
	store_schema_queries,
	store_seals_queries,
	store_search_queries,
	store_search_index_queries,
	store_search_words_queries,
	store_servers_queries,
	store_sessions_queries,
	store_settings_queries,
	store_setup_queries,
	store_spots_queries,
	store_sums_queries,
	store_sync_queries,
	store_sync_items_queries,
	store_uploads_queries,
	store_title_posters_queries,
	store_tokens_queries,
	store_totp_queries,
	store_reread_queries,
	store_turn_queries,
	store_watch_queries,
	NULL,
};
