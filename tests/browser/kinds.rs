//! Each kind of violation: who opens the page can point at the operations that contradict.

use serde_json::{Value, json};

use super::recorded::Recorded;
use super::{DESK, PHONE, done, open};

/// Value 2 replaced 1, and yet a later read finds 1, under a partition.
pub fn stale_read() -> Recorded {
    let none = Value::Null;
    Recorded::default()
        .partition(0, 8, 60)
        .ok(0, "write", Some("x"), (json!(1), json!(1)), (2, 6))
        .ok(1, "write", Some("x"), (json!(2), json!(2)), (10, 14))
        .ok(2, "read", Some("x"), (none.clone(), json!(2)), (18, 22))
        .ok(3, "read", Some("x"), (none.clone(), json!(1)), (30, 40))
        .ok(4, "read", Some("y"), (none.clone(), none), (70, 90))
}

#[test]
fn a_stale_read_is_red_under_its_fault_with_the_state_that_it_contradicts() {
    let page = stale_read().page("-m register");
    let Some(mut browser) = open("stale-read", &page.path, DESK) else { return };
    assert!(browser.text("h1").contains("Violated"));
    assert!(browser.text("#contradiction .argument").contains("contradiction"));
    assert_eq!(browser.count("#witness .operation.wrong"), 1);
    assert!(browser.text("#witness .operation.wrong .label").contains("✗ read → 1"));
    assert!(browser.text("#witness .fault .fault-name").contains("partition #0"));
    assert_eq!(browser.text("#witness .state.stuck text"), "2");
    assert!(browser.text("#witness .said").starts_with("No operation can come next. The state is"));
    // What is called wrong looks wrong: not the colour of the others.
    let colour = |of: &str| format!("getComputedStyle(document.querySelector('{of}')).stroke");
    let wrong = browser.eval(&colour("#witness .wrong .box"));
    assert_ne!(wrong, browser.eval(&colour("#witness .operation:not(.wrong) .box")));
    browser.hover("#witness .fault .fault-name");
    browser.until("document.querySelector('.tip')?.textContent.includes('42 packets dropped')");
    done("stale-read", browser);
}

#[test]
fn the_first_operation_of_all_can_be_wrong() {
    let page = Recorded::default()
        .ok(0, "read", None, (Value::Null, json!(7)), (1, 2))
        .page("-m register");
    let Some(mut browser) = open("first-wrong", &page.path, DESK) else { return };
    assert_eq!(browser.count("#witness .operation.wrong"), 1);
    assert!(browser.text("#witness .said").contains("read → 7"));
    browser.eval("document.querySelector('#witness figure').focus()");
    browser.key("ArrowLeft");
    browser.key("ArrowRight");
    assert_eq!(browser.eval("document.querySelector('#witness .scroll').dataset.step"), "1");
    done("first-wrong", browser);
}

#[test]
fn an_order_is_stepped_through_with_keys_and_buttons() {
    let page = stale_read().page("-m register");
    let Some(mut browser) = open("steps", &page.path, DESK) else { return };
    let step = "document.querySelector('#witness .scroll').dataset.step";
    let last = browser.eval(step);
    browser.eval("document.querySelector('#witness figure').focus()");
    browser.key("Home");
    assert_eq!(browser.eval(step), "0");
    assert_eq!(browser.count("#witness .point"), 0);
    browser.key("ArrowRight");
    assert_eq!(browser.count("#witness .point.now"), 1);
    assert!(browser.text("#witness .said").starts_with("Step 1 of "));
    browser.click("#witness .steps-control button:last-child");
    assert_eq!(browser.eval(step), last);
    browser.click("#witness .choice label:last-of-type");
    assert_eq!(browser.count("#witness .operation.wrong"), 1, "by order of events too");
    browser.click("#witness .operation.wrong");
    browser.until("document.querySelectorAll('#operations tr.selected').length === 1");
    assert!(browser.text("#operations .detail-of-operation").contains("read → 1"));
    done("steps", browser);
}

