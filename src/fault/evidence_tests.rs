#![allow(clippy::unwrap_used)]

use super::*;

const V4: &str = "\
Chain ISOBAR-IN (1 references)
    pkts      bytes target     prot opt in     out     source               destination
      12      900 RETURN     0    --  *      *       10.0.0.254           0.0.0.0/0
      30     2520 DROP       0    --  *      *       10.0.0.2             0.0.0.0/0
       1       84 DROP       6    --  *      *       10.0.0.3     0.0.0.0/0    tcp dpt:2380
";

/// Older versions print nothing in the column `opt` of IPv6.
const V6: &str = "\
Chain ISOBAR-IN (1 references)
    pkts      bytes target     prot opt in     out     source               destination
       4      288 DROP       all      *      *       fd00::2/128          ::/0
";

fn expected(addresses: &[&str]) -> Expectation {
    Expectation::Rules(addresses.iter().map(|ip| (ip.parse().unwrap(), 1)).collect())
}

#[test]
fn rules_are_counted_over_both_families_without_the_controllers() {
    let reading = expected(&["10.0.0.2", "10.0.0.3", "fd00::2"]).read("", &format!("{V4}{V6}"));
    assert_eq!(reading.seen, "3 rules, 35 packets dropped");
    assert!(reading.holds);
}

#[test]
fn a_missing_rule_another_address_or_a_missing_jump_is_no_evidence() {
    assert!(!expected(&["10.0.0.2"]).read("", V4).holds);
    assert!(!expected(&["10.0.0.2", "10.0.0.4"]).read("", V4).holds);
    let unhooked = V4.replace("1 references", "0 references");
    let reading = expected(&["10.0.0.2", "10.0.0.3"]).read("", &unhooked);
    assert_eq!((reading.seen.as_str(), reading.holds), ("2 rules, but no jump to them", false));
    let nothing = expected(&["10.0.0.2"]).read("", "");
    assert_eq!((nothing.seen.as_str(), nothing.holds), ("no rule", false));
}

#[test]
fn the_helper_is_seen_with_its_rules_and_counts() {
    let rules = BTreeMap::from([("10.0.0.2".parse().unwrap(), 1)]);
    let helped = Expectation::Helped { rules, what: "delay 50ms".to_owned() };
    let queue = "Chain ISOBAR-Q7000 (1 references)\n    pkts      bytes target     prot opt in     \
        out     source               destination\n      30     2520 NFQUEUE    0    --  *      *   \
        10.0.0.2             0.0.0.0/0            NFQUEUE num 7000 bypass\n";
    let told = "helper packets 30 disturbed 29 held 3   \n";
    let reading = helped.read("", &format!("{queue}{told}"));
    let seen = "delay 50ms by isobar's helper, 1 rule, 30 packets, 29 of them disturbed";
    assert_eq!((reading.seen.as_str(), reading.holds), (seen, true));
    let alone = helped.read("", queue);
    assert_eq!((alone.seen.as_str(), alone.holds), ("1 rule, but no helper", false));
    assert!(!helped.read("", told).holds);
}

#[test]
fn links_are_read_by_name() {
    let links = Expectation::Links(["n2", "n3"].map(str::to_owned).into());
    let reading = links.read("", "n2 5\nn3 0\n");
    assert_eq!((reading.seen.as_str(), reading.holds), ("2 links, 5 messages dropped", true));
    assert!(!links.read("", "n2 5\n").holds);
    assert!(!links.read("", "n2 1\nn3 1\nn4 1").holds);
}

#[test]
fn a_process_has_to_be_gone_stopped_or_another() {
    let holds = |expectation: &Expectation, before, shown| expectation.read(before, shown).holds;
    assert!(holds(&Expectation::Gone, "running 7", "gone"));
    assert!(!holds(&Expectation::Gone, "running 7", "running 7"));
    assert!(holds(&Expectation::Paused, "running 7", "paused 7"));
    assert!(!holds(&Expectation::Paused, "running 7", "gone"));
    assert!(holds(&Expectation::Restarted, "running 7", "running 8"));
    assert!(holds(&Expectation::Restarted, "gone", "running 8"));
    assert!(!holds(&Expectation::Restarted, "running 7", "running 7"));
    assert!(!holds(&Expectation::Restarted, "running 7", "?"));
    let reading = Expectation::Restarted.read("running 7\n", "running 8\n");
    assert_eq!(reading.seen, "running 7, then running 8");
}

#[test]
fn a_healed_process_runs_and_a_healed_partition_shows_its_toll() {
    assert!(Expectation::Gone.read_healed("running 9").holds);
    assert!(!Expectation::Paused.read_healed("paused 9").holds);
    assert!(!Expectation::Gone.read_healed("").holds);
    let healed = expected(&["10.0.0.2", "10.0.0.3"]).read_healed(V4);
    assert_eq!(healed, Reading { seen: "2 rules, 31 packets dropped".into(), holds: true });
}

