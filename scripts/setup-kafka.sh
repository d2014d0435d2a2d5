#!/bin/bash
# Makes the topic of the events: on the cluster of KAFKA_BROKERS, else on the private single-node Kafka, which is
# fetched, formatted and started first where it is not. Running it again changes nothing.
#
#     setup-kafka.sh [--partitions NUMBER] [--replication NUMBER]
#
#     --partitions     of a new topic (default: 6); they bound how many wallet_history work at once
#     --replication    copies of each partition of a new topic (default: 1 on the private node, 3 on a cluster)
#
#     KAFKA_BROKERS    a cluster to use instead of a private node
#     KAFKA_TOPIC      the topic (default: wallet-events)
#     KAFKA_DATA       data directory of the private node (default: .run/kafka)
#
# The topic gets cleanup.policy=delete and retention.ms=-1: it is the ledger's journal and never expires.
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/stack/settings.sh"
. "$stack/kafka.sh"

partitions=6 replication=''
while [ $# -gt 0 ]; do
    case $1 in
        --help) report_help "$0" && exit 0 ;;
        --partitions | --replication)
            [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || report_usage "$0" "$1 needs a number"
            if [ "$1" = --partitions ]; then partitions=$2; else replication=$2; fi
            shift 2
            ;;
        *) report_usage "$0" "what is $1?" ;;
    esac
done

settings_prepare
kafka_find_external
if [ -n "$external_brokers" ]; then
    kafka_brokers=$external_brokers
    kcat -L -b "$kafka_brokers" -m 10 >/dev/null 2>&1 ||
        report_fail "no Kafka answers at KAFKA_BROKERS=$kafka_brokers" '' "unset KAFKA_BROKERS to have one started here"
    kafka_topic_prepare "$topic" "$partitions" "${replication:-3}"
else
    kafka_start
    kafka_brokers=127.0.0.1:${port_chosen[kafka]}
    kafka_topic_prepare "$topic" "$partitions" "${replication:-1}"
fi
report_line ready "KAFKA_BROKERS=$kafka_brokers KAFKA_TOPIC=$topic"
