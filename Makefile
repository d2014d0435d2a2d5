# Dispatches, and nothing else: what is done stands in the Makefiles below and in scripts/.
.DEFAULT_GOAL := all
MAKEFLAGS += --no-print-directory

PG_CONFIG ?= pg_config
export PG_CONFIG

# make SANITIZE=1 means both; a list of sanitizers is taken as it is.
ifeq ($(SANITIZE),1)
sanitizers := address,undefined
else
sanitizers := $(SANITIZE)
endif
# The programs that up, check and bench use are the ones that were built here.
export WALLET_BIN ?= $(CURDIR)/kafka_bridge/build$(if $(sanitizers),-sanitize)

.PHONY: help all programs extension install uninstall installcheck deps up status down demo check check-race check-clients check-console check-openapi check-pg check-linearizability check-valgrind check-ha chaos simulate fuzz fuzz-sql docker-check docs lint format clean bench bench-ready bench-smoke bench-hour oracle soak-http

help: ## this list
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

all: extension programs ## build the extension and the programs (SANITIZE=1: programs with sanitizers)

extension:
	@$(MAKE) -C wallet_ext
	@$(MAKE) -C wallet_ext/decoder
	@$(MAKE) -C wallet_ext/router

programs:
	@$(MAKE) -C kafka_bridge SANITIZE='$(sanitizers)'

install: extension ## install the extension into PostgreSQL (PG_CONFIG=, DESTDIR=); may need root
	@scripts/install

uninstall: ## remove what install installed (PG_CONFIG=, DESTDIR=)
	@scripts/install remove

deps: ## install the Debian packages that are missing
	@scripts/deps

# What is built for the stack and the tests goes into a copy of PostgreSQL of their own.
privately := scripts/private-postgres

demo: ## install what is missing, build, start everything, move money, show it coming back
	@scripts/deps demo
	@$(privately) scripts/stack/build
	@$(privately) scripts/stack/demo

up: ## start whatever of the stack is down; '. .run/env' then gives a shell its addresses
	@scripts/deps demo
	@$(privately) scripts/stack/build
	@$(privately) scripts/stack/up

status: ## what of the stack runs: pids, addresses, health, lag
	@$(privately) scripts/stack/status

down: ## stop the stack
	@scripts/stack/down

check: ## every test, on servers of its own (TESTS=words: a part; SANITIZE=1: sanitized programs)
	@scripts/deps check
	@WALLET_TESTS='$(TESTS)' WALLET_SANITIZE='$(sanitizers)' MAKEFLAGS= MAKEOVERRIDES= $(privately) scripts/check

