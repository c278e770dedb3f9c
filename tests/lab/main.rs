//! Labs and SSH against the real thing: namespaces, sshd and iptables of this machine.
//!
//! Everything happens in labs of its own, which are taken down even when a test fails.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod by_hand;
mod cli;
mod life;
mod login;
mod rootless;
mod ssh;
mod support;
mod vm;
mod vm_clock;
mod vm_disk;
mod vm_limit;
