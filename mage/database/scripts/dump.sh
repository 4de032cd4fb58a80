# Writes the database to the standard output, as one snapshot of it; all that is
# read is read as the application's role.
exec pg_dump --username=postgres --role="$POSTGRES_USER" --dbname="$POSTGRES_DB" --format=custom --lock-wait-timeout=30s
