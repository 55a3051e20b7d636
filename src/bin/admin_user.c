#include "bin/admin_user.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/config.h"
#include "core/error.h"
#include "core/str.h"

#include "core/banned.h"

#define SERVICE_USER "medianest"

bool
admin_become_service(const struct config *config, bool come_back, struct error *err)
{
	const char *run_dir = config_str(config, CFG_RUN_DIR);
	const struct passwd *user = NULL;
	struct stat st;

	if (geteuid() != 0)
		return true;
	if (stat(run_dir, &st) == 0)
		user = st.st_uid != 0 ? getpwuid(st.st_uid) : NULL;
	else if (str_eq(run_dir, config_rows[CFG_RUN_DIR].fallback))
		user = getpwnam(SERVICE_USER);
	if (user == NULL)
		return true;
	if (initgroups(user->pw_name, user->pw_gid) == 0 &&
	    setresgid(user->pw_gid, user->pw_gid, come_back ? 0 : user->pw_gid) == 0 &&
	    setresuid(user->pw_uid, user->pw_uid, come_back ? 0 : user->pw_uid) == 0)
		return chdir("/") == 0;
	return error_set(err, ERR_INTERNAL, "cannot become the user %s", user->pw_name);
}