/// A history alone has no traces; a run has.
#[test]
fn an_operation_leads_into_the_systems_own_tracing() {
    let page = stale_read().page("-m register");
    let html = std::fs::read_to_string(&page.path).unwrap();
    let trace = json!({
        "prefix": "4bf92f3577b34da6", "url": "https://traces.example/{{trace}}?from=isobar",
    });
    assert!(html.contains("\"trace\":null"));
    let html = html.replace("\"trace\":null", &format!("\"trace\":{trace}"));
    std::fs::write(&page.path, html).unwrap();
    let Some(mut browser) = open("trace", &page.path, DESK) else { return };
    browser.click("#witness .operation.wrong");
    browser.until("!!document.querySelector('#operations .trace a')");
    let shown = browser.text("#operations .detail-of-operation .op");
    let index: u64 = shown.split([':', '-']).nth(1).unwrap().parse().unwrap();
    let id = browser.text("#operations .trace a");
    assert_eq!(id, format!("4bf92f3577b34da6{index:016x}"), "{shown}");
    let link = browser.eval("document.querySelector('#operations .trace a').href");
    assert_eq!(link, json!(format!("https://traces.example/{id}?from=isobar")));
    done("trace", browser);
}

#[test]
fn a_cycle_of_transactions_is_a_ring_whose_edges_explain_themselves() {
    let append = |key: &str, value: u32| json!(["append", key, value]);
    let read = |key: &str, list: Value| json!(["r", key, list]);
    let skew = |mine: &str, other: &str, value: u32, seen: Value| {
        (
            json!([read(other, Value::Null), append(mine, value)]),
            json!([read(other, seen), append(mine, value)]),
        )
    };
    let page = Recorded::default()
        .ok(0, "txn", None, skew("x", "y", 1, json!([])), (1, 9))
        .ok(1, "txn", None, skew("y", "x", 2, json!([])), (2, 8))
        .ok(
            2,
            "txn",
            None,
            (
                json!([read("x", Value::Null), read("y", Value::Null)]),
                json!([read("x", json!([1])), read("y", json!([2]))]),
            ),
            (12, 15),
        )
        .page("-m list-append -c serializable");
    let Some(mut browser) = open("write-skew", &page.path, DESK) else { return };
    assert_eq!(browser.count("#witness .ring .txn"), 2);
    assert_eq!(browser.count("#witness .ring .edge.rw"), 2);
    assert_eq!(browser.count("#witness .ring .micro.touched"), 4);
    browser.hover("#witness .edge .edge-name");
    browser.until("document.querySelector('#witness .said').textContent.includes('because')");
    assert!(browser.text("#witness .said").contains("did not observe"));
    let dash = "getComputedStyle(document.querySelector('.ring .rw .line')).strokeDasharray";
    assert_ne!(browser.eval(dash), "none", "kinds are told apart without colour");
    browser.click("#witness .txn .txn-name");
    browser.until("document.querySelectorAll('#operations tr.selected').length === 1");
    done("write-skew", browser);
}

/// Each of twelve transactions did not see what the next one wrote.
fn long_cycle() -> Recorded {
    let txn = |n: usize, seen: Value| {
        let (mine, next) = (format!("k{n}"), format!("k{}", (n + 1) % 12));
        let idle = ["p", "q", "s"].map(|key| json!(["append", format!("{key}{n}"), 1]));
        let mut micros = vec![json!(["append", mine, n + 1]), json!(["r", next, seen])];
        micros.extend(idle);
        Value::Array(micros)
    };
    let all = |list: fn(usize) -> Value| {
        Value::Array((0..12).map(|n| json!(["r", format!("k{n}"), list(n)])).collect())
    };
    let history = (0..12).fold(Recorded::default(), |history, n| {
        let values = (txn(n, Value::Null), txn(n, json!([])));
        history.ok(n as u32, "txn", None, values, (1 + n as u64 % 5, 50 + n as u64))
    });
    history.ok(20, "txn", None, (all(|_| Value::Null), all(|n| json!([n + 1]))), (100, 110))
}

