//! Who may ask, and for what: nobody writes, nobody is led here by another site, and who reaches
//! us from another machine has to know a token.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{Request, State};
use axum::http::header::{ALLOW, AUTHORIZATION, COOKIE, HOST, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::answer::Refusal;
use super::query::Query;
use super::site::Site;

/// Bytes of a token that is drawn.
const TOKEN_BYTES: usize = 16;
/// Shorter ones are guessed.
const TOKEN_CHARS_MIN: usize = 16;

/// A secret which stands in the address that is opened first, and in a cookie from then on.
#[derive(Clone)]
pub struct Token(String);

#[derive(Debug, thiserror::Error)]
#[error("a token has at least {TOKEN_CHARS_MIN} characters, of A-Z a-z 0-9 - _ . alone")]
pub struct WeakToken;

impl Token {
    pub fn parse(text: &str) -> Result<Self, WeakToken> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        if text.len() < TOKEN_CHARS_MIN || !text.bytes().all(plain) {
            return Err(WeakToken);
        }
        Ok(Self(text.to_owned()))
    }

    /// From the operating system's randomness.
    pub fn draw() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    pub fn text(&self) -> &str {
        &self.0
    }

    /// Whether `given` is it, in a time that does not tell how much of it was right.
    fn is(&self, given: &str) -> bool {
        let hash = |text: &str| Sha256::digest(text.as_bytes());
        hash(&self.0).as_slice().ct_eq(hash(given).as_slice()).into()
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The rule of one server.
#[derive(Debug)]
pub struct Access {
    address: SocketAddr,
    token: Option<Token>,
}

/// What becomes of a request.
enum Decision {
    Pass,
    /// The token was in the address: it goes into a cookie, and the address is opened again.
    Enter(Token),
    Refuse(Refusal),
}

impl Access {
    pub fn new(address: SocketAddr, token: Option<Token>) -> Self {
        Self { address, token }
    }

    fn decide(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Decision {
        if method != Method::GET && method != Method::HEAD {
            let why = "only GET and HEAD are answered: nothing is changed from here";
            return Decision::Refuse(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, why));
        }
        let Some(token) = &self.token else {
            return match names_this_machine(headers) {
                true => Decision::Pass,
                // A page of another site whose name was made to lead here (DNS rebinding).
                false => Decision::Refuse(Refusal::new(
                    StatusCode::MISDIRECTED_REQUEST,
                    "open this page as 127.0.0.1 or localhost, or serve it with a token",
                )),
            };
        };
        if Query::of(uri).first("token").is_some_and(|given| token.is(&given)) {
            return Decision::Enter(token.clone());
        }
        match self.cookie(headers).or_else(|| bearer(headers)).is_some_and(|given| token.is(given))
        {
            true => Decision::Pass,
            false => Decision::Refuse(Refusal::new(
                StatusCode::UNAUTHORIZED,
                "open the address that `isobar serve` printed: the token in it is missing here",
            )),
        }
    }

    /// Ports share their cookies: each server has its own name.
    fn cookie_name(&self) -> String {
        format!("isobar-{}", self.address.port())
    }

    fn cookie<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let name = self.cookie_name();
        let all = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            all.flat_map(|value| value.split(';')).filter_map(|p| p.trim().split_once('='));
        pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    fn enter(&self, token: &Token, uri: &Uri) -> Response {
        let name = self.cookie_name();
        let cookie = format!("{name}={}; Path=/; HttpOnly; SameSite=Strict", token.text());
        // One slash: with two it would be another machine's address.
        let path = format!("/{}", uri.path().trim_start_matches('/'));
        let query = Query::of(uri).without("token").to_string();
        let target = if query.is_empty() { path } else { format!("{path}?{query}") };
        let mut response = StatusCode::SEE_OTHER.into_response();
        for (header, text) in [(SET_COOKIE, cookie), (LOCATION, target)] {
            if let Ok(value) = HeaderValue::from_str(&text) {
                response.headers_mut().insert(header, value);
            }
        }
        response
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// Whether the browser asked for a name that cannot be anybody else's.
fn names_this_machine(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// In front of every page.
pub async fn guard(State(site): State<Site>, request: Request, next: Next) -> Response {
    let access = site.access();
    let mut response = match access.decide(request.method(), request.uri(), request.headers()) {
        Decision::Pass => next.run(request).await,
        Decision::Enter(token) => access.enter(&token, request.uri()),
        Decision::Refuse(refusal) => refusal.into_response(),
    };
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn weak_tokens_are_refused_and_drawn_ones_differ() {
        for weak in ["", "short", "0123456789abcde", "0123456789abcdef&x=1", "0123456789 abcdef"] {
            assert!(Token::parse(weak).is_err(), "{weak}");
        }
        let token = Token::parse("0123456789abcdef").unwrap();
        assert!(token.is("0123456789abcdef"));
        assert!(!token.is("0123456789abcdeg") && !token.is("") && !token.is("0123456789abcdef0"));
        assert_ne!(Token::draw().unwrap().text(), Token::draw().unwrap().text());
        assert!(Token::parse(Token::draw().unwrap().text()).is_ok());
    }

    #[test]
    fn another_sites_name_that_leads_here_is_told_from_ours() {
        let named = |host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_str(host).unwrap());
            names_this_machine(&headers)
        };
        for ours in ["localhost:7070", "LOCALHOST", "127.0.0.1:80", "127.9.9.9", "[::1]:7070"] {
            assert!(named(ours), "{ours}");
        }
        for others in ["evil.example", "127.0.0.1.evil.example:7070", "10.0.0.1", "", ":7070"] {
            assert!(!named(others), "{others}");
        }
        assert!(!names_this_machine(&HeaderMap::new()));
    }
}
