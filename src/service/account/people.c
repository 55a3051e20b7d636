#include "service/account/people.h"

#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "service/account/accounts.h"
#include "service/account/credentials.h"
#include "service/account/grant.h"
#include "service/audit.h"
#include "service/gate/cache.h"
#include "service/call.h"
#include "service/account/revoke.h"
#include "service/notify/hook_out.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_admin.h"
#include "store/store_invites.h"
#include "store/store_people.h"
#include "store/store_sessions.h"

#include "core/banned.h"

static bool
not_found(struct error *err)
{
	return error_set(err, ERR_NOT_FOUND, "There is no such person.");
}

/* Refuses if `user` is the last active super admin. In the transaction. */
static bool
keep_last_super(const struct call *call, const struct user *user, struct error *err)
{
	int64_t others;

	if (user->role != ROLE_SUPER || !user->active)
		return true;
	if (!store_supers_besides(call->svc->db, call->arena, user->id, &others, err))
		return false;
	if (others > 0)
		return true;
	return error_slug(err, ERR_CONFLICT, "last_super",
	    "This is the last super admin. Make someone else a super admin first.");
}

/* Reads the person and locks the row. In a transaction. */
static bool
lock_person(const struct call *call, const char *id, struct user *user, struct error *err)
{
	return store_person_lock(call->svc->db, call->arena, id, user, err) &&
	    (user->id != NULL || not_found(err));
}

bool
people_expect(const struct call *call, const char *id, int64_t version, struct error *err)
{
	struct user user;

	if (version == 0)
		return true;
	if (!lock_person(call, id, &user, err))
		return false;
	return user.version == version ||
	    error_set(err, ERR_PRECONDITION,
		"This account has changed since you loaded it. Reload it and try again.");
}

bool
people_name_shown(const struct call *call, const char *name, struct error *err)
{
	return name == NULL || cache_change(call, CACHE_HOUSE, err);
}

bool
people_storage(const struct call *call, const struct user *users, size_t n,
    struct person_storage **storage, struct error *err)
{
	const char **ids = arena_array(call->arena, n + 1, sizeof(*ids));

	for (size_t i = 0; i < n; i++)
		ids[i] = users[i].id;
	return store_storage_of(call->svc->db, call->arena, (struct strings) { ids, n }, storage,
	    err);
}

bool
people_get(const struct call *call, const char *id, struct user *user, struct error *err)
{
	return store_person_by_id(call->svc->db, call->arena, id, user, err) &&
	    (user->id != NULL || not_found(err));
}

/* Escapes LIKE's wildcards: the text is searched as typed. */
static const char *
like_escape(struct arena *arena, const char *text)
{
	struct buf buf;

	if (text == NULL)
		return NULL;
	buf_init(&buf, arena, 0);
	for (; *text != '\0'; text++) {
		if (strchr("\\%_", *text) != NULL)
			buf_addc(&buf, '\\');
		buf_addc(&buf, *text);
	}
	return buf.data;
}

bool
people_list(const struct call *call, const struct people_filter *filter, const struct list_ask *ask,
    struct user **users, struct page *page, struct error *err)
{
	struct store_people_filter f = {
		.q = like_escape(call->arena, filter->q),
		.role = filter->role,
		.tier = filter->tier,
		.status = filter->status,
		.limit = ask->limit + 1,
	};
	struct list_position after;
	size_t n;

	if (!list_after(call->arena, LIST_PEOPLE, ask->cursor, &after, err))
		return false;
	f.before_time = after.number;
	f.before_id = after.id;
	if (!store_people_list(call->svc->db, call->arena, &f, users, &n, err))
		return false;
	if (list_cut(page, n, ask->limit)) {
		after.number = (*users)[page->n - 1].created_at;
		after.id = (*users)[page->n - 1].id;
		page->next = list_cursor(call->arena, LIST_PEOPLE, &after);
	}
	return true;
}

static const char *
person_detail(struct arena *arena, const char *email, const char *role, const char *tier,
    const char *status, const char *quota)
{
	struct json *j = json_new(arena, 0);

	json_object(j, NULL);
	json_opt_str(j, "email", email);
	json_opt_str(j, "role", role);
	json_opt_str(j, "tier", tier);
	json_opt_str(j, "status", status);
	json_opt_str(j, "quota", quota);
	json_object_end(j);
	return j->buf.data;
}

