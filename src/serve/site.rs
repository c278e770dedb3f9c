//! Which address shows what.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path as Parts, State};
use axum::http::{StatusCode, Uri};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::access::{Access, Token, guard};
use super::answer::{Refusal, html};
use super::catalog::Catalog;
use super::place::Place;
use super::query::Query;
use super::{archive, files, live, page};

/// One store and who may see it; cheap to share.
#[derive(Clone, Debug)]
pub struct Site(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Canonical.
    root: PathBuf,
    access: Access,
    catalog: Catalog,
}

impl Site {
    pub fn new(root: PathBuf, address: SocketAddr, token: Option<Token>) -> Self {
        let (access, catalog) = (Access::new(address, token), Catalog::of(root.clone()));
        Self(Arc::new(Shared { root, access, catalog }))
    }

    pub fn access(&self) -> &Access {
        &self.0.access
    }

    pub fn root(&self) -> &Path {
        &self.0.root
    }

    pub fn catalog(&self) -> &Catalog {
        &self.0.catalog
    }

    /// Makes an answer on a thread that may wait for the disk.
    async fn answer<F>(self, make: F) -> Response
    where
        F: FnOnce(&Site) -> Result<Response, Refusal> + Send + 'static,
    {
        let made = tokio::task::spawn_blocking(move || make(&self)).await;
        let broken = |_| {
            let why = "this page could not be made; that is a bug in isobar";
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, why)
        };
        made.map_err(broken).and_then(|answer| answer).into_response()
    }
}

/// All addresses, behind the guard.
pub fn router(site: Site) -> Router {
    Router::new()
        .route("/", get(list))
        .route("/runs/{test}/{run}", get(run))
        .route("/runs/{test}/{run}/", get(run))
        .route("/runs/{test}/{run}/{*file}", get(file))
        .route("/tests/{test}", get(trend))
        .route("/compare", get(compare))
        .route("/live/{test}/{run}", get(watch))
        .route("/live/{test}/{run}/events", get(events))
        .route("/archives/{test}/{run}", get(download))
        .fallback(async || Refusal::not_found("nothing is at this address"))
        .layer(from_fn_with_state(site.clone(), guard))
        .with_state(site)
}

type Named = Parts<(String, String)>;

async fn list(State(site): State<Site>, uri: Uri) -> Response {
    site.answer(move |site| page::list::page(site, &Query::of(&uri)).map(html)).await
}

async fn trend(State(site): State<Site>, Parts(test): Parts<String>) -> Response {
    site.answer(move |site| page::trend::page(site, &test).map(html)).await
}

async fn compare(State(site): State<Site>, uri: Uri) -> Response {
    site.answer(move |site| page::compare::page(site, &Query::of(&uri)).map(html)).await
}

async fn run(State(site): State<Site>, Parts((test, run)): Named) -> Response {
    site.answer(move |site| page::run::page(site, &Place::of(site, &test, &run)?).map(html)).await
}

async fn file(
    State(site): State<Site>,
    Parts((test, run, file)): Parts<(String, String, String)>,
) -> Response {
    site.answer(move |site| files::send(&Place::of(site, &test, &run)?, &file)).await
}

async fn watch(State(site): State<Site>, Parts((test, run)): Named) -> Response {
    site.answer(move |site| Ok(html(page::live::page(site, &Place::of(site, &test, &run)?)))).await
}

async fn events(State(site): State<Site>, Parts((test, run)): Named) -> Response {
    site.answer(move |site| Ok(live::send(Place::of(site, &test, &run)?))).await
}

async fn download(State(site): State<Site>, Parts((test, run)): Named) -> Response {
    let run = run.strip_suffix(archive::END).unwrap_or(&run).to_owned();
    site.answer(move |site| Ok(archive::send(&Place::of(site, &test, &run)?))).await
}
