# Prints one line for each backup in the volume: name, bytes, seconds since 1970, and
# the state of its checksum (ok, wrong or missing).
tab=$(printf '\t')
cd "$backups"
for file in *.dump; do
    [ -f "$file" ] || continue
    sum=missing
    if [ -f "$file.sha256" ]; then
        sum=wrong
        [ "$(sha256sum <"$file" | cut -c1-64)" != "$(head -n 1 "$file.sha256" | cut -c1-64)" ] || sum=ok
    fi
    echo "$file$tab$(stat -c "%s$tab%Y" "$file")$tab$sum"
done
echo done
