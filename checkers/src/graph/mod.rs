//! Compact directed graphs with typed edges, and what is asked of them: which part is cyclic, by
//! which kinds of edges, and the shortest cycle there.
//!
//! Nodes are numbers from 0; the kind of an edge is one bit of a [`Kinds`] mask. Nothing here is
//! recursive, and everything but [`shortest`](path::shortest) is linear in nodes and edges.

mod compact;
mod components;
mod order;
pub(crate) mod path;
#[cfg(test)]
mod petgraph;
mod reach;
mod shares;
#[cfg(test)]
mod tests;

pub(crate) use compact::{Builder, Graph, Kinds};
pub(crate) use components::{Components, Walk, Within, components};
pub(crate) use order::{Topological, topological};
pub(crate) use reach::{Query, reachable};
pub(crate) use shares::{Room, Share};
