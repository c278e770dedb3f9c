//! The page's Content-Security-Policy.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

/// Nothing is loaded and no form is sent; one style sheet is allowed and one script, by the hashes
/// of their texts (CSP level 3, §8.3). What the script reads is no script: it needs no hash.
pub fn policy(style: &str, script: &str) -> String {
    format!("{}; form-action 'none'", common(style, script))
}

/// The same for a page that has a server behind it: its forms and its script may ask that server.
pub fn served(style: &str, script: &str) -> String {
    format!("{}; form-action 'self'; connect-src 'self'", common(style, script))
}

fn common(style: &str, script: &str) -> String {
    let hash = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'",
        hash(style),
        hash(script)
    )
}
