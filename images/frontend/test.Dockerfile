# The frontend's own checks, with the versions that its image is built with.
# The context is the folder above, because a check needs the backend's OpenAPI document.

# postgresql: the server for tests of the database. The base of the checks may have
# no package manager.
FROM debian:bookworm-slim AS postgresql
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    --mount=type=secret,id=ca-bundle,target=/run/secrets/ca-bundle \
    --mount=type=secret,id=APT_SOURCES,target=/run/secrets/apt-sources \
    set -eu; set --; \
    # apt reads as its own user, who may not read a secret.
    if [ -s /run/secrets/ca-bundle ]; then \
        install -m 0644 /run/secrets/ca-bundle /tmp/ca.pem; \
        set -- "$@" -o Acquire::https::CaInfo=/tmp/ca.pem; \
    fi; \
    if [ -s /run/secrets/apt-sources ]; then \
        # apt recognizes the format of the file by its name.
        list=/tmp/apt.list; \
        if grep -q '^URIs:' /run/secrets/apt-sources; then list=/tmp/apt.sources; fi; \
        install -m 0644 /run/secrets/apt-sources "$list"; \
        set -- "$@" -o Dir::Etc::SourceList="$list" -o Dir::Etc::SourceParts=-; \
    fi; \
    mkdir -p /etc/postgresql-common; \
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf; \
    export DEBIAN_FRONTEND=noninteractive; \
    apt-get "$@" update; \
    apt-get "$@" install -y --no-install-recommends postgresql-15; \
    rm -f /tmp/ca.pem /tmp/apt.list /tmp/apt.sources

FROM node:24-alpine AS check
WORKDIR /src/frontend
COPY frontend/package.json frontend/package-lock.json ./
RUN --mount=type=cache,target=/root/.npm \
    --mount=type=secret,id=ca-bundle,target=/run/secrets/ca-bundle \
    --mount=type=secret,id=NODE_EXTRA_CA_CERTS,env=NODE_EXTRA_CA_CERTS \
    --mount=type=secret,id=NPM_CONFIG_REGISTRY,env=NPM_CONFIG_REGISTRY \
    --mount=type=secret,id=npmrc,target=/run/secrets/npmrc \
    --mount=type=secret,id=NPM_CONFIG_USERCONFIG,env=NPM_CONFIG_USERCONFIG \
    npm ci --ignore-scripts --no-audit --no-fund
COPY backend/openapi.json ../backend/openapi.json
COPY frontend ./
ENV NEXT_TELEMETRY_DISABLED=1
RUN npm run lint && npm run typecheck && npm run api:check
# A test of the built server reads the output of the build.
RUN npm run build
# PostgreSQL runs in the file system of its own stage. It refuses to run as root, and
# it needs a file /dev/null, not a device.
RUN --mount=type=bind,from=postgresql,target=/postgresql,rw \
    set -eu; \
    postgres() { chroot /postgresql /usr/bin/setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }; \
    [ -c /postgresql/dev/null ] || { touch /postgresql/dev/null; chmod 0666 /postgresql/dev/null; }; \
    postgres /usr/lib/postgresql/15/bin/initdb -D /tmp/data -U postgres -A trust --locale=C -E UTF8 --no-sync; \
    postgres /usr/lib/postgresql/15/bin/pg_ctl -D /tmp/data -l /tmp/log -w start \
        -o '-c listen_addresses=127.0.0.1 -c fsync=off -c unix_socket_directories=/tmp'; \
    SKIP_NO_TESTS=1 TEST_DATABASE_URL=postgres://postgres@127.0.0.1:5432/postgres npm test

# The image of the checks is empty: the result is that they passed.
FROM scratch
COPY --from=check /src/frontend/package.json /
