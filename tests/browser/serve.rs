//! `isobar serve`: the list, a test over time, two runs compared, a run as it goes on.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::chromium::Chromium;
use super::served::{Served, Written};
use super::{DESK, PHONE, done, open_url};

/// Three runs of two tests.
fn store() -> TempDir {
    let store = tempfile::tempdir().unwrap();
    for run in [
        Written::new("etcd", "2026-11-26T10:00:00Z", &["stale-read"]).with_fault("partition"),
        Written::new("etcd", "2026-11-27T10:00:00Z", &["stale-read", "lost-write"]),
        Written::new("demo", "2026-11-28T10:00:00Z", &[]).with_fault("kill"),
    ] {
        run.write(store.path());
    }
    store
}

fn type_into(browser: &mut Chromium, selector: &str, text: &str) {
    browser.eval(&format!("document.querySelector({selector:?}).focus()"));
    browser.call("Input.insertText", json!({"text": text}));
}

fn choose(browser: &mut Chromium, name: &str, value: &str) {
    browser.eval(&format!(
        "(() => {{ const s = document.querySelector('#filters [name={name}]'); \
         s.value = {value:?}; s.dispatchEvent(new Event('input', {{ bubbles: true }})); }})()"
    ));
}

/// The tests of the rows that are seen, in their order.
fn seen(browser: &mut Chromium) -> Value {
    browser.eval(
        "[...document.querySelectorAll('#runs tbody tr')].filter((row) => row.offsetHeight > 0) \
         .map((row) => row.dataset.began.slice(5, 10) + ' ' + row.dataset.test)",
    )
}

#[test]
fn the_list_is_searched_filtered_and_sorted_and_the_address_keeps_it() {
    let store = store();
    let served = Served::over(store.path());
    let Some(mut browser) = open_url("serve-list", &served.url, DESK) else { return };
    assert_eq!(seen(&mut browser), json!(["11-28 demo", "11-27 etcd", "11-26 etcd"]));
    type_into(&mut browser, "#filters [name=q]", "ETCD lost");
    assert_eq!(seen(&mut browser), json!(["11-27 etcd"]));
    assert_eq!(browser.text("#filters output"), "1 of 3 runs");
    browser.click("#filters [type=reset]");
    browser.until("document.querySelector('#filters output').textContent === '3 of 3 runs'");
    for (name, value, rows) in [
        ("test", "demo", json!(["11-28 demo"])),
        ("verdict", "violated", json!(["11-27 etcd", "11-26 etcd"])),
        ("anomaly", "stale-read", json!(["11-27 etcd", "11-26 etcd"])),
        ("fault", "partition", json!(["11-26 etcd"])),
        ("from", "2026-11-27", json!(["11-28 demo", "11-27 etcd"])),
        ("to", "2026-11-27", json!(["11-27 etcd", "11-26 etcd"])),
    ] {
        choose(&mut browser, name, value);
        assert_eq!(seen(&mut browser), rows, "{name} {value}");
        choose(&mut browser, name, "");
    }
    choose(&mut browser, "verdict", "violated");
    browser.click("#runs [data-sort=findings] button");
    browser.click("#runs [data-sort=findings] button");
    assert_eq!(seen(&mut browser), json!(["11-26 etcd", "11-27 etcd"]));
    assert_eq!(browser.eval("location.search"), "?verdict=violated&sort=findings");
    let address = browser.eval("location.href");
    browser.call("Page.navigate", json!({"url": "about:blank"}));
    browser.go(address.as_str().unwrap());
    assert_eq!(seen(&mut browser), json!(["11-26 etcd", "11-27 etcd"]));
    done("serve-list", browser);
}

#[test]
fn a_run_leads_to_its_report_its_test_and_a_comparison() {
    let store = store();
    let served = Served::over(store.path());
    let Some(mut browser) = open_url("serve-compare", &served.url, DESK) else { return };
    let button = "document.querySelector('#compare button').disabled";
    assert_eq!(browser.eval(button), true);
    browser.click("#runs tr[data-began^='2026-11-26'] input");
    browser.click("#runs tr[data-began^='2026-11-27'] input");
    assert_eq!(browser.eval(button), false);
    assert_eq!(browser.count("#runs input:disabled"), 1, "two are enough");
    browser.click("#compare button");
    browser.until("location.pathname === '/compare' && !!document.querySelector('#findings')");
    assert_eq!(browser.text(".lead"), "1 finding is new, 1 is known, none is gone.");
    assert_eq!(browser.text("#findings .change.new + td .anomaly"), "lost-write");
    browser.screenshot("serve-compare");
    browser.click("#comparison tbody a");
    browser
        .until("location.pathname.startsWith('/runs/etcd/') && !!document.querySelector('#files')");
    assert_eq!(browser.text("h1"), "Violated");
    assert!(browser.count("#files tbody a") >= 3);
    browser.screenshot("serve-run");
    browser.click("a.run-name");
    browser.until("location.pathname === '/tests/etcd' && !!document.querySelector('.trend')");
    assert_eq!(browser.count(".trend rect.trend-violated"), 2);
    assert!(browser.text(".lead").starts_with("2 of 2 runs were violated (100 %)."));
    done("serve-trend", browser);
}

