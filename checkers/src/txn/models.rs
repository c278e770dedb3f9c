//! Consistency models: which implies which, and which anomalies each rules out.
//!
//! The names are those of Elle's `elle.consistency-model`, and so is the lattice, from Adya,
//! *Weak Consistency* (1999), Bailis et al., *Highly Available Transactions* (VLDB 2013), Cerone,
//! Bernardi & Gotsman, *A Framework for Transactional Consistency Models* (CONCUR 2015) and
//! *Analysing Snapshot Isolation* (PODC 2016), and Daudjee & Salem on sessions (ICDE 2004, VLDB
//! 2006). It goes further in these places:
//!
//! * Parallel snapshot isolation rules out G-single, as its dependency graphs do (Cerone & Gotsman
//!   2016, Theorem 21), and so implies the consistent view.
//! * Strong session snapshot isolation implies causal consistency, and strong session
//!   serializability sequential consistency: both order what a process does.
//! * A transaction is one operation on one object, the store. So what is not strong session
//!   serializable is not sequentially consistent, what is not strictly serializable is not
//!   linearizable, and where a cycle shows, no serial order gives what was read: no view
//!   serializability either.
//! * A lost update rules out whatever G-single does: the transaction that came second did not see
//!   the first, which came before it.

use std::fmt;
use std::sync::LazyLock;

use thiserror::Error;

use super::anomaly::{Anomaly, Level};

/// A consistency model.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Model(u8);

/// A set of models, a bit each.
type Set = u64;

struct Row {
    name: &'static str,
    /// Other names for it.
    aliases: &'static [&'static str],
    /// The models that it implies directly.
    implies: &'static [&'static str],
    /// The anomalies that it rules out beside those of the models it implies.
    forbids: &'static [Anomaly],
}

const fn row(
    name: &'static str,
    aliases: &'static [&'static str],
    implies: &'static [&'static str],
    forbids: &'static [Anomaly],
) -> Row {
    Row { name, aliases, implies, forbids }
}

use Anomaly::{
    CyclicVersions, DuplicateElements, FutureRead, G0, G1a, G1b, G1c, G2Item, GNonadjacent,
    GSingle, IncompatibleOrder, Internal, LostUpdate, PhantomRead,
};
use Level::{Plain, Process, Realtime};