#[test]
fn a_long_cycle_stays_readable_at_any_width() {
    let page = long_cycle().page("-m list-append -c serializable");
    for (test, size) in [("long-cycle", DESK), ("long-cycle-telephone", PHONE)] {
        let Some(mut browser) = open(test, &page.path, size) else { return };
        assert_eq!(browser.count("#witness .ring .txn"), 12);
        assert_eq!(browser.count("#witness .ring .edge.rw"), 12);
        // What causes an edge is listed; the rest is counted.
        assert_eq!(browser.count("#witness .ring .micro.touched"), 24);
        assert_eq!(browser.text("#witness .ring .micro.others text"), "and 3 more");
        let wide = "(() => { const s = document.querySelector('#witness .scroll'); \
            return s.scrollWidth - s.clientWidth; })()";
        assert_eq!(browser.eval(wide), 0, "{test}: nothing is out of sight");
        // No transaction covers another, and no name of an edge covers a transaction.
        let covered = "(() => { const of = (q) => [...document.querySelectorAll(q)] \
            .map((one) => one.getBoundingClientRect()); \
            const boxes = of('#witness .frame'); const names = of('#witness .edge-name'); \
            return [...boxes, ...names].flatMap((a, n) => boxes.filter((b, m) => m > n \
            && a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)) \
            .length; })()";
        assert_eq!(browser.eval(covered), 0, "{test}");
        done(test, browser);
    }
}

#[test]
fn a_finding_under_no_fault_tells_which_one_had_just_ended() {
    let history = Recorded::default()
        .partition(0, 8, 20)
        .ok(0, "write", Some("x"), (json!(1), json!(1)), (270, 271))
        .ok(1, "write", Some("x"), (json!(2), json!(2)), (272, 273))
        .ok(2, "read", Some("x"), (Value::Null, json!(1)), (280, 281));
    let page = history.page("-m register");
    let Some(mut browser) = open("after-fault", &page.path, DESK) else { return };
    let told = browser.text("#contradiction .kind");
    assert!(told.contains("with no fault in force, 250 ms after partition #0 had ended"), "{told}");
    assert_eq!(browser.count("#witness .key-fault"), 0, "none is drawn");
    done("after-fault", browser);
}

/// Expected against seen, for one model each.
#[track_caller]
fn contrast(test: &str, recorded: Recorded, model: &str, expected: &str, seen: &str) {
    let page = recorded.page(model);
    let Some(mut browser) = open(test, &page.path, DESK) else { return };
    assert!(browser.text("#witness .contrast .expected").contains(expected), "{test}");
    assert!(browser.text("#witness .contrast .seen").contains(seen), "{test}");
    assert!(browser.count("#witness .operation") >= 1, "{test}");
    browser.click("#operations .filters input[type=checkbox]");
    assert!(browser.count("#operations tr.named") >= 1, "{test}");
    done(test, browser);
}

#[test]
fn a_lost_element_of_a_set() {
    let history = Recorded::default()
        .ok(0, "add", None, (json!(5), json!(5)), (1, 2))
        .ok(1, "add", None, (json!(6), json!(6)), (3, 4))
        .ok(2, "read", None, (Value::Null, json!([6])), (8, 9));
    contrast("set", history, "-m set -c own", "there, added by op 0", "not there, by op 4");
}

#[test]
fn money_that_was_made_in_a_bank() {
    let transfer = json!({"from": 0, "to": 1, "amount": 5});
    let history = Recorded::default()
        .ok(0, "read", None, (Value::Null, json!({"0": 10, "1": 10})), (1, 2))
        .ok(1, "transfer", None, (transfer.clone(), transfer), (3, 7))
        .ok(2, "read", None, (Value::Null, json!({"0": 10, "1": 15})), (4, 5))
        .ok(2, "read", None, (Value::Null, json!({"0": 5, "1": 15})), (9, 10));
    contrast("bank", history, "-m bank", "20", "25");
}

#[test]
fn a_lost_element_of_a_queue() {
    let history = Recorded::default().ok(0, "enqueue", None, (json!("a"), json!("a")), (1, 2)).ok(
        1,
        "dequeue",
        None,
        (Value::Null, Value::Null),
        (5, 6),
    );
    contrast("queue", history, "-m total-queue", "taken out once", "never");
}