#[test]
fn a_disk_is_read_by_what_it_does_and_not_by_its_table_alone() {
    let time = std::time::Duration::from_millis(100);
    let slow = Expectation::Disk(DiskTrouble::Slow { time });
    let shown = "free 10 of 1000\nwrites work\nreads 100 112\ntable delay";
    let reading = slow.read("", shown);
    assert_eq!(reading.seen, "99% full, writes work, a read takes 120 ms");
    assert!(reading.holds);
    assert!(!slow.read("", &shown.replace("112", "105")).holds, "it is quick");
    assert!(!slow.read("", &shown.replace("delay", "linear")).holds);
    let error = Expectation::Disk(DiskTrouble::Error);
    let broken = "free 10 of 1000\nwrites fail: Input/output error\nreads fail\ntable error";
    assert!(error.read("", broken).holds && !error.read("", shown).holds);
    // Healed is what works, whatever it was.
    assert!(!error.read_healed(broken).holds && !error.read_healed(shown).holds);
    assert!(error.read_healed(&shown.replace("delay", "linear")).holds);
    let full = Expectation::Disk(DiskTrouble::Full { share: crate::spec::Share(1.0) });
    assert!(full.read("", shown).holds && !full.read("", "free 100 of 1000").holds);
}

#[test]
fn a_node_is_off_when_it_is_silent_and_on_again_with_another_boot() {
    let off = Expectation::Off;
    assert!(off.read("", "power off\nbefore a 1\nnow ").holds);
    for still in ["power off\nbefore a 1\nnow a 1", "power pid 7\nbefore a 1\nnow ", ""] {
        assert!(!off.read("", still).holds, "{still}");
    }
    assert!(off.read_healed("power pid 8\nbefore a 1\nnow b 1").holds);
    for same in ["power pid 7\nbefore a 1\nnow a 1", "power pid 8\nbefore a 1\nnow "] {
        assert!(!off.read_healed(same).holds, "{same}");
    }
}

#[test]
fn a_limit_holds_when_all_processes_are_in_it() {
    let limit = Expectation::Limit(Limit::Cpu { share: crate::spec::Share(0.1) });
    let reading = limit.read("", "limit 10000 100000\nholds 3 of 3");
    assert_eq!(reading.seen, "10.0% of a core for 3 of 3 processes");
    assert!(reading.holds);
    for less in ["limit 10000 100000\nholds 1 of 3", "limit max 100000\nholds 3 of 3", "gone"] {
        assert!(!limit.read("", less).holds, "{less}");
    }
}

#[test]
fn members_are_those_that_others_list() {
    let expectation = |change| Expectation::Member { change, name: "n1".into() };
    let before = "members n2 n1\nid a1 started false\nrunning 7\n";
    let without = "members n2\ngone\n";
    let remove = expectation(MemberChange::Remove);
    let reading = remove.read(before, without);
    assert_eq!(reading.seen, "members n2 n1 (running 7), then members n2 (gone)");
    assert!(reading.holds);
    assert!(!remove.read(before, before).holds);
    assert!(!remove.read(before, "members n2\nrunning 7\n").holds, "it runs on");
    assert!(!remove.read(before, "nobody lists members: no answer\ngone\n").holds);
    assert!(remove.read_healed(before).holds && !remove.read_healed(without).holds);
    let learner = "members n2 n1(learner)\nid b2 started true\nrunning 8\n";
    assert!(!remove.read_healed(learner).holds);

    let replace = expectation(MemberChange::Replace);
    let other = "members n2 n1\nid b2 started false\nrunning 8\n";
    assert!(replace.read(before, other).holds && !replace.read(before, before).holds);

    let add = expectation(MemberChange::Add);
    assert!(add.read(without, before).holds && !add.read(without, learner).holds);
    let unstarted = "members n2 (unstarted)\nid b2 unstarted true\ngone\n";
    assert!(add.read_healed(without).holds && !add.read_healed(unstarted).holds);
}

#[test]
fn a_clock_is_off_by_whom_and_drifts_by_steps_or_by_its_rate() {
    let ahead = Expectation::Offset { by_ms: 60_000 };
    let reading = ahead.read("", "by Perl, since no gzip\noffset 60001\n");
    let seen = "the clock is +60001 ms off, set by Perl, since no gzip";
    assert_eq!((reading.seen.as_str(), reading.holds), (seen, true));
    let late = |by: &str| ahead.read("", &format!("by {by}\noffset 60090\n")).holds;
    assert!(late("date, since no gzip") && !late("Perl"));
    assert!(!ahead.read("", "by date\noffset 0\n").holds && !ahead.read("", "by date\n").holds);
    let drift = Expectation::ClockDrift { millionths: -100_000 };
    let reading = drift.read("", "by isobar's helper\nrate -100000 -41000000\noffset -41\n");
    let seen = "the clock is -41 ms off, set by isobar's helper, by the rate of all its clocks";
    assert_eq!((reading.seen.as_str(), reading.holds), (seen, true));
    assert!(drift.read("", "by Perl\nsetting 17\noffset -41\n").holds);
    assert!(!drift.read("", "by isobar's helper\nrate 0 -41000000\noffset -41\n").holds);
}
