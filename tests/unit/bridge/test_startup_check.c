/*
 * test_startup_check.c
 *		The start-up checks V1 to V5 as a table: facts, expected action, words of the refusal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/startup_check.h"

#define OPTIONS "format=frame,protocol_version=1"

/* A bridge that goes on: everything as it was left. */
static StartupFacts
facts_of_restart(void)
{
	return (StartupFacts){
		.slot_name = "wallet_bridge",
		.system_id = 7000,
		.database_oid = 5,
		.timeline = 1,
		.wal_end = 2000,
		.wal_level_logical = true,
		.ledger_has_rows = true,
		.slot = {.exists = true,
				 .logical = true,
				 .same_database = true,
				 .plugin = "wallet_decoder",
				 .confirmed = 1000},
		.record_exists = true,
		.record = {.state = PROGRESS_STREAMING,
				   .lsn = 1000,
				   .timeline = 1,
				   .partition_count = 6,
				   .options = OPTIONS,
				   .topic = "wallet-events"},
		.topic = "wallet-events",
		.foreign_source = "",
		.unknown_transaction = "",
		.partition_count = 6,
		.plugin_options = OPTIONS,
	};
}

/* A server and a Kafka that never saw this bridge. */
static StartupFacts
facts_of_first_start(void)
{
	StartupFacts facts = facts_of_restart();

	facts.slot = (SlotFacts){.exists = false};
	facts.record_exists = false;
	facts.ledger_has_rows = false;
	return facts;
}

static void
expect_action(const StartupFacts *facts, StartupAction action, uint64_t start_lsn)
{
	StartupDecision decision = startup_check(facts);

	assert_int_equal(decision.action, action);
	assert_int_equal(decision.start_lsn, start_lsn);
	assert_int_equal(decision.status.class, STATUS_OK);
}

