# One image per service, from one file:
#
#   docker build --build-arg SERVICE=api --tag parley/api:0.1.0 .
#
# SERVICE is api, signaling, webhooks, region-router or migrate (a job that brings the database up to date and ends).
# Uses nothing that only BuildKit knows, so every Docker, Podman or Buildah can build it.

# An LTS release line of Node on a named Debian. Give NODE_IMAGE a digest to make builds repeatable to the byte.
ARG NODE_IMAGE=node:24-bookworm-slim
ARG SERVICE=api

# ---- build: every package compiled, with the development dependencies -------------------------------------------------
FROM ${NODE_IMAGE} AS build
WORKDIR /src
# Set it where packages come from a mirror: --build-arg NPM_CONFIG_REGISTRY=https://...
ARG NPM_CONFIG_REGISTRY
ENV CI=true
# Downloads come first and depend on the lock file and what is patched alone, so a change of source does not repeat them.
COPY package.json pnpm-workspace.yaml pnpm-lock.yaml ./
COPY patches ./patches
RUN npm install --global "$(node -p 'require("./package.json").packageManager.split("+")[0]')" && pnpm fetch
COPY . .
RUN pnpm install --frozen-lockfile --offline
RUN node tools/prisma-generate.mjs && node tools/build.mjs

# ---- production: what the chosen service needs to run, and no more ----------------------------------------------------
FROM build AS production
ARG SERVICE
RUN node tools/deployment/production-tree.mjs "${SERVICE}" /out \
 && pnpm --dir /out install --prod --no-optional --frozen-lockfile --offline

# ---- runtime: Node, an unprivileged user, the service -----------------------------------------------------------------
FROM ${NODE_IMAGE} AS runtime
# No package manager at run time; the files stay root's, so the service cannot change itself.
RUN groupadd --gid 10001 parley \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin parley \
 && rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn*
WORKDIR /app
COPY --from=production /out /app
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080
EXPOSE 8080
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=4s --start-period=30s --retries=3 \
  CMD ["node", "/app/tools/deployment/healthcheck.mjs"]

# Node is process 1 in each of them (exec form) and handles SIGTERM itself.
FROM runtime AS service-api
CMD ["node", "apps/api/dist/main.js"]

FROM runtime AS service-signaling
CMD ["node", "apps/signaling/dist/main.js"]

FROM runtime AS service-webhooks
CMD ["node", "apps/webhooks/dist/main.js"]

FROM runtime AS service-region-router
CMD ["node", "apps/region-router/dist/main.js"]

FROM runtime AS service-migrate
HEALTHCHECK NONE
CMD ["node", "tools/migrate.mjs"]

FROM service-${SERVICE}
