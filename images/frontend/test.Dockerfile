# The frontend's own checks, with the versions that its image is built with.
# The context is the folder above, for the backend's description of its API.
FROM node:24-alpine AS check
WORKDIR /src/frontend
COPY frontend/package.json frontend/package-lock.json ./
RUN --mount=type=cache,target=/root/.npm \
    --mount=type=secret,id=ca-bundle,target=/run/secrets/ca-bundle \
    --mount=type=secret,id=NODE_EXTRA_CA_CERTS,env=NODE_EXTRA_CA_CERTS \
    --mount=type=secret,id=NPM_CONFIG_REGISTRY,env=NPM_CONFIG_REGISTRY \
    npm ci --ignore-scripts --no-audit --no-fund
COPY backend/openapi.json ../backend/openapi.json
COPY frontend ./
ENV NEXT_TELEMETRY_DISABLED=1
RUN npm run lint && npm run typecheck && npm run api:check
RUN npm test

# What is kept says only that the checks passed.
FROM scratch
COPY --from=check /src/frontend/package.json /
