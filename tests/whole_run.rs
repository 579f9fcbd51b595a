//! The API of one shard, which shows and steers the whole run.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::processes::{eventually, http};
use crate::sharded::{SHARDS, Sharded};

/// The workers with their shards.
fn homes(run: &Sharded) -> BTreeMap<String, usize> {
    run.all_have_heard(1.0);
    run.values("n_total").into_keys().map(|host| (host.clone(), run.shard_of(&host))).collect()
}

/// A worker that the first shard does not have.
fn elsewhere(homes: &BTreeMap<String, usize>) -> String {
    homes.iter().find(|(_, shard)| **shard != 1).map(|(host, _)| host.clone()).unwrap()
}

#[test]
fn the_api_of_any_shard_shows_the_whole_run_and_names_a_shard_that_is_missing() {
    let mut run = Sharded::start();
    let homes = homes(&run);
    for asked in 1..SHARDS {
        shows_all(&run, asked, &homes);
    }
    missing_shard_is_named(&mut run, homes);
}

fn shows_all(run: &Sharded, asked: usize, homes: &BTreeMap<String, usize>) {
    let status = eventually("all answer", || {
        let status = run.api(asked, "/status");
        (status["hosts"]["running"] == 7).then_some(status)
    });
    assert_eq!(status["series"], 1 + 6 * 3);
    assert_eq!(status["jobs"][0]["hosts"], 7);
    assert_eq!(status["outputs"].as_array().unwrap().len(), SHARDS);
    let mut expected = vec!["answers"; SHARDS];
    expected[asked - 1] = "here";
    let all_say = || (run.states(asked) == expected).then_some(());
    eventually("all shards answer", all_say);
    let page = format!("http://127.0.0.1:{}", run.apis[0]);
    assert_eq!((&status["shards"][0]["page"], &status["shards"][2]["page"]), (&json!(page), &json!(null)));
    // Page by page, each host once, at its shard.
    let hosts: Vec<Value> = eventually("a list of all hosts", || {
        let pages = (0..4).map(|at| run.api(asked, &format!("/hosts?offset={}&limit=2", at * 2)));
        let hosts: Vec<Value> = pages.flat_map(|page| page["hosts"].as_array().unwrap().clone()).collect();
        (hosts.len() == 7).then_some(hosts)
    });
    let shards: Vec<u64> = hosts.iter().map(|host| host["shard"].as_u64().unwrap()).collect();
    assert!(shards.is_sorted(), "{hosts:?}");
    for host in hosts.iter().filter(|host| host["name"] != "source") {
        assert_eq!(host["shard"], homes[host["name"].as_str().unwrap()], "{host}");
    }
    eventually("six are found", || {
        (run.api(asked, "/hosts?search=w-&limit=1")["matched"] == 6).then_some(())
    });
    eventually("all are on the map", || (run.api(asked, "/fleet")["total"] == 7).then_some(()));
}

#[test]
fn the_api_of_any_shard_steers_the_hosts_of_all() {
    let mut run = Sharded::start();
    let homes = homes(&run);
    let away = elsewhere(&homes);
    let (metric, path) = (format!("{away}/load"), format!("/hosts/{away}"));
    assert_eq!(run.api(1, &path)["shard"], homes[&away]);
    run.ctl(1, &["override", &away, "load", "42"]);
    eventually("the host shows it", || {
        (run.values("load")[&away].to_bits() == 42f64.to_bits()).then_some(())
    });
    eventually("it is listed", || (run.api(2, "/overrides")["overrides"][0]["id"] == metric).then_some(()));
    eventually("it is counted", || (run.api(1, "/status")["overrides"] == 1).then_some(()));
    run.ctl(1, &["release", &away, "load"]);
    run.ctl(1, &["stop", &away]);
    eventually("it is stopped", || (run.api(1, &path)["state"] == "stopped").then_some(()));
    // A host that is still about to end cannot start yet.
    eventually("it starts again", || {
        let start = format!("/api/v1/hosts/{away}/start");
        (http("POST", run.apis[0], &start, "")?.0 < 300).then_some(())
    });
    // A pattern, and a lever that only hosts of another shard have.
    assert!(run.ctl(1, &["down", "w-*", "--for", "1h"]).starts_with("6 hosts down"));
    eventually("all are down", || (run.api(2, "/status")["hosts"]["down"] == 6).then_some(()));
    let spans = run.api(2, "/spans")["spans"].as_array().unwrap().clone();
    assert!(spans.iter().any(|span| span["kind"] == "down" && span["is_on"] == true), "{spans:?}");
    run.ctl(2, &["up", "w-*"]);
    run.ctl(1, &["lever", "load", "9", "--hosts", &away]);
    eventually("it follows", || {
        (run.values("load").get(&away).map(|load| load.to_bits()) == Some(9f64.to_bits())).then_some(())
    });
    assert_eq!(run.api(1, "/levers")["levers"][0]["by_hosts"][0]["hosts"], json!([away]));
    for (process, _) in &mut run.shards {
        assert_eq!(process.terminate(), Some(0), "{}", process.log());
    }
}

#[test]
fn a_host_is_added_where_its_template_is_and_its_name_is_the_whole_runs() {
    let run = Sharded::start();
    let homes = homes(&run);
    let away = elsewhere(&homes);
    run.ctl(1, &["add", "w-7", "--like", &away]);
    assert_eq!(run.api(2, "/hosts/w-7")["shard"], homes[&away]);
    let body = json!({ "name": "w-7", "template": "source" }).to_string();
    assert_eq!(http("POST", run.apis[0], "/api/v1/hosts", &body).unwrap().0, 409);
    run.ctl(2, &["remove", "w-7"]);
    assert_eq!(http("GET", run.apis[0], "/api/v1/hosts/nobody", "").unwrap().0, 404);
}

/// The last shard is killed, and the others say so.
fn missing_shard_is_named(run: &mut Sharded, homes: BTreeMap<String, usize>) {
    run.shards[SHARDS - 1].0.kill_unreaped();
    eventually("it is missing", || (run.states(1)[SHARDS - 1] == "missing").then_some(()));
    eventually("it is named", || {
        let text = run.ctl(2, &["status"]);
        text.contains("no answer from shard 3, whose hosts are left out").then_some(())
    });
    let (here, gone): (Vec<_>, Vec<_>) = homes.into_iter().partition(|(_, shard)| *shard != SHARDS);
    eventually("the hosts of the others are listed", || {
        let text = run.ctl(1, &["hosts"]);
        let are_listed = here.iter().all(|(host, _)| text.contains(host));
        (text.contains("no answer from shard 3") && are_listed).then_some(())
    });
    for (host, _) in gone {
        let (status, answer) = http("GET", run.apis[0], &format!("/api/v1/hosts/{host}"), "").unwrap();
        assert!(status == 502 && answer.contains("shard_missing"), "{status} {answer}");
    }
}
