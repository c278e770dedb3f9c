//! Sorting in linear time.

/// `0..count` by `key`, which is at most `greatest`; equal ones stay in order.
pub(super) fn sorted(count: usize, greatest: u32, key: impl Fn(usize) -> u32) -> Vec<u32> {
    let mut first = vec![0_u32; greatest as usize + 2];
    for item in 0..count {
        first[key(item) as usize + 1] += 1;
    }
    for place in 1..first.len() {
        first[place] += first[place - 1];
    }
    let mut sorted = vec![0; count];
    for item in 0..count {
        let place = &mut first[key(item) as usize];
        sorted[*place as usize] = item as u32;
        *place += 1;
    }
    sorted
}
