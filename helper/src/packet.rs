//! One bit of an IP packet made wrong, with checksums that tell, or with checksums that hold.

use std::ops::Range;

use super::random::Random;

const TCP: u8 = 6;
const UDP: u8 = 17;

/// Where the parts of an IP packet are.
struct Parts {
    /// The source's address and the destination's.
    addresses: Range<usize>,
    protocol: u8,
    /// What TCP or UDP sent: header and data.
    segment: Range<usize>,
    data: Range<usize>,
    checksum: usize,
}

impl Parts {
    /// `None` for other protocols, for a fragment without a header, and for nonsense.
    fn of(packet: &[u8]) -> Option<Self> {
        let short = |at: usize| Some(u16::from_be_bytes([*packet.get(at)?, *packet.get(at + 1)?]));
        let (protocol, addresses, start, end) = match packet.first()? >> 4 {
            4 if short(6)? & 0x1fff != 0 => return None,
            4 => {
                let start = usize::from(packet[0] & 15) * 4;
                (*packet.get(9)?, 12..20, start, usize::from(short(2)?))
            }
            6 => (*packet.get(6)?, 8..40, 40, 40 + usize::from(short(4)?)),
            _ => return None,
        };
        let (data, checksum) = match protocol {
            TCP => (start + usize::from(packet.get(start + 12)? >> 4) * 4, start + 16),
            UDP => (start + 8, start + 6),
            _ => return None,
        };
        let whole = end <= packet.len() && data <= end && checksum + 2 <= end;
        let (segment, data) = (start..end, data..end);
        whole.then_some(Self { addresses, protocol, segment, data, checksum })
    }
}

/// Flips one bit of what TCP or UDP sent, anywhere. Whether there was one.
pub fn corrupt(packet: &mut [u8], random: &mut Random) -> bool {
    let Some(parts) = Parts::of(packet) else { return false };
    flip(packet, parts.segment, random);
    true
}

/// Flips one bit of the data in a TCP or UDP packet, and makes its checksum right for them. Whether
/// there were data.
pub fn corrupt_silently(packet: &mut [u8], random: &mut Random) -> bool {
    let Some(parts) = Parts::of(packet) else { return false };
    if parts.data.is_empty() {
        return false;
    }
    flip(packet, parts.data.clone(), random);
    let field = parts.checksum..parts.checksum + 2;
    // Over IPv4 a checksum of 0 says that there is none.
    if parts.protocol == UDP && packet[field.clone()] == [0, 0] {
        return true;
    }
    packet[field.clone()].fill(0);
    let sum = match (!sum(packet, &parts), parts.protocol) {
        (0, UDP) => 0xffff,
        (sum, _) => sum,
    };
    packet[field].copy_from_slice(&sum.to_be_bytes());
    true
}

fn flip(packet: &mut [u8], range: Range<usize>, random: &mut Random) {
    packet[range.start + random.below(range.len())] ^= 1 << random.below(8);
}

/// The sum that RFC 1071 describes, over the segment and its pseudo header (RFC 9293 §3.1, RFC
/// 8200 §8.1); 0xffff where the checksum is right.
fn sum(packet: &[u8], parts: &Parts) -> u16 {
    let words = |range: &Range<usize>| -> u64 {
        let pairs = packet[range.clone()].chunks(2);
        pairs.map(|pair| u64::from(pair[0]) << 8 | u64::from(*pair.get(1).unwrap_or(&0))).sum()
    };
    let pseudo = parts.segment.len() as u64 + u64::from(parts.protocol);
    let mut sum = words(&parts.addresses) + words(&parts.segment) + pseudo;
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// A packet with a right checksum.
    fn packet(version: u8, protocol: u8, data: &[u8]) -> Vec<u8> {
        let mut segment = vec![0; if protocol == TCP { 20 } else { 8 }];
        segment[..4].copy_from_slice(&[0x13, 0x88, 0x09, 0x4b]);
        if protocol == TCP {
            segment[12] = 5 << 4;
        }
        segment.extend(data);
        let mut packet = if version == 4 { vec![0; 20] } else { vec![0; 40] };
        let length = (segment.len() + if version == 4 { 20 } else { 0 }) as u16;
        let (at, next) = if version == 4 { (2, 9) } else { (4, 6) };
        packet[0] = if version == 4 { 0x45 } else { 0x60 };
        packet[at..at + 2].copy_from_slice(&length.to_be_bytes());
        packet[next] = protocol;
        let end = packet.len();
        packet[end - 5..].copy_from_slice(&[1, 10, 9, 0, 2]);
        packet.extend(segment);
        let parts = Parts::of(&packet).unwrap();
        let sum = !sum(&packet, &parts);
        packet[parts.checksum..parts.checksum + 2].copy_from_slice(&sum.to_be_bytes());
        packet
    }

    fn differing_bits(a: &[u8], b: &[u8]) -> u32 {
        a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum()
    }

    #[test]
    fn silently_one_bit_of_the_data_is_wrong_and_the_checksum_holds() {
        let mut random = Random::from_seed(1);
        for (version, protocol) in [(4, TCP), (4, UDP), (6, TCP), (6, UDP)] {
            for length in 1..40 {
                let sound = packet(version, protocol, &vec![b'x'; length]);
                let mut wrong = sound.clone();
                assert!(corrupt_silently(&mut wrong, &mut random));
                let parts = Parts::of(&wrong).unwrap();
                assert_eq!(sum(&wrong, &parts), 0xffff);
                let data = parts.data.clone();
                assert_eq!(differing_bits(&sound[data.clone()], &wrong[data.clone()]), 1);
                let field = parts.checksum..parts.checksum + 2;
                let mut mended = wrong.clone();
                mended[data.clone()].copy_from_slice(&sound[data]);
                mended[field.clone()].copy_from_slice(&sound[field]);
                assert_eq!(mended, sound);
            }
        }
    }

    #[test]
    fn otherwise_the_checksum_tells() {
        let mut random = Random::from_seed(2);
        for version in [4, 6] {
            let sound = packet(version, TCP, b"some data");
            for _ in 0..200 {
                let mut wrong = sound.clone();
                assert!(corrupt(&mut wrong, &mut random));
                assert_eq!(differing_bits(&sound, &wrong), 1);
                // A wrong bit in the data's offset moves the data; the segment stays.
                let parts = Parts::of(&sound).unwrap();
                assert_ne!(sum(&wrong, &parts), 0xffff);
            }
        }
    }

    #[test]
    fn what_has_no_data_or_no_sense_is_left_alone() {
        let mut random = Random::from_seed(3);
        let mut bare = packet(4, TCP, b"");
        let was = bare.clone();
        assert!(!corrupt_silently(&mut bare, &mut random));
        assert_eq!(bare, was);
        let mut fragment = packet(4, UDP, b"data");
        fragment[7] = 1;
        let mut cut = packet(6, UDP, b"data");
        cut.pop();
        let mut ping = packet(4, UDP, b"data");
        ping[9] = 1;
        for mut packet in [fragment, cut, ping, vec![], vec![0x45; 3], vec![0x65; 39]] {
            assert!(
                !corrupt(&mut packet, &mut random) && !corrupt_silently(&mut packet, &mut random)
            );
        }
        let mut unsummed = packet(4, UDP, b"data");
        unsummed[26..28].fill(0);
        assert!(corrupt_silently(&mut unsummed, &mut random));
        assert_eq!(unsummed[26..28], [0, 0]);
    }
}
