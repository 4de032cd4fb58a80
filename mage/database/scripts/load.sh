# Restores a backup into a new second database, as the role that owns the
# application's database. Prints its content as lines "table NAME" and "revision ID".
#
#   $1               name of the backup in the volume; without it, the backup follows the password
#   standard input   a line with the password of the role
IFS= read -r password
PGPASSFILE=$(mktemp)
export PGPASSFILE
trap 'rm -f "$PGPASSFILE"' EXIT
trap 'exit 1' HUP INT TERM
printf '*:*:*:*:%s\n' "$(printf '%s' "$password" | sed 's/[\\:]/\\&/g')" >"$PGPASSFILE"
[ "$#" -eq 0 ] || exec <"$backups/$1"

admin <<'SQL'
DROP DATABASE IF EXISTS :"aside" WITH (FORCE);
CREATE DATABASE :"aside" OWNER :"role";
REVOKE TEMPORARY ON DATABASE :"aside" FROM PUBLIC;
SQL
drained pg_restore --username="$POSTGRES_USER" --dbname="$aside" --no-owner --no-privileges --single-transaction

ask() {
    psql --no-psqlrc --quiet --no-align --tuples-only --username="$POSTGRES_USER" --dbname="$aside" --set=ON_ERROR_STOP=1 --command="$1"
}
ask "SELECT 'table ' || tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
if [ "$(ask "SELECT to_regclass('public.alembic_version') IS NOT NULL")" = t ]; then
    ask "SELECT 'revision ' || version_num FROM public.alembic_version"
fi
echo done
