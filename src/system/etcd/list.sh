# Who is a member of etcd, asked of its members, in functions. They need
#   url          of the member that it is about, for peers
#   others       URLs for clients of other members, one of which is asked
ETCDCTL_API=3
export ETCDCTL_API

# Seconds since boot: a clock may be skewed meanwhile.
uptime_s() { read -r now_s _ </proc/uptime; now_s=${now_s%%.*}; }
limit() { uptime_s; until_s=$((now_s + $1)); }
late() { uptime_s; [ "$now_s" -ge "$until_s" ]; }

# etcdctl at one member; what it said is in $said, and of a failure the last line in $why.
try() {
  at=$1
  shift
  said=$(etcdctl --endpoints="$at" --dial-timeout=1s --command-timeout=3s "$@" 2>&1) && return 0
  why=$(printf '%s\n' "$said" | tail -n 1)
  return 1
}

# The same at the first of the others that does it.
ask() {
  for one in $others; do
    try "$one" "$@" && return 0
    ! late || return 1
  done
  return 1
}

# The list of members in $said, of one that speaks for a majority: looking at its health reads
# through that.
list() {
  why='nobody else is a member'
  for one in $others; do
    try "$one" endpoint health && try "$one" member list && return 0
    ! late || return 1
  done
  return 1
}

# Of that list the members with our URL: number, status, whether it only learns.
mine() { printf '%s\n' "$said" | awk -F ', ' -v url="$url" '$4 == url { print $1, $2, $6 }'; }

# Of that list all members: those without a name have not started.
names() {
  printf '%s\n' "$said" | awk -F ', ' 'NF == 6 {
    printf " %s%s", $3 == "" ? "(unstarted)" : $3, $6 == "true" ? "(learner)" : ""
  }'
}

show() {
  limit 6
  if list; then
    echo "members$(names)"
    mine | sed 's/^/id /'
  else
    echo "nobody lists members: $why"
  fi
}
