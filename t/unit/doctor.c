/*
 * What the doctor says of facts that no test machine has at will: a full disk, a kernel that
 * forbids namespaces, another version, an old server. Each is found by its code with the line to
 * type, and is not found when all is well.
 */
#include <config.h>

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/str.h"
#include "service/operator/doctor_internal.h"
#include "store/store_doctor.h"
#include "t/unit/tap.h"

#include "core/banned.h"

#define DAY (86400LL * US_PER_SEC)

static struct arena arena;
static struct config *config;
static struct doctor *d;

static void
begin(void)
{
	static struct doctor_ask ask;

	ask = (struct doctor_ask) { .config = config };
	d = arena_alloc(&arena, sizeof(*d));
	*d = (struct doctor) { .ask = &ask, .config = config, .arena = &arena };
}

/* Exactly one fault was found, and this is what to do. */
static void
one(enum fault fault, const char *remedy)
{
	const struct finding *found = NULL;
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++) {
		if (d->findings[i].code == NULL)
			continue;
		found = &d->findings[i];
		n++;
	}
	ok(n == 1 && found->code == fault_rows[fault].code && str_eq(found->remedy, remedy),
	    "%s: %s", fault_rows[fault].code, n > 0 ? found->remedy : "nothing");
	begin();
}

static void
none(const char *what)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++)
		n += d->findings[i].code != NULL;
	ok(n == 0, "nothing: %s", what);
	begin();
}

static void
test_disk(void)
{
	struct disk_facts facts = { "/data", 100ULL << 30, 1000000, 900000 };

	judge_disk(d, &facts);
	none("room on the disk");
	facts.inodes_free = 9999;
	judge_disk(d, &facts);
	one(FAULT_DISK_INODES, "df -i /data, then remove files that are not MediaNest's");
	facts.inodes = facts.inodes_free = 0;
	judge_disk(d, &facts);
	none("a file system that does not count inodes");
	facts.bytes_free = 2ULL << 30;
	judge_disk(d, &facts);
	one(FAULT_DISK_LOW, "df -h /data, then free space soon");
	facts.bytes_free = 1;
	judge_disk(d, &facts);
	one(FAULT_DISK_FULL, "df -h /data, then free space: uploads are refused");
}

static void
test_kernel(void)
{
	struct kernel_facts facts = { 1, 15000, -1 };

	judge_kernel(d, &facts);
	one(FAULT_SANDBOX_WEAK,
	    "run bwrap --unshare-all --ro-bind / / true as the user medianest: it says why");
	facts.apparmor_restrict = 1;
	judge_kernel(d, &facts);
	one(FAULT_SANDBOX_APPARMOR, "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0");
	facts.max_user_namespaces = 0;
	judge_kernel(d, &facts);
	one(FAULT_SANDBOX_MAX, "sysctl -w user.max_user_namespaces=15000");
	facts.userns_clone = 0;
	judge_kernel(d, &facts);
	one(FAULT_SANDBOX_USERNS, "sysctl -w kernel.unprivileged_userns_clone=1");
}

static void
test_tools(void)
{
	struct tool_facts facts = { "ffprobe", "ffmpeg", "5.1", "", true, true };

	judge_tool(d, &facts);
	none("a tool that runs");
	facts.works = false;
	judge_tool(d, &facts);
	one(FAULT_TOOL_BROKEN, "apt install --reinstall ffmpeg");
	facts.found = false;
	judge_tool(d, &facts);
	one(FAULT_TOOL_MISSING, "apt install ffmpeg");
	judge_passwords(d, "out of memory");
	one(FAULT_PASSWORDS, "systemd-tmpfiles --create medianest.conf");
	judge_formats(d, "libvips 8.14.1: jpeg png webp gif heif tiff");
	none("all formats");
	judge_formats(d, "libvips 8.14.1: jpeg png webp gif tiff");
	one(FAULT_FORMATS, "apt install libvips42 libheif1");
	judge_sandbox(d, "medianest-media is not installed");
	one(FAULT_SANDBOX, "apt install --reinstall medianest bubblewrap");
}

