/* Roles and permissions: the default matrix, word by word, and the implications. */
#include "core/access.h"
#include "core/str.h"
#include "t/unit/tap.h"

#include "core/banned.h"

/* The matrix of permissions, with implications: g u a s. */
static const struct {
	const char *permission;
	const char *roles;
} matrix[] = {
	{ "media.read", "guas" },
	{ "media.upload", "uas" },
	{ "media.delete", "as" },
	{ "media.manage_all", "s" },
	{ "profile.view", "guas" },
	{ "profile.edit", "uas" },
	{ "users.manage", "as" },
	{ "system.settings", "s" },
	{ "integrations.view", "uas" },
	{ "integrations.configure", "as" },
	{ "webhooks.manage", "as" },
};

int
main(void)
{
	enum permission p;
	enum role r;
	enum tier t;

	for (size_t i = 0; i < sizeof(matrix) / sizeof(matrix[0]); i++) {
		ok(permission_parse(matrix[i].permission, &p), "%s is a permission",
		    matrix[i].permission);
		is_str(permission_name(p), matrix[i].permission, "and keeps its name");
		for (int role = 0; role < ROLES; role++) {
			struct principal who = {
				.permissions =
				    permission_closure(role_default_permissions((enum role)role)),
			};

			ok(principal_may(&who, p) ==
				(strchr(matrix[i].roles, role_name((enum role)role)[0]) != NULL),
			    "%s for %s", matrix[i].permission, role_name((enum role)role));
		}
	}
	is_int(sizeof(matrix) / sizeof(matrix[0]), PERM_SIGNED_IN - 1,
	    "the matrix has every permission");
	ok(!permission_parse("public", &p), "public is no permission");
	ok(!permission_parse("signed_in", &p), "signed_in is no permission");
	ok(!permission_parse("Media.Read", &p), "names are exact");
	ok(role_parse("super", &r) && r == ROLE_SUPER, "role super");
	ok(!role_parse("root", &r), "no role root");
	ok(tier_parse("premium", &t) && t == TIER_PREMIUM, "tier premium");
	ok(!tier_parse("gold", &t), "no tier gold");
	is_str(tier_name(TIER_STANDARD), "standard", "tier standard");
	return done_testing();
}
