//! Messages between a queue of packets and the kernel (linux/netfilter/nfnetlink_queue.h).
//!
//! All is padded to four bytes. Numbers of the kernel's own are in the machine's order, those about
//! packets in the network's.

const QUEUE: u16 = 3 << 8;
const PACKET: u16 = QUEUE;
const VERDICT: u16 = QUEUE | 1;
const CONFIG: u16 = QUEUE | 2;
const ERROR: u16 = 2;
const REQUEST: u16 = 1;
const ACKNOWLEDGE: u16 = 4;
const HEADER: usize = 16;

/// What the kernel sends.
#[derive(Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// A packet; as much of it as is copied.
    Packet { id: u32, packet: &'a [u8] },
    /// The answer to a request: 0, or the number of an error.
    Answer(i32),
}

/// What shall be done with a queue.
pub enum Setting {
    Bind,
    /// Whether packets are copied whole, or not at all.
    Copy {
        whole: bool,
    },
    /// How many packets wait at most; those beyond pass.
    Length(u32),
}

/// Tells the kernel about queue `number`; it answers.
pub fn configure(number: u16, setting: &Setting) -> Vec<u8> {
    let mut message = begin(CONFIG, REQUEST | ACKNOWLEDGE, number);
    match setting {
        Setting::Bind => attribute(&mut message, 1, &[1, 0, 0, 0]),
        Setting::Copy { whole } => {
            let (range, mode) = if *whole { (0xffff_u32, 2) } else { (0, 1) };
            let mut parameters = range.to_be_bytes().to_vec();
            parameters.push(mode);
            attribute(&mut message, 2, &parameters);
        }
        Setting::Length(length) => {
            attribute(&mut message, 3, &length.to_be_bytes());
            // A full queue lets packets pass (NFQA_CFG_F_FAIL_OPEN).
            attribute(&mut message, 4, &1_u32.to_be_bytes());
            attribute(&mut message, 5, &1_u32.to_be_bytes());
        }
    }
    end(message)
}

/// Lets a packet pass, as it was or as `changed`; or not.
pub fn verdict(number: u16, id: u32, pass: bool, changed: Option<&[u8]>) -> Vec<u8> {
    let mut message = begin(VERDICT, REQUEST, number);
    let mut verdict = u32::from(pass).to_be_bytes().to_vec();
    verdict.extend(id.to_be_bytes());
    attribute(&mut message, 2, &verdict);
    if let Some(packet) = changed {
        attribute(&mut message, 10, packet);
    }
    end(message)
}

fn begin(kind: u16, flags: u16, number: u16) -> Vec<u8> {
    let mut message = vec![0; HEADER];
    message[4..6].copy_from_slice(&kind.to_ne_bytes());
    message[6..8].copy_from_slice(&flags.to_ne_bytes());
    // Any family of addresses, version 0.
    message.extend([0, 0]);
    message.extend(number.to_be_bytes());
    message
}

fn attribute(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    message.extend((value.len() as u16 + 4).to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
}

fn end(mut message: Vec<u8>) -> Vec<u8> {
    let length = message.len() as u32;
    message[..4].copy_from_slice(&length.to_ne_bytes());
    message
}

/// The messages in what was received; those of other kinds are left out.
pub fn read(received: &[u8]) -> Vec<Message<'_>> {
    let mut messages = Vec::new();
    let mut rest = received;
    while let Some(length) = number(rest, 0) {
        let Some(message) = rest.get(..length as usize).filter(|all| all.len() >= HEADER) else {
            break;
        };
        messages.extend(one(message));
        rest = rest.get(message.len().next_multiple_of(4)..).unwrap_or_default();
    }
    messages
}

fn one(message: &[u8]) -> Option<Message<'_>> {
    match u16::from_ne_bytes([message[4], message[5]]) {
        ERROR => Some(Message::Answer(number(message, HEADER)?.cast_signed().saturating_neg())),
        PACKET => {
            let mut id = None;
            let mut packet: &[u8] = &[];
            let mut rest = message.get(HEADER + 4..)?;
            while rest.len() >= 4 {
                let length = usize::from(u16::from_ne_bytes([rest[0], rest[1]]));
                let value = rest.get(4..length)?;
                match u16::from_ne_bytes([rest[2], rest[3]]) {
                    1 => id = Some(u32::from_be_bytes(value.get(..4)?.try_into().ok()?)),
                    10 => packet = value,
                    _ => {}
                }
                rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
            }
            Some(Message::Packet { id: id?, packet })
        }
        _ => None,
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(id: u32, payload: &[u8]) -> Vec<u8> {
        let mut message = begin(PACKET, 0, 7);
        let mut header = id.to_be_bytes().to_vec();
        header.extend([8, 0, 1]);
        attribute(&mut message, 1, &header);
        attribute(&mut message, 5, &[0; 4]);
        attribute(&mut message, 10, payload);
        end(message)
    }

    #[test]
    fn packets_and_answers_are_read() {
        let mut received = packet(9, b"abcde");
        received.extend(packet(10, b""));
        let mut answer = begin(ERROR, 0, 0);
        answer.truncate(HEADER);
        answer.extend((-16_i32).to_ne_bytes());
        received.extend(end(answer));
        let wanted = [
            Message::Packet { id: 9, packet: b"abcde" },
            Message::Packet { id: 10, packet: b"" },
            Message::Answer(16),
        ];
        assert_eq!(read(&received), wanted);
    }

    #[test]
    fn what_is_cut_short_is_left_out() {
        let whole = packet(9, b"abcdef");
        for length in 0..whole.len() - 4 {
            assert_eq!(read(&whole[..length]), []);
        }
    }

    #[test]
    fn a_verdict_has_its_length_and_is_padded() {
        let plain = verdict(7, 9, true, None);
        assert_eq!((plain.len(), number(&plain, 0)), (32, Some(32)));
        assert_eq!(plain[24..32], [0, 0, 0, 1, 0, 0, 0, 9]);
        assert_eq!(verdict(7, 9, false, Some(b"abcde")).len(), 32 + 4 + 8);
    }
}
