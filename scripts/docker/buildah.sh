# buildah with a storage of its own in $work, and without an engine: a container is a chroot. Sourced
# by bash scripts.

postgres_image=localhost/wallet-postgres:local
wallet_image=localhost/wallet:local
export TMPDIR=$work

buildah_run()
{
    buildah --root "$work/storage" --runroot "$work/state" --storage-driver vfs "$@"
}

# The format of Docker: OCI's own knows no HEALTHCHECK.
buildah_build()
{
    buildah_run bud -q --format docker --isolation chroot --pull-never --network host "$@"
}

# container_make NAME IMAGE
container_make()
{
    buildah_run from -q --pull-never --name "$1" "$2"
}

# container_inspect NAME COMMAND ...: in the files of a container, without a process of it.
container_inspect()
{
    local folder
    folder=$(buildah_run mount "$1")
    shift
    chroot "$folder" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/lib/postgresql "$@"
}

# container_run NAME [OPTION ...] -- COMMAND ...
container_run()
{
    local name=$1 options=()
    shift
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    buildah_run run --isolation chroot --network host "${options[@]}" "$name" "$@"
}

# image_list IMAGE FIELD: a list of the image's configuration, one a line.
image_list()
{
    buildah_run inspect --type image --format "{{range .Docker.Config.$2}}{{println .}}{{end}}" "$1" |
        sed '/^$/d'
}

image_value()
{
    buildah_run inspect --type image --format "{{.Docker.Config.$2}}" "$1"
}
