//! The disk with a system's data: full, read-only, slow, broken, or cut off in the middle.
//!
//! Which disk that is, is found out on the node: the file system that holds the directory of the
//! data. Filling it takes a file, and making it read-only the kernel; the other faults change the
//! table of a device of the device mapper (as LVM's volumes are, and the data disks of a lab's
//! guests), below the mounted file system:
//!
//! ```text
//! 0 N linear 98:16 0    as it was
//! 0 N delay 98:16 0 50  slow: each read and each write takes 50 ms longer
//! 0 N error             broken: each read and each write fails
//! 0 N flakey 98:16 0 0 1 1 drop_writes    what is written is dropped
//! ```
//!
//! Writes that are dropped while the system runs are the lies of a disk, against which no system
//! can help itself. So what [`DiskTrouble::LostWrites`] does is what a power cut does: the process
//! is killed first; what it had not synchronised is dropped; then the disk works again.
//!
//! Undoing it mounts the file system anew where the kernel has given it up, and starts the process
//! where that has given up. On the controller's own kernel only a file system that is mounted on
//! the directory of the data is touched: others are this machine's.

use std::time::Duration;

use super::action::NodeAction;
use super::delivery::NOTHING_DONE;
use super::evidence::Expectation;
use super::process::in_turn;
use crate::cluster::quote;
use crate::spec::{FaultSpec, Share};
use crate::system::ProcessScripts;

/// What is wrong with a disk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DiskTrouble {
    /// So much of it is taken.
    Full {
        share: Share,
    },
    ReadOnly,
    /// Each read and each write takes so much longer.
    Slow {
        time: Duration,
    },
    /// Each read and each write fails.
    Error,
    /// What was not synchronised when the process was killed is gone.
    LostWrites,
}

impl DiskTrouble {
    /// `None` for a fault of something else.
    pub fn of(fault: &FaultSpec) -> Option<Self> {
        Some(match fault {
            FaultSpec::DiskFill(fill) => Self::Full { share: fill.share },
            FaultSpec::DiskReadOnly(_) => Self::ReadOnly,
            FaultSpec::DiskSlow(slow) => Self::Slow { time: slow.time.0 },
            FaultSpec::DiskError(_) => Self::Error,
            FaultSpec::LostWrites(_) => Self::LostWrites,
            _ => return None,
        })
    }

    /// What becomes of a line `START LENGTH linear DEVICE OFFSET` of the device's table, as words
    /// of awk; `None` where the table stays.
    fn target(&self) -> Option<String> {
        Some(match self {
            Self::Full { .. } | Self::ReadOnly => return None,
            Self::Slow { time } => format!("\"delay\", $4, $5, {}", time.as_millis()),
            Self::Error => "\"error\"".to_owned(),
            Self::LostWrites => "\"flakey\", $4, $5, 0, 1, 1, \"drop_writes\"".to_owned(),
        })
    }
}

/// `locate` finds where `$data` is, or will be: `$mount`, `$device`, `$type` and `$options` of its
/// file system. `own` ends the script unless the file system is the node's alone.
const LOCATE: &str = r#"locate() {
  place=$data; while [ ! -d "$place" ]; do place=$(dirname "$place"); done
  mount=$(stat -c %m "$place")
  set -- $(awk -v at="$mount" '$2 == at { d = $1; t = $3; o = $4 } END { print d, t, o }' \
    /proc/mounts)
  device=$1; type=$2; options=$3
}
own() {
  [ "$(cat /proc/sys/kernel/random/boot_id)" != "$controller_boot" ] || [ "$mount" = "$data" ] ||
    refuse "the file system of $data is this machine's: mount one of its own on it"
}
"#;

