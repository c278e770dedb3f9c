//! Requests that carry the trace of the operation which they are for.

use std::sync::{Arc, Mutex, PoisonError};

use tonic::metadata::AsciiMetadataValue;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};

use super::generated::etcdserverpb::kv_client::KvClient;
use crate::Context;

/// A client of etcd's keys.
pub(super) type Kv = KvClient<InterceptedService<Channel, Traced>>;

/// Adds `traceparent` to the metadata of every request.
#[derive(Clone, Debug, Default)]
pub(super) struct Traced(Arc<Mutex<Option<AsciiMetadataValue>>>);

impl Traced {
    /// From now on requests are for this operation.
    pub(super) fn begin(&self, context: &Context) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = context.traceparent().parse().ok();
    }
}

impl Interceptor for Traced {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(parent) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            request.metadata_mut().insert("traceparent", parent.clone());
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_request_carries_the_trace_of_its_operation() {
        let mut traced = Traced::default();
        let bare = traced.call(Request::new(())).unwrap();
        assert!(bare.metadata().get("traceparent").is_none());
        for index in [7, 8] {
            let context = Context { run: 10, process: 2, index };
            traced.clone().begin(&context);
            let request = traced.call(Request::new(())).unwrap();
            let sent = request.metadata().get("traceparent").unwrap();
            assert_eq!(sent.to_str().unwrap(), context.traceparent());
        }
    }
}
