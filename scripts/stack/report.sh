# What the scripts say: one line a step with the time it took, and an error with the log behind it.
# Sourced by bash scripts.

if [ -t 1 ]; then
    report_bold=$'\e[1m' report_red=$'\e[31m' report_green=$'\e[32m' report_plain=$'\e[0m'
else
    report_bold='' report_red='' report_green='' report_plain=''
fi
report_step_name='' report_step_begin=0

report_title()
{
    printf '\n%s%s%s\n' "$report_bold" "$*" "$report_plain"
}

# "step ... " now, the outcome and the seconds when it is known; since a given time, where the step
# was begun beside others.
report_begin()
{
    report_step_name=$1
    report_step_begin=${2:-$(date +%s%N)}
    printf '  %-16s ' "$1"
}

report_end()
{
    local ms=$((($(date +%s%N) - report_step_begin) / 1000000))
    printf '%s%s%s (%d.%d s)\n' "$report_green" "$*" "$report_plain" $((ms / 1000)) $((ms % 1000 / 100))
    report_step_name=''
}

report_line()
{
    printf '  %-16s %s\n' "$1" "$2"
}

# report_fail MESSAGE [LOG [HINT]]: shows the log's end and ends the script.
report_fail()
{
    [ -z "$report_step_name" ] || printf '%sfailed%s\n' "$report_red" "$report_plain"
    printf '\n%serror:%s %s\n' "$report_red" "$report_plain" "$1" >&2
    [ -z "${3:-}" ] || printf 'hint:  %s\n' "$3" >&2
    if [ -n "${2:-}" ] && [ -s "$2" ]; then
        printf '\nthe end of %s:\n' "$2" >&2
        tail -n 20 "$2" | sed 's/^/    /' >&2
    fi
    exit 1
}

# The comment at the beginning of a script is its --help.
report_help()
{
    sed -n '2,${/^#/!q;s/^# \{0,1\}//p}' "$1"
}

# report_usage SCRIPT MESSAGE
report_usage()
{
    printf '%s: %s; see %s --help\n' "${1##*/}" "$2" "$1" >&2
    exit 64
}
