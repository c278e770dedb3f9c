//! A netlink socket, and raw ones of IP: the system calls, declared by hand, since the standard
//! library has none of them.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_long, c_short, c_void};
use std::io::{Error, ErrorKind};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

const AF_NETLINK: c_int = 16;
const SOCK_RAW_CLOEXEC: c_int = 3 | 0o2_000_000;
const NETLINK_NETFILTER: c_int = 12;
const AF_INET: c_int = 2;
const AF_INET6: c_int = 10;
/// Whoever sends writes the header of IP, too.
const IPPROTO_RAW: c_int = 255;
const SOL_SOCKET: c_int = 1;
const SO_RCVBUFFORCE: c_int = 33;
const SOL_NETLINK: c_int = 270;
const NETLINK_NO_ENOBUFS: c_int = 5;
const MSG_DONTWAIT: c_int = 0x40;
const POLLIN: c_short = 1;

#[repr(C)]
struct Address {
    family: u16,
    pad: u16,
    port: u32,
    groups: u32,
}

/// `struct sockaddr_in6`; `struct sockaddr_in` ends in the middle of it.
#[repr(C)]
struct Destination {
    family: u16,
    port: u16,
    /// Of IPv4; of IPv6 the flow.
    v4: [u8; 4],
    v6: [u8; 16],
    scope: u32,
}

#[repr(C)]
struct Polled {
    fd: c_int,
    events: c_short,
    found: c_short,
}

#[repr(C)]
struct Time {
    s: c_long,
    ns: c_long,
}

unsafe extern "C" {
    fn socket(family: c_int, kind: c_int, protocol: c_int) -> c_int;
    fn bind(fd: c_int, address: *const Address, length: u32) -> c_int;
    fn setsockopt(fd: c_int, level: c_int, name: c_int, value: *const c_void, length: u32)
    -> c_int;
    fn send(fd: c_int, bytes: *const c_void, length: usize, flags: c_int) -> isize;
    fn sendto(
        fd: c_int,
        bytes: *const c_void,
        length: usize,
        flags: c_int,
        to: *const Destination,
        to_length: u32,
    ) -> isize;
    fn recv(fd: c_int, bytes: *mut c_void, length: usize, flags: c_int) -> isize;
    fn ppoll(fds: *mut Polled, count: usize, limit: *const Time, mask: *const c_void) -> c_int;
}

pub struct Socket(OwnedFd);

impl Socket {
    /// To the kernel's netfilter.
    pub fn open() -> Result<Self, Error> {
        // SAFETY: takes numbers only.
        let fd = unsafe { socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_NETFILTER) };
        if fd < 0 {
            return Err(Error::last_os_error());
        }
        // SAFETY: the descriptor was just opened, and nobody else has it.
        let socket = Self(unsafe { OwnedFd::from_raw_fd(fd) });
        let address = Address { family: AF_NETLINK as u16, pad: 0, port: 0, groups: 0 };
        // SAFETY: the address lives until the call returns, and is as long as is told.
        let bound = unsafe { bind(fd, &address, size_of::<Address>() as u32) };
        if bound < 0 {
            return Err(Error::last_os_error());
        }
        // Without either it works as well, for fewer packets at a time.
        socket.set(SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20);
        socket.set(SOL_NETLINK, NETLINK_NO_ENOBUFS, 1);
        Ok(socket)
    }

    fn set(&self, level: c_int, name: c_int, value: c_int) {
        let length = size_of::<c_int>() as u32;
        let value: *const c_int = &value;
        // SAFETY: the value lives until the call returns, and is as long as is told.
        unsafe { setsockopt(self.0.as_raw_fd(), level, name, value.cast(), length) };
    }

    pub fn send(&self, message: &[u8]) -> Result<(), Error> {
        // SAFETY: the kernel reads as many bytes as the slice has.
        let sent = unsafe { send(self.0.as_raw_fd(), message.as_ptr().cast(), message.len(), 0) };
        if sent < 0 { Err(Error::last_os_error()) } else { Ok(()) }
    }

    /// What has arrived, if anything has.
    pub fn receive<'a>(&self, buffer: &'a mut [u8]) -> Result<Option<&'a [u8]>, Error> {
        let (start, length) = (buffer.as_mut_ptr(), buffer.len());
        // SAFETY: the kernel writes at most as many bytes as the slice has.
        let read = unsafe { recv(self.0.as_raw_fd(), start.cast(), length, MSG_DONTWAIT) };
        match usize::try_from(read) {
            Ok(read) => Ok(buffer.get(..read)),
            Err(_) => match Error::last_os_error() {
                error if error.kind() == ErrorKind::WouldBlock => Ok(None),
                error => Err(error),
            },
        }
    }

    /// Waits until something arrives, or `limit` has passed.
    pub fn wait(&self, limit: Duration) {
        let mut polled = Polled { fd: self.0.as_raw_fd(), events: POLLIN, found: 0 };
        let limit = Time { s: limit.as_secs() as c_long, ns: limit.subsec_nanos().into() };
        // SAFETY: one descriptor and one time, which live until the call returns; no signal mask.
        // Why it returns does not matter: who calls looks.
        unsafe { ppoll(&mut polled, 1, &limit, std::ptr::null()) };
    }
}

/// Sends packets of IP to where they were sent before: to this node.
pub struct Copies {
    v4: OwnedFd,
    /// A node may have none.
    v6: Option<OwnedFd>,
}

impl Copies {
    pub fn open() -> Result<Self, Error> {
        let raw = |family| {
            // SAFETY: takes numbers only.
            let fd = unsafe { socket(family, SOCK_RAW_CLOEXEC, IPPROTO_RAW) };
            if fd < 0 {
                return Err(Error::last_os_error());
            }
            // SAFETY: the descriptor was just opened, and nobody else has it.
            Ok(unsafe { OwnedFd::from_raw_fd(fd) })
        };
        Ok(Self { v4: raw(AF_INET)?, v6: raw(AF_INET6).ok() })
    }

    /// A whole packet, from its header on.
    pub fn send(&self, packet: &[u8]) -> Result<(), Error> {
        let nonsense = || Error::from(ErrorKind::InvalidData);
        let part = |range| packet.get(range).ok_or_else(nonsense);
        let mut to = Destination { family: 0, port: 0, v4: [0; 4], v6: [0; 16], scope: 0 };
        let (fd, length) = match packet.first().map(|first| first >> 4) {
            Some(4) => {
                to.family = AF_INET as u16;
                to.v4.copy_from_slice(part(16..20)?);
                (&self.v4, 16)
            }
            Some(6) => {
                to.family = AF_INET6 as u16;
                to.v6.copy_from_slice(part(24..40)?);
                (self.v6.as_ref().ok_or_else(nonsense)?, size_of::<Destination>() as u32)
            }
            _ => return Err(nonsense()),
        };
        let (fd, start) = (fd.as_raw_fd(), packet.as_ptr().cast());
        // SAFETY: the kernel reads as many bytes as the slice has, and of the address, which lives
        // until the call returns, no more than it has.
        let sent = unsafe { sendto(fd, start, packet.len(), MSG_DONTWAIT, &to, length) };
        if sent < 0 { Err(Error::last_os_error()) } else { Ok(()) }
    }
}
