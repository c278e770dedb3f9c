#!/bin/sh
# isobar's watchdog on a node: undoes all faults when the controller is silent.
# Usage: watchdog.sh DIRECTORY LEASE_S LOCK
#
# The controller writes another number to DIRECTORY/lease from time to time. When the number has
# stayed the same for more than LEASE_S seconds, the scripts in DIRECTORY/undo.d are run, the last
# first. Seconds are those of /proc/uptime, or one per sleep where there is none: never those of
# a clock that a fault may be changing.
dir=$1
lease_s=$2
lock=$3
cd / || exit 1

slept_s=0
uptime_s() {
  if read -r up _ 2>/dev/null </proc/uptime; then now_s=${up%%.*}; else now_s=$slept_s; fi
}

undo_all() {
  left=0
  for undo in $(ls -r "$dir/undo.d"); do
    case $undo in *.new) rm -f "$dir/undo.d/$undo"; continue ;; esac
    id=${undo%.undoing}
    # A script that is still applying the fault sees by the name that it has to undo it itself.
    [ "$undo" != "$id" ] || mv "$dir/undo.d/$id" "$dir/undo.d/$id.undoing" || { left=1; continue; }
    if sh "$dir/undo.d/$id.undoing" </dev/null; then
      rm -f "$dir/undo.d/$id.undoing"
      echo "undid $id"
    else
      left=1
      echo "could not undo $id"
    fi
  done
  return $left
}

echo $$ >"$dir/pid.new" && mv "$dir/pid.new" "$dir/pid" || exit 1
uptime_s
since_s=$now_s
last=
while [ -d "$dir" ]; do
  seen=
  { read -r seen <"$dir/lease"; } 2>/dev/null
  uptime_s
  if [ "$seen" != "$last" ]; then
    last=$seen
    since_s=$now_s
  elif [ $((now_s - since_s)) -gt "$lease_s" ]; then
    echo "uptime $now_s s: no word from the controller for more than $lease_s s"
    tries=0
    until undo_all; do
      tries=$((tries + 1))
      [ $tries -lt 60 ] || { echo "giving up"; exit 1; }
      sleep 1
    done
    ! grep -qsxF "dir $dir" "$lock" || rm -f "$lock"
    # Gone at once: nobody can put another file into it while it is being removed.
    mv "$dir" "$dir.gone" && rm -rf "$dir.gone"
    rmdir "${dir%/*}" 2>/dev/null && rmdir /run/isobar 2>/dev/null
    exit 0
  fi
  sleep 1
  slept_s=$((slept_s + 1))
done
