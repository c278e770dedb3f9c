//! What stands behind the question mark.

use std::fmt;

use axum::http::Uri;
use form_urlencoded::{Serializer, parse};

/// Names and values in their order; a name may come several times.
#[derive(Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    pub fn of(uri: &Uri) -> Self {
        Self(parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect())
    }

    pub fn first(&self, name: &str) -> Option<String> {
        self.all(name).next().map(str::to_owned)
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub fn without(self, name: &str) -> Self {
        Self(self.0.into_iter().filter(|(found, _)| found != name).collect())
    }
}

/// As it stands in an address.
impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Serializer::new(String::new()).extend_pairs(&self.0).finish())
    }
}