static void
expect_refusal(const StartupFacts *facts, const char *words)
{
	StartupDecision decision = startup_check(facts);

	assert_int_equal(decision.action, STARTUP_REFUSE);
	assert_int_equal(decision.status.class, STATUS_FATAL);
	assert_int_equal(decision.status.exit_code, EXIT_CODE_CONFIGURATION);
	if (strstr(decision.status.text, words) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", decision.status.text, words);
	assert_true(strlen(decision.status.text) < STATUS_TEXT_BYTES - 1); /* not cut */
}

static void
test_restart_goes_on(void **state)
{
	(void) state;

	StartupFacts facts = facts_of_restart();

	expect_action(&facts, STARTUP_STREAM, 1000);
	facts.record.lsn = 1500; /* the server's restart moved the slot back */
	/* The slot is the truth; the topic decides how much of the rest is sent again. */
	expect_action(&facts, STARTUP_STREAM, 1000);
	facts.wal_end = 1500;
	expect_action(&facts, STARTUP_STREAM, 1000);
}

static void
test_v6_topic(void **state)
{
	(void) state;

	static const struct
	{
		TopicState state;
		const char *words;
	} cases[] = {
		{TOPIC_GONE, "V6: the topic is gone: events were published to \"wallet-events\""},
		{TOPIC_ANEW, "V6: the topic is gone: \"wallet-events\" was deleted and made anew"},
		{TOPIC_OTHER, "V6: events were published to another topic"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		StartupFacts facts = facts_of_restart();

		facts.topic_state = cases[i].state;
		expect_refusal(&facts, cases[i].words);
		expect_refusal(&facts, "wallet_bridge progress set --reason TEXT");
		/* Also where the record is gone with it: the slot tells that there was one. */
		facts.record_exists = false;
		expect_refusal(&facts, cases[i].words);
		/* The slot's owner judges for itself. */
		facts.slot.active = true;
		expect_action(&facts, STARTUP_STANDBY, 0);
	}
}

static void
test_v6_foreign_source(void **state)
{
	(void) state;

	StartupFacts facts = facts_of_restart();

	facts.foreign_source = "/wallet/8000/other";
	expect_refusal(&facts, "gets events of another source, /wallet/8000/other");
	facts.record_exists = false;
	expect_refusal(&facts, "--shared-topic");
	facts = facts_of_first_start();
	facts.foreign_source = "/wallet/8000/other";
	expect_refusal(&facts, "--shared-topic");
}

static void
test_v4_damaged_record(void **state)
{
	(void) state;

	StartupFacts facts = facts_of_restart();

	facts.record_damaged = true;
	expect_refusal(&facts, "wallet_bridge progress set --reason TEXT");
	facts.slot.exists = false;
	expect_refusal(&facts, "wallet_bridge slot create");
}

static void
test_first_start(void **state)
{
	(void) state;

	StartupFacts facts = facts_of_first_start();

	expect_action(&facts, STARTUP_SETUP, 0);
	facts.ledger_has_rows = true;
	expect_refusal(&facts, "--start=backfill");
	facts.start = START_BACKFILL;
	expect_action(&facts, STARTUP_SETUP, 0);
	facts.start = START_NOW;
	expect_action(&facts, STARTUP_SETUP, 0);
}

static void
test_interrupted_setup_starts_over(void **state)
{
	(void) state;

	StartupFacts facts = facts_of_restart();

	facts.record.state = PROGRESS_SETUP;
	facts.record.lsn = 0;
	expect_action(&facts, STARTUP_SETUP, 0);
	facts.slot = (SlotFacts){.exists = false};
	facts.start = START_BACKFILL;
	expect_action(&facts, STARTUP_SETUP, 0);
	facts.start = START_REFUSE;
	expect_refusal(&facts, "first start");
}

static void
test_slot_without_record_is_adopted(void **state)
{
	(void) state;

	StartupFacts facts = facts_of_restart();

	facts.record_exists = false;
	expect_action(&facts, STARTUP_ADOPT, 1000);
}

static void
test_active_slot_means_standby(void **state)
{
	(void) state;

	StartupFacts facts = facts_of_restart();

	facts.slot.active = true;
	facts.slot.confirmed = 1999; /* its owner moves both; not judged now */
	expect_action(&facts, STARTUP_STANDBY, 0);
	strcpy(facts.slot.plugin, "pgoutput");
	expect_refusal(&facts, "pgoutput");
}

static void
test_v1_other_system(void **state)
{
	(void) state;

	StartupFacts facts = facts_of_first_start();

	facts.foreign_exists = true;
	facts.foreign_system_id = 6999;
	facts.foreign_database_oid = 5;
	expect_refusal(&facts, "V1: slot \"wallet_bridge\" was last used on system 6999");
	facts.start = START_BACKFILL;
	expect_refusal(&facts, "V1");
	expect_refusal(&facts, "run \"wallet_bridge slot create\"");
	facts.slot = facts_of_restart().slot;
	expect_refusal(&facts, "run \"wallet_bridge progress set\"");
	facts.slot.same_database = false; /* another name is needed here, not another record */
	expect_refusal(&facts, "V5: slot \"wallet_bridge\" decodes another database");
	facts = facts_of_restart(); /* a record of our own outweighs it */
	facts.foreign_exists = true;
	expect_action(&facts, STARTUP_STREAM, 1000);
}

static void
test_v2_timeline(void **state)
{
	(void) state;

	StartupFacts facts = facts_of_restart();

	facts.timeline = 2;
	facts.timeline_switch = 1000;
	expect_action(&facts, STARTUP_STREAM, 1000);
	facts.timeline_switch = 999;
	expect_refusal(&facts, "V2");
	facts.timeline_switch = 0;
	expect_refusal(&facts, "V2");
	expect_refusal(&facts, "accept with \"wallet_bridge progress set\"");
	facts.slot = (SlotFacts){.exists = false}; /* as on a promoted standby before 17 */
	expect_refusal(&facts, "V2");
	expect_refusal(&facts, "accept with \"wallet_bridge slot create\"");
	facts.timeline_switch = 1000;
	expect_refusal(&facts, "V4: slot \"wallet_bridge\" is gone");
	facts = facts_of_restart();
	facts.record.timeline = 2;
	expect_refusal(&facts, "V2");

	/* Kafka has the beginning of a commit too. */
	facts = facts_of_restart();
	facts.record.inside = (ProgressInside){.end_lsn = 1200, .events = 3};
	facts.timeline = 2;
	facts.timeline_switch = 1199;
	expect_refusal(&facts, "V2: events up to 0/4B0");
	facts.timeline_switch = 1200;
	expect_action(&facts, STARTUP_STREAM, 1000);
}

/* The primary died with WAL that the standby had not got, and none of it had to do with events. */
static void
test_v2_switch_behind_the_events(void **state)
{
	(void) state;

	StartupFacts facts = facts_of_restart();

	facts.timeline = 2;
	facts.timeline_switch = 980;
	facts.slot.confirmed = 900;
	facts.record.event_lsn = 980;
	expect_action(&facts, STARTUP_STREAM, 900);
	/* The record says nothing of what the new primary wrote there. */
	assert_true(startup_check(&facts).recorded_lsn == 980);
	facts.slot.confirmed = 981;
	expect_refusal(&facts, "V4");
	facts.slot.confirmed = 900;
	facts.record.event_lsn = 981;
	expect_refusal(&facts, "V2: events up to 0/3D5");
	facts.record.event_lsn = 0;
	expect_refusal(&facts, "V2: events up to 0/3E8");
	/* Events of a commit that was split. */
	facts.record.event_lsn = 970;
	facts.record.inside = (ProgressInside){.end_lsn = 1010, .events = 3};
	expect_refusal(&facts, "V2: events up to 0/3F2");
}

static void
test_v3_lost_commits(void **state)
{
	(void) state;

	StartupFacts facts = facts_of_restart();

	facts.wal_end = 999;
	facts.slot.confirmed = 900;
	expect_refusal(&facts, "V3: events up to 0/3E8");
	expect_refusal(&facts, "accept with \"wallet_bridge progress set\"");
	facts.slot = (SlotFacts){.exists = false};
	expect_refusal(&facts, "V3: events up to 0/3E8");

	/* Kafka has the beginning of a commit too. */
	facts = facts_of_restart();
	facts.record.inside = (ProgressInside){.end_lsn = 1200, .events = 3};
	facts.wal_end = 1199;
	expect_refusal(&facts, "V3: events up to 0/4B0");

	/* WAL that was written since hides how far the lost one went. */
	facts = facts_of_restart();
	facts.unknown_transaction = "01a22de8-8585-761c-9ca1-f66b9e24f925";
	expect_refusal(&facts, "V3: events are in Kafka");
	facts.slot = (SlotFacts){.exists = false};
	expect_refusal(&facts, "accept with \"wallet_bridge slot create\"");
	facts.unknown_is_young = true;
	assert_int_equal(startup_check(&facts).status.class, STATUS_RETRY);
}

static void
test_v4_slot_gone_or_moved(void **state)
{
	(void) state;

	StartupFacts facts = facts_of_restart();

	facts.slot.confirmed = 1001;
	expect_refusal(&facts, "V4: slot \"wallet_bridge\" is at 0/3E9");
	facts.slot = (SlotFacts){.exists = false};
	expect_refusal(&facts, "V4: slot \"wallet_bridge\" is gone");
	facts.start = START_NOW;
	expect_refusal(&facts, "V4: slot \"wallet_bridge\" is gone");
}

static void
test_v5_slot_not_ours(void **state)
{
	(void) state;

	StartupFacts facts = facts_of_restart();

	facts.slot.lost = true;
	expect_refusal(&facts, "V5: the server removed WAL");
	facts = facts_of_restart();
	facts.slot.logical = false;
	expect_refusal(&facts, "V5: slot \"wallet_bridge\" is a physical one");
	facts = facts_of_restart();
	facts.slot.same_database = false;
	expect_refusal(&facts, "V5: slot \"wallet_bridge\" decodes another database");
}

static void
test_v5_format_changed(void **state)
{
	(void) state;

	StartupFacts facts = facts_of_restart();

	strcpy(facts.record.options, "format=frame,protocol_version=0");
	expect_refusal(&facts, "V5: the plugin options were");
	facts = facts_of_restart();
	facts.partition_count = 12;
	expect_refusal(&facts, "had 6 partitions and has 12 now");
	facts.accept_repartition = true;
	expect_action(&facts, STARTUP_STREAM, 1000);
}

static void
test_server_not_fit(void **state)
{
	(void) state;

	StartupFacts facts = facts_of_first_start();

	facts.wal_level_logical = false;
	expect_refusal(&facts, "wal_level");
	facts.in_recovery = true;

	StartupDecision decision = startup_check(&facts);

	assert_int_equal(decision.action, STARTUP_REFUSE);
	assert_int_equal(decision.status.class, STATUS_RETRY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_restart_goes_on),
		cmocka_unit_test(test_v6_topic),
		cmocka_unit_test(test_v6_foreign_source),
		cmocka_unit_test(test_v4_damaged_record),
		cmocka_unit_test(test_first_start),
		cmocka_unit_test(test_interrupted_setup_starts_over),
		cmocka_unit_test(test_slot_without_record_is_adopted),
		cmocka_unit_test(test_active_slot_means_standby),
		cmocka_unit_test(test_v1_other_system),
		cmocka_unit_test(test_v2_timeline),
		cmocka_unit_test(test_v2_switch_behind_the_events),
		cmocka_unit_test(test_v3_lost_commits),
		cmocka_unit_test(test_v4_slot_gone_or_moved),
		cmocka_unit_test(test_v5_slot_not_ours),
		cmocka_unit_test(test_v5_format_changed),
		cmocka_unit_test(test_server_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
