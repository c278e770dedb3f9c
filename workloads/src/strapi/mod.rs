//! Clients of a Strapi project: the workloads' operations as requests to its REST API.
//!
//! Each client has one session with one node. An operation is one request, or, where Strapi has no
//! better way, a read and then a write; which ones, `perform` says. Whatever an operation needs to
//! be there first (the document that stands for a register) is created by whoever needs it first,
//! within his operation.

mod client;
mod documents;
mod outcome;
mod perform;
mod project;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::http::{Request, Session, SessionOptions};
use crate::{Client, Connect, ConnectError};

use client::StrapiClient;
use documents::Documents;

pub use project::{LOCKFILE, PROJECT, VERSION};

/// Less than an operation may take: one whose connection was never opened did not happen.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);

/// The workload, and how Strapi is to do it where there are several ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    Register,
    /// Transactions of one micro-operation on lists.
    Append,
    Set,
    Counter,
    /// `indexed`: the names are unique by an index of the database, too.
    Unique {
        indexed: bool,
    },
    /// `locked`: a transfer locks both accounts first.
    Bank {
        locked: bool,
    },
    Publish,
    Delete,
    /// `many`: a thing may have many holders.
    Relation {
        many: bool,
    },
}

/// Opens clients.
pub struct StrapiConnect {
    task: Task,
    token: String,
    documents: Arc<Documents>,
}

impl StrapiConnect {
    /// `token`: an API token of full access.
    pub fn new(task: Task, token: &str) -> Self {
        Self { task, token: token.to_owned(), documents: Arc::default() }
    }
}

#[async_trait]
impl Connect for StrapiConnect {
    async fn connect(&self, address: &str) -> Result<Box<dyn Client>, ConnectError> {
        let failed = |reason| ConnectError { address: address.to_owned(), reason };
        let session = session(address, &self.token).map_err(failed)?;
        Ok(Box::new(StrapiClient::new(self.task, session, Arc::clone(&self.documents))))
    }
}

fn session(address: &str, token: &str) -> Result<Session, String> {
    Session::open(&SessionOptions {
        base: format!("http://{address}"),
        headers: vec![("authorization".to_owned(), format!("Bearer {token}"))],
        secrets: Vec::new(),
        connect_timeout: CONNECT_LIMIT,
    })
}

/// Whether a node serves: whether it reads from its database, which `_health` does not tell.
///
/// # Errors
/// Why not, or what else answered.
pub async fn ready(address: &str, token: &str) -> Result<(), String> {
    let path = "/api/entries?pagination[pageSize]=1";
    let (method, path_of) = ("GET".to_owned(), path.to_owned());
    let request = Request { method, path: path_of, body: None, headers: Vec::new() };
    let answer = session(address, token)?.send(&request).await;
    let told = format!("GET {path}");
    match outcome::success(answer, false, &told) {
        Ok((_, body)) if body.pointer("/data").is_some_and(serde_json::Value::is_array) => Ok(()),
        Ok(_) => Err(format!("{told} was answered, but not by this project of Strapi")),
        Err(outcome::Stop::Fail(reason) | outcome::Stop::Info(reason)) => Err(reason),
    }
}
