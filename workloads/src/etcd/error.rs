//! What an error from etcd says about the operation: that it did not happen, or nothing.
//!
//! The burden of proof is on "did not happen". A write called *failed* which took effect makes a
//! correct system look broken; a failed write called *info* only makes checking harder. So only
//! refusals which etcd's source (3.4 to 3.6) gives before an operation can take effect are
//! definite; whatever else etcd, gRPC or the transport says, also anything new, is not.

use std::error::Error;

use tonic::{Code, ConnectError, Status};

use super::channel;
use crate::{Invocation, Outcome};

const BEFORE_PROPOSAL: &str = "refused before it was proposed";
const BEFORE_HANDLING: &str = "refused before it was handled";
const BEFORE_CHANGE: &str = "refused before anything was changed";

/// Messages after which the operation certainly did not happen, and which step refuses it.
///
/// Messages, not codes: the server gives some of them the code `Unknown`, and clients make up
/// statuses of their own (`OutOfRange` for an answer too long to decode).
///
/// Not in the list, though they look like refusals:
/// - `etcdserver: leader changed`, `request timed out…`, `server stopped`: the proposal may be in
///   the log already, and be committed by the next leader.
/// - `etcdserver: mvcc: database space exceeded`: the quota is also checked while applying, where
///   the write is performed **and** answered with this error.
/// - `raft: stopped`: may overtake the acceptance of the proposal (Jepsen calls it definite).
/// - `etcdserver: corrupt cluster`: says nothing about which member is the corrupt one.
const REFUSALS: [(&str, &str); 11] = [
    // Interceptors of the gRPC server.
    ("etcdserver: no leader", BEFORE_HANDLING),
    ("etcdserver: not capable", BEFORE_HANDLING),
    ("etcdserver: rpc not supported for learner", BEFORE_HANDLING),
    // Too many committed entries wait to be applied; checked before proposing.
    ("etcdserver: too many requests", BEFORE_PROPOSAL),
    ("etcdserver: invalid auth token", BEFORE_PROPOSAL),
    // Raft did not append it: no leader, or leadership is being handed over.
    ("raft proposal dropped", BEFORE_PROPOSAL),
    // Checked while applying, by every member alike, before the store is touched.
    ("etcdserver: permission denied", BEFORE_CHANGE),
    ("etcdserver: revision of auth store is old", BEFORE_CHANGE),
    ("etcdserver: requested lease not found", BEFORE_CHANGE),
    ("etcdserver: mvcc: required revision has been compacted", BEFORE_CHANGE),
    ("etcdserver: mvcc: required revision is a future revision", BEFORE_CHANGE),
];

/// The outcome of an operation which ended with `status`: *fail* if it certainly did not happen;
/// else *info* if it changes state, *fail* if it reads.
pub(super) fn outcome(invocation: &Invocation, status: &Status) -> Outcome {
    let text = describe(status);
    match refusal(status) {
        Some(step) => Outcome::Fail(format!("{text} ({step})")),
        None => Outcome::indeterminate(invocation, text),
    }
}

/// The step which kept the operation from happening, if one certainly did.
fn refusal(status: &Status) -> Option<&'static str> {
    if connect_failed(status) {
        return Some("never sent");
    }
    let message = status.message();
    match status.code() {
        // Of etcd's own: empty key, request too large, too many or duplicate operations, …, all
        // found by looking at the request, before proposing it or before applying any of it.
        Code::InvalidArgument if message.starts_with("etcdserver: ") => Some(BEFORE_CHANGE),
        // Whatever listens there does not have the method.
        Code::Unimplemented => Some(BEFORE_HANDLING),
        _ => REFUSALS.iter().find(|(text, _)| *text == message).map(|(_, step)| *step),
    }
}

/// Whether the connection was lost earlier and could not be opened again for this operation.
fn connect_failed(status: &Status) -> bool {
    let mut source = status.source();
    while let Some(cause) = source {
        if cause.is::<ConnectError>() {
            return true;
        }
        source = cause.source();
    }
    false
}

