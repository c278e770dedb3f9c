//! `--matrix workload=register,append`: the values that are tried, each with each.

use std::str::FromStr;

use crate::spec::Setting;

/// A path in the specification and the values it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    pub path: String,
    pub values: Vec<String>,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AxesError {
    #[error("`{0}` is no matrix: write `--matrix workload=register,append`")]
    Form(String),
    #[error("`{path}` has no value in `{text}`")]
    Empty { path: String, text: String },
}

/// One or more axes in one argument: `faults=partitions,processes,load.rate=50/s,500/s`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axes(pub Vec<Axis>);

impl FromStr for Axes {
    type Err = AxesError;

    fn from_str(text: &str) -> Result<Self, AxesError> {
        let mut axes: Vec<Axis> = Vec::new();
        for item in split(text) {
            match (item.split_once('='), axes.last_mut()) {
                (Some((path, value)), _) if is_path(path) => {
                    let values = vec![value.trim().to_owned()];
                    axes.push(Axis { path: path.to_owned(), values });
                }
                (_, Some(axis)) => axis.values.push(item.trim().to_owned()),
                (_, None) => return Err(AxesError::Form(text.to_owned())),
            }
        }
        match axes.iter().find(|axis| axis.values.iter().any(String::is_empty)) {
            None => Ok(Self(axes)),
            Some(Axis { path, .. }) => {
                Err(AxesError::Empty { path: path.clone(), text: text.to_owned() })
            }
        }
    }
}

impl Axis {
    /// Every combination of one value per axis; the last axis changes fastest.
    pub fn combinations(axes: &[Self]) -> Vec<Vec<Setting>> {
        let mut all = vec![Vec::new()];
        for axis in axes {
            let with = |before: &Vec<Setting>, value: &String| {
                let mut settings = before.clone();
                settings.push(Setting { path: axis.path.clone(), value: value.clone() });
                settings
            };
            all = all
                .iter()
                .flat_map(|before| axis.values.iter().map(move |value| with(before, value)))
                .collect();
        }
        all
    }
}

/// At the commas that are in no bracket and no quotes.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut quote) = (Vec::new(), 0, 0_i32, None);
    for (place, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '{' | '(') => depth += 1,
            (None, ']' | '}' | ')') => depth -= 1,
            (None, ',') if depth == 0 => {
                parts.push(&text[start..place]);
                start = place + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn is_path(text: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(inside)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn axes_are_read_and_combined_each_with_each() {
        let text = "workload=register,append,faults=none,[{ kill: { every: 5s, for: 1s } }]";
        let Axes(axes) = text.parse().unwrap();
        let told: Vec<String> = Axis::combinations(&axes)
            .iter()
            .map(|settings| settings.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(
            told,
            [
                "workload=register faults=none",
                "workload=register faults=[{ kill: { every: 5s, for: 1s } }]",
                "workload=append faults=none",
                "workload=append faults=[{ kill: { every: 5s, for: 1s } }]",
            ]
        );
        assert_eq!(Axis::combinations(&[]), [Vec::new()]);
    }

    #[test]
    fn what_is_no_matrix_is_said() {
        let told = |text: &str| text.parse::<Axes>().unwrap_err().to_string();
        assert!(told("register,append").contains("no matrix"));
        assert!(told("workload=").contains("`workload` has no value"));
    }
}
