# Reads a whole backup, decompresses all of it, and writes it nowhere.
#
#   $1   its name in the volume; without one it comes by the standard input
[ "$#" -eq 0 ] || exec <"$backups/$1"
drained pg_restore --file=/dev/null
echo done