static void
test_postgresql(void)
{
	struct server_facts facts = { .version = "15.8",
		.version_num = 150008,
		.role = "r",
		.encoding = "UTF8",
		.database = "m" };

	judge_server(d, &facts);
	none("PostgreSQL 15");
	facts.version_num = 130012;
	judge_server(d, &facts);
	one(FAULT_PG_OLD, "apt install postgresql");
	facts.local = true;
	facts.buffers_mb = 128;
	judge_buffers(d, &facts, 8000);
	none("a host with memory");
	judge_buffers(d, &facts, 0);
	none("a host whose memory is not known");
	judge_buffers(d, &facts, 480);
	one(FAULT_PG_BUFFERS,
	    "sudo -u postgres psql -c \"ALTER SYSTEM SET shared_buffers = '30MB'\" && systemctl"
	    " restart postgresql");
	facts.buffers_mb = 32;
	judge_buffers(d, &facts, 480);
	none("few buffers on a small host");
	facts.buffers_mb = 128;
	facts.local = false;
	judge_buffers(d, &facts, 480);
	none("PostgreSQL on another host");
	judge_connection(d, "database.api_url",
	    "FATAL:  database locale is incompatible with operating system");
	one(FAULT_PG_LOCALE_MISSING, "dpkg-reconfigure locales && systemctl restart postgresql");
	judge_connection(d, "database.api_url",
	    "FATAL:  no pg_hba.conf entry for host \"[local]\", user \"anna\"");
	one(FAULT_PG_ACCESS,
	    "name the role anna in pg_hba.conf (and pg_ident.conf) as medianest-setup(7) shows,"
	    " then systemctl reload postgresql");
	judge_connection(d, "database.api_url", "FATAL:  role \"bert\" does not exist");
	one(FAULT_PG_ROLE, "sudo -u postgres createuser bert && medianest-admin migrate");
	judge_connection(d, "database.api_url", "connection refused");
	judge_connection(d, "database.worker_url", "connection refused");
	one(FAULT_PG_DOWN, "systemctl start postgresql");
}

static void
test_redis(void)
{
	struct redis_facts facts = { "7.0", "noeviction", 89, 100 };

	judge_redis(d, &facts);
	none("Redis with room");
	facts.used = 91;
	judge_redis(d, &facts);
	one(FAULT_REDIS_FULL, "redis-cli -s /run/redis/r.sock config set maxmemory 256mb");
	facts.policy = NULL;
	facts.maxmemory = 0;
	judge_redis(d, &facts);
	none("a managed Redis without a limit");
	judge_redis_access(d, "WRONGPASS invalid username-password pair");
	one(FAULT_REDIS_ACCESS,
	    arena_printf(&arena, "set the right user and password in redis.url in %s",
		config_path(config)));
}

static void
test_clock(void)
{
	struct clock_facts facts = { "PostgreSQL", 59 * US_PER_SEC };

	judge_clock(d, &facts);
	none("a clock that is nearly right");
	facts.ahead_us = -20 * 60 * US_PER_SEC;
	judge_clock(d, &facts);
	judge_clock(d, &facts);
	ok(strstr(d->findings[0].what, "20 minutes behind that of PostgreSQL") != NULL,
	    "by how much, and of whose");
	one(FAULT_CLOCK, "timedatectl set-ntp true");
}

/* While the clock is wrong nothing is said of certificates, which are judged by it. */
static void
test_certificates(void)
{
	struct certificate_facts facts = { .url = "https://m.example",
		.host = "m.example",
		.now = 1000 * DAY,
		.served_until = 1100 * DAY,
		.trusted = true,
		.has_name = true,
		.key_fits = -1 };

	judge_certificate(d, &facts);
	none("a certificate with 100 days");
	facts.has_name = false;
	judge_certificate(d, &facts);
	one(FAULT_CERT_NAME, "certbot certonly -d m.example");
	facts.served_until = 999 * DAY;
	judge_certificate(d, &facts);
	one(FAULT_CERT_EXPIRED, "certbot renew && systemctl reload nginx");
	facts.file_until = 1090 * DAY;
	judge_certificate(d, &facts);
	one(FAULT_CERT_STALE, "systemctl reload nginx");
	d->clock_wrong = true;
	judge_certificate(d, &facts);
	none("certificates while the clock is wrong");
	facts.served_until = 0;
	judge_certificate(d, &facts);
	none("a certificate that nobody could look at");
}

