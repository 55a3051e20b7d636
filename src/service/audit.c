#include "service/audit.h"

#include <string.h>

#include "core/arena.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/str.h"
#include "service/call.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_audit.h"
#include "store/store_jobs.h"

#include "core/banned.h"

bool
audit_add(const struct call *call, const struct audit_event *event, struct error *err)
{
	const struct job_new chain = { .kind = JOB_AUDIT_CHAIN,
		.queue = "quick",
		.payload = "{}",
		.unique_key = JOB_AUDIT_CHAIN,
		.request_id = call->by.request_id };
	const struct audit_new row = {
		.actor_id = call->by.who != NULL && call->by.who->user_id[0] != '\0' ?
		    call->by.who->user_id :
		    NULL,
		.action = event->action,
		.target_type = event->target_type,
		.target_id = event->target_id,
		.detail = event->detail,
		.address = call->by.address,
		.request_id = call->by.request_id,
	};

	return store_audit_add(call->svc->db, call->arena, &row, err) &&
	    store_job_add(call->svc->db, call->arena, &chain, err);
}

/* hash = SHA-256(previous hash || each column as length ':' text ','; NULL as '-,'). */
static void
link_hash(struct arena *arena, const unsigned char previous[SHA256_SIZE], const struct rows *rows,
    size_t row, unsigned char out[SHA256_SIZE])
{
	struct buf buf;

	buf_init(&buf, arena, 0);
	buf_add(&buf, previous, SHA256_SIZE);
	for (int col = 0; col < AUDIT_COLUMNS; col++) {
		if (rows_null(rows, row, col))
			buf_adds(&buf, "-,");
		else
			buf_addf(&buf, "%zu:%s,", rows_len(rows, row, col),
			    rows_str(rows, row, col));
	}
	sha256(buf.data, buf.len, out);
}

static bool
chain_batch(const struct call *call, size_t *n, struct error *err)
{
	unsigned char hash[SHA256_SIZE] = { 0 };
	struct rows *last, *rows;
	int64_t seq = 0;

	if (!store_audit_chain_lock(call->svc->db, call->arena, &last, err) ||
	    !store_audit_unchained(call->svc->db, call->arena, AUDIT_CHAIN_BATCH, &rows, err))
		return false;
	if (rows_count(last) == 1) {
		seq = rows_int(last, 0, 0);
		if (!hex_decode(rows_str(last, 0, 1), hash, sizeof(hash)))
			return error_set(err, ERR_INTERNAL,
			    "The last link of the audit chain is damaged.");
	}
	*n = rows_count(rows);
	for (size_t i = 0; i < *n; i++) {
		link_hash(call->arena, hash, rows, i, hash);
		if (!store_audit_chain_add(call->svc->db, call->arena, ++seq,
			rows_str(rows, i, AUDIT_ID), hash, sizeof(hash), err))
			return false;
	}
	return true;
}

bool
audit_chain_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	size_t n = AUDIT_CHAIN_BATCH;
	bool ok;

	/*
	 * The last batch and the job's end are one transaction under the chainer's lock: whoever
	 * adds a row later adds a job too.
	 */
	do {
		ok = db_begin(call->svc->db, err) && chain_batch(call, &n, err) &&
		    (n == AUDIT_CHAIN_BATCH ||
			store_job_done(call->svc->db, call->arena, job, err)) &&
		    db_commit(call->svc->db, err);
	} while (ok && n == AUDIT_CHAIN_BATCH);
	if (!ok)
		db_rollback(call->svc->db);
	return ok;
}

bool
audit_verify(struct db *db, struct arena *arena, struct audit_report *report, struct error *err)
{
	unsigned char hash[SHA256_SIZE] = { 0 }, stored[SHA256_SIZE];
	struct rows *rows;

	memset(report, 0, sizeof(*report));
	do {
		if (!store_audit_chain_read(db, arena, report->linked, AUDIT_CHAIN_BATCH, &rows,
			err))
			return false;
		for (size_t i = 0; i < rows_count(rows); i++) {
			int64_t seq = rows_int(rows, i, AUDIT_COLUMNS);

			link_hash(arena, hash, rows, i, hash);
			if (seq != report->linked + 1 ||
			    !hex_decode(rows_str(rows, i, AUDIT_COLUMNS + 1), stored,
				sizeof(stored)) ||
			    memcmp(hash, stored, sizeof(hash)) != 0) {
				report->broken_at = seq;
				return true;
			}
			report->linked = seq;
		}
	} while (rows_count(rows) == AUDIT_CHAIN_BATCH);
	if (!store_audit_unchained_count(db, arena, &rows, err))
		return false;
	report->unlinked = rows_int(rows, 0, 0);
	return true;
}

bool
audit_list(const struct call *call, const struct audit_filter *filter, struct audit_page *page,
    struct error *err)
{
	struct store_audit_filter f = { filter->actor, filter->action, filter->target, filter->from,
		filter->to, NULL, filter->limit + 1 };
	struct rows *rows;
	int64_t before;

	if (filter->cursor != NULL) {
		if (!str_to_int(filter->cursor, 1, INT64_MAX, &before))
			return error_field(err, "cursor", "format", "is not a cursor of this list");
		f.before = filter->cursor;
	}
	if (!store_audit_list(call->svc->db, call->arena, &f, &rows, err))
		return false;
	page->n =
	    rows_count(rows) > (size_t)filter->limit ? (size_t)filter->limit : rows_count(rows);
	page->rows = arena_array(call->arena, page->n + 1, sizeof(*page->rows));
	page->next = rows_count(rows) > page->n ? rows_str(rows, page->n - 1, AUDIT_ID) : NULL;
	for (size_t i = 0; i < page->n; i++)
		page->rows[i] = (struct audit_row) {
			.id = rows_str(rows, i, AUDIT_ID),
			.at = rows_int(rows, i, AUDIT_AT),
			.actor_id = rows_str(rows, i, AUDIT_ACTOR_ID),
			.actor = rows_str(rows, i, AUDIT_ACTOR),
			.action = rows_str(rows, i, AUDIT_ACTION),
			.target_type = rows_str(rows, i, AUDIT_TARGET_TYPE),
			.target_id = rows_str(rows, i, AUDIT_TARGET_ID),
			.detail = rows_str(rows, i, AUDIT_DETAIL),
			.address = rows_str(rows, i, AUDIT_ADDRESS),
			.request_id = rows_str(rows, i, AUDIT_REQUEST),
		};
	return true;
}