#[test]
#[allow(clippy::print_stdout, reason = "what was measured, for `--nocapture`")]
fn a_thousand_runs_are_there_without_delay() {
    let store = tempfile::tempdir().unwrap();
    let tests = ["etcd-register", "etcd-append", "strapi-set", "demo"];
    for n in 0..1000_u32 {
        let began = format!("2026-{:02}-{:02}T{:02}:00:00Z", n / 240 + 1, n / 10 % 24 + 1, n % 10);
        let anomalies: &[&str] = if n % 3 == 0 { &["stale-read"] } else { &[] };
        Written::new(tests[n as usize % 4], &began, anomalies)
            .with_fault("kill")
            .write(store.path());
    }
    let served = Served::over(store.path());
    let start = Instant::now();
    assert_eq!(served.get("/").status, 200);
    let first = start.elapsed();
    let Some(mut browser) = open_url("serve-thousand", &served.url, DESK) else { return };
    assert_eq!(browser.text("#filters output"), "1,000 of 1,000 runs");
    let times = browser.eval(
        "(() => { const n = performance.getEntriesByType('navigation')[0]; \
         return [n.responseStart, n.loadEventEnd]; })()",
    );
    let took = browser.eval(
        "new Promise((done) => { const field = document.querySelector('#filters [name=q]'); \
         const start = performance.now(); field.value = 'strapi violated'; \
         field.dispatchEvent(new Event('input', { bubbles: true })); \
         requestAnimationFrame(() => setTimeout(() => done(performance.now() - start))); })",
    );
    assert_eq!(browser.text("#filters output"), "83 of 1,000 runs");
    println!("read first {first:?}; then first byte and drawn {times} ms; a search {took} ms");
    // Of a debug build on a machine with other work.
    assert!(times[1].as_f64().unwrap() < 10_000.0, "{times}");
    assert!(took.as_f64().unwrap() < 2000.0, "{took}");
    browser.click("#filters [type=reset]");
    browser.until("document.querySelector('#filters output').textContent.startsWith('1,000 of')");
    assert_eq!(seen(&mut browser).as_array().unwrap().len(), 200);
    browser.click("#runs + button");
    assert_eq!(seen(&mut browser).as_array().unwrap().len(), 1000);
    done("serve-thousand", browser);
}

#[test]
fn names_that_mean_harm_are_text_everywhere() {
    let store = tempfile::tempdir().unwrap();
    let evil = "x\"><img src=x onerror=alert(1)><script>alert(2)<!--";
    let path = Written::new(evil, "2026-11-27T10:00:00Z", &[evil, "a\nb"]).with_fault(evil);
    let path = path.write(store.path());
    fs::write(path.join("<b>&?#.html"), "<script>alert(3)</script>").unwrap();
    fs::write(
        path.join("x.svg"),
        "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(4)</script></svg>",
    )
    .unwrap();
    fs::write(path.join("report.html"), "<script>fetch('/')</script>").unwrap();
    let served = Served::over(store.path());
    let Some(mut browser) = open_url("serve-hostile", &served.url, DESK) else { return };
    assert_eq!(browser.count("img"), 0);
    assert!(browser.text("#runs tbody").contains("<img src=x onerror=alert(1)>"));
    choose(&mut browser, "anomaly", evil);
    assert_eq!(browser.text("#filters output"), "1 of 1 runs");
    browser.click("#runs tbody [data-label=Test] a");
    browser.until("location.pathname.startsWith('/tests/') && !!document.querySelector('.trend')");
    assert_eq!(browser.count("img"), 0);
    browser.click("#findings tbody td a");
    browser.until("location.pathname.startsWith('/runs/') && !!document.querySelector('#files')");
    assert_eq!(browser.count("img"), 0);
    let links = browser.eval("[...document.querySelectorAll('#files tbody a')].map((a) => a.href)");
    assert_eq!(browser.complaints(), Vec::<String>::new());
    let links: Vec<&str> = links.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(links.len(), 6, "{links:?}");
    for link in links.iter().filter(|link| !link.ends_with("/report.html")) {
        browser.call("Page.navigate", json!({"url": link}));
        browser.until("document.readyState === 'complete'");
        let complaints = browser.complaints().join("\n");
        assert!(!complaints.contains("Dialog"), "{link}: {complaints}");
        assert_ne!(browser.eval("document.contentType"), "text/html", "{link}");
    }
    // A report that is none of ours asks for nothing.
    browser
        .call("Page.navigate", json!({"url": links.iter().find(|l| l.ends_with("report.html"))}));
    browser.until("document.readyState === 'complete'");
    assert_eq!(browser.eval("self.origin"), "null");
}

