use bytes::Bytes;
use promemu_core::rng::Seed;
use serde_json::json;

use super::super::stage::Item;
use super::super::stage::Timed;
use super::*;

/// A stage of a kind, and the present time.
fn stage(kind: &str, attributes: &Value) -> (Box<dyn Stage>, Instant) {
    let attributes = attributes.as_object().unwrap();
    let kind = Kind::parse(kind, attributes).unwrap().unwrap();
    let now = Instant::now();
    let shared = Arc::new(Mutex::new(now));
    (kind.stage(Start { now, random: Seed::new(7).rng(), bytes_passed: 0, shared }).unwrap(), now)
}

/// Milliseconds and bytes of what comes of these: each has its milliseconds and its number of bytes, 0 for the end.
fn passed(kind: &str, attributes: &Value, sent: &[(u64, usize)]) -> Vec<(u128, String)> {
    let (mut stage, now) = stage(kind, attributes);
    let mut out = Vec::new();
    for (at, len) in sent {
        let item = if *len == 0 { Item::End } else { Item::Data(Bytes::from(vec![b'x'; *len])) };
        stage.take(Timed { at: now + Duration::from_millis(*at), item }, &mut out);
    }
    let item = |item: Item| match item {
        Item::Data(bytes) => bytes.len().to_string(),
        other => format!("{other:?}"),
    };
    out.into_iter().map(|timed| ((timed.at - now).as_millis(), item(timed.item))).collect()
}

fn expected(items: &[(u128, &str)]) -> Vec<(u128, String)> {
    items.iter().map(|(at, item)| (*at, (*item).to_owned())).collect()
}

#[test]
fn each_kind_does_to_bytes_and_times_as_its_parameters_say() {
    for (kind, attributes, sent, wanted) in [
        (
            "latency",
            json!({"latency": 50}),
            vec![(0, 3), (10, 2), (20, 0)],
            vec![(50, "3"), (60, "2"), (20, "End")],
        ),
        ("latency", json!({"latency": -50}), vec![(5, 3)], vec![(5, "3")]),
        // 1 kB/s passes 100 bytes in each tenth of a second.
        (
            "bandwidth",
            json!({"rate": 1}),
            vec![(0, 250), (0, 10)],
            vec![(100, "100"), (200, "100"), (250, "50"), (260, "10")],
        ),
        ("bandwidth", json!({"rate": 1}), vec![(0, 100), (500, 100)], vec![(100, "100"), (600, "100")]),
        ("bandwidth", json!({"rate": 0}), vec![(7, 1_000)], vec![(7, "1000")]),
        ("shared_bandwidth", json!({"rate": 1}), vec![(0, 100), (0, 100)], vec![(100, "100"), (200, "100")]),
        ("slow_close", json!({"delay": 30}), vec![(1, 2), (2, 0)], vec![(1, "2"), (32, "End")]),
        ("timeout", json!({"timeout": 0}), vec![(1, 2), (2, 0)], vec![(2, "Close")]),
        ("reset_peer", json!({"timeout": 20}), vec![(5, 2)], vec![(25, "Reset")]),
        (
            "slicer",
            json!({"average_size": 2, "delay": 1_000}),
            vec![(0, 5)],
            vec![(0, "2"), (1, "2"), (2, "1")],
        ),
        ("limit_data", json!({"bytes": 5}), vec![(0, 3), (1, 4)], vec![(0, "3"), (1, "2"), (1, "Close")]),
        ("limit_data", json!({}), vec![(0, 3)], vec![(0, "Close")]),
    ] {
        assert_eq!(passed(kind, &attributes, &sent), expected(&wanted), "{kind} {attributes}");
    }
}

#[test]
fn a_timeout_closes_after_its_time_without_a_byte() {
    let (mut stage, now) = stage("timeout", &json!({"timeout": 100}));
    let after = |millis| now + Duration::from_millis(millis);
    assert_eq!(stage.deadline(), Some(after(100)));
    let mut out = Vec::new();
    stage.take(Timed { at: after(60), item: Item::Data(Bytes::from_static(b"lost")) }, &mut out);
    assert_eq!((out.len(), stage.deadline()), (0, Some(after(160))));
    stage.expire(&mut out);
    assert_eq!((out, stage.deadline()), (vec![Timed { at: after(160), item: Item::Close }], None));
}

#[test]
fn random_parameters_stay_within_their_bounds_and_lose_no_byte() {
    let sent: Vec<(u64, usize)> = (0..500).map(|number| (number, 1_000)).collect();
    let late = passed("latency", &json!({"latency": 40, "jitter": 15}), &sent);
    let delays: Vec<u128> = late.iter().enumerate().map(|(at, (then, _))| then - at as u128).collect();
    assert!(delays.iter().all(|delay| (25..55).contains(delay)) && delays.iter().min() < delays.iter().max());
    let slices = passed("slicer", &json!({"average_size": 10, "size_variation": 4}), &sent);
    let sizes: Vec<usize> = slices.iter().map(|(_, len)| len.parse().unwrap()).collect();
    assert_eq!(sizes.iter().sum::<usize>(), 500_000);
    assert!(sizes.iter().all(|size| *size <= 14) && sizes.contains(&6) && sizes.contains(&14));
    let stalled = passed("stall", &json!({"share": 0.3, "period": 100}), &sent);
    let waiting = stalled.iter().enumerate().filter(|(at, (then, _))| *then > *at as u128).count();
    assert!((120..180).contains(&waiting), "{waiting} of 500 waited");
    assert!(stalled.iter().enumerate().all(|(at, (then, _))| then - at as u128 <= 30));
    assert!(passed("stall", &json!({}), &[(0, 1)])[0].0 > 1_000_000_000);
}

#[test]
fn parameters_are_read_over_their_defaults_and_written_as_they_are_read() {
    let kind = |text: &str, attributes: Value| Kind::parse(text, attributes.as_object().unwrap());
    let latency = kind("latency", json!({"latency": 5, "unknown": 1})).unwrap().unwrap();
    assert_eq!(Value::Object(latency.attributes()), json!({"latency": 5, "jitter": 0}));
    assert!(kind("packet_loss", json!({})).is_none());
    assert!(kind("latency", json!({"latency": "5"})).unwrap().unwrap_err().contains("invalid type: string"));
    for name in [
        "latency",
        "bandwidth",
        "slow_close",
        "timeout",
        "reset_peer",
        "slicer",
        "limit_data",
        "stall",
        "shared_bandwidth",
        "limit_connections",
    ] {
        let made = kind(name, json!({})).unwrap().unwrap();
        assert_eq!(
            (made.name(), kind(name, Value::Object(made.attributes()))),
            (name, Some(Ok(made.clone())))
        );
    }
}
