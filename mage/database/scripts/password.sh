# Gives the roles passwords, all or none. What comes is PostgreSQL's own hash of
# each, so that nothing that the server logs or shows can tell it. A role that
# is not there is left out.
#
#   the standard input   lines of a role (owner, frontend or backend) and its
#                        SCRAM-SHA-256 verifier, and "end"
statements=
whole=
while IFS=' ' read -r who verifier; do
    case $who in
        owner) name=$POSTGRES_USER ;;
        frontend) name=${POSTGRES_FRONTEND_USER:-} ;;
        backend) name=${POSTGRES_BACKEND_USER:-} ;;
        end) whole=yes; break ;;
        *) echo "there is no role of the $who" >&2; exit 1 ;;
    esac
    statements="$statements
SELECT format('ALTER ROLE %I PASSWORD %L', rolname, '$verifier') FROM pg_roles WHERE rolname = '$name' \\gexec"
done
[ -n "$whole" ] || { echo "the connection ended before the passwords did" >&2; exit 1; }
admin <<SQL
BEGIN;$statements
COMMIT;
SQL
echo done
