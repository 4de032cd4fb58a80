# Removes files that no container reads. "$1" is the root of the file system.
set -eu
rm -rf "$1"/usr/share/doc/* "$1"/usr/share/man/* "$1"/usr/share/info/* "$1"/usr/share/locale/* "$1"/usr/share/lintian
rm -rf "$1"/var/cache/debconf/*-old "$1"/var/lib/dpkg/*-old "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*
rm -f "$1"/etc/resolv.conf "$1"/etc/hostname "$1"/etc/machine-id
rm -rf "$1"/var/log/* "$1"/tmp/* "$1"/run/*
mkdir -p "$1"/tmp "$1"/run "$1"/var/log
chmod 1777 "$1"/tmp
