//! Reads, writes and compare-and-sets of one key, as requests to one etcd node. Transactions on
//! many keys are in [`super::txn`].

use async_trait::async_trait;
use serde_json::Value;

use super::channel;
use super::error;
use super::generated::etcdserverpb::compare::{CompareResult, CompareTarget, TargetUnion};
use super::generated::etcdserverpb::kv_client::KvClient;
use super::generated::etcdserverpb::{
    Compare, PutRequest, RangeRequest, RangeResponse, RequestOp, TxnRequest, request_op,
};
use super::traced::{Kv, Traced};
use super::txn;
use crate::{Client, Connect, ConnectError, Context, Invocation, Outcome};

/// Keeps a test's keys apart from everything else in the store.
const KEY_PREFIX: &str = "isobar/";

/// Opens clients of etcd.
///
/// Operations are `read`, `write` and `cas [old, new]` of one key, and `txn` with a list of
/// micro-operations. A key is stored under `isobar/<key>`, a value as its JSON text; *absent* is
/// `null`, which therefore cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EtcdConnect {
    /// `false`: reads are etcd's *serializable* ones, which a member answers from its own copy.
    pub linearizable: bool,
}

#[async_trait]
impl Connect for EtcdConnect {
    async fn connect(&self, address: &str) -> Result<Box<dyn Client>, ConnectError> {
        let channel = channel::open(address)
            .await
            .map_err(|reason| ConnectError { address: address.to_owned(), reason })?;
        let traced = Traced::default();
        let kv = KvClient::with_interceptor(channel, traced.clone());
        Ok(Box::new(EtcdClient { kv, traced, linearizable: self.linearizable }))
    }
}

struct EtcdClient {
    kv: Kv,
    traced: Traced,
    linearizable: bool,
}

#[async_trait]
impl Client for EtcdClient {
    fn begin(&mut self, context: &Context) {
        self.traced.begin(context);
    }

    async fn invoke(&mut self, invocation: &Invocation) -> Outcome {
        if invocation.f == "txn" {
            return txn::transact(&mut self.kv, invocation, self.linearizable).await;
        }
        let request = match Request::new(invocation, self.linearizable) {
            Ok(request) => request,
            Err(reason) => return Outcome::Fail(format!("{reason} (never sent)")),
        };
        let outcome = match request {
            Request::Range(range) => {
                self.kv.range(range).await.map(|answer| Outcome::Ok(stored_value(answer.get_ref())))
            }
            Request::Put(put) => {
                self.kv.put(put).await.map(|_| Outcome::Ok(invocation.value.clone()))
            }
            Request::Txn(txn) => self.kv.txn(txn).await.map(|answer| {
                if answer.get_ref().succeeded {
                    Outcome::Ok(invocation.value.clone())
                } else {
                    Outcome::Fail("compare failed: the key has another value".to_owned())
                }
            }),
        };
        outcome.unwrap_or_else(|status| error::outcome(invocation, &status))
    }
}

#[derive(Debug, PartialEq)]
enum Request {
    Range(RangeRequest),
    Put(PutRequest),
    Txn(TxnRequest),
}

impl Request {
    /// # Errors
    /// What keeps the operation from being expressed; nothing was sent.
    fn new(invocation: &Invocation, linearizable: bool) -> Result<Self, String> {
        let key = key_bytes(invocation)?;
        match invocation.f.as_str() {
            "read" => Ok(Self::Range(RangeRequest { key, serializable: !linearizable })),
            "write" => Ok(Self::Put(put(key, &invocation.value)?)),
            "cas" => match invocation.value.as_array().map(Vec::as_slice) {
                Some([old, new]) => Ok(Self::Txn(cas(key, old, new)?)),
                _ => Err(format!("cas takes [old, new], not {}", invocation.value)),
            },
            other => Err(format!("etcd clients know read, write, cas and txn, not `{other}`")),
        }
    }
}

fn key_bytes(invocation: &Invocation) -> Result<Vec<u8>, String> {
    match &invocation.key {
        Some(Value::String(key)) => Ok(key_bytes_of(key)),
        Some(key) => Ok(key_bytes_of(&key.to_string())),
        None => Err(format!("`{}` needs a key", invocation.f)),
    }
}

pub(super) fn key_bytes_of(key: &str) -> Vec<u8> {
    format!("{KEY_PREFIX}{key}").into_bytes()
}

pub(super) fn put(key: Vec<u8>, value: &Value) -> Result<PutRequest, String> {
    if value.is_null() {
        return Err("null cannot be written: it means absent".to_owned());
    }
    Ok(PutRequest { key, value: value.to_string().into_bytes() })
}

/// By value, not by revision: the register's promise is about values. An absent key has no value
/// to compare with (etcd finds the comparison false), so it is told by its creation.
fn cas(key: Vec<u8>, old: &Value, new: &Value) -> Result<TxnRequest, String> {
    let (target, union) = if old.is_null() {
        (CompareTarget::Create, TargetUnion::CreateRevision(0))
    } else {
        (CompareTarget::Value, TargetUnion::Value(old.to_string().into_bytes()))
    };
    Ok(TxnRequest {
        compare: vec![Compare {
            result: CompareResult::Equal.into(),
            target: target.into(),
            key: key.clone(),
            target_union: Some(union),
        }],
        success: vec![RequestOp { request: Some(request_op::Request::RequestPut(put(key, new)?)) }],
    })
}

/// `null` for an absent key. What is not JSON was not written by us: it is shown as text, for the
/// checker to find a value that nobody wrote.
pub(super) fn stored_value(answer: &RangeResponse) -> Value {
    answer.kvs.first().map_or(Value::Null, |stored| {
        serde_json::from_slice(&stored.value)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&stored.value).into_owned()))
    })
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
