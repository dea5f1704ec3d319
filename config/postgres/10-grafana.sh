#!/bin/sh
# Run once, by the image's entrypoint when it makes the database: a login for Grafana that can only read. Whoever may edit
# a dashboard can send any SQL through it.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$(cat "${GRAFANA_PASSWORD_FILE:-/run/secrets/grafana_db_password}")" \
    --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
CREATE ROLE grafana LOGIN PASSWORD :'password' CONNECTION LIMIT 20;
GRANT pg_read_all_data TO grafana;
ALTER ROLE grafana SET default_transaction_read_only = on;
ALTER ROLE grafana SET statement_timeout = '30s';
SQL
