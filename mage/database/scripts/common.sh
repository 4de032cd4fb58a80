# Precedes every other script. The scripts run in the server's pod with `sh -c`.
#
#   POSTGRES_USER POSTGRES_DB PGPORT   the settings of the server's container
#   PGHOST BACKUPS                     in tests only: folder of the socket, folder of the backups
set -eu
umask 077
export PGHOST="${PGHOST:-/tmp}"
backups="${BACKUPS:-/backups}"
# The second databases: one receives a restored backup, one is the replaced database.
aside="${POSTGRES_DB}_restore"
replaced="${POSTGRES_DB}_replaced"

# Through the socket, "peer" authentication makes the container's user the superuser.
# No password is needed, so a wrong password in the Secret does not matter.
admin() {
    psql --no-psqlrc --quiet --no-align --tuples-only --username=postgres --dbname=postgres --set=ON_ERROR_STOP=1 \
        --set=role="$POSTGRES_USER" --set=database="$POSTGRES_DB" --set=aside="$aside" --set=replaced="$replaced"
}

# Reads the rest of the standard input. Otherwise the sender reports a broken pipe instead of the cause.
drained() {
    status=0
    "$@" || status=$?
    cat >/dev/null
    return "$status"
}
