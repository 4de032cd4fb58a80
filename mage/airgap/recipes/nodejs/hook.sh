# Does the set-up of packages that are only unpacked.
set -eu
[ -e "$1"/bin/sh ] || ln -s dash "$1"/bin/sh
cp "$1"/usr/share/base-passwd/passwd.master "$1"/etc/passwd
cp "$1"/usr/share/base-passwd/group.master "$1"/etc/group
mkdir -p "$1"/root