#[test]
fn a_counter_that_forgot_an_addition() {
    let history = Recorded::default()
        .ok(0, "add", None, (json!(3), json!(3)), (1, 2))
        .ok(1, "add", None, (json!(2), json!(2)), (3, 4))
        .ok(2, "read", None, (Value::Null, json!(3)), (5, 6));
    contrast("counter", history, "-m counter -c own", "5", "3");
}

#[test]
fn two_readers_that_saw_writes_in_opposite_orders() {
    let write = |key: &str| json!([["w", key, 1]]);
    let asked = json!([["r", "x", null], ["r", "y", null]]);
    let history = Recorded::default()
        .ok(0, "txn", None, (write("x"), write("x")), (1, 9))
        .ok(1, "txn", None, (write("y"), write("y")), (1, 9))
        .ok(2, "txn", None, (asked.clone(), json!([["r", "x", 1], ["r", "y", null]])), (2, 3))
        .ok(3, "txn", None, (asked, json!([["r", "x", null], ["r", "y", 1]])), (2, 3));
    contrast("long-fork", history, "-m long-fork", "too, if op ", "alone");
}

#[test]
fn an_identifier_given_twice() {
    let history = Recorded::default().ok(0, "generate", None, (Value::Null, json!(17)), (1, 2)).ok(
        1,
        "generate",
        None,
        (Value::Null, json!(17)),
        (3, 4),
    );
    contrast("unique-ids", history, "-m unique-ids", "given once", "given to op 0 and to op 2");
}

#[test]
fn a_process_that_does_not_see_what_it_wrote() {
    let history = Recorded::default()
        .ok(0, "write", None, (json!(1), json!(1)), (1, 2))
        .ok(0, "write", None, (json!(2), json!(2)), (3, 4))
        .ok(0, "read", None, (Value::Null, json!(1)), (5, 6));
    contrast("sessions", history, "-m register -c sessions", "2, or newer", "1, older");
}

#[test]
fn a_number_that_went_back() {
    let history = Recorded::default().ok(0, "inc", None, (Value::Null, json!(7)), (1, 2)).ok(
        0,
        "read",
        None,
        (Value::Null, json!(5)),
        (3, 4),
    );
    contrast("monotonic", history, "-m monotonic", "7 or more", "5");
}

#[test]
fn a_later_write_without_the_one_before_it() {
    let history = Recorded::default()
        .ok(0, "write", None, (json!(1), json!(1)), (1, 2))
        .ok(1, "write", None, (json!(2), json!(2)), (3, 4))
        .ok(2, "read", None, (Value::Null, json!([2])), (5, 6));
    contrast("causal-reverse", history, "-m causal-reverse", "there, since 2 is", "not there");
}

#[test]
fn a_watch_that_missed_an_event() {
    let event = |revision: u64| json!({"revision": revision, "key": "a", "value": revision});
    let log = json!([event(2), event(3), event(4)]);
    let responses = json!([[event(2)], [event(4)]]);
    let history = Recorded::default().ok(0, "watch", None, (json!({}), responses), (1, 9)).ok(
        1,
        "log",
        None,
        (Value::Null, log),
        (20, 21),
    );
    contrast("watch", history, "-m watch", "delivered", "never delivered");
}

#[test]
fn a_list_in_two_orders() {
    let append = |value: u32| json!([["append", "x", value]]);
    let read = |list: Value| json!([["r", "x", list]]);
    let history = Recorded::default()
        .ok(0, "txn", None, (append(1), append(1)), (1, 9))
        .ok(1, "txn", None, (append(2), append(2)), (1, 9))
        .ok(2, "txn", None, (read(Value::Null), read(json!([1]))), (2, 8))
        .ok(3, "txn", None, (read(Value::Null), read(json!([2, 1]))), (2, 8));
    contrast("two-orders", history, "-m list-append", "[2, 1], or a beginning of it", "[1]");
}
