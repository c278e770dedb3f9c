//! `report.html` and `isobar serve` in a real browser: what is seen, and what a reader can do.
//!
//! Every report comes from a small history through `isobar check --report`. Pictures are kept under
//! `target/tmp/browser`, for people. Needs Chromium (`apt-get install chromium`).

#![allow(clippy::unwrap_used)]

mod chromium;
mod kinds;
mod recorded;
#[path = "../support/requirement.rs"]
mod requirement;
mod rooms;
mod serve;
#[path = "../support/served.rs"]
mod served;

use std::path::Path;

use chromium::Chromium;

const DESK: (u32, u32) = (1280, 900);
const PHONE: (u32, u32) = (360, 740);

/// The page in a browser; `None` where there is none to be had.
#[track_caller]
fn open(test: &str, page: &Path, size: (u32, u32)) -> Option<Chromium> {
    open_url(test, &format!("file://{}", page.display()), size)
}

/// The same for an address.
#[track_caller]
fn open_url(test: &str, url: &str, size: (u32, u32)) -> Option<Chromium> {
    let program = chromium::program();
    let missing = program.is_none().then(|| {
        format!("{test}: Chromium is missing here; `apt-get install chromium` enables it")
    });
    requirement::met(missing).then(|| Chromium::open(&program.unwrap(), url, size))
}

/// Keeps a picture and fails if the page complained or asked for anything.
#[track_caller]
fn done(test: &str, mut browser: Chromium) {
    browser.screenshot(test);
    assert_eq!(browser.complaints(), Vec::<String>::new(), "{test}");
}