/// `mapped` sets `$name` to the name of the device in the device mapper, and ends the script where
/// it has none, or where its table is not a plain one. `swap` takes a new table for it. A device
/// that is suspended half-way is resumed by the next `swap`.
const MAPPER: &str = r#"mapped() {
  command -v dmsetup >/dev/null || refuse 'no dmsetup'
  case $device in /dev/*) ;; *) refuse "$mount is no disk, but $type" ;; esac
  name=$(dmsetup info -c --noheadings -o name "$(readlink -f "$device")" 2>/dev/null) ||
    refuse "$device below $mount is not of the device mapper, as volumes of LVM are"
  [ "$(dmsetup table "$name" | awk '{ print $3 }' | sort -u)" = linear ] ||
    refuse "$device has a table that is not linear: $(dmsetup table "$name" | head -n 1)"
}
swap() {
  dmsetup load "$name" || return 1
  dmsetup suspend --noflush --nolockfs "$name"
  dmsetup resume "$name"
}
"#;

/// Prints what the evidence is read from. Reads go to the disk itself, past the page cache.
const LOOK: &str = r#"set -- $(stat -f -c '%a %b' "$mount")
echo "free $1 of $2"
if why=$({ echo x >"$mount/.isobar-probe" && sync "$mount/.isobar-probe"; } 2>&1)
then echo "writes work"; else echo "writes fail:" ${why##*:}; fi
rm -f "$mount/.isobar-probe" 2>/dev/null
case $device in /dev/*)
  read -r from _ </proc/uptime
  if dd if="$device" of=/dev/null bs=4096 count=1 iflag=direct 2>/dev/null
  then read -r to _ </proc/uptime; echo "reads ${from%.*}${from#*.} ${to%.*}${to#*.}"
  else echo "reads fail"; fi
  table=$(dmsetup table "$(readlink -f "$device")" 2>/dev/null | awk '{ print $3 }' | sort -u)
  echo "table" $table ;;
esac
"#;

/// Makes the file that fills; `$left` bytes are to stay free. To fill all, root's reserve is taken
/// as well, by allocating what is to be had in ever smaller pieces, and writing the rest.
const FILL: &str = r#"fill=$mount/.isobar-fill; have=0
free() { set -- $(stat -f -c "$1 %S" "$mount"); echo $(($1 * $2)); }
rest=$(($(free %a) - left))
while [ $rest -ge 1048576 ]; do
  if fallocate -o $have -l $rest "$fill" 2>/dev/null
  then
    have=$((have + rest))
    now=$(free %a); [ $left != 0 ] || now=$(free %f)
    [ $rest -le $((now - left)) ] || rest=$((now - left))
  else rest=$((rest / 2)); fi
done
[ $left != 0 ] || cat /dev/zero >>"$fill" 2>/dev/null
[ -e "$fill" ] || { echo "nothing to fill in $mount" >&2; exit 1; }
"#;

/// `busy` says whether somebody has something open in `$mount`; `remount` gives the process up,
/// and mounts the file system anew, which repeats its journal.
const REMOUNT: &str = r#"busy() {
  { ls -l /proc/[0-9]*/fd /proc/[0-9]*/cwd; cat /proc/[0-9]*/maps; } 2>/dev/null |
    grep -qF -e "> $mount/" -e " $mount/"
}
remount() {
  i=0
  while grep -qF " $mount " /proc/mounts && ! umount "$mount"; do
    [ $i -lt 20 ] || return 1; sleep 0.1; i=$((i+1))
  done
  mount -t "$type" -o "$options" "$device" "$mount"
}
"#;

const REFUSE: &str = "refuse() { echo \"$1\" >&2; exit 98; }\n";

/// The scripts of one node.
pub fn action(trouble: DiskTrouble, scripts: &ProcessScripts) -> NodeAction {
    let ProcessScripts { state, data, pid_file, .. } = scripts;
    let kept = quote([format!("{pid_file}.disk")]);
    let data = format!("data={}\n{LOCATE}", quote([data]));
    let spoil = spoil(trouble, &kept, scripts);
    // In one shell, since what is located is needed throughout, but for what ends its shell.
    let spoil = format!("{REFUSE}{data}locate\nown\n{spoil}");
    let (apply, evidence, expectation) = match trouble {
        DiskTrouble::LostWrites => (in_turn(&[state, &spoil]), state.clone(), Expectation::Gone),
        _ => (spoil, format!("{data}locate\n{LOOK}"), Expectation::Disk(trouble)),
    };
    NodeAction { apply, undo: undo(trouble, &data, &kept, scripts), evidence, expectation }
}

