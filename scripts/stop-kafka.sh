#!/bin/bash
# Stops the private single-node Kafka that start-kafka.sh, setup-kafka.sh or "make up" started. What it holds stays.
#
#     stop-kafka.sh
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/stack/settings.sh"

case ${1:-} in
    '') ;;
    --help) report_help "$0" && exit 0 ;;
    *) report_usage "$0" "what is $1?" ;;
esac
settings_prepare
if ! process_pid kafka >/dev/null; then
    process_forget kafka
    echo "  Kafka was not running"
    exit 0
fi
report_begin kafka
process_stop kafka TERM 60 || report_fail "it did not stop when asked to, and was killed"
report_end stopped
