# Removes services that set up hardware and consoles: a container has neither.
set -eu
units="$1"/lib/systemd/system
find "$units"/sysinit.target.wants/ -name systemd-tmpfiles-setup.service -delete
rm -f "$units"/multi-user.target.wants/* "$1"/etc/systemd/system/*.wants/* "$units"/local-fs.target.wants/*
rm -f "$units"/sockets.target.wants/*udev* "$units"/sockets.target.wants/*initctl* "$units"/basic.target.wants/*
echo ReadKMsg=no >> "$1"/etc/systemd/journald.conf
mkdir -p "$1"/etc/kubernetes/manifests "$1"/opt/cni/bin "$1"/kind