#[test]
fn a_telephone_shows_every_page_and_dark_is_dark() {
    let store = store();
    let served = Served::over(store.path());
    let Some(mut browser) = open_url("serve-telephone", &served.url, PHONE) else { return };
    let run = Written::new("etcd", "2026-11-26T10:00:00Z", &[]).folder();
    let other = Written::new("etcd", "2026-11-27T10:00:00Z", &[]).folder();
    let paper = "getComputedStyle(document.body).backgroundColor";
    let light = browser.eval(paper);
    let pages = [
        ("list", String::new()),
        ("run", format!("runs/etcd/{run}/")),
        ("trend", "tests/etcd".to_owned()),
        ("compare", format!("compare?run=etcd/{run}&run=etcd/{other}")),
        ("nothing", "nothing".to_owned()),
    ];
    for (name, path) in pages {
        let before = browser.complaints().len();
        browser.go(&format!("{}{path}", served.url));
        let wide = browser.eval("document.documentElement.scrollWidth").as_u64().unwrap();
        assert!(wide <= 360, "{name}: {wide} pixels");
        let nameless = "[...document.querySelectorAll('button, select, input, [tabindex]')]\
            .filter((one) => !(one.getAttribute('aria-label') || one.textContent.trim() \
            || one.labels?.length)).map((one) => one.outerHTML)";
        assert_eq!(browser.eval(nameless), json!([]), "{name}");
        browser.screenshot(&format!("serve-telephone-{name}"));
        // The browser tells in its console that the last page is missing.
        assert!(browser.complaints().len() == before || name == "nothing", "{name}");
    }
    let dark = json!({"features": [{"name": "prefers-color-scheme", "value": "dark"}]});
    browser.call("Emulation.setEmulatedMedia", dark);
    assert_ne!(browser.eval(paper), light);
    browser.go(&served.url);
    browser.screenshot("serve-dark");
}

#[test]
fn a_run_is_watched_until_its_report_is_there() {
    let store = tempfile::tempdir().unwrap();
    let served = Served::over(store.path());
    let Some(mut browser) = open_url("serve-live", &served.url, DESK) else { return };
    assert!(browser.text("main").contains("None yet"));
    let spec = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/demo.yaml");
    let mut run = Command::new(env!("CARGO_BIN_EXE_isobar"))
        .args(["--quiet", "run", spec, "--seed", "1", "--store"])
        .arg(store.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let limit = Instant::now() + Duration::from_secs(60);
    let begun = || store.path().join("demo/latest/run.json").exists();
    while !begun() {
        assert!(Instant::now() < limit, "the run does not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
    browser.go(&served.url);
    assert_eq!(browser.text("#runs tbody [data-label=Verdict]"), "running");
    browser.click("#runs [data-label=Report] a");
    browser
        .until("location.pathname.startsWith('/live/demo/') && !!document.querySelector('#live')");
    browser.until("document.querySelector('#live h1').textContent === 'Running'");
    browser.until("document.querySelectorAll('.trend rect.live-ok').length >= 2");
    browser
        .until("document.querySelector('[data-part=faults]').textContent.includes('partition #0')");
    assert!(browser.text("[data-part=told]").contains(" of 12.0 s of load"));
    assert!(browser.text("[data-part=log]").contains("set-up"));
    browser.screenshot("serve-live-fault");
    browser.until("document.querySelector('[data-part=faults]').textContent === 'none'");
    assert!(run.wait().unwrap().code().is_some_and(|code| code < 2));
    browser.until("!!document.querySelector('#live .actions a')");
    assert!(["Violated", "Valid"].contains(&browser.text("#live h1").as_str()));
    assert_eq!(browser.complaints(), Vec::<String>::new());
    browser.screenshot("serve-live-end");
    browser.click("#live .actions a");
    browser.until("location.pathname.endsWith('report.html') && !!document.querySelector('#run')");
    browser.until("document.documentElement.dataset.ready === 'true'");
    // The report works from here as it does from a file.
    browser.eval("location.hash = '#op-0'");
    browser.until("!!document.querySelector('#op-0.selected')");
    done("serve-live-report", browser);
}