/// The weaker models first, so that each implies only earlier ones.
const ROWS: &[Row] = &[
    row(
        "read-uncommitted",
        &["PL-1"],
        &[],
        &[G0(Plain), DuplicateElements, CyclicVersions, PhantomRead],
    ),
    row(
        "read-committed",
        &["PL-2"],
        &["read-uncommitted"],
        &[G1a, G1b, G1c(Plain), IncompatibleOrder],
    ),
    row("cursor-stability", &["PL-CS"], &["read-committed"], &[LostUpdate]),
    row("monotonic-view", &["PL-2L"], &["read-committed"], &[]),
    row("monotonic-snapshot-read", &["PL-MSR"], &["read-committed"], &[]),
    row("monotonic-atomic-view", &[], &["read-committed"], &[]),
    row("read-atomic", &[], &["monotonic-atomic-view"], &[Internal, FutureRead]),
    row("causal-cerone", &[], &["read-atomic"], &[]),
    row("prefix", &[], &["causal-cerone"], &[]),
    row("update-atomic", &["ROLA"], &["read-atomic"], &[LostUpdate]),
    row("consistent-view", &["PL-2+"], &["cursor-stability", "monotonic-view"], &[GSingle(Plain)]),
    row(
        "parallel-snapshot-isolation",
        &["PSI"],
        &["causal-cerone", "update-atomic", "consistent-view"],
        &[],
    ),
    row("forward-consistent-view", &["PL-FCV"], &["consistent-view"], &[]),
    row("update-serializable", &["PL-3U"], &["forward-consistent-view"], &[]),
    row(
        "repeatable-read",
        &["PL-2.99"],
        &["cursor-stability", "monotonic-atomic-view"],
        &[G2Item(Plain)],
    ),
    row(
        "snapshot-isolation",
        &["SI", "PL-SI"],
        &[
            "forward-consistent-view",
            "monotonic-snapshot-read",
            "parallel-snapshot-isolation",
            "prefix",
        ],
        &[GNonadjacent(Plain)],
    ),
    row(
        "view-serializable",
        &[],
        &[],
        &[
            DuplicateElements,
            CyclicVersions,
            PhantomRead,
            G1a,
            G1b,
            IncompatibleOrder,
            Internal,
            FutureRead,
            G1c(Plain),
            G2Item(Plain),
        ],
    ),
    row(
        "serializable",
        &["conflict-serializable", "PL-3", "1SR"],
        &["repeatable-read", "snapshot-isolation", "update-serializable", "view-serializable"],
        &[],
    ),
    row("monotonic-reads", &[], &[], &[]),
    row("monotonic-writes", &[], &[], &[]),
    row("read-your-writes", &[], &[], &[]),
    row("writes-follow-reads", &[], &[], &[]),
    row(
        "PRAM",
        &[],
        &["monotonic-reads", "monotonic-writes", "read-your-writes"],
        &[DuplicateElements, PhantomRead, G1a, G1b, Internal, FutureRead],
    ),
    row(
        "causal",
        &[],
        &["writes-follow-reads", "PRAM"],
        &[CyclicVersions, IncompatibleOrder, G1c(Process)],
    ),
    row("sequential", &[], &["causal"], &[G2Item(Process)]),
    row("linearizable", &[], &["sequential"], &[G1c(Realtime), G2Item(Realtime)]),
    row(
        "strong-session-read-uncommitted",
        &["strong-session-PL-1"],
        &["read-uncommitted"],
        &[G0(Process)],
    ),
    row(
        "strong-session-read-committed",
        &["strong-session-PL-2"],
        &["read-committed", "strong-session-read-uncommitted"],
        &[G1c(Process)],
    ),
    row(
        "strong-session-snapshot-isolation",
        &["strong-session-SI"],
        &["snapshot-isolation", "strong-session-read-committed", "causal"],
        &[GNonadjacent(Process)],
    ),
    row(
        "strong-session-serializable",
        &["session-serializable"],
        &["serializable", "strong-session-snapshot-isolation", "sequential"],
        &[G2Item(Process)],
    ),
    row(
        "strong-read-uncommitted",
        &["strong-PL-1"],
        &["strong-session-read-uncommitted"],
        &[G0(Realtime)],
    ),
    row(
        "strong-read-committed",
        &["strong-PL-2"],
        &["strong-session-read-committed", "strong-read-uncommitted"],
        &[G1c(Realtime)],
    ),
    row(
        "strong-snapshot-isolation",
        &["strong-SI"],
        &["strong-session-snapshot-isolation", "strong-read-committed"],
        &[GNonadjacent(Realtime)],
    ),
    row(
        "strict-serializable",
        &["strong-serializable", "PL-SS"],
        &["strong-session-serializable", "strong-snapshot-isolation", "linearizable"],
        &[G2Item(Realtime)],
    ),
];

/// The models that each implies, itself among them.
static IMPLIED: LazyLock<Vec<Set>> = LazyLock::new(|| {
    let mut implied: Vec<Set> = Vec::with_capacity(ROWS.len());
    for (place, row) in ROWS.iter().enumerate() {
        let direct = row.implies.iter().filter_map(|name| place_of(name));
        let all = direct.filter_map(|model| implied.get(model)).fold(1 << place, |a, b| a | b);
        implied.push(all);
    }
    implied
});

fn place_of(name: &str) -> Option<usize> {
    let is = |known: &&str| known.eq_ignore_ascii_case(name);
    ROWS.iter().position(|row| is(&row.name) || row.aliases.iter().any(is))
}

/// No model is called so.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no consistency model is called `{name}`; {hint}")]
pub struct UnknownModel {
    name: String,
    hint: String,
}

impl Model {
    /// The strongest of all.
    pub const STRICT_SERIALIZABLE: Self = Self(ROWS.len() as u8 - 1);

