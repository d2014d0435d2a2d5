/*
 * startup_facts.h
 *		Gathers what startup_check.c judges, from the answers of PostgreSQL and Kafka.
 */
#pragma once

#include "kafka_facts.h"
#include "options.h"
#include "server_facts.h"
#include "startup_check.h"

typedef struct StartupQuestion
{
	const BridgeConfig *config;
	PGconn *watch; /* asked for the history of timelines */
	const ServerFacts *server;
	const KafkaFacts *kafka;
} StartupQuestion;

/* The decision's status is the result where it was to be made. */
Status startup_judge(const StartupQuestion *question, const Wait *wait, StartupDecision *decision);
