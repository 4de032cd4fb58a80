# Writes one snapshot of the database to the standard output. It reads as the role
# that owns the database. The dump contains no privileges: the migrations of frontend
# and backend grant them at the next start.
exec pg_dump --username=postgres --role="$POSTGRES_USER" --dbname="$POSTGRES_DB" --format=custom --no-privileges --lock-wait-timeout=30s