    /// All models, weaker ones before stronger ones.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> {
        (0..ROWS.len() as u8).map(Self)
    }

    /// The model of a name, or of one of its other names.
    ///
    /// # Errors
    /// [`UnknownModel`] with the names that are alike.
    pub fn parse(name: &str) -> Result<Self, UnknownModel> {
        let bare = name.trim_start_matches(':');
        place_of(bare).map(|place| Self(place as u8)).ok_or_else(|| {
            let mut near: Vec<(usize, &str)> = ROWS
                .iter()
                .flat_map(|row| row.aliases.iter().copied().chain([row.name]))
                .map(|known| (distance(known, bare), known))
                .collect();
            near.sort_unstable();
            let close = near.iter().filter(|(distance, _)| *distance <= 3).take(3);
            let close: Vec<String> = close.map(|(_, name)| format!("`{name}`")).collect();
            let hint = if close.is_empty() {
                let all: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
                format!("there are {}", all.join(", "))
            } else {
                format!("did you mean {}?", close.join(" or "))
            };
            UnknownModel { name: name.to_owned(), hint }
        })
    }

    /// As Elle's command line has it: `snapshot-isolation`.
    pub fn name(self) -> &'static str {
        ROWS[self.0 as usize].name
    }

    /// Its other names.
    pub fn aliases(self) -> &'static [&'static str] {
        ROWS[self.0 as usize].aliases
    }

    /// Whether every history of this model is one of the other.
    pub fn implies(self, weaker: Self) -> bool {
        IMPLIED[self.0 as usize] & 1 << weaker.0 != 0
    }

    /// Whether an anomaly cannot be under this model.
    pub fn forbids(self, anomaly: Anomaly) -> bool {
        ruled_out([anomaly]) & 1 << self.0 != 0
    }

    /// Whether it takes real time to tell.
    pub fn needs_time(self) -> bool {
        Anomaly::ALL.into_iter().any(|anomaly| {
            let timed = matches!(
                anomaly,
                G0(Realtime) | G1c(Realtime) | GNonadjacent(Realtime) | G2Item(Realtime)
            );
            timed && self.forbids(anomaly)
        })
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The models that cannot be where these anomalies are.
fn ruled_out(anomalies: impl IntoIterator<Item = Anomaly>) -> Set {
    let seen: Vec<Anomaly> = anomalies.into_iter().collect();
    let there = |anomaly: &Anomaly| seen.iter().any(|seen| seen.is(*anomaly));
    let forbids = |row: &Row| row.forbids.iter().any(there);
    let direct: Set =
        (0..ROWS.len()).filter(|&place| forbids(&ROWS[place])).map(|place| 1 << place).sum();
    let stronger = |place: &usize| IMPLIED[*place] & direct != 0;
    (0..ROWS.len()).filter(stronger).map(|place| 1 << place).sum()
}

/// What a history with some anomalies can still be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boundary {
    /// The weakest models that are ruled out.
    pub not: Vec<Model>,
    /// Stronger ones, ruled out with them.
    pub also_not: Vec<Model>,
    /// The strongest models that are not ruled out.
    pub survive: Vec<Model>,
}

impl Boundary {
    /// What these anomalies rule out.
    pub fn of(anomalies: impl IntoIterator<Item = Anomaly>) -> Self {
        Self::around(ruled_out(anomalies))
    }

    /// Where models are ruled out, and with them whatever implies one, and what anomalies rule out.
    pub fn without(models: &[Model], anomalies: impl IntoIterator<Item = Anomaly>) -> Self {
        let stronger = Model::all().filter(|other| models.iter().any(|&out| other.implies(out)));
        Self::around(stronger.map(|other| 1 << other.0).sum::<Set>() | ruled_out(anomalies))
    }

    fn around(out: Set) -> Self {
        let is_out = |model: &Model| out & 1 << model.0 != 0;
        let weakest = |model: &Model| IMPLIED[model.0 as usize] & out == 1 << model.0;
        let (not, also_not) = Model::all().filter(is_out).partition(weakest);
        let stronger = |model: Model| {
            Model::all().any(|other| other != model && !is_out(&other) && other.implies(model))
        };
        let survive = Model::all().filter(|model| !is_out(model) && !stronger(*model)).collect();
        Self { not, also_not, survive }
    }
}

