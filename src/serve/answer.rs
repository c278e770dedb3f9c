//! Answers: pages of ours, and refusals.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::page::frame;
use crate::store::StoreError;

/// Why something is not shown; one sentence for the reader.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    why: String,
}

impl Refusal {
    pub fn new(status: StatusCode, why: impl Into<String>) -> Self {
        Self { status, why: why.into() }
    }

    pub fn not_found(why: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, why)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = html(frame::refusal(self.status, &self.why));
        *response.status_mut() = self.status;
        response
    }
}

/// A page of ours.
pub fn html(page: frame::Page) -> Response {
    let frame::Page { text, policy } = page;
    let mut response = text.into_response();
    set(&mut response, CONTENT_TYPE, "text/html; charset=utf-8");
    set(&mut response, CONTENT_SECURITY_POLICY, &format!("{policy}; frame-ancestors 'none'"));
    guarded(response)
}

/// What every answer says besides: it is what it says it is, and nobody keeps or frames it.
pub fn guarded(mut response: Response) -> Response {
    set(&mut response, X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(&mut response, REFERRER_POLICY, "no-referrer");
    set(&mut response, CACHE_CONTROL, "private, no-cache");
    response
}

/// Sets a header whose text is ours; what is no header is left out.
pub fn set(response: &mut Response, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        response.headers_mut().insert(name, value);
    }
}
