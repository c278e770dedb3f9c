//! The whole run, the table of operations, small windows, and values that mean harm.

use serde_json::{Value, json};

use super::kinds::stale_read;
use super::recorded::Recorded;
use super::{DESK, PHONE, done, open};

/// A stale read among a thousand other operations, one of them failed and one of unknown outcome.
fn long_run() -> Recorded {
    let mut history = stale_read();
    for n in 0..1000 {
        let value = json!(n);
        let at = 100 + n * 3;
        history = history.ok(5, "write", Some("z"), (value.clone(), value), (at, at + 2));
    }
    history.ended(6, "fail", "write", Some("q"), (json!(1), json!(1)), (1000, 1100)).ended(
        7,
        "info",
        "write",
        Some("q"),
        (json!(2), json!(2)),
        (1200, 2200),
    )
}

#[test]
fn the_whole_run_is_zoomed_with_the_mouse_and_with_keys() {
    let page = long_run().page("-m register");
    let Some(mut browser) = open("overview", &page.path, DESK) else { return };
    let canvas = "document.querySelector('#overview canvas')";
    let shown = format!("[Number({canvas}.dataset.from), Number({canvas}.dataset.to)]");
    let whole = browser.eval(&shown);
    assert_eq!(whole[0], 0);
    // The band of the fault is painted: in its colour, in the row of its kind.
    let painted = "(() => { const c = document.querySelector('#overview canvas'); \
        const d = c.getContext('2d').getImageData(80, 26, c.width - 92, 18).data; \
        let n = 0; for (let i = 0; i < d.length; i += 4) \
        if (d[i] === 0x6b && d[i + 1] === 0x72) n++; return n; })()";
    assert!(browser.eval(painted).as_u64().unwrap() > 20, "no band is seen");
    let (x, y) = browser.middle("#overview canvas");
    browser.drag((x - 200.0, y), (x + 100.0, y));
    let zoomed = browser.eval(&shown);
    let length = |view: &Value| view[1].as_f64().unwrap() - view[0].as_f64().unwrap();
    assert!(length(&zoomed) < length(&whole) / 2.0, "{zoomed}");
    assert!(browser.text("#overview .readout").contains(" s · "), "the cursor tells");
    // The table shows what the charts show.
    let rows = browser.text("#operations output");
    assert!(!rows.starts_with("1,007 of"), "{rows}");
    browser.eval(&format!("{canvas}.focus()"));
    browser.key("+");
    assert!(length(&browser.eval(&shown)) < length(&zoomed) * 0.6);
    browser.key("Home");
    assert_eq!(browser.eval(&shown), whole);
    done("overview", browser);
}

#[test]
fn a_table_of_any_length_has_only_the_rows_in_sight_and_links_lead_into_it() {
    let page = long_run().page("-m register");
    let Some(mut browser) = open("operations", &page.path, DESK) else { return };
    assert!(browser.text("#operations output").starts_with("1,007 of 1,007"));
    assert!(browser.count("#operations tr[id]") < 60);
    assert_eq!(browser.count("#op-1500"), 0);
    browser.eval("location.hash = '#op-1500'");
    browser.until("document.querySelector('#op-1500.selected') !== null");
    let seen = "(() => { const r = document.querySelector('#op-1500').getBoundingClientRect(); \
        return r.top > 0 && r.bottom < innerHeight; })()";
    browser.until(seen);
    browser.eval("document.querySelector('#operations [type=search]').focus()");
    browser.call("Input.insertText", json!({"text": "write 77"}));
    browser.until("document.querySelector('#operations output').textContent.startsWith('11 of')");
    browser.eval(
        "(() => { const s = document.querySelector('[aria-label=Outcome]'); s.value = 'info'; \
         s.dispatchEvent(new Event('change')); })()",
    );
    browser.until("document.querySelector('#operations output').textContent.startsWith('0 of')");
    // A link to what the filters hide gives the filters up.
    browser.eval("location.hash = '#op-0'");
    browser.until("document.querySelector('#op-0.selected') !== null");
    done("operations", browser);
}

/// A million operations: the page is small and at hand at once.
#[test]
#[ignore = "long: a million operations; wants --release"]
#[allow(clippy::print_stdout, reason = "what was measured, for `--nocapture`")]
fn a_million_operations_are_open_within_a_second() {
    let mut history = stale_read();
    for n in 0..1_000_000_u64 {
        let value = json!(n);
        let key = format!("z{}", n / 500);
        let at = 100 + n;
        history = history.ok(5, "write", Some(&key), (value.clone(), value), (at, at + 1));
    }
    let page = history.page("-m register");
    let size = std::fs::metadata(&page.path).unwrap().len();
    assert!(size <= 5_000_000, "{size} bytes");
    let Some(mut browser) = open("million", &page.path, DESK) else { return };
    // The browser's own start is none of the page's time.
    browser.eval("location.reload()");
    let loaded = "performance.getEntriesByType('navigation')[0]";
    browser.until(&format!("{loaded}.type === 'reload' && {loaded}.loadEventEnd > 0"));
    let took = browser.eval(&format!("{loaded}.loadEventEnd"));
    println!("1 M operations: {size} bytes, at hand after {took} ms");
    assert!(took.as_f64().unwrap() <= 1000.0, "{took} ms");
    assert!(browser.text("#operations .left-out").starts_with("Of 1,000,005 operations, "));
    assert_eq!(browser.count("#witness .operation.wrong"), 1);
    done("million", browser);
}

