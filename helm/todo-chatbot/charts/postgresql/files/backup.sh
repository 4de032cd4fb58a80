# Writes the database to a file of its own, with its checksum beside it, and
# forgets what is older than the newest $KEEP.
#
#   PGHOST PGPORT POSTGRES_USER POSTGRES_DB   the server, and what to write
#   POSTGRES_PASSWORD_FILE                    the password of the role that owns it
#   BACKUPS                                   folder of the backups
#   KEEP                                      how many stay
set -eu
umask 077
fail() { echo "backup: $*" >&2; exit 1; }
trap 'fail "was stopped before its end; if postgresql.backup.timeoutSeconds ran out, raise it"' TERM

# By a file: an argument or a variable would be readable in /proc.
export PGPASSFILE="${TMPDIR:-/tmp}/pgpass" PGUSER="$POSTGRES_USER" PGDATABASE="$POSTGRES_DB"
printf '*:*:*:*:%s\n' "$(sed 's/[\\:]/\\&/g' "$POSTGRES_PASSWORD_FILE")" >"$PGPASSFILE"

tries=0
until pg_isready -q -t 2; do
    tries=$((tries + 1))
    [ "$tries" -lt 15 ] ||
        fail "$PGHOST:$PGPORT takes no connections, so nothing was backed up; mend the database, or upgrade without a backup: helm upgrade --no-hooks"
    sleep 1
done

name="$PGDATABASE-$(date -u +%Y%m%dT%H%M%SZ).dump"
cd "$BACKUPS" || fail "there is no folder $BACKUPS"
rm -f ./*.part # of one that was killed
trap 'rm -f ./*.part' EXIT
# Without rights: frontend and backend get theirs when they start, under the names of then.
pg_dump --format=custom --no-privileges --lock-wait-timeout=30s --file="$name.part" ||
    fail "pg_dump failed; the volume has $(df -hP . | awk 'NR == 2 { print $4 }') left: if that is the cause, raise postgresql.backup.size or lower postgresql.backup.keep"
pg_restore --list "$name.part" >/dev/null || fail "what pg_dump wrote cannot be read back"
# The checksum first: a backup without one is no backup.
sha256sum "$name.part" | sed 's/\.part$//' >"$name.sha256.part"
mv "$name.sha256.part" "$name.sha256"
mv "$name.part" "$name"
sync . "$name" "$name.sha256"
sha256sum --quiet --check "$name.sha256" || fail "$name is not what was written; look at the volume"
echo "backup: $name, $(wc -c <"$name") bytes"

# Their names sort as their times do. Only now: a failed backup costs no good one.
for old in $(printf '%s\n' "$PGDATABASE"-*.dump | sort -r | tail -n "+$((KEEP + 1))"); do
    rm -f "$old" "$old.sha256"
    echo "backup: $old is older than the newest $KEEP, removed"
done
