//! Topological orders, by Kahn's algorithm (CACM 1962).

use super::{Components, Graph, Kinds, components};

/// An order of nodes in which every edge leads forward, but for those within a component; the
/// nodes of one are next to each other.
pub(crate) struct Topological {
    /// By node.
    positions: Vec<u32>,
    /// By position.
    nodes: Vec<u32>,
    /// By position, that of the first node of the component. Empty if each is a node.
    places: Vec<u32>,
}

impl Topological {
    /// The place of a node, which is that of every node of its component.
    #[inline]
    pub(crate) fn of(&self, node: u32) -> u32 {
        let position = self.positions[node as usize];
        self.places.get(position as usize).copied().unwrap_or(position)
    }

    /// Whether each component is a node.
    pub(crate) fn is_acyclic(&self) -> bool {
        self.places.is_empty()
    }

    #[inline]
    pub(super) fn position(&self, node: u32) -> u32 {
        self.positions[node as usize]
    }

    /// The position after the component at a place.
    #[inline]
    pub(super) fn end(&self, place: u32) -> u32 {
        let component = self.places.get(place as usize..).unwrap_or_default();
        let size = component.iter().take_while(|&&other| other == place).count();
        place + size.max(1) as u32
    }

    /// The edges of these kinds, their nodes called by their positions.
    pub(super) fn sorted(&self, graph: &Graph, kinds: Kinds) -> Graph {
        let sorted = Graph::by_node(self.nodes.len(), |position, add| {
            let edges = graph.out(self.nodes[position as usize]);
            edges.filter(|(_, kind)| kind & kinds != 0).for_each(|(to, kind)| {
                add(self.position(to), kind);
            });
        });
        // They are no more than those of a graph.
        sorted.unwrap_or_default()
    }
}

/// An order in which every edge of these kinds leads forward, but for those within a component.
///
/// First in, first out, so that the order keeps to time where the edges do; one group of nodes
/// after the other, between which there are no edges.
pub(crate) fn topological(graph: &Graph, kinds: Kinds, group: &[u32]) -> Topological {
    // Whether there are cycles is found out on the way.
    let nodes = heads(graph, kinds, &Components::default(), group);
    if nodes.len() == graph.nodes() {
        return Topological { positions: inverse(&nodes), nodes, places: Vec::new() };
    }
    let cyclic = components(graph, kinds);
    let (mut nodes, mut places) = (Vec::with_capacity(graph.nodes()), Vec::new());
    for head in heads(graph, kinds, &cyclic, group) {
        let place = nodes.len() as u32;
        nodes.extend_from_slice(cyclic.together(&head));
        places.resize(nodes.len(), place);
    }
    Topological { positions: inverse(&nodes), nodes, places }
}

fn inverse(nodes: &[u32]) -> Vec<u32> {
    let mut positions = vec![0; nodes.len()];
    (0..).zip(nodes).for_each(|(position, &node)| positions[node as usize] = position);
    positions
}

/// The first node of each component, in order; up to where a cycle is in none of them.
fn heads(graph: &Graph, kinds: Kinds, cyclic: &Components, group: &[u32]) -> Vec<u32> {
    let nodes = graph.nodes();
    let head = |node: u32| cyclic.together(&node)[0];
    let mut waiting = vec![0_u32; nodes];
    for (from, to, kind) in graph.edges() {
        if kind & kinds != 0 && head(from) != head(to) {
            waiting[head(to) as usize] += 1;
        }
    }
    let mut sources: Vec<u32> = (0..nodes as u32)
        .filter(|&node| head(node) == node && waiting[node as usize] == 0)
        .collect();
    sources.sort_by_key(|&node| group[node as usize]);
    let mut sources = sources.into_iter().peekable();
    let mut queue: Vec<u32> = Vec::with_capacity(nodes);
    let mut next = 0;
    loop {
        if next == queue.len() {
            let Some(first) = sources.next() else { return queue };
            queue.push(first);
            let same = |node: &u32| group[*node as usize] == group[first as usize];
            while let Some(source) = sources.next_if(same) {
                queue.push(source);
            }
        }
        let node = queue[next];
        for &member in cyclic.together(&node) {
            for (to, kind) in graph.out(member) {
                let to = head(to);
                if kind & kinds == 0 || to == node {
                    continue;
                }
                waiting[to as usize] -= 1;
                if waiting[to as usize] == 0 {
                    queue.push(to);
                }
            }
        }
        next += 1;
    }
}
