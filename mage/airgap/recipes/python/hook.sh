# Gives Debian's Python the names that it has in the upstream image.
set -eu
for name in python python3 python3.11; do
  ln -s /usr/bin/python3.11 "$1/usr/local/bin/$name"
done
# pip comes from the wheel that venv needs anyway. Debian's package of pip depends
# on a compiler.
packages="$1"/usr/local/lib/python3.11/dist-packages
mkdir -p "$packages"
ls -d "$1"/usr/share/python-wheels/pip-*.whl | sed "s|^$1||" > "$packages"/pip.pth
