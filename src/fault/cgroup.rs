//! A system's processes in a cgroup of their own, where they are frozen or get too little.
//!
//! All processes that descend from the system's first are taken, since a service may be many.
//! Undoing it puts them back where they were. Both versions of cgroups will do. Nodes may share a
//! tree of them, so the names have the host's name in them.

use super::action::NodeAction;
use super::delivery::NOTHING_DONE;
use super::evidence::Expectation;
use super::process::in_turn;
use crate::cluster::quote;
use crate::spec::{FaultSpec, Share, Size};
use crate::system::ProcessScripts;

/// What a system gets too little of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// So much of one core.
    Cpu { share: Share },
    /// So much more than it has.
    Memory { more: Size },
}

impl Limit {
    /// `None` for a fault of something else.
    pub fn of(fault: &FaultSpec) -> Option<Self> {
        Some(match fault {
            FaultSpec::CpuLimit(cpu) => Self::Cpu { share: cpu.share },
            FaultSpec::MemoryLimit(memory) => Self::Memory { more: memory.more },
            _ => return None,
        })
    }

    pub fn controller(self) -> &'static str {
        match self {
            Self::Cpu { .. } => "cpu",
            Self::Memory { .. } => "memory",
        }
    }

    /// What the kernel shows of it: µs of each 100 ms, or bytes. It counts memory in pages.
    pub fn amount(self) -> u64 {
        match self {
            // The kernel takes no less than 1 ms.
            Self::Cpu { share } => ((share.0 * 100_000.0).round() as u64).max(1000),
            Self::Memory { more } => more.0 & !4095,
        }
    }

    /// The files of `$own` to be written, of version 2 and of version 1.
    fn files(self) -> [&'static str; 2] {
        match self {
            Self::Cpu { .. } => ["cpu.max", "cpu.cfs_quota_us"],
            Self::Memory { .. } => ["memory.max", "memory.limit_in_bytes"],
        }
    }
}

/// `tree PID` prints a process and all that descend from it; `gather` puts them into `$own`, and
/// those that they started meanwhile.
const TREE: &str = r#"tree() {
  cat /proc/[0-9]*/status 2>/dev/null | awk -v top="$1" '
    /^Pid:/ { pid = $2 } /^PPid:/ { parent[pid] = $2 }
    END { for (pid in parent)
      for (at = pid; at in parent; at = parent[at]) if (at == top) { print pid; break } }'
}
gather() {
  for round in 1 2 3; do
    for each in $(tree $pid); do echo $each >"$own/cgroup.procs"; done 2>/dev/null
  done
  grep -qx $pid "$own/cgroup.procs"
}
"#;

/// `freezer` finds the tree of cgroups and the switch; `at PID` says where a process is in it.
const FREEZER: &str = r#"name=isobar-frozen-$(hostname)
freezer() {
  if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
    tree=/sys/fs/cgroup; switch=cgroup.freeze; cold=1; warm=0
  elif [ -d /sys/fs/cgroup/freezer ]; then
    tree=/sys/fs/cgroup/freezer; switch=freezer.state; cold=FROZEN; warm=THAWED
  else
    return 1
  fi
}
at() { sed -n 's/^0:://p; s/^[0-9]*:freezer://p' "/proc/$1/cgroup" | tail -n 1; }
"#;

/// Puts the processes into a cgroup below the one where the first is, and freezes that.
pub fn freeze(scripts: &ProcessScripts) -> NodeAction {
    let ProcessScripts { find, state, resume, .. } = scripts;
    let apply = format!(
        "{FREEZER}{TREE}{find}\
         [ -n \"$pid\" ] || exit 0\n\
         freezer || {{ echo 'no cgroups in /sys/fs/cgroup' >&2; exit {NOTHING_DONE}; }}\n\
         own=$tree$(at $pid)/$name\n\
         mkdir \"$own\" && gather || exit 1\n\
         echo $cold >\"$own/$switch\""
    );
    let undo = format!(
        "{FREEZER}freezer || exit 0\n\
         left=0\n\
         for own in $(find $tree -type d -name $name 2>/dev/null); do\n  \
           echo $warm >\"$own/$switch\"\n  \
           for pid in $(cat \"$own/cgroup.procs\"); do\n    \
             echo $pid >\"${{own%/*}}/cgroup.procs\"\n  \
           done\n  \
           rmdir \"$own\" || left=1\n\
         done\n\
         ({resume})\n\
         exit $left"
    );
    let evidence = format!(
        "{FREEZER}{TREE}{find}\
         case \"$(at $pid 2>/dev/null)\" in\n  \
           */$name)\n    \
             echo \"frozen $pid\"\n    \
             for each in $(tree $pid); do\n      \
               case $(at $each) in */$name) ;; *) echo \"not $each\" ;; esac\n    \
             done ;;\n  \
           *) ({state}) ;;\n\
         esac"
    );
    let apply = in_turn(&[state, &apply]);
    NodeAction { apply, undo, evidence, expectation: Expectation::Frozen }
}

