# Writes the database to the standard output, as one snapshot of it; all that is
# read is read as the role that owns it. Without rights: frontend and backend get
# theirs when they start, under the names of then.
exec pg_dump --username=postgres --role="$POSTGRES_USER" --dbname="$POSTGRES_DB" --format=custom --no-privileges --lock-wait-timeout=30s
