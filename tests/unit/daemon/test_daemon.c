/*
 * test_daemon.c
 *		A whole daemon in a child process: HTTP answers, readiness reaches the service manager, HUP
 *		changes the log level, TERM ends it with 0.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/daemon.h"

#define DEADLINE_MS 20000

typedef struct SampleConfig
{
	DaemonOptions daemon;
} SampleConfig;

static const ConfigOption port_options[] = {
	HTTP_PORT_OPTION(HttpOptions, port, "SAMPLE_PORT", "0"),
	CONFIG_OPTIONS_END,
};

static const ConfigGroup groups[] = {
	{"HTTP", port_options, offsetof(SampleConfig, daemon.http)},
	{NULL, http_options, offsetof(SampleConfig, daemon.http)},
	{"Log", log_options, offsetof(SampleConfig, daemon.log)},
	{NULL, NULL, 0},
};

static const ConfigProgram program = {
	.name = "sample",
	.summary = "A daemon that does nothing.",
	.groups = groups,
	.config_bytes = sizeof(SampleConfig),
};

static const MetricDefinition metrics[] = {
	{.name = "sample_port", .type = METRIC_GAUGE, .help = "Port."},
};

static char directory[] = "/tmp/test_daemon.XXXXXX";
static char program_name[] = "sample";
static char *arguments[] = {program_name, NULL};

/* GET /ready makes the daemon ready, so that the test decides when. */
static void
ready_answer(HttpRequest *request, HttpResponse *response, const void *context)
{
	const Daemon *daemon = context;

	(void) request;
	health_check_set(daemon->health, "work", true, "%s", "");
	http_response_text(response, 200, "text/plain", "now");
}

static int
daemon_main(int port_fd)
{
	static Daemon daemon;
	const HttpRoute routes[] = {{"GET", "/ready", ready_answer, &daemon}};
	SampleConfig config;
	ConfigSource source;
	Status status = config_load(&program, 1, arguments, &config, &source);
	const DaemonPlan plan = {
		.source = &source,
		.options = &config.daemon,
		.options_offset = offsetof(SampleConfig, daemon),
		.metrics = metrics,
		.metric_count = 1,
		.routes = routes,
		.route_count = 1,
	};

	if (!status_is_ok(&status))
		return status.exit_code;
	status = daemon_start(&daemon, &plan);
	if (!status_is_ok(&status))
		return status.exit_code;
	health_check_set(daemon.health, "work", false, "%s", "not begun");
	metric_set(daemon.metrics, 0, 0, http_server_port(daemon.server));

	uint16_t port = http_server_port(daemon.server);

	if (write(port_fd, &port, sizeof(port)) != sizeof(port))
		return 1;
	daemon_serve(&daemon);
	daemon_stop(&daemon);
	config_free(&program, &config);
	return 0;
}

/* What is read from fd within the deadline, up to its end or until it contains part. */
static void
text_await(int fd, const char *part, char *text, size_t bytes)
{
	size_t used = 0;

	text[0] = '\0';
	while (part == NULL || strstr(text, part) == NULL)
	{
		struct pollfd polled = {.fd = fd, .events = POLLIN};

		if (poll(&polled, 1, DEADLINE_MS) != 1)
			fail_msg("no \"%s\" in time; until then: %s", part != NULL ? part : "end", text);

		ssize_t got = read(fd, text + used, bytes - used - 1);

		if (got <= 0)
			break;
		used += (size_t) got;
		text[used] = '\0';
	}
	if (part != NULL && strstr(text, part) == NULL)
		fail_msg("no \"%s\" in: %s", part, text);
}

static void
assert_answer(uint16_t port, const char *path, const char *part)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char text[16384];

	assert_int_equal(connect(fd, (const struct sockaddr *) &to, sizeof(to)), 0);
	dprintf(fd, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
	text_await(fd, NULL, text, sizeof(text));
	close(fd);
	if (strstr(text, part) == NULL)
		fail_msg("no \"%s\" in: %s", part, text);
}