/// `open CONTROLLER` sets `$own` to a cgroup to be, `$root` to the tree that it is in, and `$made`
/// to 1 where the controller had to be made available for it. `was PID` says where a process is.
const LIMITED: &str = r#"open() {
  made=0
  if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
    root=/sys/fs/cgroup; version=2
    grep -qw $1 $root/cgroup.controllers || return 1
    if ! grep -qw $1 $root/cgroup.subtree_control; then
      echo +$1 >$root/cgroup.subtree_control || return 1
      made=1
    fi
  elif [ -d /sys/fs/cgroup/$1 ]; then
    root=/sys/fs/cgroup/$1; version=1
  else
    return 1
  fi
  own=$root/isobar-limit-$(hostname)
}
was() { sed -n "s/^0:://p; s/^[0-9]*:\([^:]*,\)*$2\(,[^:]*\)*://p" "/proc/$1/cgroup" | tail -n 1; }
"#;

/// The scripts of a limit on one node.
pub fn limit(limit: Limit, scripts: &ProcessScripts) -> NodeAction {
    let ProcessScripts { find, state, start, pid_file, .. } = scripts;
    let kept = quote([format!("{pid_file}.limit")]);
    let (controller, amount) = (limit.controller(), limit.amount());
    let [two, one] = limit.files();
    // In version 2 a period of 100 ms goes without saying, as it does in version 1.
    let apply = format!(
        "{LIMITED}{TREE}{find}\
         [ -n \"$pid\" ] || {{ echo 'no process' >&2; exit {NOTHING_DONE}; }}\n\
         open {controller} 2>/dev/null ||\n  \
           {{ echo 'no cgroups of {controller}' >&2; exit {NOTHING_DONE}; }}\n\
         {{ echo \"$root $own $made\"; was $pid {controller}; }} >{kept} || exit {NOTHING_DONE}\n\
         mkdir \"$own\" || exit 1\n\
         case $version in 2) file={two} ;; *) file={one} ;; esac\n\
         echo {amount} >\"$own/$file\" && gather"
    );
    let undo = format!(
        "if {{ read -r root own made; read -r place; }} 2>/dev/null <{kept}; then\n  \
           for each in $(cat \"$own/cgroup.procs\" 2>/dev/null); do\n    \
             echo $each >\"$root$place/cgroup.procs\"\n  \
           done\n  \
           i=0; while [ -d \"$own\" ] && ! rmdir \"$own\" 2>/dev/null; do\n    \
             [ $i -lt 20 ] || exit 1; sleep 0.1; i=$((i+1))\n  \
           done\n  \
           [ \"$made\" = 0 ] || echo -{controller} >\"$root/cgroup.subtree_control\"\n  \
           rm -f {kept}\n\
         fi\n\
         ({start})"
    );
    let evidence = format!(
        "{TREE}{find}\
         if read -r root own made 2>/dev/null <{kept}; then\n  \
           echo \"limit $(cat \"$own/{two}\" \"$own/{one}\" 2>/dev/null)\"\n  \
           echo \"holds $(grep -c . \"$own/cgroup.procs\") of $(tree $pid | grep -c .)\"\n\
         else\n  \
           ({state})\n\
         fi"
    );
    NodeAction { apply, undo, evidence, expectation: Expectation::Limit(limit) }
}

/// Ends with status 0 where processes can be limited, and changes nothing.
pub fn probe(controller: &str) -> String {
    format!(
        "if [ -f /sys/fs/cgroup/cgroup.controllers ]; then\n  \
           grep -qw {controller} /sys/fs/cgroup/cgroup.controllers && \
             [ -w /sys/fs/cgroup/cgroup.subtree_control ]\n\
         else [ -d /sys/fs/cgroup/{controller} ]\n\
         fi || {{ echo 'no cgroups of {controller} in /sys/fs/cgroup'; exit 1; }}"
    )
}