/// Ends with status 0 where a node can have it; `$data` and `$controller_boot` are set.
pub fn probe(trouble: DiskTrouble) -> String {
    let needs = match trouble {
        DiskTrouble::Full { .. } => {
            "command -v fallocate >/dev/null || refuse 'no fallocate (install util-linux)'\n"
        }
        DiskTrouble::ReadOnly => {
            "case $device in /dev/*) ;; *) refuse \"$mount is $type\" ;; esac\n"
        }
        _ => {
            "mapped\nmodprobe -q dm-delay; modprobe -q dm-flakey\n\
              for target in delay error flakey; do\n  \
                dmsetup targets | grep -q \"^$target \" ||\n    \
                  refuse \"the kernel's device mapper has no target $target\"\n\
              done\n"
        }
    };
    let mapper = if trouble.target().is_some() { MAPPER } else { "" };
    format!("{REFUSE}{LOCATE}{mapper}locate\nown\n{needs}")
}

fn spoil(trouble: DiskTrouble, kept: &str, scripts: &ProcessScripts) -> String {
    let keep = format!(
        "{{ echo \"$mount $device $type $options $name\" && dmsetup table \"$name\"\n\
         }} >{kept} || exit {NOTHING_DONE}\n"
    );
    let change =
        |target: &str| format!("tail -n +2 {kept} | awk '{{ print $1, $2, {target} }}' | swap");
    let mapped = format!("{MAPPER}mapped\n");
    match (trouble, trouble.target()) {
        (DiskTrouble::LostWrites, Some(target)) => format!(
            "{mapped}{REMOUNT}\
             {modules}{keep}\
             (\n{kill}\n) || exit 1\n\
             ! busy || {{ echo \"another process has files open in $mount\" >&2; exit 1; }}\n\
             {drop} || exit 1\n\
             echo lost >\"$mount/.isobar-lost\"\n\
             umount \"$mount\"; went=$?\n\
             tail -n +2 {kept} | swap || exit 1\n\
             [ $went = 0 ] && mount -t $type -o $options $device $mount || exit 1\n\
             [ ! -e \"$mount/.isobar-lost\" ] ||\n  \
               {{ echo 'what was not synchronised is still there' >&2; exit 1; }}\n\
             echo \"what was not synchronised to $mount is gone\"",
            modules = MODULES,
            kill = scripts.kill,
            drop = change(&target),
        ),
        (_, Some(target)) => {
            format!("{mapped}{MODULES}{keep}{}", change(&target))
        }
        (DiskTrouble::Full { share }, None) => format!(
            "set -- $(stat -f -c '%b %S' \"$mount\")\n\
             left=$(($1 * $2 / 1000000 * {left}))\n{FILL}",
            left = ((1.0 - share.0) * 1e6).round() as u64,
        ),
        (_, None) => format!(
            "echo \"$mount $device $type $options -\" >{kept} || exit {NOTHING_DONE}\n\
             mount -o remount,ro \"$mount\" 2>/dev/null && exit 0\n\
             [ $type = ext4 ] || refuse \"files are open for writing in $mount, and $type has no \
               way to make it read-only nevertheless\"\n\
             mount -o remount,abort \"$mount\""
        ),
    }
}

/// The kernel has to know the targets; where they are built in, there is nothing to load.
const MODULES: &str = "modprobe -q dm-delay; modprobe -q dm-flakey\n";

/// Puts the disk right, then the file system, then the process.
fn undo(trouble: DiskTrouble, data: &str, kept: &str, scripts: &ProcessScripts) -> String {
    let ProcessScripts { start, kill, .. } = scripts;
    if let DiskTrouble::Full { .. } = trouble {
        return format!("{data}locate\nrm -f \"$mount/.isobar-fill\" || exit 1\n({start})");
    }
    let table = match trouble.target() {
        Some(_) => format!("tail -n +2 {kept} | swap || exit 1\n"),
        None => String::new(),
    };
    format!(
        "{MAPPER}{REMOUNT}\
         writes() {{ (echo x >\"$mount/.isobar-probe\" && sync \"$mount/.isobar-probe\") \
           2>/dev/null; }}\n\
         if read -r mount device type options name 2>/dev/null <{kept}; then\n  \
           if [ \"$name\" = - ] || dmsetup info \"$name\" >/dev/null 2>&1; then\n    \
             :\n    {table}\
             case $options in rw*) mount -o remount,rw \"$mount\" 2>/dev/null ;; esac\n    \
             grep -qF \" $mount \" /proc/mounts && writes ||\n      \
               {{ ({kill}); remount && writes; }} || exit 1\n    \
             rm -f \"$mount/.isobar-probe\" \"$mount/.isobar-lost\"\n  \
           fi\n  \
           rm -f {kept}\n\
         fi\n\
         ({start})"
    )
}