static int
manager_bind(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "notify"};
	char path[64];
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	assert_int_equal(bind(fd, (const struct sockaddr *) &address, sizeof(address)), 0);
	snprintf(path, sizeof(path), "%s/notify", directory);
	setenv("NOTIFY_SOCKET", path, 1);
	return fd;
}

static void
level_write(const char *level)
{
	FILE *file = fopen(".env", "w");

	assert_non_null(file);
	fprintf(file, "LOG_LEVEL=%s\n", level);
	fclose(file);
}

static void
test_life_of_a_daemon(void **state)
{
	int manager = manager_bind();
	int ports[2];
	int log[2];
	char text[16384];
	uint16_t port = 0;
	int status = -1;

	(void) state;
	level_write("info");
	setenv("WATCHDOG_USEC", "10000000", 1);
	assert_int_equal(pipe(ports), 0);
	assert_int_equal(pipe(log), 0);

	pid_t child = fork();

	if (child == 0)
	{
		/* Should the test die, so does its daemon. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(log[1], STDERR_FILENO);
		_exit(daemon_main(ports[1]));
	}
	assert_int_equal(read(ports[0], &port, sizeof(port)), sizeof(port));
	text_await(log[0], "message=started", text, sizeof(text));

	assert_answer(port, "/health", "HTTP/1.1 503 ");
	assert_answer(port, "/health", "\"work\":{\"ok\":false,\"reason\":\"not begun\"}");
	assert_answer(port, "/live", "HTTP/1.1 200 ");
	assert_answer(port, "/metrics", "\nsample_port ");
	text_await(manager, "WATCHDOG=1", text, sizeof(text));
	assert_answer(port, "/ready", "HTTP/1.1 200 ");
	assert_answer(port, "/health", "HTTP/1.1 200 ");
	text_await(manager, "STATUS=ready", text, sizeof(text));
	text_await(manager, "READY=1", text, sizeof(text));

	level_write("warning");
	kill(child, SIGHUP);
	level_write("nonsense");
	kill(child, SIGHUP);
	text_await(log[0], "message=\"configuration not reloaded\"", text, sizeof(text));
	level_write("debug");
	kill(child, SIGHUP);
	text_await(log[0], "message=\"log level reloaded\" to=debug", text, sizeof(text));

	kill(child, SIGTERM);
	text_await(manager, "STOPPING=1", text, sizeof(text));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(manager);
}

static void
test_stuck_loop_is_not_alive(void **state)
{
	SampleConfig config;
	ConfigSource source;
	Daemon daemon;

	(void) state;
	level_write("error");

	Status status = config_load(&program, 1, arguments, &config, &source);
	const DaemonPlan plan = {
		.source = &source,
		.options = &config.daemon,
		.options_offset = offsetof(SampleConfig, daemon),
		.metrics = metrics,
		.metric_count = 1,
	};

	assert_true(status_is_ok(&status));
	status = daemon_start(&daemon, &plan);
	assert_true(status_is_ok(&status));

	size_t loop = health_loop_add(daemon.health, "work", 0);

	health_loop_beat(daemon.health, loop);
	while (health_is_alive(daemon.health, NULL))
		poll(NULL, 0, 1);
	assert_answer(http_server_port(daemon.server), "/live", "HTTP/1.1 503 ");
	assert_answer(http_server_port(daemon.server), "/live",
				  "{\"status\":\"stuck\",\"loop\":\"work\"}");

	daemon_stop(&daemon);
	config_free(&program, &config);
}

static int
test_begin(void **state)
{
	(void) state;
	unsetenv("WATCHDOG_USEC");
	unsetenv("LOG_LEVEL");
	return mkdtemp(strcpy(directory, "/tmp/test_daemon.XXXXXX")) == NULL || chdir(directory) != 0;
}

static int
test_end(void **state)
{
	(void) state;
	unlink("notify");
	unlink(".env");
	return chdir("/") != 0 || rmdir(directory) != 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_life_of_a_daemon, test_begin, test_end),
		cmocka_unit_test_setup_teardown(test_stuck_loop_is_not_alive, test_begin, test_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
