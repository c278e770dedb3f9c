//! How an answer must be read: what certainly happened, what certainly did not, and the rest.

use serde_json::Value;

use crate::Outcome;
use crate::http::{Answer, Lost, Meaning};

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

/// The status and the body of a success; `writes`: whether the request may have changed anything.
/// `request` names it in words.
///
/// # Errors
/// What follows from an answer that is none.
pub fn success(
    answer: Result<Answer, Lost>,
    writes: bool,
    request: &str,
) -> Result<(u16, Value), Stop> {
    let unknown = |reason: String| if writes { Stop::Info(reason) } else { Stop::Fail(reason) };
    let answer = match answer {
        Ok(answer) => answer,
        Err(Lost::NotSent(reason)) => {
            return Err(Stop::Fail(format!("{request} was not sent: {reason}")));
        }
        Err(Lost::Unknown(reason)) => return Err(unknown(format!("{request}: {reason}"))),
    };
    let (code, body) = (answer.status, answer.json());
    let meaning = Meaning::of(code);
    if meaning == Meaning::Ok {
        return match body {
            Ok(body) => Ok((code, body)),
            Err(what) => Err(unknown(format!("{request} → {code}, but {what}"))),
        };
    }
    let message = body.ok().and_then(|body| Some(body.pointer("/error/message")?.as_str()?.into()));
    let message: String = message.unwrap_or_default();
    let reason = format!("{request} → {code} {message}").trim_end().to_owned();
    match meaning {
        Meaning::Fail => Err(Stop::Fail(reason)),
        _ => Err(unknown(reason)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(status: u16, body: &str, writes: bool) -> Result<Value, Stop> {
        let answer = Answer::new(status, "text/html", body);
        success(Ok(answer), writes, "PUT /x").map(|(_, body)| body)
    }

    #[test]
    fn only_refusals_say_that_nothing_was_written() {
        for code in [400, 401, 403, 404, 405, 413, 429] {
            assert!(matches!(read(code, "", true), Err(Stop::Fail(_))), "{code}");
        }
        for code in [302, 408, 500, 502, 503, 504] {
            assert!(matches!(read(code, "", true), Err(Stop::Info(_))), "{code}");
            assert!(matches!(read(code, "", false), Err(Stop::Fail(_))), "{code}");
        }
        assert_eq!(read(201, r#"{"data": 1}"#, true), Ok(json!({"data": 1})));
    }

    #[test]
    fn a_page_where_json_was_expected_is_no_success() {
        let told = "PUT /x → 200, but the answer is not JSON but text/html: <html>".to_owned();
        assert_eq!(read(200, "<html>", true), Err(Stop::Info(told.clone())));
        assert_eq!(read(200, "<html>", false), Err(Stop::Fail(told)));
    }

    #[test]
    fn what_was_not_sent_did_not_happen_and_what_was_lost_may_have() {
        let silent = |silence| success(Err(silence), true, "PUT /x").map(|(_, body)| body);
        let not_sent = silent(Lost::NotSent("refused".to_owned()));
        assert_eq!(not_sent, Err(Stop::Fail("PUT /x was not sent: refused".to_owned())));
        let lost = silent(Lost::Unknown("reset".to_owned()));
        assert_eq!(lost, Err(Stop::Info("PUT /x: reset".to_owned())));
        let message = r#"{"error": {"message": "This attribute must be unique"}}"#;
        let refused = read(400, message, true);
        let told = "PUT /x → 400 This attribute must be unique".to_owned();
        assert_eq!(refused, Err(Stop::Fail(told)));
    }
}
