# Reads and decompresses a backup to its end. It writes nothing.
#
#   $1   name of the backup in the volume; without it, the backup is the standard input
[ "$#" -eq 0 ] || exec <"$backups/$1"
drained pg_restore --file=/dev/null
echo done
