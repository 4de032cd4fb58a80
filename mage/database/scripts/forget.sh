# Drops a database beside the application's, if it is there.
#
#   $1   aside or replaced
admin <<SQL
DROP DATABASE IF EXISTS :"$1" WITH (FORCE);
SQL
echo done
