# Writes a backup of the database with a checksum file, and removes all but the newest
# $KEEP backups.
#
#   PGHOST PGPORT POSTGRES_USER POSTGRES_DB   server, owner and database
#   POSTGRES_PASSWORD_FILE                    password of the owner
#   BACKUPS                                   folder of the backups
#   KEEP                                      number of backups to keep
set -eu
umask 077
fail() { echo "backup: $*" >&2; exit 1; }
trap 'fail "was stopped before its end; if postgresql.backup.timeoutSeconds has passed, raise it"' TERM

# In a file, because /proc shows arguments and variables.
export PGPASSFILE="${TMPDIR:-/tmp}/pgpass" PGUSER="$POSTGRES_USER" PGDATABASE="$POSTGRES_DB"
printf '*:*:*:*:%s\n' "$(sed 's/[\\:]/\\&/g' "$POSTGRES_PASSWORD_FILE")" >"$PGPASSFILE"

tries=0
until pg_isready -q -t 2; do
    tries=$((tries + 1))
    [ "$tries" -lt 15 ] ||
        fail "$PGHOST:$PGPORT takes no connections, so nothing was backed up; repair the database, or upgrade without a backup: helm upgrade --no-hooks"
    sleep 1
done

name="$PGDATABASE-$(date -u +%Y%m%dT%H%M%SZ).dump"
cd "$BACKUPS" || fail "folder $BACKUPS does not exist; check the mount of the volume"
rm -f ./*.part # files of a killed run
trap 'rm -f ./*.part' EXIT
# Without privileges: the migrations of frontend and backend grant them at the next start.
pg_dump --format=custom --no-privileges --lock-wait-timeout=30s --file="$name.part" ||
    fail "pg_dump failed; the volume has $(df -hP . | awk 'NR == 2 { print $4 }') left; if it is full, raise postgresql.backup.size or lower postgresql.backup.keep"
pg_restore --list "$name.part" >/dev/null || fail "the new backup cannot be read back; check the volume"
# The checksum file comes first, because a backup without one is refused.
sha256sum "$name.part" | sed 's/\.part$//' >"$name.sha256.part"
mv "$name.sha256.part" "$name.sha256"
mv "$name.part" "$name"
sync . "$name" "$name.sha256"
sha256sum --quiet --check "$name.sha256" || fail "the checksum of $name does not match after writing; check the volume"
echo "backup: $name, $(wc -c <"$name") bytes"

# The names sort by time. Old backups are removed last, so that a failure removes none.
for old in $(printf '%s\n' "$PGDATABASE"-*.dump | sort -r | tail -n "+$((KEEP + 1))"); do
    rm -f "$old" "$old.sha256"
    echo "backup: removed $old, which is older than the newest $KEEP"
done