/// The message for people: etcd's own, or gRPC's code with the causes.
pub(super) fn describe(status: &Status) -> String {
    let mut text = status.message().to_owned();
    if !text.starts_with("etcdserver: ") {
        text = format!("{:?}: {text}", status.code());
    }
    if let Some(source) = status.source() {
        let causes = channel::chain(source);
        if !text.contains(&causes) {
            text = format!("{text}: {causes}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn operation(f: &str) -> Invocation {
        Invocation { f: f.to_owned(), key: Some(json!("k0")), value: Value::Null }
    }

    /// fail or info, of a write.
    fn of_write(code: Code, message: &str) -> &'static str {
        match outcome(&operation("write"), &Status::new(code, message)) {
            Outcome::Ok(_) => "ok",
            Outcome::Fail(_) => "fail",
            Outcome::Info(_) => "info",
        }
    }

    #[test]
    fn refusals_are_definite() {
        for (code, message) in [
            (Code::Unavailable, "etcdserver: no leader"),
            (Code::Unavailable, "etcdserver: not capable"),
            (Code::ResourceExhausted, "etcdserver: too many requests"),
            (Code::Unknown, "etcdserver: too many requests"),
            (Code::InvalidArgument, "etcdserver: request is too large"),
            (Code::InvalidArgument, "etcdserver: key is not provided"),
            (Code::InvalidArgument, "etcdserver: duplicate key given in txn request"),
            (Code::PermissionDenied, "etcdserver: permission denied"),
            (Code::Unauthenticated, "etcdserver: invalid auth token"),
            (Code::NotFound, "etcdserver: requested lease not found"),
            (Code::OutOfRange, "etcdserver: mvcc: required revision has been compacted"),
            (Code::Unknown, "raft proposal dropped"),
            (Code::Unimplemented, "unknown service etcdserverpb.KV"),
        ] {
            assert_eq!(of_write(code, message), "fail", "{code:?} {message}");
        }
    }

    #[test]
    fn what_may_have_happened_is_indeterminate() {
        for (code, message) in [
            (Code::Unavailable, "etcdserver: leader changed"),
            (Code::Unavailable, "etcdserver: request timed out"),
            (
                Code::Unavailable,
                "etcdserver: request timed out, possibly due to previous leader failure",
            ),
            (Code::Unavailable, "etcdserver: server stopped"),
            (Code::ResourceExhausted, "etcdserver: mvcc: database space exceeded"),
            (Code::Unknown, "raft: stopped"),
            (Code::DataLoss, "etcdserver: corrupt cluster"),
            (Code::DeadlineExceeded, "context deadline exceeded"),
            (Code::Unavailable, "transport is closing"),
            (Code::PermissionDenied, "status code 403 of some proxy"),
            (Code::InvalidArgument, "not a message of etcd"),
            (Code::OutOfRange, "decoded message length too large: found 5000000 bytes"),
            (Code::Internal, "protocol error"),
            (Code::Cancelled, "operation was canceled"),
            (Code::Unknown, "something new"),
        ] {
            assert_eq!(of_write(code, message), "info", "{code:?} {message}");
        }
    }

    #[test]
    fn a_read_without_an_answer_fails() {
        let status = Status::unavailable("etcdserver: leader changed");
        let outcome = outcome(&operation("read"), &status);
        assert_eq!(outcome, Outcome::Fail("etcdserver: leader changed".to_owned()));
    }

    #[test]
    fn a_failed_connection_is_told_from_a_broken_one() {
        let refused = || std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let never_sent = Status::from_error(Box::new(ConnectError(Box::new(refused()))));
        let Outcome::Fail(text) = outcome(&operation("write"), &never_sent) else {
            panic!("a failed connection is definite");
        };
        assert!(text.contains("refused") && text.contains("never sent"), "{text}");

        let broken = Status::from_error(Box::new(refused()));
        assert!(matches!(outcome(&operation("cas"), &broken), Outcome::Info(_)));
    }

    #[test]
    fn a_refusal_names_its_step() {
        let status = Status::unknown("etcdserver: too many requests");
        assert_eq!(
            outcome(&operation("write"), &status),
            Outcome::Fail(
                "etcdserver: too many requests (refused before it was proposed)".to_owned()
            )
        );
    }
}
