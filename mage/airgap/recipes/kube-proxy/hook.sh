# Does the set-up of packages that are only unpacked.
set -eu
[ -e "$1"/bin/sh ] || ln -s dash "$1"/bin/sh
for name in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
  ln -sf xtables-nft-multi "$1/usr/sbin/$name"
done
