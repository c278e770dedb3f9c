//! A cluster of network namespaces on this machine.

/// Whether `name` can name a lab: its interfaces' names, at most 15 characters, contain it.
pub fn valid_name(name: &str) -> bool {
    (1..=8).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
}
