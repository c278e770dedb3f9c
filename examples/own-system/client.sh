#!/bin/sh
# A client in a POSIX shell with curl: reads and writes only.
field() { printf '%s\n' "$line" | sed -n "s/.*\"$1\":\"\\{0,1\\}\\([^,\"}]*\\).*/\\1/p"; }
url=http://$ISOBAR_IP:$ISOBAR_PORT/kv
limit=$((ISOBAR_TIMEOUT_MS / 1000 + 1))

while read -r line; do
  id=$(field id) f=$(field f) key=$(field key) value=$(field value) trace=$(field traceparent)
  case $f in
    read) set -- "$url/$key" ;;
    write) set -- -X PUT -d "{\"value\":$value}" "$url/$key" ;;
    *) echo "{\"id\":$id,\"type\":\"fail\",\"error\":\"not sent: $f is not known\"}"; continue ;;
  esac
  answer=$(curl -s -m $limit -H "traceparent: $trace" -w '\n%{http_code}' "$@")
  curl=$?
  status=${answer##*
} body=${answer%
*}
  case $curl:$f:$status in
    0:read:200) echo "{\"id\":$id,\"type\":\"ok\",${body#?}" ;;
    0:read:404) echo "{\"id\":$id,\"type\":\"ok\",\"value\":null}" ;;
    0:write:200) echo "{\"id\":$id,\"type\":\"ok\"}" ;;
    # 7: the connection was refused, so nothing was sent.
    7:*) echo "{\"id\":$id,\"type\":\"fail\",\"error\":\"refused\"}" ;;
    *) echo "{\"id\":$id,\"type\":\"info\",\"error\":\"curl $curl, status $status\"}" ;;
  esac
done
