# Results of scripts/docker/check, one a line, and counted in the file $results by all its processes.
# Sourced by bash scripts.

announce()
{
    echo "== $*"
}

# try NAME COMMAND ...: what the command says is shown where it fails.
try()
{
    local name=$1 said
    shift
    if said=$("$@" 2>&1); then
        printf '   ok      %s\n' "$name"
        echo ok >>"$results"
    else
        printf '   FAILED  %s\n' "$name"
        tail -n 40 <<<"$said" | sed 's/^/           /'
        echo FAILED >>"$results"
        return 1
    fi
}

# wait_until SECONDS COMMAND ...: what the last try said is what this says.
wait_until()
{
    local deadline=$((SECONDS + $1)) said
    shift
    until said=$("$@" 2>&1); do
        [ "$SECONDS" -lt "$deadline" ] || {
            echo "$said"
            return 1
        }
        sleep 0.2
    done
}
