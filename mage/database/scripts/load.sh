# Restores a backup into a new database beside the application's, as the role that
# owns that, and prints what is in it: "table NAME" and "revision ID".
#
#   $1                   the backup's name in the volume; without one it follows the password
#   the standard input   a line with the role's password
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
