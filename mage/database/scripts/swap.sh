# Makes the restored database the application's database. Both renames succeed or
# none does. All connections to both end, because PostgreSQL cannot rename a database
# that is in use.
admin >/dev/null <<'SQL'
DROP DATABASE IF EXISTS :"replaced" WITH (FORCE);
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN (:'database', :'aside') AND pid <> pg_backend_pid();
BEGIN;
ALTER DATABASE :"database" RENAME TO :"replaced";
ALTER DATABASE :"aside" RENAME TO :"database";
COMMIT;
SQL
echo done
