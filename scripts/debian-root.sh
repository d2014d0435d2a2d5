# Roots of Debian releases, made by debootstrap once and kept in a cache outside the work tree, and
# programs that run apart from the rest. Sourced by bash scripts that have a function fail MESSAGE ...
#
# What runs apart lives in namespaces of its own: the kernel ends all of it with the run, however the
# run ends. stop is for the traps of HUP, INT and TERM.

child=''

roots_directory()
{
    local home
    home=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}
    echo "${XDG_CACHE_HOME:-$home/.cache}/wallet/roots"
}

# Where Debian's packages come from: WALLET_MIRROR, or where the machine's own come from.
mirror_find()
{
    local host
    host=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    mirror=${WALLET_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
        'Origin: Debian' "Release: $host" 2>/dev/null | head -n 1)}
    [ -n "$mirror" ] || fail 'the apt of this machine names no mirror of Debian: set WALLET_MIRROR'
    proxy=$(apt-config dump 2>/dev/null | sed -n 's/^Acquire::http::Proxy "\(..*\)";$/\1/p')
    [ -z "$proxy" ] || export http_proxy=$proxy
}

# run_apart [OPTION OF unshare ...] COMMAND ...
# In a group of its own: an interrupt reaches this script alone, and with it ends everything there.
run_apart()
{
    local status=0
    set -m
    setpriv --pdeathsig KILL \
        unshare --mount --pid --fork --kill-child --mount-proc "$@" </dev/null &
    child=$!
    set +m
    wait "$child" || status=$?
    child=''
    return "$status"
}

stop()
{
    trap '' HUP INT TERM
    if [ -n "$child" ]; then
        kill -KILL "$child" 2>/dev/null || true
        wait "$child" 2>/dev/null || true
    fi
    exit 130
}

# root_lock NAME: one run at a time uses a root. Holds file descriptor 9.
root_lock()
{
    local roots
    roots=$(roots_directory)
    mkdir -p "$roots"
    exec 9>"$roots/$1.lock"
    flock -n 9 || {
        echo "waiting for another run with root $1 ..."
        flock 9
    }
}

# root_make SUITE NAME: a root of the release, unless it is there.
root_make()
{
    local suite=$1 roots root part
    roots=$(roots_directory)
    root=$roots/$2
    [ ! -d "$root" ] || return 0
    command -v debootstrap >/dev/null || fail 'debootstrap is not installed'
    mirror_find
    part=$roots/.$2.part
    rm -rf --one-file-system "$part"
    mkdir -p "$part"
    echo "making a root of Debian $suite, once: $root ..."
    run_apart debootstrap --variant=minbase --include=ca-certificates "$suite" "$part" "$mirror" \
        >"$part.log" 2>&1 || {
        tail -n 20 "$part.log" >&2
        fail "debootstrap failed: $part.log"
    }
    apt-config dump | grep '^Acquire::' >"$part/etc/apt/apt.conf.d/00host"
    # The packages' own servers are not wanted.
    printf '#!/bin/sh\nexit 101\n' >"$part/usr/sbin/policy-rc.d"
    chmod 755 "$part/usr/sbin/policy-rc.d"
    mv -T "$part" "$root"
}
