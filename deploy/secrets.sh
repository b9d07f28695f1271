#!/bin/sh
# Writes what `docker compose up` needs and is not there yet: .env, and a file in secrets/ for each
# secret. What exists is kept. Only you can enter the folder; the files in it can be read by anybody
# who gets them mounted, because each container runs as a user of its own.
set -eu
cd "$(dirname "$0")/.."
umask 022
mkdir -p secrets
chmod 700 secrets

put() { # NAME TEXT
    [ -e "secrets/$1" ] && return
    printf '%s' "$2" >"secrets/$1"
    chmod 444 "secrets/$1"
    echo "wrote secrets/$1"
}

password() { # NAME: a random one, or the one that is there
    put "$1" "$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')" >&2
    cat "secrets/$1"
}

redis=$(password redis_password)
put redis_url "redis://:$redis@redis:6379/0"
# The rooms are the user `default`, because Redis reads its own append-only file as that user when it
# starts, and silently leaves out what that user may not do.
put redis_users "user default on >$redis ~trimtab:* &* +@all -@admin -@dangerous +info
user health on nopass resetkeys resetchannels -@all +ping
"
postgres=$(password postgres_password)
put database_url "postgresql://trimtab:$postgres@postgres:5432/trimtab"
password grafana_password >/dev/null
# These are yours to fill in: Alpaca's keys, and where alerts go (docs/alerts.md).
for name in alpaca_key_id alpaca_secret_key alert_urls; do
    put "$name" ""
    chmod 644 "secrets/$name"
done
if [ ! -e .env ]; then
    (umask 077 && cp .env.example .env)
    echo "wrote .env"
fi
