# Gives the application's role a password. What comes is PostgreSQL's own hash of
# it, so that nothing that the server logs or shows can tell it.
#
#   the standard input   a line with the SCRAM-SHA-256 verifier
IFS= read -r verifier
admin <<SQL
ALTER ROLE :"role" PASSWORD '$verifier';
SQL
echo done
