# The checks of the backend, with a real PostgreSQL and the Python of its image.
# The build context is the folder images.
FROM python:3.11-slim AS check
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    --mount=type=secret,id=ca-bundle,target=/run/secrets/ca-bundle \
    set -eu; set --; \
    # apt reads files as another user, which cannot read the secret.
    if [ -s /run/secrets/ca-bundle ]; then \
        install -m 0644 /run/secrets/ca-bundle /tmp/ca.pem; \
        set -- -o Acquire::https::CaInfo=/tmp/ca.pem; \
    fi; \
    mkdir -p /etc/postgresql-common; \
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf; \
    export DEBIAN_FRONTEND=noninteractive; \
    apt-get "$@" update; \
    apt-get "$@" install -y --no-install-recommends postgresql-15; \
    rm -f /tmp/ca.pem
RUN ["python", "-m", "venv", "--without-pip", "/opt/venv"]
COPY backend/requirements-dev.lock /tmp/requirements-dev.lock
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=ca-bundle,target=/run/secrets/ca-bundle \
    --mount=type=secret,id=PIP_CERT,env=PIP_CERT \
    --mount=type=secret,id=PIP_INDEX_URL,env=PIP_INDEX_URL \
    --mount=type=secret,id=PIP_EXTRA_INDEX_URL,env=PIP_EXTRA_INDEX_URL \
    --mount=type=secret,id=PIP_TRUSTED_HOST,env=PIP_TRUSTED_HOST \
    python -m pip --python /opt/venv/bin/python --disable-pip-version-check install \
      --require-hashes --no-deps --only-binary=:all: -r /tmp/requirements-dev.lock
ENV PATH=/opt/venv/bin:/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
WORKDIR /src/backend
COPY backend ./
RUN ruff check . && ruff format --check . && mypy
RUN pytest

# The result only proves that the checks passed.
FROM scratch
COPY --from=check /src/backend/pyproject.toml /
