/*
 * test_client.c
 *		What SQLSTATEs mean, what a bad URL says, and that a server that never answers holds up
 *		neither a deadline nor a stop. (Queries on a real server: tests/system.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "assert_within.h"
#include "base/clock.h"
#include "postgres/client.h"
#include "postgres/hosts.h"

typedef struct SqlstateCase
{
	const char *sqlstate;
	StatusClass class;
	ExitCode exit_code;
	bool is_data_error;
} SqlstateCase;

static const SqlstateCase sqlstate_cases[] = {
	{"08006", STATUS_RETRY, EXIT_CODE_PEER_GONE, false},
	{"40001", STATUS_RETRY, EXIT_CODE_PEER_GONE, false},
	{"40P01", STATUS_RETRY, EXIT_CODE_PEER_GONE, false},
	{"53300", STATUS_RETRY, EXIT_CODE_PEER_GONE, false},
	{"53400", STATUS_FATAL, EXIT_CODE_CONFIGURATION, false},
	{"55P03", STATUS_RETRY, EXIT_CODE_PEER_GONE, false},
	{"55006", STATUS_RETRY, EXIT_CODE_PEER_GONE, false},
	{"55000", STATUS_FATAL, EXIT_CODE_CONFIGURATION, false},
	{"57P01", STATUS_RETRY, EXIT_CODE_PEER_GONE, false},
	{"57014", STATUS_RETRY, EXIT_CODE_PEER_GONE, false},
	{"58030", STATUS_RETRY, EXIT_CODE_PEER_GONE, false},
	{"58P01", STATUS_FATAL, EXIT_CODE_CONFIGURATION, false},
	{"25006", STATUS_RETRY, EXIT_CODE_PEER_GONE, false},
	{"25P02", STATUS_FATAL, EXIT_CODE_BUG, false},
	{"28P01", STATUS_FATAL, EXIT_CODE_CONFIGURATION, false},
	{"3D000", STATUS_FATAL, EXIT_CODE_CONFIGURATION, false},
	{"42704", STATUS_FATAL, EXIT_CODE_CONFIGURATION, false},
	{"WL001", STATUS_FATAL, EXIT_CODE_CONFIGURATION, false},
	{"22P02", STATUS_FATAL, EXIT_CODE_BUG, true},
	{"23505", STATUS_FATAL, EXIT_CODE_BUG, true},
	{"XX000", STATUS_FATAL, EXIT_CODE_BUG, false},
	{"", STATUS_RETRY, EXIT_CODE_PEER_GONE, false},
};

static void
test_sqlstates(void **state)
{
	(void) state;
	for (size_t i = 0; i < sizeof(sqlstate_cases) / sizeof(sqlstate_cases[0]); i++)
	{
		const SqlstateCase *expected = &sqlstate_cases[i];
		Status status = pg_sqlstate_classify(expected->sqlstate, "text");

		if (status.class != expected->class || status.exit_code != expected->exit_code ||
			pg_status_is_data_error(&status) != expected->is_data_error)
			fail_msg("%s is %s, exit code %d", expected->sqlstate, status_class_name(status.class),
					 (int) status.exit_code);
		assert_string_equal(status.sqlstate, expected->sqlstate);
	}
}

static void
test_url(void **state)
{
	static const char *const bad[] = {"postgresql://u:hunter2/x@h/d", "host=h passwort=hunter2",
									  "postgresql://u:%zzhunter2@h/d",
									  "postgresql://u:hun@ter2@h/d", "nonsense"};
	Status status = pg_url_check("postgresql://u:p%40w@h1:1,h2:2/d?sslmode=require");

	(void) state;
	assert_true(status_is_ok(&status));
	status = pg_url_check("host=h user=u password='p w'");
	assert_true(status_is_ok(&status));
	status = pg_url_check("");
	assert_true(status_is_ok(&status));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		status = pg_url_check(bad[i]);
		assert_int_equal(status.class, STATUS_FATAL);
		assert_int_equal(status.exit_code, EXIT_CODE_CONFIGURATION);
		assert_null(strstr(status.text, "ter2"));
	}
}

/* A peer that accepts connections and never says a word. */
static int
mute_peer_listen(char *url, size_t bytes)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t address_bytes = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (const struct sockaddr *) &address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 8), 0);
	getsockname(fd, (struct sockaddr *) &address, &address_bytes);
	snprintf(url, bytes, "postgresql://u:hunter2@127.0.0.1:%d/d", ntohs(address.sin_port));
	return fd;
}