bool
people_create(const struct call *call, const struct person_new *new, struct user *user,
    struct error *err)
{
	const struct account_request req = { .email = new->email,
		.display_name = new->display_name,
		.password = new->password,
		.role = new->role };
	const struct store_person_change tier = { .tier = tier_name(new->tier) };
	struct audit_event event = { .action = "user.created",
		.target_type = "user",
		.detail = person_detail(call->arena, new->email, role_name(new->role),
		    tier_name(new->tier), NULL, NULL) };
	struct account_ready ready;
	struct db *db = call->svc->db;

	if (!grant_role(&call->by, new->role, err) ||
	    !account_prepare(call->arena, call->svc->config, &req, &ready, err))
		return false;
	event.target_id = ready.id;
	return db_begin(db, err) &&
	    db_end(db,
		grant_hold(call, &(const struct grant_people) { 0 }, err) &&
		    account_insert(db, call->arena, &ready, err) &&
		    store_person_change(db, call->arena, ready.id, &tier, err) &&
		    hook_out_user(call, ready.id, role_name(new->role), err) &&
		    audit_add(call, &event, err),
		err) &&
	    people_get(call, ready.id, user, err);
}

static bool
check_change(const struct call *call, const struct user *user, const struct person_change *change,
    struct error *err)
{
	bool own = str_eq(user->id, call->by.who->user_id), loses_super;
	enum role role = user->role;

	if (change->role != NULL &&
	    (!role_parse(change->role, &role) || !grant_role(&call->by, role, err)))
		return false;
	if (own && role != user->role)
		return error_slug(err, ERR_FORBIDDEN, "own_role",
		    "You cannot change your own role.");
	if (own && str_eq(change->status, "disabled"))
		return error_slug(err, ERR_FORBIDDEN, "own_account",
		    "You cannot disable your own account.");
	loses_super = role != ROLE_SUPER || str_eq(change->status, "disabled");
	return grant_touch(&call->by, user, err) &&
	    (!loses_super || keep_last_super(call, user, err));
}

/* In a transaction: nothing that this person was given before is good any more. */
static bool
end_credentials(const struct call *call, const char *id, const char *reason, struct revocation *rev,
    struct error *err)
{
	const struct credentials_change change = {
		.user_id = id,
		.end_tokens = true,
		.reason = reason,
	};

	return credentials_changed(call, &change, rev, err);
}

/* For the audit log; NULL: unchanged. */
static const char *
quota_text(struct arena *arena, int64_t quota)
{
	return quota >= 0 ? str_size(arena, quota) : quota == -2 ? "the default" : NULL;
}

/* In the transaction: makes the change, revokes tokens and writes to the audit log. */
static bool
apply_change(const struct call *call, const struct user *user, const struct person_change *change,
    struct revocation *rev, struct error *err)
{
	const struct store_person_change row = {
		.display_name = change->display_name,
		.role = change->role,
		.tier = change->tier,
		.status = change->status,
		.quota = change->quota >= 0 ? db_int(call->arena, change->quota) : NULL,
		.quota_default = change->quota == -2,
	};
	const struct audit_event event = { .action = "user.updated",
		.target_type = "user",
		.target_id = user->id,
		.detail = person_detail(call->arena, NULL, change->role, change->tier,
		    change->status, quota_text(call->arena, change->quota)) };
	bool rights = change->role != NULL || change->tier != NULL || change->status != NULL;

	if (!store_person_change(call->svc->db, call->arena, user->id, &row, err))
		return false;
	if (str_eq(change->status, "disabled") ?
		!end_credentials(call, user->id, "account disabled", rev, err) :
		rights &&
		    (!revoke_generation(call, user->id, rev, err) ||
			!store_invites_prune(call->svc->db, call->arena, err)))
		return false;
	return people_name_shown(call, change->display_name, err) && audit_add(call, &event, err);
}

/* In the transaction. */
static bool
change_in(const struct call *call, const char *id, const struct person_change *change,
    struct revocation *rev, struct error *err)
{
	const struct grant_people people = {
		.target = id,
		.last_super = str_eq(change->status, "disabled") ||
		    (change->role != NULL && !str_eq(change->role, role_name(ROLE_SUPER))),
	};
	struct user user;