static void
test_house(void)
{
	judge_version(d, &(struct version_facts) { "medianest-worker", NULL, "2.0" });
	judge_version(d, &(struct version_facts) { "medianest-worker", "2.0", "2.0" });
	none("the installed version runs");
	judge_version(d, &(struct version_facts) { "medianest-worker", "1.0", "2.0" });
	one(FAULT_VERSION, "systemctl restart medianest-worker");
	judge_schedule(d, &(struct schedule_facts) { false, false, false });
	judge_schedule(d, &(struct schedule_facts) { true, true, true });
	none("nothing to sync, and a cron line");
	judge_schedule(d, &(struct schedule_facts) { true, false, true });
	one(FAULT_SYNC_SCHEDULE, "apt install --reinstall cron medianest");
	judge_schedule(d, &(struct schedule_facts) { true, true, false });
	one(FAULT_SYNC_SCHEDULE, "apt install --reinstall cron medianest");
	judge_mail_waiting(d, 60);
	none("mail that waits for a minute");
	judge_mail_waiting(d, 3600);
	one(FAULT_MAIL_FAILING, "journalctl -u medianest-worker -g mail");
	judge_backup(d, 0, false);
	judge_backup(d, clock_now() - DAY, true);
	none("no backup is wanted, or the last night's is there");
	judge_backup(d, 0, true);
	one(FAULT_BACKUP_OLD, "systemctl start medianest-backup.service");
}

/* Owners: nginx's user is one who is in no group, or www-data. */
static void
test_places(void)
{
	const struct passwd *www = getpwnam("www-data"); /* of every Debian */
	const uid_t nginx = 1000001;
	struct place_facts file = { "/etc/medianest.conf", 0, 1000002, 0640 };
	struct place_facts objects = { "/objects", 0, 0, 0755 };
	struct place_facts key = { "/keys/jwt-1.key", 0, 0, 0400 };

	judge_settings(d, &file, &nginx);
	none("settings of root's and a group");
	file.uid = nginx;
	judge_settings(d, &file, &nginx);
	none("a private start: nginx's user is the owner");
	judge_settings(d, &(struct place_facts) { "/m.conf", 0, www->pw_gid, 0640 }, &www->pw_uid);
	one(FAULT_SETTINGS_READER, "chown root:medianest /m.conf && chmod 0640 /m.conf");
	judge_objects(d, &objects, nginx, "www-data");
	one(FAULT_FILES_OBJECTS, "chown root:www-data /objects && chmod 1770 /objects");
	objects.uid = nginx;
	judge_objects(d, &objects, nginx, "www-data");
	none("objects of nginx's user");
	judge_key(d, &key, nginx);
	one(FAULT_KEYS_UNREADABLE, "chown medianest:medianest-storage /keys/jwt-1.key");
}

int
main(void)
{
	struct error err = { 0 };
	char path[] = "/tmp/mn-doctor-XXXXXX";
	static const char text[] = "redis.url = unix:///run/redis/r.sock\n";
	int fd = mkstemp(path);

	arena_init(&arena);
	if (fd < 0 || write(fd, text, sizeof(text) - 1) < 0 ||
	    (config = config_load(path, &err)) == NULL)
		return 1;
	begin();
	test_disk();
	test_kernel();
	test_tools();
	test_postgresql();
	test_redis();
	test_clock();
	test_certificates();
	test_house();
	test_places();
	config_free(config);
	arena_clear(&arena);
	close(fd);
	unlink(path);
	return done_testing();
}