#[test]
fn values_that_mean_harm_are_text() {
    let evil = "</script><img src=x onerror=\"alert(1)\"><script>alert(2)</script>";
    let bidi = "abc\u{202e}fed\0<!--";
    let long = "<b>".repeat(1 << 18);
    let page = Recorded::default()
        .ok(0, "write", Some(evil), (json!(evil), json!(evil)), (1, 2))
        .ok(1, "write", Some(evil), (json!(bidi), json!(bidi)), (3, 4))
        .ended(4, "fail", "write", Some(evil), (json!(long), json!(long)), (5, 6))
        .ok(2, "read", Some(evil), (Value::Null, json!(evil)), (7, 8))
        .page("-m register");
    let size = std::fs::metadata(&page.path).unwrap().len();
    assert!(size < 500_000, "{size} bytes");
    let Some(mut browser) = open("hostile", &page.path, DESK) else { return };
    assert_eq!(browser.count("img"), 0);
    assert_eq!(browser.count("script"), 2);
    assert_eq!(browser.count("#witness .operation.wrong"), 1);
    assert!(browser.text("#operations tbody:nth-of-type(2)").contains("<img src=x onerror="));
    assert!(browser.text("#operations tbody:nth-of-type(2)").contains("⟨U+202E⟩"));
    assert_eq!(browser.eval("document.body.innerText.includes('\u{202e}')"), false);
    browser.hover("#witness .operation.wrong .box");
    assert_eq!(browser.count(".tip img"), 0);
    browser.eval("location.hash = '#op-%3Cimg%3E'");
    done("hostile", browser);
}

#[test]
fn a_telephone_shows_it_without_scrolling_sideways() {
    let page = stale_read().page("-m register");
    let Some(mut browser) = open("telephone", &page.path, PHONE) else { return };
    let wide = browser.eval("document.documentElement.scrollWidth");
    assert!(wide.as_u64().unwrap() <= 360, "{wide} pixels");
    assert_eq!(browser.count("#witness .operation.wrong"), 1);
    done("telephone", browser);
}

#[test]
fn everything_has_a_name_and_dark_is_dark() {
    let page = stale_read().page("-m register");
    let Some(mut browser) = open("dark", &page.path, DESK) else { return };
    let nameless = "[...document.querySelectorAll('button, select, input, canvas, [tabindex]')]\
        .filter((one) => !(one.getAttribute('aria-label') || one.textContent.trim() \
        || one.labels?.length || one.closest('[hidden]'))).map((one) => one.outerHTML)";
    assert_eq!(browser.eval(nameless), json!([]));
    let paper = "getComputedStyle(document.body).backgroundColor";
    let light = browser.eval(paper);
    let dark = json!({"features": [{"name": "prefers-color-scheme", "value": "dark"}]});
    browser.call("Emulation.setEmulatedMedia", dark);
    assert_ne!(browser.eval(paper), light);
    browser.screenshot("dark");
    done("dark", browser);
}

#[test]
fn paper_has_the_whole_witness_and_the_operations_of_the_findings() {
    let page = long_run().page("-m register");
    let Some(mut browser) = open("print", &page.path, DESK) else { return };
    // Drawn for a screen, then put on a page that is narrower.
    let paper = json!({"width": 700, "height": 990, "deviceScaleFactor": 1, "mobile": false});
    browser.call("Emulation.setEmulatedMedia", json!({"media": "print"}));
    browser.eval("window.addEventListener('resize', (e) => e.stopImmediatePropagation(), true)");
    browser.call("Emulation.setDeviceMetricsOverride", paper);
    browser.eval("dispatchEvent(new Event('beforeprint'))");
    assert_eq!(browser.count("#witness .operation.wrong"), 1);
    let right = "Math.max(...[...document.querySelectorAll('#witness .operation .box')] \
        .map((box) => box.getBoundingClientRect().right))";
    assert!(browser.eval(right).as_f64().unwrap() < 700.0, "nothing is cut off");
    let rows = browser.count("#operations tr[id]");
    assert!(rows >= 3 && rows == browser.count("#operations tr[id].named"), "{rows}");
    assert!(browser.text("#operations tr.named .op").contains(' '), "the operation is told");
    browser.screenshot("print");
    browser.eval("dispatchEvent(new Event('afterprint'))");
    assert!(browser.text("#operations output").starts_with("1,007 of 1,007"));
    done("print-after", browser);
}
