//! A run's files as they are. None but the report is ever a page: logs come from the system
//! under test.

use std::io::{self, Read};
use std::path::Path;

use axum::http::header::{CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use super::answer::{Refusal, guarded, set};
use super::place::Place;
use super::stream;
use crate::report;

const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'";
/// Pictures have style sheets in themselves.
const PICTURE: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
/// The report has a policy of its own; here it is kept from asking for anything of ours too.
const REPORT: &str = "sandbox allow-scripts allow-popups; frame-ancestors 'none'";

/// Sends the file `name` of a run.
pub fn send(place: &Place, name: &str) -> Result<Response, Refusal> {
    let (path, file) = place.open(name).map_err(|refusal| match name {
        report::PAGE => {
            let run = place.directory.path.display();
            Refusal::not_found(format!("no report was drawn: `isobar report {run}` draws it"))
        }
        _ => refusal,
    })?;
    let length = file.metadata().map(|meta| meta.len()).unwrap_or_default();
    let is_report = path == place.directory.file(report::PAGE);
    let (kind, policy) = if is_report { ("text/html; charset=utf-8", REPORT) } else { kind(&path) };
    let body = stream::body(move |out| {
        // As long as it was when it was announced, though it may grow meanwhile.
        io::copy(&mut file.take(length), out).map(|_| ())
    });
    let mut response = body.into_response();
    set(&mut response, CONTENT_TYPE, kind);
    set(&mut response, CONTENT_SECURITY_POLICY, policy);
    set(&mut response, CONTENT_LENGTH, &length.to_string());
    Ok(guarded(response))
}

/// What a browser does with it, and what it may do in there.
fn kind(path: &Path) -> (&'static str, &'static str) {
    match path.extension().and_then(|end| end.to_str()) {
        Some("svg") => ("image/svg+xml", PICTURE),
        Some("png") => ("image/png", NOTHING),
        Some("json") => ("application/json", NOTHING),
        Some("gz" | "zst" | "tar" | "db" | "snap") => ("application/octet-stream", NOTHING),
        _ => ("text/plain; charset=utf-8", NOTHING),
    }
}
