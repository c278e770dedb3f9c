//! What all pages have around them.

use axum::http::StatusCode;

use crate::report::html::{Html, Shell, served_policy};
use crate::report::words;

const STYLE: &str = concat!(
    include_str!("../../report/html/page.css"),
    include_str!("../../report/html/script.css"),
    include_str!("serve.css")
);

const SCRIPT: &str = concat!(
    "\"use strict\";\n",
    include_str!("../../report/html/script/dom.js"),
    include_str!("script/list.js"),
    include_str!("script/live.js"),
    "document.documentElement.dataset.ready = \"true\";\n",
);

/// A page with the policy it has to be sent with.
#[derive(Debug)]
pub struct Page {
    pub text: String,
    pub policy: String,
}

/// `title` in the window's bar, `body` below the way back to the list.
pub fn page(title: &str, body: impl FnOnce(&mut Html)) -> Page {
    let policy = served_policy(STYLE, SCRIPT);
    let mut head = Html::default();
    head.text(&format!("{} · isobar", words::plain(title)));
    let mut html = Html::default();
    html.element("nav", &[("aria-label", "Store")], |html| {
        html.leaf("a", &[("href", "/")], "All runs");
    });
    body(&mut html);
    let shell = Shell {
        policy: &policy,
        title: &head.into_string(),
        style: STYLE,
        body: &html.into_string(),
        data: "null",
        script: SCRIPT,
    };
    Page { text: shell.page(), policy }
}

/// Why something is not shown.
pub fn refusal(status: StatusCode, why: &str) -> Page {
    let name = status.canonical_reason().unwrap_or("Refused");
    page(name, |html| {
        html.element("header", &[("class", "verdict")], |html| {
            html.leaf("h1", &[], name);
            html.leaf("p", &[("class", "lead")], why);
        });
    })
}