installcheck: ## the SQL tests against what is installed, on the running server of PGHOST, PGPORT and PGUSER
	@prove --exec 'tests/harness/regress pg_regress $(CURDIR) $(CURDIR)/.run/installcheck' sql/*.sql

check-race: ## two stacks that start at the same moment, ROUNDS=10 times
	@scripts/deps check
	@$(privately) $(MAKE) -s install programs
	@WALLET_STACK_RACES='$(or $(ROUNDS),10)' $(privately) prove -v -Itests/harness tests/system/stack/neighbours.t

check-clients: ## drivers and ORMs: psycopg sqlalchemy django node java go (CLIENTS='node go': some)
	@scripts/deps clients
	@$(privately) $(MAKE) -s install
	@$(privately) tests/clients/run $(CLIENTS)

check-openapi: ## the OpenAPI files against the running programs (PROGRAMS=service; SEED=7 EXAMPLES=200: another, longer run)
	@scripts/deps openapi
	@MAKEFLAGS= MAKEOVERRIDES= $(privately) $(MAKE) -s install programs
	@OPENAPI_SEED='$(SEED)' OPENAPI_EXAMPLES='$(EXAMPLES)' $(privately) tests/openapi/run $(PROGRAMS)

check-console: ## the console in a real browser (SCENARIOS='phone axe': those with one of the words)
	@scripts/deps console
	@$(privately) $(MAKE) -s install programs
	@$(privately) tests/console/run $(SCENARIOS)

check-pg: ## the tests that need no Kafka, on PG=15, 17 or 18 in a root of the Debian that has it; needs root
	@scripts/deps check-pg
	@WALLET_TESTS='$(TESTS)' scripts/check-pg '$(PG)'

docker-check: ## build the images of docker/ with buildah and run them as compose.yaml says; needs root
	@scripts/deps docker
	@scripts/docker/check

bench-ready:
	@scripts/deps check
	@$(privately) $(MAKE) -s install programs

bench: bench-ready ## every benchmark, on a server of its own, into docs/benchmarks.md (BENCH='--rounds 3': options)
	@$(privately) tests/bench/run $(BENCH)
	@tests/bench/report

bench-smoke: bench-ready ## whether the benchmarks run, in seconds
	@$(privately) prove -Itests/harness tests/system/operation/bench_run.t tests/system/operation/bench_baseline.t

bench-hour: bench-ready ## everything at once for MINUTES=60: rate, latency, lag, CPU, memory over time, verified afterwards
	@$(privately) tests/bench/run --minutes $(or $(MINUTES),60) $(BENCH) p14
	@tests/bench/report

bench-%: bench-ready ## one benchmark, by number or name: bench-P1, bench-single
	@$(privately) tests/bench/run $(BENCH) $*
	@tests/bench/report

oracle: ## random calls against the reference model, on a server of its own (SEED=1 OPS=100000)
	@scripts/deps check
	@$(privately) $(MAKE) -s install
	@ORACLE_SEED='$(SEED)' ORACLE_OPS='$(OPS)' $(privately) perl -Itests/harness tests/system/operation/oracle.t

check-linearizability: ## calls at once and kills, checked for an order (OPS=1000000 SEED=1; MUTANTS=all: planted faults)
	@scripts/deps check
	@$(privately) $(MAKE) -s install
ifdef MUTANTS
	@LINEARIZABILITY_OPS='$(OPS)' $(privately) tests/linearizability/try_mutants $(filter-out all,$(MUTANTS))
else
	@LINEARIZABILITY_SEED='$(SEED)' LINEARIZABILITY_OPS='$(or $(OPS),1000000)' $(privately) perl -Itests/harness tests/system/operation/linearizability.t
endif

check-valgrind: ## SQL tests on a server in valgrind, minutes long (SQL='hold capture': these)
	@scripts/deps valgrind
	@$(privately) $(MAKE) -s install
	@$(privately) tests/valgrind/run $(SQL)

chaos: ## the pipeline under load while network, processes and servers fail (SEED=1 MINUTES=10)
	@scripts/deps check
	@$(privately) $(MAKE) -s install programs
	@CHAOS_SEED='$(SEED)' CHAOS_MINUTES='$(or $(MINUTES),10)' $(privately) tests/chaos/run

check-ha: ## PostgreSQL under Patroni, three brokers, two of each program: one part after the other fails (FAILOVERS=10 SEED=1)
	@scripts/deps check
	@scripts/deps check-ha
	@$(privately) $(MAKE) -s install programs
	@HA_SEED='$(SEED)' HA_FAILOVERS='$(or $(FAILOVERS),10)' HA_DELIVERY='$(DELIVERY)' HA_FAULTS='$(FAULTS)' $(privately) tests/availability/run

simulate: ## the bridge's code on a scripted PostgreSQL and Kafka, by seeds (SEEDS=20000 SEED=1 TRACE=1 MUTANTS=all)
	@scripts/deps check
ifdef MUTANTS
	@tests/simulator/try_mutants $(filter-out all,$(MUTANTS))
else
	@$(MAKE) -s -C kafka_bridge simulator
	@kafka_bridge/build/simulate --seed '$(or $(SEED),1)' --seeds '$(or $(SEEDS),$(if $(TRACE),1,20000))' $(if $(TRACE),--trace)
endif

fuzz: ## fuzz what reads strangers' bytes, each target for MINUTES=10 (FUZZ='json tokens': some); findings in .run/fuzz/
	@scripts/deps check
	@FUZZ_SECONDS=$$((60 * $(or $(MINUTES),10))) FUZZ_KEEP='$(CURDIR)/.run/fuzz' tests/fuzz/run $(FUZZ)

fuzz-sql: ## random queries of SQLsmith against the extension with assertions, for MINUTES=1 (SEED=1)
	@scripts/deps check
	@scripts/deps fuzz-sql
	@FUZZ_SECONDS=$$((60 * $(or $(MINUTES),1))) FUZZ_SEED='$(SEED)' $(privately) tests/fuzz/sql

soak-http: ## mixed load over HTTP through restarts and an outage, for MINUTES=10
	@scripts/deps check
	@$(privately) $(MAKE) -s install programs
	@HTTP_SOAK_MINUTES='$(or $(MINUTES),10)' $(privately) perl -Itests/harness tests/system/http/http_soak.t

docs: ## make docs/configuration.md, functions.md and http.md anew, from tables, comments and the OpenAPI files
	@scripts/docs/make

lint: ## layout, shell scripts, include arrows, sizes, banned patterns
	@scripts/lint

format: ## put the C sources into the repository's layout
	@scripts/format

clean: ## remove what was built
	@$(MAKE) -s -C wallet_ext clean
	@$(MAKE) -s -C wallet_ext/decoder clean
	@$(MAKE) -s -C wallet_ext/router clean
	@rm -rf kafka_bridge/build kafka_bridge/build-sanitize
