# Sets the passwords of all roles, or of none if it fails. It receives hashes, so that
# the server's log and activity view never contain a password. It skips a role that
# does not exist.
#
#   standard input   lines with a role (owner, frontend or backend) and its
#                    SCRAM-SHA-256 verifier, and a last line "end"
statements=
whole=
while IFS=' ' read -r who verifier; do
    case $who in
        owner) name=$POSTGRES_USER ;;
        frontend) name=${POSTGRES_FRONTEND_USER:-} ;;
        backend) name=${POSTGRES_BACKEND_USER:-} ;;
        end) whole=yes; break ;;
        *) echo "unknown role: $who" >&2; exit 1 ;;
    esac
    statements="$statements
SELECT format('ALTER ROLE %I PASSWORD %L', rolname, '$verifier') FROM pg_roles WHERE rolname = '$name' \\gexec"
done
[ -n "$whole" ] || { echo "the connection ended before all passwords arrived" >&2; exit 1; }
admin <<SQL
BEGIN;$statements
COMMIT;
SQL
echo done
