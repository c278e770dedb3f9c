//! How the program ends: the exit code is decided here, in one place.

use isobar_checkers::Verdict;

/// What a command came to. The numbers are documented in the README and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// The history is valid, or the command did what was asked.
    Valid = 0,
    /// The system broke its promise.
    Violated = 1,
    /// The command line or the specification is wrong; nothing was touched.
    Usage = 2,
    /// Nobody can say, or the run proves nothing.
    Unknown = 3,
    /// A node, a tool or a privilege is missing; the test could not be run.
    SetUp = 4,
    /// A fault could not be undone: the cluster is left dirty.
    Dirty = 5,
    /// A bug in isobar.
    Internal = 70,
    /// Ctrl-C, before there was anything to judge.
    Interrupted = 130,
}

impl Exit {
    pub fn code(self) -> u8 {
        self as u8
    }

    /// In a table: `valid`, `violated`, …
    pub fn word(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Violated => "violated",
            Self::Usage => "usage-error",
            Self::Unknown => "unknown",
            Self::SetUp => "set-up-failure",
            Self::Dirty => "dirty",
            Self::Internal => "internal-error",
            Self::Interrupted => "interrupted",
        }
    }

    /// The exit of several runs together:
    /// violated > dirty > internal error > set-up failure > interrupted > unknown > valid.
    pub fn worst(exits: impl IntoIterator<Item = Self>) -> Option<Self> {
        let rank = |exit: &Self| match exit {
            Self::Violated => 7,
            Self::Dirty => 6,
            Self::Internal => 5,
            Self::Usage => 4,
            Self::SetUp => 3,
            Self::Interrupted => 2,
            Self::Unknown => 1,
            Self::Valid => 0,
        };
        exits.into_iter().max_by_key(rank)
    }

    /// The exit of a run, from what it decided and from what went wrong beside it:
    /// violated > dirty > set-up failure > interrupted > unknown > valid.
    pub fn of_run(verdict: &Verdict, trouble: Trouble, allow_unknown: bool) -> Self {
        match (verdict, trouble) {
            (Verdict::Violated, _) => Self::Violated,
            (_, Trouble { dirty: true, .. }) => Self::Dirty,
            (_, Trouble { set_up: true, .. }) => Self::SetUp,
            (_, Trouble { interrupted: true, .. }) => Self::Interrupted,
            (Verdict::Unknown(_), _) if !allow_unknown => Self::Unknown,
            (Verdict::Unknown(_) | Verdict::Valid, _) => Self::Valid,
        }
    }
}

/// What went wrong in a run that was not the system's doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trouble {
    /// A fault could not be undone.
    pub dirty: bool,
    /// The run could not begin, or could not go on.
    pub set_up: bool,
    /// The user ended it.
    pub interrupted: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_runs_the_worst_counts() {
        let worst = |exits: &[Exit]| Exit::worst(exits.iter().copied());
        assert_eq!(worst(&[Exit::Valid, Exit::Unknown]), Some(Exit::Unknown));
        assert_eq!(worst(&[Exit::SetUp, Exit::Interrupted, Exit::Unknown]), Some(Exit::SetUp));
        assert_eq!(worst(&[Exit::Internal, Exit::Violated, Exit::Dirty]), Some(Exit::Violated));
        assert_eq!(worst(&[]), None);
    }

    #[test]
    fn a_violation_always_wins_and_unknown_is_never_success() {
        let unknown = Verdict::Unknown("budget".to_owned());
        let all = Trouble { dirty: true, set_up: true, interrupted: true };
        let none = Trouble::default();
        assert_eq!(Exit::of_run(&Verdict::Violated, all, true), Exit::Violated);
        assert_eq!(Exit::of_run(&Verdict::Valid, all, true), Exit::Dirty);
        assert_eq!(Exit::of_run(&unknown, Trouble { set_up: true, ..none }, true), Exit::SetUp);
        assert_eq!(
            Exit::of_run(&Verdict::Valid, Trouble { interrupted: true, ..none }, false),
            Exit::Interrupted
        );
        assert_eq!(Exit::of_run(&unknown, none, false), Exit::Unknown);
        assert_eq!(Exit::of_run(&unknown, none, true), Exit::Valid);
        assert_eq!(Exit::of_run(&Verdict::Valid, none, false), Exit::Valid);
    }
}
