set -eu

# PostgreSQL refuses to run as root; Debian's package brings a user for it.
as_postgres=
if [ "$(id -u)" = 0 ]; then
    as_postgres='setpriv --reuid=postgres --regid=postgres --clear-groups'
fi
# Debian keeps the programs of the server out of the path.
PATH=$PATH:$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)

cd /
folder=$($as_postgres mktemp -d -t exodrive-postgres-XXXXXX)
server=
stop() {
    if [ -n "$server" ]; then
        kill -QUIT "$server" || true
        wait "$server" || true
    fi
    rm -rf "$folder"
}
trap stop EXIT

$as_postgres initdb --pgdata "$folder/data" --username postgres --auth trust --no-sync >"$folder/log" 2>&1 || {
    cat "$folder/log" >&2
    exit 1
}
# No network; and nothing has to survive a crash.
$as_postgres postgres -D "$folder/data" -k "$folder" -c listen_addresses= -c max_connections=300 -c fsync=off \
    -c synchronous_commit=off -c full_page_writes=off >>"$folder/log" 2>&1 </dev/null &
server=$!
until pg_isready --quiet --host "$folder"; do
    kill -0 "$server" || {
        cat "$folder/log" >&2
        exit 1
    }
    sleep 0.05
done

echo "$folder"
while read -r database; do
    createdb --host "$folder" --username postgres "$database"
    echo "$database"
done