static void
test_mute_server_ends_at_the_deadline(void **state)
{
	char url[128];
	int peer = mute_peer_listen(url, sizeof(url));
	const PgOptions options = {.url = url, .connect_timeout_ms = 150, .tcp_user_timeout_ms = 1000};
	Wait wait = wait_begin(-1, WAIT_FOREVER);
	int64_t began_ms = clock_monotonic_ms();
	PGconn *connection = NULL;

	(void) state;
	Status status = pg_connection_open(&options, PG_MODE_NORMAL, "test", &wait, &connection);

	assert_int_equal(status.class, STATUS_RETRY);
	assert_string_equal(status.text, "connecting to PostgreSQL: timed out");
	assert_null(connection);
	assert_within(clock_monotonic_ms() - began_ms, 150, 10000);

	/* The caller's deadline counts as well when it is the sooner one. */
	const PgOptions patient = {.url = url,
							   .connect_timeout_ms = 600000,
							   .tcp_user_timeout_ms = 1000};

	wait = wait_begin(-1, 50);
	status = pg_connection_open(&patient, PG_MODE_REPLICATION, "test", &wait, &connection);
	assert_string_equal(status.text, "connecting to PostgreSQL: timed out");
	close(peer);
}

/* A frozen server must not keep anybody from the one that took its place. */
static void
test_mute_host_is_passed_over(void **state)
{
	char mute_url[128];
	char gone_url[128];
	char url[256];
	int mute = mute_peer_listen(mute_url, sizeof(mute_url));
	int gone = mute_peer_listen(gone_url, sizeof(gone_url));
	const PgOptions options = {.url = url, .connect_timeout_ms = 600, .tcp_user_timeout_ms = 1000};
	Wait wait = wait_begin(-1, WAIT_FOREVER);
	PGconn *connection = NULL;

	(void) state;
	/* Nobody listens there any more: the connection is refused. */
	close(gone);
	snprintf(url, sizeof(url), "host=127.0.0.1,127.0.0.1,127.0.0.1 port=%d,%d,%d user=u",
			 atoi(strrchr(mute_url, ':') + 1), atoi(strrchr(mute_url, ':') + 1),
			 atoi(strrchr(gone_url, ':') + 1));

	Status status = pg_connection_open(&options, PG_MODE_NORMAL, "test", &wait, &connection);

	assert_int_equal(status.class, STATUS_RETRY);
	assert_non_null(strstr(status.text, "refused"));
	assert_null(connection);
	close(mute);
}

static void
test_hosts(void **state)
{
	PQconninfoOption *parsed = PQconninfoParse("host=a,b,a port=1,2,3", NULL);
	PgHosts hosts = pg_hosts_read(parsed);
	char entry[PG_HOST_BYTES];

	(void) state;
	assert_int_equal(hosts.count, 3);
	assert_string_equal(pg_hosts_rest(hosts.name, 1), "b,a");
	assert_string_equal(pg_hosts_rest("5432", 2), "5432");
	pg_hosts_entry(hosts.port, 1, entry);
	assert_string_equal(entry, "2");
	assert_int_equal(pg_hosts_find(&hosts, 0, "a", "3"), 2);
	assert_int_equal(pg_hosts_find(&hosts, 1, "a", "1"), 3);
	assert_int_equal(pg_hosts_find(&hosts, 0, NULL, NULL), 3);
	PQconninfoFree(parsed);
	parsed = PQconninfoParse("user=u", NULL);
	assert_int_equal(pg_hosts_read(parsed).count, 1);
	PQconninfoFree(parsed);
}

static void
test_stop_ends_a_connect(void **state)
{
	char url[128];
	int peer = mute_peer_listen(url, sizeof(url));
	int ends[2];
	const PgOptions options = {.url = url,
							   .connect_timeout_ms = 600000,
							   .tcp_user_timeout_ms = 1000};
	PGconn *connection = NULL;

	(void) state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);

	Wait wait = wait_begin(ends[0], WAIT_FOREVER);
	Status status = pg_connection_open(&options, PG_MODE_NORMAL, "test", &wait, &connection);

	assert_int_equal(status.class, STATUS_RETRY);
	assert_string_equal(status.text, "connecting to PostgreSQL: stop requested");
	assert_null(connection);
	close(ends[0]);
	close(ends[1]);
	close(peer);
}

static void
test_nobody_listens(void **state)
{
	char url[128];
	int peer = mute_peer_listen(url, sizeof(url));
	const PgOptions options = {.url = url, .connect_timeout_ms = 5000, .tcp_user_timeout_ms = 1000};
	Wait wait = wait_begin(-1, WAIT_FOREVER);
	PGconn *connection = NULL;

	(void) state;
	close(peer);

	Status status = pg_connection_open(&options, PG_MODE_NORMAL, "test", &wait, &connection);

	assert_int_equal(status.class, STATUS_RETRY);
	assert_non_null(strstr(status.text, "cannot connect to PostgreSQL: "));
	assert_non_null(strstr(status.text, "refused"));
	assert_null(strstr(status.text, "hunter2"));
	assert_null(connection);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sqlstates),
		cmocka_unit_test(test_url),
		cmocka_unit_test(test_mute_server_ends_at_the_deadline),
		cmocka_unit_test(test_mute_host_is_passed_over),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_stop_ends_a_connect),
		cmocka_unit_test(test_nobody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
