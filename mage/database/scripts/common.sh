# Before every script here; they run in the server's pod, by `sh -c`.
#
#   POSTGRES_USER POSTGRES_DB PGPORT   as the server's container has them
#   PGHOST BACKUPS                     in tests only: the server's socket, the backups' folder
set -eu
umask 077
export PGHOST="${PGHOST:-/tmp}"
backups="${BACKUPS:-/backups}"
# Beside the database: where a backup is restored to, and what it replaced.
aside="${POSTGRES_DB}_restore"
replaced="${POSTGRES_DB}_replaced"

# Over the socket, the container's own user is PostgreSQL's superuser by "peer":
# no password is needed, so a wrong one in the Secret stops nothing.
admin() {
    psql --no-psqlrc --quiet --no-align --tuples-only --username=postgres --dbname=postgres --set=ON_ERROR_STOP=1 \
        --set=role="$POSTGRES_USER" --set=database="$POSTGRES_DB" --set=aside="$aside" --set=replaced="$replaced"
}

# What is left of the standard input is taken, or whoever writes it would see a broken pipe and not the cause.
drained() {
    status=0
    "$@" || status=$?
    cat >/dev/null
    return "$status"
}
