# How a member of etcd leaves its cluster and joins it, in functions. They need those of list.sh and
#   name, url    the member's name, and its URL for peers
#   state        a file, there while the member is not one as any other: `out`, or `in CLUSTER`
#                with the --initial-cluster with which it starts
# and find_member, start_member, kill_member and wipe_member.
note_state() { echo "$*" >"$state.new" && mv "$state.new" "$state"; }

need_etcdctl() {
  command -v etcdctl >/dev/null || { echo 'no etcdctl (install etcd-client)' >&2; exit 98; }
}

# Until nobody in the list has our URL. $unsure: it has happened, or may still; a refusal is none.
remove_member() {
  unsure=
  until late; do
    if list; then
      ids=$(mine | cut -d ' ' -f 1)
      [ -n "$ids" ] || return 0
      for id in $ids; do
        why='it was not seen in time that the member is removed'
        ask member remove "$id" && { unsure=1; continue; }
        case $why in *unhealthy*|*'not enough started'*|*'not found'*) ;; *) unsure=1 ;; esac
      done
    fi
    sleep 0.3
  done
  return 1
}

# The member is removed while it runs, and ends by itself.
leave() {
  need_etcdctl
  note_state out || exit 98
  limit 12
  if ! remove_member; then
    echo "no member removed $name: $why" >&2
    [ -z "$unsure" ] || exit 1
    rm -f "$state"
    exit 98
  fi
  tries=0
  while find_member; [ -n "$pid" ] && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
  kill_member
}

# A step towards a member that votes; status 0 once it does.
join_step() {
  read -r how cluster <"$state" || return 1
  list || return 1
  why='it was not there in time'
  if [ "$how" = out ]; then
    ids=$(mine | cut -d ' ' -f 1)
    kill_member && wipe_member || return 1
    for id in $ids; do ask member remove "$id" || return 1; done
    ask member add "$name" --learner --peer-urls="$url" || return 1
    cluster=$(printf '%s\n' "$said" | sed -n 's/^ETCD_INITIAL_CLUSTER="\(.*\)"$/\1/p')
    note_state "in $cluster"
    return 1
  fi
  set -- $(mine)
  find_member
  case "$2 $3 ${pid:+alive}" in
    'started false alive') return 0 ;;
    *' alive') why="$name is not in step yet" ;;
    # What it starts with is no more true, or somebody has removed it.
    *) [ $starts -lt 3 ] && [ -n "$1" ] || { note_state out; starts=0; return 1; }
       starts=$((starts + 1))
       ETCD_INITIAL_CLUSTER=$cluster ETCD_INITIAL_CLUSTER_STATE=existing
       export ETCD_INITIAL_CLUSTER ETCD_INITIAL_CLUSTER_STATE
       start_member; sleep 0.5 ;;
  esac
  [ "$2 $3" != 'started true' ] || ask member promote "$1"
  return 1
}

# As a new member, which learns before it votes; where it was before, if that was cut short.
join() {
  need_etcdctl
  limit 20
  starts=0
  until join_step; do
    if late; then
      echo "$name has not joined the cluster: $why" >&2
      exit 1
    fi
    sleep 0.2
  done
}

# Off the list and off the node.
retire() {
  limit 12
  remove_member || { echo "no member removed $name: $why" >&2; exit 1; }
  kill_member && wipe_member
}
