# Drops a second database if it exists.
#
#   $1   aside or replaced
admin <<SQL
DROP DATABASE IF EXISTS :"$1" WITH (FORCE);
SQL
echo done
