//! What can be measured, by name.

use isobar_checkers::Verdict;
use isobar_checkers::generate::cases::{self, Case};

/// MB/s of one core that reading must reach.
const READING_RATE: f64 = 300.0;
/// Bytes of memory over all per operation, of a history read from a file and judged.
const READING_BYTES: u64 = 100;
const READING_SIZES: [u32; 4] = [10_000, 100_000, 1_000_000, 10_000_000];
/// From so many operations on, what every process needs does not count any more.
const READING_TARGET_FROM: u32 = 1_000_000;

/// A row of the table, of several sizes.
pub enum Row {
    Judging(Case),
    /// Reading a file of this format, whose name is the row's.
    Reading(&'static str),
    /// Both: the history is a file of JSON lines.
    EndToEnd(Case),
}

pub type Rows = Vec<Row>;

impl Row {
    pub fn name(&self) -> &str {
        match self {
            Self::Judging(case) | Self::EndToEnd(case) => &case.name,
            Self::Reading(format) => format,
        }
    }

    pub fn family(&self) -> &'static str {
        match self {
            Self::Judging(case) => case.family,
            Self::Reading(_) => "reading",
            Self::EndToEnd(_) => "end to end",
        }
    }

    pub fn sizes(&self) -> &[u32] {
        match self {
            Self::Judging(case) | Self::EndToEnd(case) => &case.sizes,
            Self::Reading(_) => &READING_SIZES,
        }
    }

    /// What must come out.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Judging(case) | Self::EndToEnd(case) => case.verdict.clone(),
            Self::Reading(_) => Verdict::Valid,
        }
    }

    /// What is asked of this size, and whether `measured` is within it: by the clock, as targets
    /// are for two cores; of reading, by processor time, as they are for one.
    pub fn target(&self, measured: &super::Measurement) -> Option<(String, bool)> {
        match self {
            Self::Reading(_) if measured.operations < READING_TARGET_FROM => None,
            Self::Reading(_) => {
                let rate = measured.megabytes_per_second.unwrap_or(0.0);
                let bytes = measured.peak_bytes.unwrap_or(0) / u64::from(measured.operations);
                let met = rate >= READING_RATE && bytes <= READING_BYTES;
                Some((format!("{READING_RATE:.0} MB/s, {READING_BYTES} B/op"), met))
            }
            Self::Judging(case) | Self::EndToEnd(case) => {
                let target =
                    case.target.filter(|target| target.operations == measured.operations)?;
                let used = match target.beyond_history {
                    true => measured.beyond_bytes,
                    false => measured.peak_bytes,
                };
                let fits = target.bytes.is_none_or(|most| used.unwrap_or(0) <= most);
                let met = fits && measured.wall_ms <= f64::from(target.milliseconds);
                let bytes = target.bytes.map_or_else(String::new, |most| {
                    let beyond = if target.beyond_history { " beyond" } else { "" };
                    format!(", {} MB{beyond}", most / 1_000_000)
                });
                Some((format!("{} ms{bytes}", target.milliseconds), met))
            }
        }
    }
}

/// The rows with these names or of these families; all, when none is given.
///
/// # Errors
/// A word that is neither, with what there is.
pub fn rows(wanted: &[String]) -> Result<Rows, String> {
    let reading = ["jsonl", "edn"].map(Row::Reading);
    let judging = cases::all().into_iter().map(Row::Judging);
    let end_to_end = cases::end_to_end().into_iter().map(Row::EndToEnd);
    let mut all: Rows = reading.into_iter().chain(judging).chain(end_to_end).collect();
    let is = |row: &Row, word: &str| row.name() == word || row.family() == word;
    if let Some(word) = wanted.iter().find(|word| !all.iter().any(|row| is(row, word))) {
        let names: Vec<&str> = all.iter().map(Row::name).collect();
        let mut families: Vec<&str> = all.iter().map(Row::family).collect();
        families.dedup();
        return Err(format!(
            "there is no row `{word}`; families: {}; rows: {}",
            families.join(", "),
            names.join(", ")
        ));
    }
    all.retain(|row| wanted.is_empty() || wanted.iter().any(|word| is(row, word)));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_chosen_by_name_and_by_family() {
        let names = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            rows(&words)
                .map(|rows| rows.iter().map(|row| row.name().to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(names(&["reading"]), Ok(vec!["jsonl".to_owned(), "edn".to_owned()]));
        assert_eq!(names(&["stack", "mutex"]), Ok(vec!["stack".to_owned(), "mutex".to_owned()]));
        assert!(names(&["locks"]).is_ok_and(|names| names.contains(&"mutex".to_owned())));
        assert!(names(&["stacks"]).is_err_and(|error| error.contains("no row `stacks`")));
    }
}
