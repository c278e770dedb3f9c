//! Against petgraph, and against brute force.

#![allow(clippy::unwrap_used)]

use ::petgraph::algo::{has_path_connecting, kosaraju_scc};
use ::petgraph::visit::Dfs;
use proptest::prelude::*;

use super::path::{BothWays, shortest};
use super::petgraph::Only;
use super::*;

fn edges() -> impl Strategy<Value = (usize, Vec<(u32, u32, Kinds)>)> {
    (1_u32..14).prop_flat_map(|nodes| {
        let edge =
            (0..nodes, 0..nodes, 0_u32..3).prop_map(|(from, to, kind)| (from, to, 1 << kind));
        prop::collection::vec(edge, 0..40).prop_map(move |edges| (nodes as usize, edges))
    })
}

fn as_petgraph(
    nodes: usize,
    edges: &[(u32, u32, Kinds)],
    kinds: Kinds,
) -> ::petgraph::graph::DiGraph<(), ()> {
    let mut graph = ::petgraph::graph::DiGraph::new();
    for _ in 0..nodes {
        graph.add_node(());
    }
    for edge in edges.iter().filter(|edge| edge.2 & kinds != 0) {
        graph.add_edge(edge.0.into(), edge.1.into(), ());
    }
    graph
}

proptest! {
    #[test]
    fn components_are_those_of_petgraph((nodes, edges) in edges(), kinds in 1_u8..8) {
        let found = components(&Graph::of_edges(nodes, &edges), kinds);
        let mut expected: Vec<Vec<u32>> = kosaraju_scc(&as_petgraph(nodes, &edges, kinds))
            .into_iter()
            .filter(|members| members.len() > 1)
            .map(|members| members.into_iter().map(|node| node.index() as u32).collect())
            .collect();
        expected.iter_mut().for_each(|members| members.sort_unstable());
        expected.sort_unstable();
        let found: Vec<Vec<u32>> = found.iter().map(<[u32]>::to_vec).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn petgraph_walks_these_graphs((nodes, edges) in edges(), kinds in 1_u8..8) {
        let graph = Graph::of_edges(nodes, &edges);
        let oracle = as_petgraph(nodes, &edges, kinds);
        let mut seen = 0;
        let mut walk = Dfs::new(Only { graph: &graph, kinds }, 0);
        while let Some(node) = walk.next(Only { graph: &graph, kinds }) {
            prop_assert!(has_path_connecting(&oracle, 0.into(), node.into(), None));
            seen += 1;
        }
        let reached = (0..nodes as u32)
            .filter(|&node| has_path_connecting(&oracle, 0.into(), node.into(), None));
        prop_assert_eq!(seen, reached.count());
    }

    #[test]
    fn a_graph_told_node_by_node_is_that_of_its_edges((nodes, edges) in edges()) {
        let expected = Graph::of_edges(nodes, &edges);
        let graph = Graph::by_node(nodes, |node, add| {
            edges.iter().filter(|edge| edge.0 == node).for_each(|edge| add(edge.1, edge.2));
        });
        let graph = graph.unwrap_or_default();
        prop_assert_eq!(graph.nodes(), expected.nodes());
        prop_assert!(graph.edges().eq(expected.edges()));
    }

    #[test]
    fn queries_are_answered_as_by_search((nodes, edges) in edges(), kinds in 1_u8..8) {
        let graph = Graph::of_edges(nodes, &edges);
        // The order may have more edges than are asked for.
        let together = vec![0; nodes];
        let order = topological(&graph, 7, &together);
        prop_assert_eq!(order.is_acyclic(), components(&graph, 7).len() == 0);
        let all: Vec<Query> = (0..nodes as u32)
            .flat_map(|from| (0..nodes as u32).map(move |to| Query { from, to }))
            .collect();
        let oracles = [kinds, 7].map(|kinds| as_petgraph(nodes, &edges, kinds));
        let answers = reachable(&graph, [kinds, 7], &order, &all);
        for (query, answer) in all.iter().zip(answers) {
            let (from, to) = (query.from.into(), query.to.into());
            let expected =
                oracles.each_ref().map(|oracle| has_path_connecting(oracle, from, to, None));
            prop_assert_eq!(answer, expected);
        }
    }

    #[test]
    fn paths_are_shortest((nodes, edges) in edges(), kinds in 1_u8..8) {
        let graph = BothWays::new(Graph::of_edges(nodes, &edges));
        let oracle = as_petgraph(nodes, &edges, kinds);
        for start in 0..nodes as u32 {
            let lengths = ::petgraph::algo::dijkstra(&oracle, start.into(), None, |_| 1_usize);
            for end in 0..nodes as u32 {
                let path = shortest(&graph, kinds, start, end);
                let length = path.as_ref().map(|path| path.len() - 1);
                let end = ::petgraph::graph::NodeIndex::from(end);
                prop_assert_eq!(length, lengths.get(&end).copied());
                for pair in path.iter().flat_map(|path| path.windows(2)) {
                    let is = |edge: &&(u32, u32, Kinds)| (edge.0, edge.1) == (pair[0], pair[1]);
                    prop_assert!(edges.iter().filter(is).any(|edge| edge.2 & kinds != 0));
                }
            }
        }
    }
}

#[test]
fn a_long_chain_is_no_deep_recursion() {
    let nodes = 1_000_000;
    let mut edges: Vec<(u32, u32, Kinds)> = (1..nodes).map(|node| (node - 1, node, 1)).collect();
    let graph = Graph::of_edges(nodes as usize, &edges);
    assert_eq!(components(&graph, 1).len(), 0);
    edges.push((nodes - 1, 0, 1));
    let graph = Graph::of_edges(nodes as usize, &edges);
    assert_eq!(components(&graph, 1).members(0).len(), nodes as usize);
}
