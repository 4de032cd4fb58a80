# Gives Debian's docker-registry the name, the folders and the configuration of
# the upstream image. Debian's own configuration asks for a password.
set -eu
ln -s docker-registry "$1"/usr/bin/registry
mkdir -p "$1"/var/lib/registry "$1"/etc/docker/registry
cat > "$1"/etc/docker/registry/config.yml <<'YAML'
version: 0.1
storage: {filesystem: {rootdirectory: /var/lib/registry}, delete: {enabled: true}}
http: {addr: ":5000"}
YAML
