//! What the field's words mean, in one sentence each, for somebody who has never heard them.

/// What a check claims of the system, by the check's name.
pub fn claim(check: &str) -> Option<&'static str> {
    Some(match check {
        "linearizable" => {
            "Every operation takes effect at one instant between its beginning and its end, as if \
             there were a single copy of the data."
        }
        "availability" => {
            "Enough operations succeed, and the system answers again soon after a fault has ended."
        }
        "stats" => "Every kind of operation succeeded at least sometimes.",
        "vacuity" => "The run exercised enough to prove anything at all.",
        _ => return None,
    })
}

/// What an anomaly is, by the field's name for it.
pub fn anomaly(name: &str) -> Option<&'static str> {
    Some(match name {
        "stale-read" => {
            "A stale read returns a value that had already been replaced when the read began."
        }
        "lost-write" => {
            "A lost write was acknowledged to a client, and yet a later read does not see it."
        }
        "lost-update" => {
            "A lost update: two operations changed the same version, and one change is gone."
        }
        "dirty-read" => "A dirty read returns a value of a write that did not happen.",
        "phantom-read" => "A phantom read returns a value that nobody ever wrote.",
        "future-read" => "A read returned a value before it could have been written.",
        "cyclic-versions" => "Versions which were each made from the other have no order at all.",
        "non-linearizable" => {
            "No order of these operations respects both real time and what they returned."
        }
        "low-availability" => "Fewer operations succeeded than were promised.",
        "slow-recovery" => "The system took longer to answer after a fault than was promised.",
        _ => return None,
    })
}
