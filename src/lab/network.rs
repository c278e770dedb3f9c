//! The wires between the nodes and to this machine.

use std::fs::File;
use std::path::{Path, PathBuf};

use rustix::mount::{UnmountFlags, unmount};

use super::LabError;
use super::state::{LabState, NodeState};
use super::tool::{Tool, ip};
use crate::spec::LabKind;

/// The first x for which nothing on this machine has to do with 10.77.x.0/24.
pub(super) fn free_subnet() -> Result<u8, LabError> {
    let addresses = ip("-o -4 addr show").run()?.stdout;
    let routes = ip("-4 route show table all").run()?.stdout;
    let known = [addresses, routes].concat();
    first_free(&String::from_utf8_lossy(&known)).ok_or(LabError::NoSubnet)
}

fn first_free(known: &str) -> Option<u8> {
    let mut taken = [false; 256];
    for word in known.split_whitespace() {
        let third = word.strip_prefix("10.77.").and_then(|rest| rest.split(['.', '/']).next());
        if let Some(subnet) = third.and_then(|third| third.parse::<u8>().ok()) {
            taken[usize::from(subnet)] = true;
        }
    }
    (0..=u8::MAX).find(|subnet| !taken[usize::from(*subnet)])
}

/// The controller's interface; with its address the subnet is taken.
pub(super) fn uplink(lab: &LabState) -> Result<(), LabError> {
    let (name, address) = (&lab.name, lab.controller());
    if lab.kind == LabKind::Rootless {
        // In a network namespace of its own, where nothing else is: the bridge is there too.
        return in_switch(
            lab,
            &format!(
                "link set lo up\n\
                 link add br-{name} type bridge\n\
                 addr add {address}/24 dev br-{name}\n\
                 link set br-{name} up\n"
            ),
        );
    }
    let lines = format!(
        "link add isobar-{name} type veth peer name uplink-{name}\n\
         addr add {address}/24 dev isobar-{name}\n\
         link set isobar-{name} up\n"
    );
    ip("-batch -").run_with(&lines).map(drop).inspect_err(|_| {
        let _ = remove_uplink(lab);
    })
}

/// The network namespace with the bridge.
pub(super) fn switch(lab: &LabState) -> Result<(), LabError> {
    let (name, path) = (&lab.name, switch_path(lab));
    File::create(&path).map_err(|source| LabError::io(&path, source))?;
    let keep = format!("--net={}", path.display());
    Tool::new("unshare").args([keep.as_str(), "true"]).run()?;
    ip(&format!("link set uplink-{name} netns {}", path.display())).run()?;
    let lines = format!(
        "link set lo up\n\
         link add br-{name} type bridge\n\
         link set br-{name} up\n\
         link set uplink-{name} master br-{name} up\n"
    );
    in_switch(lab, &lines)
}

/// Wires the network namespace of process `pid` to the bridge. The node gives itself its address.
pub(super) fn plug(lab: &LabState, node: &NodeState, pid: i32) -> Result<(), LabError> {
    let (lab_name, port) = (&lab.name, &node.name);
    let lines = format!(
        "link add {port} type veth peer name eth0 netns {pid}\n\
         link set {port} master br-{lab_name} up\n"
    );
    in_switch(lab, &lines)
}

/// A wire from the bridge that a guest's kernel opens as its network card. It stays when the guest
/// is off.
///
/// The card takes packets of one segment only, and loses what the kernel has put together of
/// several: without the limit two thirds of a long transfer had to be sent again, at 40 kB/s.
pub(super) fn tap(lab: &LabState, node: &NodeState) -> Result<(), LabError> {
    let (lab_name, port) = (&lab.name, &node.name);
    let lines = format!(
        "tuntap add dev {port} mode tap\n\
         link set {port} gso_max_segs 1\n\
         link set {port} master br-{lab_name} up\n"
    );
    in_switch(lab, &lines)
}

/// Removes what is there of it. The bridge and its ports go with their namespaces.
pub(super) fn remove(lab: &LabState) -> Result<(), LabError> {
    remove_uplink(lab)?;
    let path = switch_path(lab);
    if path.exists() {
        // Not mounted on, when bringing up ended in between.
        let _ = unmount(&path, UnmountFlags::DETACH);
    }
    Ok(())
}

fn remove_uplink(lab: &LabState) -> Result<(), LabError> {
    let link = format!("isobar-{}", lab.name);
    if Path::new("/sys/class/net").join(&link).exists() {
        ip(&format!("link del {link}")).run()?;
    }
    Ok(())
}

fn in_switch(lab: &LabState, lines: &str) -> Result<(), LabError> {
    if lab.kind == LabKind::Rootless {
        return ip("-batch -").run_with(lines).map(drop);
    }
    let net = format!("--net={}", switch_path(lab).display());
    Tool::new("nsenter").args([net.as_str(), "ip", "-batch", "-"]).run_with(lines).map(drop)
}

pub(super) fn switch_path(lab: &LabState) -> PathBuf {
    lab.directory().join("switch")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subnet_in_any_address_or_route_is_not_taken_again() {
        assert_eq!(first_free("1: lo inet 127.0.0.1/8 scope host lo"), Some(0));
        let known = "5: br inet 10.77.0.254/24 brd 10.77.0.255 scope global br\n\
                     10.77.1.0/24 via 192.0.2.1 dev eth0\nlocal 10.77.3.7 dev x\n10.7.2.0/24 dev y";
        assert_eq!(first_free(known), Some(2));
        let all: String = (0..=255).map(|x| format!("10.77.{x}.0/24 ")).collect();
        assert_eq!(first_free(&all), None);
    }
}
