//! Whether states that were read can be put in one order.

/// Two members which no order compares, if there are such.
///
/// `size` must grow with the order: then the members form a chain iff each is comparable with its
/// neighbour by size, since the order is transitive. `below(a, b)`: a is at most b. O(n log n).
pub(super) fn incomparable<T: Copy>(
    mut members: Vec<T>,
    size: impl Fn(T) -> i128,
    below: impl Fn(T, T) -> bool,
) -> Vec<(T, T)> {
    members.sort_by_key(|&member| size(member));
    let pairs = members.windows(2).map(|pair| (pair[0], pair[1]));
    pairs.filter(|&(a, b)| !below(a, b)).collect()
}
