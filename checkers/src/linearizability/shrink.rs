//! Makes a counterexample smaller: delta debugging over whole calls.
//! Zeller & Hildebrandt, *Simplifying and isolating failure-inducing input*, TSE 2002.

/// The places, among `0..count`, of a smaller set for which `violated` still holds, given that it
/// holds for all. `close` adds what a kept call cannot do without. At most `tries` calls of
/// `violated`; within them the result is 1-minimal.
pub(crate) fn minimise(
    count: usize,
    mut tries: usize,
    close: impl Fn(&mut [bool]),
    mut violated: impl FnMut(&[u32]) -> bool,
) -> Vec<u32> {
    let mut kept: Vec<u32> = (0..).take(count).collect();
    let mut chunk = count.div_ceil(2);
    while chunk > 0 {
        let before = kept.len();
        let mut start = 0;
        while start < kept.len() && tries > 0 {
            let mut mask = vec![false; count];
            kept.iter().for_each(|&place| mask[place as usize] = true);
            let end = (start + chunk).min(kept.len());
            kept[start..end].iter().for_each(|&place| mask[place as usize] = false);
            close(&mut mask);
            let smaller: Vec<u32> = (0..).zip(&mask).filter(|(_, on)| **on).map(|p| p.0).collect();
            if smaller.len() < kept.len() {
                tries -= 1;
                if violated(&smaller) {
                    kept = smaller;
                    continue;
                }
            }
            start += chunk;
        }
        if tries == 0 {
            break;
        }
        // At the finest grain, again until nothing gives: a later loss may allow an earlier one.
        chunk = if chunk > 1 { chunk.div_ceil(2) } else { usize::from(kept.len() < before) };
    }
    kept
}
