//! The CAP and PACELC profile as a table: what each side of each partition did, in plain words.

use isobar_checkers::CheckResult;
use serde_json::Value;

use super::super::words;
use super::{Html, scroller, table_head};

/// Partitions told; the others are in results.json.
const PARTITIONS_MAX: usize = 30;

pub fn write(html: &mut Html, check: &CheckResult) {
    let Some(partitions) = check.figures.get("partitions").and_then(Value::as_array) else {
        return;
    };
    if let Some(class) = check.figures.get("class").and_then(Value::as_str) {
        html.leaf("p", &[("class", "meaning")], &in_words(class));
    }
    scroller(html, "What the system did under each partition", |html| {
        html.element("table", &[("class", "profile")], |html| {
            table_head(html, &["When", "Nodes", "Reads", "Writes", "Stale reads"]);
            html.element("tbody", &[], |html| {
                for partition in partitions.iter().take(PARTITIONS_MAX) {
                    for side in partition["sides"].as_array().into_iter().flatten() {
                        row(html, &format!("partition #{}", partition["id"]), side);
                    }
                }
                if let Some(outside) = check.figures.get("outside") {
                    row(html, "no fault", outside);
                }
            });
        });
    });
    if let Some(left @ 1..) = partitions.len().checked_sub(PARTITIONS_MAX) {
        let left = words::counted(left, "more partition");
        html.leaf("p", &[("class", "left-out")], &format!("{left}, in results.json."));
    }
}

fn row(html: &mut Html, when: &str, service: &Value) {
    html.element("tr", &[], |html| {
        html.leaf("th", &[("scope", "row")], when);
        let nodes = service["nodes"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let nodes: Vec<String> = nodes.map(words::plain).collect();
        let nodes = if nodes.is_empty() { "all".to_owned() } else { words::list(&nodes) };
        html.leaf("td", &[], &nodes);
        for kind in ["read", "write"] {
            html.leaf("td", &[], &service_of(service, kind));
        }
        let stale = match service["stale_reads"].as_u64() {
            Some(0) => "none".to_owned(),
            Some(count) => words::count(count),
            None => "cannot be known: values repeat".to_owned(),
        };
        html.leaf("td", &[("class", "number")], &stale);
    });
}

/// `157 tried, all answered, half within 13.3 ms`
fn service_of(service: &Value, kind: &str) -> String {
    let tried = service[format!("{kind}s")].as_u64().unwrap_or(0);
    if tried == 0 {
        return "none tried".to_owned();
    }
    let share = service[format!("{kind}s_ok_share")].as_f64().unwrap_or(0.0);
    let answered = match share {
        1.0.. => "all answered".to_owned(),
        0.0 => "none answered".to_owned(),
        share => format!("{:.0} % answered", share * 100.0),
    };
    let median = service[format!("{kind}_latency_ms")]["p50"].as_f64();
    let median = median.map_or(String::new(), |ms| {
        format!(", half within {}", words::span((ms * 1e6).round() as u64))
    });
    format!("{} tried, {answered}{median}", words::count(tried))
}

/// `PA/EC` and the like, in a sentence.
fn in_words(class: &str) -> String {
    let (partitioned, otherwise) = class.split_once('/').unwrap_or((class, ""));
    let partitioned = match partitioned {
        "PA" => "During partitions every side went on serving",
        "PC" => "During partitions some side stopped serving, and what was read was not stale",
        _ => "During partitions some side stopped serving, and yet reads were stale",
    };
    let otherwise = match otherwise {
        "EC" => "without faults no read was stale",
        _ => "even without faults reads were stale",
    };
    format!("{class}: {partitioned}; {otherwise}. It describes this run, not the system.")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn service_is_told_in_words() {
        let side = json!({"reads": 157, "reads_ok_share": 1.0, "read_latency_ms": {"p50": 13.351},
            "writes": 6, "writes_ok_share": 0.0, "write_latency_ms": {}});
        assert_eq!(service_of(&side, "read"), "157 tried, all answered, half within 13.3 ms");
        assert_eq!(service_of(&side, "write"), "6 tried, none answered");
        assert_eq!(service_of(&json!({}), "write"), "none tried");
        assert!(in_words("P-/EC").starts_with("P-/EC: During partitions some side stopped"));
    }
}
