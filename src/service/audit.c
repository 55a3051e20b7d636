#include "service/audit.h"

#include <string.h>

#include "core/arena.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/str.h"
#include "service/call.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_admin.h"
#include "store/store_audit.h"
#include "store/store_jobs.h"

#include "core/banned.h"

bool
audit_add(const struct call *call, const struct audit_event *event, struct error *err)
{
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
	    job_add(call, JOB_AUDIT_CHAIN, NULL, AUDIT_CHAIN_KEY, 0, err);
}

/* hash = SHA-256(previous hash || each column as length ':' text ','; NULL as '-,'). */
static void
link_hash(struct arena *arena, const unsigned char previous[SHA256_SIZE],
    const struct audit_row *row, unsigned char out[SHA256_SIZE])
{
	const char *const columns[] = { row->id, arena_printf(arena, "%lld", (long long)row->at),
		row->actor_id, row->actor, row->action, row->target_type, row->target_id,
		row->detail, row->address, row->request_id };
	struct buf buf;

	buf_init(&buf, arena, 0);
	buf_add(&buf, previous, SHA256_SIZE);
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		if (columns[i] == NULL)
			buf_adds(&buf, "-,");
		else
			buf_addf(&buf, "%zu:%s,", strlen(columns[i]), columns[i]);
	}
	sha256(buf.data, buf.len, out);
}

static bool
chain_batch(const struct call *call, size_t *n, struct error *err)
{
	struct audit_link link;
	struct audit_row *rows;

	if (!store_audit_chain_lock(call->svc->db, call->arena, &link, err) ||
	    !store_audit_unchained(call->svc->db, call->arena, link.audit_id, AUDIT_CHAIN_BATCH,
		&rows, n, err))
		return false;
	for (size_t i = 0; i < *n; i++) {
		link.seq++;
		link_hash(call->arena, link.hash, &rows[i], link.hash);
		if (!store_audit_chain_add(call->svc->db, call->arena, rows[i].id, &link, err))
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
	 * The last batch and the end of the job are one transaction under the chainer's lock: a row
	 * that is added later comes with its own job.
	 */
	do {
		ok = db_begin(call->svc->db, err) &&
		    db_end(call->svc->db,
			chain_batch(call, &n, err) &&
			    (n == AUDIT_CHAIN_BATCH ||
				store_job_done(call->svc->db, call->arena, job, err)),
			err);
	} while (ok && n == AUDIT_CHAIN_BATCH);
	return ok;
}

bool
audit_verify(struct db *db, struct arena *arena, struct audit_report *report, struct error *err)
{
	unsigned char hash[SHA256_SIZE] = { 0 };
	struct audit_chain chain;

	memset(report, 0, sizeof(*report));
	do {
		if (!store_audit_chain_read(db, arena, report->linked, AUDIT_CHAIN_BATCH, &chain,
			err))
			return false;
		for (size_t i = 0; i < chain.n; i++) {
			const struct audit_chained *l = &chain.items[i];

			link_hash(arena, hash, &l->row, hash);
			if (l->link.seq != report->linked + 1 || l->damaged ||
			    memcmp(hash, l->link.hash, sizeof(hash)) != 0) {
				report->broken_at = l->link.seq;
				return true;
			}
			report->linked = l->link.seq;
		}
	} while (chain.n == AUDIT_CHAIN_BATCH);
	return store_audit_unchained_count(db, arena, &report->unlinked, err);
}

bool
audit_list(const struct call *call, const struct audit_filter *filter, const struct list_ask *ask,
    struct audit_row **rows, struct page *page, struct error *err)
{
	struct store_audit_filter f = {
		.actor = filter->actor,
		.action = filter->action,
		.target = filter->target,
		.from = filter->from,
		.to = filter->to,
		.limit = ask->limit + 1,
	};
	struct list_position after;
	size_t n;

	if (!list_after(call->arena, LIST_AUDIT, ask->cursor, &after, err))
		return false;
	f.before = after.number;
	if (!store_audit_list(call->svc->db, call->arena, &f, rows, &n, err))
		return false;
	if (list_cut(page, n, ask->limit) &&
	    str_to_int((*rows)[page->n - 1].id, 1, INT64_MAX, &after.number))
		page->next = list_cursor(call->arena, LIST_AUDIT, &after);
	return true;
}
