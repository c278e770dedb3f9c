//! Calls on one register as clients of a real one would see them: each takes effect at a moment
//! between its ends, some crash, and on request some results are spoiled afterwards.

/// A call; times are distinct. Value 0 is null.
#[derive(Clone, Copy, Debug)]
pub struct Drawn {
    pub f: F,
    pub from: u32,
    /// `None`: it crashed.
    pub to: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum F {
    Read(u32),
    Write(u32),
    Cas(u32, u32),
}

#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub calls: usize,
    pub clients: usize,
    /// Besides null, which is there at first only.
    pub values: u64,
    pub reads_percent: u64,
    pub writes_percent: u64,
    pub crashes_permille: u64,
    pub crashes_max: usize,
}

/// SplitMix64 (Steele, Lea & Flood, OOPSLA 2014).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (word ^ (word >> 31)) % limit
    }
}

#[derive(Clone, Copy)]
enum Client {
    Idle,
    /// Invoked, without effect so far.
    Waiting(usize),
    /// Took effect.
    Answered(usize),
}

/// In order of invocation. A compare-and-set that finds another value fails and is left out.
pub fn draw(shape: &Shape, random: &mut Random) -> Vec<Drawn> {
    let mut drawn: Vec<Option<Drawn>> = Vec::with_capacity(shape.calls);
    let mut clients = vec![Client::Idle; shape.clients];
    let (mut state, mut finished, mut crashed, mut now) = (0, 0, 0, 0);
    while finished < shape.calls {
        let client = &mut clients[random.below(shape.clients as u64) as usize];
        now += 1;
        let mut crashes = || {
            let crash = crashed < shape.crashes_max && random.below(2000) < shape.crashes_permille;
            crashed += usize::from(crash);
            crash
        };
        match *client {
            Client::Idle => {
                *client = Client::Waiting(drawn.len());
                drawn.push(Some(Drawn { f: choose(shape, random), from: now, to: None }));
            }
            Client::Waiting(call) => {
                if crashes() {
                    *client = Client::Idle;
                    finished += 1;
                    continue;
                }
                let happened = drawn[call].as_mut().is_some_and(|call| {
                    if let F::Cas(old, _) = &mut call.f
                        && state != 0
                        && random.below(2) == 0
                    {
                        *old = state;
                    }
                    take_effect(&mut call.f, &mut state)
                });
                *client = Client::Answered(call);
                if !happened {
                    drawn[call] = None;
                } else if crashed < shape.crashes_max && random.below(2000) < shape.crashes_permille
                {
                    crashed += 1;
                    *client = Client::Idle;
                    finished += 1;
                }
            }
            Client::Answered(call) => {
                if let Some(call) = &mut drawn[call] {
                    call.to = Some(now);
                }
                *client = Client::Idle;
                finished += 1;
            }
        }
    }
    for client in clients {
        if let Client::Answered(call) = client
            && let Some(call) = &mut drawn[call]
        {
            now += 1;
            call.to = Some(now);
        }
    }
    drawn.into_iter().flatten().collect()
}

fn choose(shape: &Shape, random: &mut Random) -> F {
    let percent = random.below(100);
    let mut value = || 1 + random.below(shape.values) as u32;
    if percent < shape.reads_percent {
        F::Read(0)
    } else if percent < shape.reads_percent + shape.writes_percent {
        F::Write(value())
    } else {
        F::Cas(value(), value())
    }
}

fn take_effect(f: &mut F, state: &mut u32) -> bool {
    match f {
        F::Read(found) => *found = *state,
        F::Write(value) => *state = *value,
        F::Cas(old, new) if old == state => *state = *new,
        F::Cas(..) => return false,
    }
    true
}
