/*
 * Live settings and the role matrix as an admin changes them: validated, audited, in force
 * everywhere at the next request.
 */
#ifndef MN_SERVICE_OPERATOR_SETTINGS_H
#define MN_SERVICE_OPERATOR_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/access.h"
#include "core/config.h"

struct call;
struct error;

struct setting_change {
	enum config_key key;
	const char *value; /* NULL: back to the file or the default */
};

/*
 * All or nothing. A key that is not live: ERR_CONFLICT not_live; a value that its row does not
 * allow: ERR_VALIDATION with the key.
 */
bool settings_change(const struct call *, const struct setting_change *, size_t n, struct error *);

/* As stored, without implied permissions. */
bool roles_get(const struct call *, permission_set roles[ROLES], struct error *);
/*
 * super must keep system.settings and users.manage, or nobody could undo the change:
 * ERR_UNPROCESSABLE super_locked_out.
 */
bool roles_replace(const struct call *, const permission_set roles[ROLES], struct error *);

#endif