	return grant_hold(call, &people, err) && people_expect(call, id, change->version, err) &&
	    lock_person(call, id, &user, err) && check_change(call, &user, change, err) &&
	    apply_change(call, &user, change, rev, err);
}

bool
people_change(const struct call *call, const char *id, const struct person_change *change,
    struct user *user, struct error *err)
{
	struct revocation rev = { 0 };

	return db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, change_in(call, id, change, &rev, err), err) &&
	    revoke_push(call, &rev, err) && people_get(call, id, user, err);
}

static bool
check_delete(const struct call *call, const struct user *user, const char *transfer_to,
    struct error *err)
{
	struct user heir;

	if (str_eq(user->id, call->by.who->user_id))
		return error_slug(err, ERR_FORBIDDEN, "own_account",
		    "You cannot delete your own account.");
	if (!grant_touch(&call->by, user, err) || !keep_last_super(call, user, err))
		return false;
	if (transfer_to == NULL)
		return true;
	if (str_eq(transfer_to, user->id))
		return error_field(err, "to", "choice", "must be another person");
	if (lock_person(call, transfer_to, &heir, err))
		return true;
	return err->code == ERR_NOT_FOUND ?
	    error_field(err, "to", "choice", "must be the id of an existing person") :
	    false;
}

/* In the transaction. */
static bool
delete_in(const struct call *call, const char *id, const char *transfer_to, struct revocation *rev,
    struct error *err)
{
	struct audit_event event = {
		.action = "user.deleted",
		.target_type = "user",
		.target_id = id,
	};
	const struct grant_people people = {
		.target = id,
		.heir = transfer_to,
		.last_super = true,
		.deletes = true,
	};
	struct db *db = call->svc->db;
	struct user user;

	if (!grant_hold(call, &people, err) || !lock_person(call, id, &user, err) ||
	    !check_delete(call, &user, transfer_to, err))
		return false;
	event.detail =
	    person_detail(call->arena, user.email, role_name(user.role), NULL, NULL, NULL);
	return end_credentials(call, id, "account deleted", rev, err) &&
	    store_person_uploads_end(db, call->arena, id, err) &&
	    (transfer_to != NULL ?
		    store_person_items_transfer(db, call->arena, id, transfer_to, err) :
		    store_person_items_trash(db, call->arena, id, err)) &&
	    store_person_delete(db, call->arena, id, err) &&
	    store_invites_prune(db, call->arena, err) && cache_change(call, CACHE_HOUSE, err) &&
	    (transfer_to == NULL || cache_change(call, transfer_to, err)) &&
	    audit_add(call, &event, err);
}

bool
people_delete(const struct call *call, const char *id, const char *transfer_to, struct error *err)
{
	struct revocation rev = { 0 };

	/* Whom they go to does not matter: an admin can make an account that inherits. */
	if (transfer_to != NULL && !principal_may(call->by.who, PERM_MEDIA_MANAGE_ALL))
		return error_set(err, ERR_FORBIDDEN,
		    "You need permission to manage all media to transfer items.");
	return db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, delete_in(call, id, transfer_to, &rev, err), err) &&
	    revoke_push(call, &rev, err);
}

/* In the transaction. */
static bool
reset_totp_in(const struct call *call, const char *id, struct revocation *rev, struct error *err)
{
	const struct audit_event event = {
		.action = "user.totp_reset",
		.target_type = "user",
		.target_id = id,
	};
	struct user user;

	if (!grant_hold(call, &(const struct grant_people) { .target = id }, err) ||
	    !lock_person(call, id, &user, err))
		return false;
	if (str_eq(user.id, call->by.who->user_id)) /* that takes the password and a code */
		return error_slug(err, ERR_FORBIDDEN, "own_account",
		    "You cannot reset your own two-step verification. Turn it off in your"
		    " profile.");
	return grant_touch(&call->by, &user, err) &&
	    store_person_totp_clear(call->svc->db, call->arena, id, err) &&
	    end_credentials(call, id, "two-step verification reset", rev, err) &&
	    audit_add(call, &event, err) &&
	    (!user.totp_enabled || credentials_tell(call, id, MAIL_TOTP_OFF, NULL, err));
}

bool
people_reset_totp(const struct call *call, const char *id, struct error *err)
{
	struct revocation rev = { 0 };

	return db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, reset_totp_in(call, id, &rev, err), err) &&
	    revoke_push(call, &rev, err);
}
