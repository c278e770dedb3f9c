#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use super::*;
use crate::fault::targets;
use crate::spec::Roles;

fn grudge_of(
    split: &Split,
    direction: Direction,
    order: &[String],
    leader: Option<&str>,
) -> Grudge {
    Grudge::of(split, direction, &Drawn { order, leader, roles: &Roles::default() })
}

fn drawn(count: usize, seed: u64) -> Vec<String> {
    let nodes: Vec<String> = (1..=count).map(|i| format!("n{i}")).collect();
    targets::draw(&nodes, &mut ChaCha8Rng::seed_from_u64(seed))
}

fn splits() -> impl Strategy<Value = Split> {
    let who = prop::sample::select(vec![
        Targets::One,
        Targets::Minority,
        Targets::Majority,
        Targets::Leader,
        Targets::Followers,
        Targets::All,
    ]);
    prop_oneof![
        who.prop_map(Split::Isolate),
        prop::sample::select(vec![
            Split::One,
            Split::Halves,
            Split::Majority,
            Split::MinorityThird,
            Split::MajoritiesRing,
            Split::Bridge,
            Split::Leader,
        ]),
    ]
}

/// Whom each node hears, itself included, in the order's order.
fn heard(grudge: &Grudge, order: &[String]) -> Vec<BTreeSet<String>> {
    let nobody = BTreeSet::new();
    order
        .iter()
        .map(|node| {
            let dropped = grudge.0.get(node).unwrap_or(&nobody);
            order.iter().filter(|peer| !dropped.contains(*peer)).cloned().collect()
        })
        .collect()
}

fn transposed(grudge: &Grudge) -> Grudge {
    let mut other = Grudge::default();
    for (receiver, senders) in &grudge.0 {
        senders.iter().for_each(|sender| other.drop(sender, receiver));
    }
    other
}

proptest! {
    #[test]
    fn a_split_is_symmetric_and_its_directions_are_its_halves(
        split in splits(), count in 1_usize..12, seed: u64,
    ) {
        let order = drawn(count, seed);
        let of = |direction| grudge_of(&split, direction, &order, None);
        let (both, deaf, mute) = (of(Direction::Both), of(Direction::Deaf), of(Direction::Mute));
        prop_assert_eq!(&transposed(&both), &both);
        prop_assert_eq!(&transposed(&deaf), &mute);
        for (receiver, senders) in &both.0 {
            for sender in senders {
                let one_way = |grudge: &Grudge| {
                    grudge.0.get(receiver).is_some_and(|dropped| dropped.contains(sender))
                };
                prop_assert!(one_way(&deaf) || one_way(&mute));
            }
        }
    }

    #[test]
    fn nobody_drops_itself_a_stranger_or_nothing(
        split in splits(), count in 1_usize..12, seed: u64,
    ) {
        let order = drawn(count, seed);
        let grudge = grudge_of(&split, Direction::Both, &order, None);
        for (receiver, senders) in &grudge.0 {
            prop_assert!(!senders.is_empty() && !senders.contains(receiver));
        }
        prop_assert!(grudge.mentioned().iter().all(|node| order.contains(node)));
    }

    #[test]
    fn in_a_ring_everybody_sees_a_majority_and_no_two_the_same(
        count in 3_usize..30, seed: u64,
    ) {
        let order = drawn(count, seed);
        let grudge = grudge_of(&Split::MajoritiesRing, Direction::Both, &order, None);
        let views = heard(&grudge, &order);
        prop_assert!(views.iter().all(|view| view.len() >= majority(count)));
        let distinct: BTreeSet<_> = views.iter().collect();
        prop_assert_eq!(distinct.len(), count);
    }

    #[test]
    fn a_bridge_hears_everybody_and_is_all_that_the_sides_share(
        count in 3_usize..30, seed: u64,
    ) {
        let order = drawn(count, seed);
        let grudge = grudge_of(&Split::Bridge, Direction::Both, &order, None);
        let views = heard(&grudge, &order);
        prop_assert_eq!(views[0].len(), count);
        let shared: Vec<&String> = views[1].intersection(&views[count - 1]).collect();
        prop_assert_eq!(shared, vec![&order[0]]);
    }

    #[test]
    fn a_majority_stays_together_where_the_split_says_so(count in 3_usize..30, seed: u64) {
        let order = drawn(count, seed);
        for split in [Split::Majority, Split::MinorityThird, Split::One, Split::Leader] {
            let views = heard(&grudge_of(&split, Direction::Both, &order, None), &order);
            let most = views.iter().map(BTreeSet::len).max().unwrap_or(0);
            prop_assert!(most >= majority(count), "{split:?}");
            let alike = views.iter().filter(|view| view.len() == most).count();
            prop_assert_eq!(alike, most);
        }
    }
}

fn shown(split: &Split, direction: Direction, count: usize) -> String {
    let order: Vec<String> = (1..=count).map(|i| format!("n{i}")).collect();
    grudge_of(split, direction, &order, Some("n2")).to_string()
}

#[test]
fn every_split_of_five_nodes_as_people_read_it() {
    let names = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    let splits = [
        Split::Isolate(Targets::Nodes(names(&["n1", "n3"]))),
        Split::One,
        Split::Halves,
        Split::Majority,
        Split::MinorityThird,
        Split::MajoritiesRing,
        Split::Bridge,
        Split::Leader,
        Split::Groups(vec![Targets::Nodes(names(&["n1", "n2"])), Targets::Nodes(names(&["n3"]))]),
        Split::Grudge(BTreeMap::from([("n1".to_owned(), names(&["n2", "n5"]))])),
    ];
    let mut text = String::new();
    for split in &splits {
        text.push_str(&format!("{}\n", split_name(split)));
        for direction in [Direction::Both, Direction::Deaf, Direction::Mute] {
            text.push_str(&format!("  {direction:?}: {}\n", shown(split, direction, 5)));
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn roles_are_cut_from_one_another() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let order: Vec<String> = names(&["n2", "n4", "n1", "n3"]);
    let roles = Roles(BTreeMap::from([
        ("app".to_owned(), names(&["n1", "n2", "n3"])),
        ("db".to_owned(), names(&["n4"])),
    ]));
    let told = |split: serde_json::Value| {
        let split: Split = serde_json::from_value(split).unwrap();
        let drawn = Drawn { order: &order, leader: None, roles: &roles };
        Grudge::of(&split, Direction::Both, &drawn).to_string()
    };
    let away = "n1 n2 n3 drop n4; n4 drops n1 n2 n3";
    assert_eq!(told(json!({"groups": ["role:app", "role:db"]})), away);
    assert_eq!(told(json!({"isolate": "role:db"})), away);
    let one = "n2 drops n4; n4 drops n2";
    assert_eq!(told(json!({"groups": ["one of role:app", ["role:db"]]})), one);
    assert_eq!(told(json!({"grudge": {"role:db": ["role:app", "n4"]}})), "n4 drops n1 n2 n3");
}

#[test]
fn three_nodes_in_a_ring_are_a_line_and_two_have_no_such_split() {
    assert_eq!(shown(&Split::MajoritiesRing, Direction::Both, 3), "n1 drops n3; n3 drops n1");
    assert_eq!(shown(&Split::MajoritiesRing, Direction::Both, 2), "");
    assert_eq!(shown(&Split::Halves, Direction::Both, 1), "");
}
