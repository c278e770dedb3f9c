//! Delta debugging: Zeller & Hildebrandt, *Simplifying and isolating failure-inducing input*,
//! TSE 2002.

/// A smaller part of `items` for which `holds` still says yes, given that it does for all of them.
/// `None` from `holds` ends the search; what was reached by then is returned. Without that the
/// result is 1-minimal: no single item can be left out.
pub fn minimise<T: Clone>(items: Vec<T>, mut holds: impl FnMut(&[T]) -> Option<bool>) -> Vec<T> {
    let mut kept = items;
    let mut chunk = kept.len();
    while chunk > 0 {
        let before = kept.len();
        let mut start = 0;
        while start < kept.len() {
            let end = (start + chunk).min(kept.len());
            let smaller: Vec<T> = kept[..start].iter().chain(&kept[end..]).cloned().collect();
            match holds(&smaller) {
                Some(true) => kept = smaller,
                Some(false) => start = end,
                None => return kept,
            }
        }
        // At the finest grain, again until nothing gives: a later loss may allow an earlier one.
        chunk = if chunk > 1 { chunk.div_ceil(2) } else { usize::from(kept.len() < before) };
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_needles_in_few_questions() {
        let mut asked = 0;
        let least = minimise((0..1000).collect(), |part| {
            asked += 1;
            Some(part.contains(&17) && part.contains(&900))
        });
        assert_eq!(least, [17, 900]);
        assert!(asked < 100, "{asked} questions");
    }

    #[test]
    fn nothing_is_left_where_nothing_is_needed() {
        assert!(minimise(vec![1, 2, 3], |_| Some(true)).is_empty());
        assert!(minimise(Vec::<u8>::new(), |_| Some(true)).is_empty());
    }

    #[test]
    fn a_search_that_is_cut_short_keeps_what_it_reached() {
        let mut asked = 0;
        let part = minimise((0..16).collect(), |part: &[i32]| {
            asked += 1;
            (asked < 4).then(|| part.contains(&3))
        });
        assert!(part.contains(&3) && part.len() < 16, "{part:?}");
    }
}
