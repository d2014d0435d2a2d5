#!/bin/bash
# Starts the private single-node Kafka (KRaft) if it is down, and says where it listens: the one that
# "make up" starts as well. Loopback only, for one machine.
#
#     start-kafka.sh
#
#     KAFKA_DATA    its data directory (default: .run/kafka)
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/stack/settings.sh"
. "$stack/kafka.sh"

case ${1:-} in
    '') ;;
    --help) report_help "$0" && exit 0 ;;
    *) report_usage "$0" "what is $1?" ;;
esac
settings_prepare
kafka_start
report_line log "${kafka_log#"$PWD"/}"