/// Levenshtein's, over bytes, without regard to case.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let same = diagonal + usize::from(!x.eq_ignore_ascii_case(&y));
            diagonal = row[j + 1];
            row[j + 1] = same.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn model(name: &str) -> Model {
        Model::parse(name).unwrap()
    }

    fn names(models: &[Model]) -> Vec<&'static str> {
        models.iter().map(|model| model.name()).collect()
    }

    #[test]
    fn every_implied_model_comes_earlier_in_the_list() {
        assert!(ROWS.len() <= Set::BITS as usize);
        for (place, row) in ROWS.iter().enumerate() {
            for name in row.implies {
                assert!(place_of(name).unwrap() < place, "{} implies {name}", row.name);
            }
        }
        assert_eq!(Model::STRICT_SERIALIZABLE.name(), "strict-serializable");
        assert!(Model::all().all(|model| Model::STRICT_SERIALIZABLE.implies(model)));
    }

    #[test]
    fn names_are_read_with_their_aliases() {
        assert_eq!(model("strong-serializable"), Model::STRICT_SERIALIZABLE);
        assert_eq!(model(":PL-2.99").name(), "repeatable-read");
        assert_eq!(model("pram").name(), "PRAM");
        let error = Model::parse("serialisable").unwrap_err().to_string();
        let expected = "no consistency model is called `serialisable`; did you mean \
                        `serializable`?";
        assert_eq!(error, expected);
        let error = Model::parse("acid").unwrap_err().to_string();
        assert!(error.contains("did you mean") || error.contains("there are read-uncommitted"));
    }

    #[test]
    fn models_imply_what_the_literature_says() {
        let implies = |strong, weak| model(strong).implies(model(weak));
        assert!(implies("serializable", "snapshot-isolation"));
        assert!(implies("snapshot-isolation", "read-atomic"));
        assert!(implies("strict-serializable", "strong-session-read-committed"));
        assert!(!implies("repeatable-read", "snapshot-isolation"));
        assert!(!implies("snapshot-isolation", "repeatable-read"));
        assert!(!implies("serializable", "strong-session-read-uncommitted"));
        assert!(!implies("read-committed", "read-atomic"));
    }

    #[test]
    fn write_skew_leaves_snapshot_isolation() {
        let boundary = Boundary::of([G2Item(Plain)]);
        let serial = ["repeatable-read", "view-serializable", "sequential"];
        assert_eq!(names(&boundary.not), serial);
        let stronger = ["serializable", "linearizable", "strong-session-serializable"];
        assert_eq!(names(&boundary.also_not), [&stronger[..], &["strict-serializable"]].concat());
        let survive = ["update-serializable", "strong-snapshot-isolation"];
        assert_eq!(names(&boundary.survive), survive);
    }

    #[test]
    fn stale_reads_leave_what_knows_no_time() {
        let boundary = Boundary::of([GSingle(Realtime)]);
        assert_eq!(names(&boundary.not), ["linearizable", "strong-snapshot-isolation"]);
        assert_eq!(names(&boundary.also_not), ["strict-serializable"]);
        assert!(names(&boundary.survive).contains(&"strong-session-serializable"));
        assert!(model("strong-snapshot-isolation").needs_time());
        assert!(!model("strong-session-serializable").needs_time());
    }

    #[test]
    fn nothing_found_leaves_everything() {
        let boundary = Boundary::of([]);
        assert!(boundary.not.is_empty() && boundary.also_not.is_empty());
        assert_eq!(boundary.survive, [Model::STRICT_SERIALIZABLE]);
    }

    #[test]
    fn stronger_models_forbid_more() {
        for anomaly in Anomaly::ALL {
            assert!(Model::STRICT_SERIALIZABLE.forbids(anomaly), "{anomaly}");
            for (strong, weak) in Model::all().flat_map(|a| Model::all().map(move |b| (a, b))) {
                let follows = !strong.implies(weak) || !weak.forbids(anomaly);
                assert!(follows || strong.forbids(anomaly), "{strong} {weak} {anomaly}");
            }
        }
    }
}
