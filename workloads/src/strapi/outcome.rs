//! How an answer must be read: what certainly happened, what certainly did not, and the rest.

use hyper::StatusCode;
use serde_json::Value;

use super::connection::{Answer, Silence};
use crate::Outcome;

/// An operation that comes to its end before its last step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It did not happen.
    Fail(String),
    /// Nobody knows.
    Info(String),
}

impl From<Stop> for Outcome {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Fail(reason) => Self::Fail(reason),
            Stop::Info(reason) => Self::Info(reason),
        }
    }
}

/// Answers that say of a request that nothing was written. Strapi gives them before it writes; all
/// others, 500 first of all, leave it open: it also gives that when only the answer failed.
const REFUSALS: [u16; 12] = [400, 401, 403, 404, 405, 406, 409, 410, 413, 415, 422, 429];

/// The body of a success; `writes`: whether the request may have changed anything. `request` names
/// it in words.
///
/// # Errors
/// What follows from an answer that is none.
pub fn success(
    answer: Result<Answer, Silence>,
    writes: bool,
    request: &str,
) -> Result<(StatusCode, Value), Stop> {
    let unknown = |reason: String| if writes { Stop::Info(reason) } else { Stop::Fail(reason) };
    let Answer { status, body } = match answer {
        Ok(answer) => answer,
        Err(Silence::NotSent(reason)) => {
            return Err(Stop::Fail(format!("{request} was not sent: {reason}")));
        }
        Err(Silence::Lost(reason)) => return Err(unknown(format!("{request}: {reason}"))),
    };
    let code = status.as_u16();
    if status.is_success() {
        return match body {
            Ok(body) => Ok((status, body)),
            Err(what) => Err(unknown(format!("{request} → {code}, but its body is {what}"))),
        };
    }
    let message = body.ok().and_then(|body| Some(body.pointer("/error/message")?.as_str()?.into()));
    let message: String = message.unwrap_or_default();
    let reason = format!("{request} → {code} {message}").trim_end().to_owned();
    match REFUSALS.contains(&code) {
        true => Err(Stop::Fail(reason)),
        false => Err(unknown(reason)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(status: u16, body: Result<Value, String>, writes: bool) -> Result<Value, Stop> {
        let status = StatusCode::from_u16(status).unwrap_or_default();
        success(Ok(Answer { status, body }), writes, "PUT /x").map(|(_, body)| body)
    }

    #[test]
    fn only_refusals_say_that_nothing_was_written() {
        for code in [400, 401, 403, 404, 405, 413, 429] {
            assert!(matches!(read(code, Ok(Value::Null), true), Err(Stop::Fail(_))), "{code}");
        }
        for code in [302, 408, 500, 502, 503, 504] {
            assert!(matches!(read(code, Ok(Value::Null), true), Err(Stop::Info(_))), "{code}");
            assert!(matches!(read(code, Ok(Value::Null), false), Err(Stop::Fail(_))), "{code}");
        }
        assert_eq!(read(201, Ok(json!({"data": 1})), true), Ok(json!({"data": 1})));
    }

    #[test]
    fn a_page_where_json_was_expected_is_no_success() {
        let page = || Err("no JSON, but `<html>`".to_owned());
        let told = "PUT /x → 200, but its body is no JSON, but `<html>`".to_owned();
        assert_eq!(read(200, page(), true), Err(Stop::Info(told.clone())));
        assert_eq!(read(200, page(), false), Err(Stop::Fail(told)));
    }

    #[test]
    fn what_was_not_sent_did_not_happen_and_what_was_lost_may_have() {
        let silent = |silence| success(Err(silence), true, "PUT /x").map(|(_, body)| body);
        let not_sent = silent(Silence::NotSent("refused".to_owned()));
        assert_eq!(not_sent, Err(Stop::Fail("PUT /x was not sent: refused".to_owned())));
        let lost = silent(Silence::Lost("reset".to_owned()));
        assert_eq!(lost, Err(Stop::Info("PUT /x: reset".to_owned())));
        let message = json!({"error": {"message": "This attribute must be unique"}});
        let refused = read(400, Ok(message), true);
        let told = "PUT /x → 400 This attribute must be unique".to_owned();
        assert_eq!(refused, Err(Stop::Fail(told)));
    }
}
