//! Packets that a firewall sends to a queue (target NFQUEUE) are held, lost, doubled or changed
//! here, and given back.
//!
//! A copy is sent by this node to itself, so that it comes in over `lo`, and such packets the rules
//! let pass.
//!
//! The rules have `--queue-bypass`: when nobody serves the queue, packets pass. When the state file
//! is removed, all that are held pass at once, and the program ends.

use std::io::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use super::disturbance::{Disturbance, Fate};
use super::held::Held;
use super::netlink::{self, Message, Setting};
use super::packet;
use super::random::Random;
use super::socket::{Copies, Socket};
use super::state::State;

/// Between looks whether the state file is still there.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Packets that wait at most; a link of 1 Gbit/s brings so many small ones in a tenth of a second.
const LENGTH: u32 = 100_000;
/// The kernel's answer also where another program serves the queue.
const EPERM: i32 = 1;
/// A packet is no longer than 64 KiB; what comes with it is less than this.
const BUFFER: usize = (64 << 10) + 4096;

/// Serves queue `number` until the file `state`, which it makes, is removed.
pub fn serve(number: u16, state: &Path, disturbance: Disturbance) -> Result<(), String> {
    let trouble = |error: Error| format!("netlink of netfilter: {error}");
    let socket = Socket::open().map_err(trouble)?;
    let copy = Setting::Copy { whole: disturbance.reads() };
    for setting in [Setting::Bind, copy, Setting::Length(LENGTH)] {
        ask(&socket, number, &setting)?;
    }
    let copies = match disturbance.doubles() {
        true => Some(Copies::open().map_err(|error| format!("raw sockets of IP: {error}"))?),
        false => None,
    };
    let state = State::create(state)?;
    let mut queue = Queue {
        socket,
        copies,
        number,
        disturbance,
        random: Random::new(),
        held: Held::default(),
        packets: 0,
        disturbed: 0,
    };
    queue.run(state).map_err(trouble)
}

/// Tells the kernel, and waits for its answer.
fn ask(socket: &Socket, number: u16, setting: &Setting) -> Result<(), String> {
    let refused = |error: Error| format!("the kernel refuses queue {number}: {error}");
    socket.send(&netlink::configure(number, setting)).map_err(refused)?;
    let mut buffer = vec![0; BUFFER];
    let until = Instant::now() + Duration::from_secs(5);
    while Instant::now() < until {
        socket.wait(LOOK_EVERY);
        let received = socket.receive(&mut buffer).map_err(refused)?;
        for message in received.map(netlink::read).unwrap_or_default() {
            match message {
                Message::Answer(0) => return Ok(()),
                Message::Answer(EPERM) => {
                    return Err(format!("queue {number} is somebody else's, or we are not root"));
                }
                Message::Answer(error) => return Err(refused(Error::from_raw_os_error(error))),
                // Of a rule that is there already; it comes into force when the queue is ready.
                Message::Packet { id, .. } => {
                    let pass = netlink::verdict(number, id, true, None);
                    socket.send(&pass).map_err(refused)?;
                }
            }
        }
    }
    Err(format!("the kernel does not answer about queue {number}"))
}

struct Queue {
    socket: Socket,
    copies: Option<Copies>,
    number: u16,
    disturbance: Disturbance,
    random: Random,
    held: Held,
    packets: u64,
    disturbed: u64,
}

impl Queue {
    fn run(&mut self, mut state: State) -> Result<(), Error> {
        let mut buffer = vec![0; BUFFER];
        let mut looked = Instant::now();
        state.tell(0, 0, 0);
        loop {
            let now = Instant::now();
            if now.duration_since(looked) >= LOOK_EVERY {
                looked = now;
                state.tell(self.packets, self.disturbed, self.held.count());
                if !state.stands() {
                    while let Some(id) = self.held.any() {
                        self.give_back(id, true, None);
                    }
                    return Ok(());
                }
            }
            while let Some(id) = self.held.due(Instant::now()) {
                self.give_back(id, true, None);
            }
            match self.socket.receive(&mut buffer)? {
                Some(received) => {
                    for message in netlink::read(received) {
                        if let Message::Packet { id, packet } = message {
                            self.decide(id, packet);
                        }
                    }
                }
                None => {
                    // Who looks at a quiet moment sees all that was done.
                    state.tell(self.packets, self.disturbed, self.held.count());
                    self.socket.wait(self.held.wait(Instant::now(), LOOK_EVERY));
                }
            }
        }
    }

    fn decide(&mut self, id: u32, packet: &[u8]) {
        self.packets += 1;
        let random = &mut self.random;
        let fate = self.disturbance.fate(random);
        let disturbed = match fate {
            Fate::Pass => {
                self.give_back(id, true, None);
                matches!(self.disturbance, Disturbance::Reorder(..))
            }
            Fate::Later(later) => {
                self.held.hold(id, Instant::now() + later);
                matches!(self.disturbance, Disturbance::Delay(_))
            }
            Fate::Lost => {
                self.give_back(id, false, None);
                true
            }
            Fate::Doubled => {
                self.give_back(id, true, None);
                self.copies.as_ref().is_some_and(|copies| copies.send(packet).is_ok())
            }
            Fate::Corrupted { silently } => {
                let mut changed = packet.to_vec();
                let corrupt = if silently { packet::corrupt_silently } else { packet::corrupt };
                let is_changed = corrupt(&mut changed, random);
                self.give_back(id, true, is_changed.then_some(&changed));
                is_changed
            }
        };
        self.disturbed += u64::from(disturbed);
    }

    /// A packet that is gone meanwhile, as when its interface went down, needs no verdict.
    fn give_back(&self, id: u32, pass: bool, changed: Option<&[u8]>) {
        let _ = self.socket.send(&netlink::verdict(self.number, id, pass, changed));
    }
}
