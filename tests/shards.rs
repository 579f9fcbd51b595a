//! Shards: one run in several processes, in virtual time and live.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::golden::shipped_configs;
use crate::namespaces::Namespaces;
use crate::nats::Nats;
use crate::processes::{
    Process, Pushgateway, eventually, free_port, get, http, promemu, promemu_command, series, within,
};
use crate::sharded::{SHARDS, Sharded};
use crate::simulated::plugins;

/// The lines of an export, sorted, each once: a header is in all shards.
fn exported(config: &str, plugins: &Path, more: &[&str]) -> Vec<String> {
    let args =
        ["export", config, "--seed", "7", "--from", "2026-03-02T00:00:00Z", "--for", "2m", "--format", "csv"];
    let mut command = promemu_command(&[&args[..], more].concat());
    let output = command.arg("--plugins-dir").arg(plugins).output().unwrap();
    assert!(output.status.success(), "{config}: {}", String::from_utf8_lossy(&output.stderr));
    let mut lines: Vec<String> =
        String::from_utf8(output.stdout).unwrap().lines().map(ToOwned::to_owned).collect();
    lines.sort();
    lines.dedup();
    lines
}

#[test]
fn the_shards_of_each_shipped_config_together_are_the_whole_run() {
    let plugins = plugins();
    let mut carrying = 0;
    for config in shipped_configs() {
        let whole = exported(&config, plugins.path(), &[]);
        let parts: Vec<Vec<String>> = (1..=SHARDS)
            .map(|number| exported(&config, plugins.path(), &["--shard", &format!("{number}/{SHARDS}")]))
            .collect();
        carrying += parts.iter().filter(|part| part.len() > 1).count();
        let mut all: Vec<String> = parts.into_iter().flatten().collect();
        all.sort();
        all.dedup();
        assert!(whole.len() > 1, "{config}");
        assert!(all == whole, "{config}: {} lines of shards, {} of the whole run", all.len(), whole.len());
    }
    assert!(carrying > 2 * shipped_configs().len() / 2, "more than one shard has hosts: {carrying}");
}

#[test]
fn a_shard_whose_hosts_hear_others_is_refused_without_a_bus() {
    let refused = |args: &[&str]| {
        let output = promemu_command(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let error = refused(&["run", "hosts_load_with_peaks", "--shard", "1/3", "--embedded"]);
    assert!(
        error.contains("event \"load_peak_start\" crosses the shards") && error.contains("--bus"),
        "{error}"
    );
    let error = refused(&["run", "resilience", "--shard", "1/3", "--embedded"]);
    assert!(error.contains("done for real") && error.contains("leave --shard out"), "{error}");
    let error = refused(&["run", "single_host_load", "--shard", "4/3"]);
    assert!(error.contains("the shards of 3 are 1 to 3"), "{error}");
    let error = refused(&["run", "single_host_load", "--shard", "1/3", "--bus", "secret@here"]);
    assert!(error.contains("nats://HOST:PORT") && !error.contains("secret"), "{error}");
}

#[test]
fn shards_have_groups_of_their_own_and_clean_up_only_these() {
    let (gateway, dir) = (Pushgateway::start(), tempfile::tempdir().unwrap());
    let config = dir.path().join("c.ron");
    let text = "Config(default_job_name: \"j\", hosts: [Host(repeat: Repeat(var: \"i\", from: 1, to: 9), name: \"h-{i}\", interval: 1, \
                metrics: [Metric(name: \"m\", default_value: 1)])])";
    std::fs::write(&config, text).unwrap();
    let (config, url) = (config.display().to_string(), gateway.url());
    let start = |shard: &str| {
        promemu(&["run", &config, "--shard", shard, "--push-interval", "300ms", "--pushgateway-url", &url])
    };
    let hosts = |shard: &str| {
        let page = get(gateway.port, "/metrics").unwrap();
        series(&page, "m").into_iter().filter(|line| line.contains(&format!("shard=\"{shard}\""))).count()
    };
    let (mut first, second) = (start("1/2"), start("2/2"));
    eventually("all hosts are there", || {
        (hosts("1") + hosts("2") == 9 && hosts("1") > 0 && hosts("2") > 0).then_some(())
    });
    let of_second = hosts("2");
    assert_eq!(first.terminate(), Some(0));
    assert_eq!((hosts("1"), hosts("2")), (0, of_second), "the other shard's group stays");
    second.kill_unreaped();
    let mut again = start("1/2");
    eventually("its own group is there", || (hosts("1") > 0).then_some(()));
    assert_eq!(hosts("2"), of_second, "what another shard left behind is that shard's to clean");
    assert_eq!(again.terminate(), Some(0));
    let cleaned = promemu_command(&["clean", "--pushgateway-url", &url]).output().unwrap();
    assert!(cleaned.status.success(), "{}", String::from_utf8_lossy(&cleaned.stderr));
    assert_eq!(hosts("2"), 0);
}

#[test]
fn live_shards_hear_each_other_and_one_that_is_killed_comes_back_with_its_state() {
    let mut run = Sharded::start();
    let heard = run.all_have_heard(3.0);
    let source = run.shard_of("source");
    let killed = (1..=SHARDS).find(|number| *number != source && *number != 1).unwrap_or(1);
    let before = run.values("n_total");
    run.restart(killed);
    let heard = run.all_have_heard(heard + 3.0);
    for (host, value) in run.values("n_total") {
        assert!(value >= before[&host], "{host}: {} became {value}", before[&host]);
    }
    run.shards[killed - 1].0.wait_for_log("the hosts have the state of the run so far");
    // The others have missed what its hosts emit meanwhile, until it is back.
    run.restart(source);
    let heard = run.all_have_heard(heard + 3.0);
    // A client's action at one shard reaches all, and those that come later.
    run.ctl(1, &["lever", "load", "7"]);
    let all_have_moved = |run: &Sharded| {
        eventually("the lever has moved everywhere", || {
            let loads = run.values("load");
            (loads.len() == 6 && loads.values().all(|load| load.to_bits() == 7f64.to_bits())).then_some(())
        });
    };
    all_have_moved(&run);
    run.restart(killed);
    run.all_have_heard(heard);
    all_have_moved(&run);
    for (process, _) in &mut run.shards {
        assert_eq!(process.terminate(), Some(0), "{}", process.log());
    }
}

#[test]
fn shards_go_on_while_the_bus_is_away_for_half_a_minute_and_make_up_for_what_clients_did() {
    let mut run = Sharded::start();
    let heard = run.all_have_heard(2.0);
    let source = run.shard_of("source");
    let near = run.values("heard_total").into_keys().find(|host| run.shard_of(host) == source);
    run.nats.stop();
    for (process, _) in &run.shards {
        process.wait_for_log("is away");
    }
    // Here at once, and elsewhere when the bus is back.
    run.ctl(1, &["lever", "load", "7"]);
    assert_eq!(run.states(1), ["here", "missing", "missing"]);
    // The source emits an event each half second of the hosts' time.
    within(Duration::from_mins(2), "events of half a minute are lost", || {
        (run.own(source, "promemu_bus_lost_total") >= 60.0).then_some(())
    });
    if let Some(near) = near {
        assert!(run.values("heard_total")[&near] > heard, "hosts of the same shard hear each other");
    }
    run.nats.start_again();
    let received = |run: &Sharded| {
        let others = (1..=SHARDS).filter(|number| *number != source);
        others.map(|number| run.own(number, "promemu_bus_received_total")).sum::<f64>()
    };
    let before = received(&run);
    eventually("events come again", || (received(&run) > before + 4.0).then_some(()));
    eventually("the lever has moved everywhere", || {
        let loads = run.values("load");
        (loads.len() == 6 && loads.values().all(|load| load.to_bits() == 7f64.to_bits())).then_some(())
    });
    eventually("all answer", || (run.states(1) == ["here", "answers", "answers"]).then_some(()));
    for (process, _) in &mut run.shards {
        assert_eq!(process.terminate(), Some(0), "{}", process.log());
        let log = process.log();
        assert_eq!((log.matches("is away").count(), log.matches("is back").count()), (1, 1), "{log}");
    }
}

/// A proxy in front of the bus.
struct BusProxy {
    api: u16,
    _process: Process,
}

impl BusProxy {
    /// Starts it, and gives the address at which it passes connections on.
    fn start(nats: &Nats) -> (Self, String) {
        let api = free_port();
        let address = format!("127.0.0.1:{api}");
        let process = promemu(&["proxy", "--address", &address, "--allow-upstream", "127.0.0.1:*"]);
        eventually("the proxy answers", || get(api, "/version"));
        let (proxy, port) = (Self { api, _process: process }, free_port());
        let upstream = nats.url().replace("nats://", "");
        let listen = format!("127.0.0.1:{port}");
        proxy.post("/proxies", &json!({ "name": "bus", "listen": listen, "upstream": upstream }));
        (proxy, format!("nats://{listen}"))
    }

    fn post(&self, path: &str, body: &Value) {
        let (status, answer) = http("POST", self.api, path, &body.to_string()).unwrap();
        assert!(status < 300, "{path}: {answer}");
    }
}

#[test]
fn events_on_a_slow_way_act_when_they_come_are_counted_as_late_and_survive_a_reset() {
    let nats = Nats::start();
    let (proxy, bus) = BusProxy::start(&nats);
    for stream in ["upstream", "downstream"] {
        let toxic =
            json!({ "type": "latency", "stream": stream, "attributes": { "latency": 50, "jitter": 10 } });
        proxy.post("/proxies/bus/toxics", &toxic);
    }
    let mut run = Sharded::start_with(nats, bus, None);
    run.all_have_heard(3.0);
    let source = run.shard_of("source");
    let of_others = |run: &Sharded, family: &str| {
        let others = (1..=SHARDS).filter(|number| *number != source);
        others.map(|number| run.own(number, family)).sum::<f64>()
    };
    // Two ways of 50 ms are more than 50 ms.
    eventually("an event is late", || (of_others(&run, "promemu_bus_late_total") > 0.0).then_some(()));
    proxy.post(
        "/proxies/bus/toxics",
        &json!({ "name": "cut", "type": "reset_peer", "attributes": { "timeout": 0 } }),
    );
    run.shards[source - 1].0.wait_for_log("is away");
    let (status, answer) = http("DELETE", proxy.api, "/proxies/bus/toxics/cut", "").unwrap();
    assert_eq!(status, 204, "{answer}");
    let before = of_others(&run, "promemu_bus_received_total");
    eventually("events come again", || {
        (of_others(&run, "promemu_bus_received_total") > before + 4.0).then_some(())
    });
    for (process, _) in &mut run.shards {
        assert_eq!(process.terminate(), Some(0), "{}", process.log());
    }
}

#[test]
fn shards_whose_networks_lose_packets_hear_all_events_some_of_them_late() {
    let Some(namespaces) = Namespaces::start(SHARDS) else { return };
    let mut run = Sharded::start_in(namespaces);
    let heard = run.all_have_heard(3.0);
    let late =
        |run: &Sharded| (1..=SHARDS).map(|number| run.own(number, "promemu_bus_late_total")).sum::<f64>();
    // Packets that TCP sends again come after the 50 ms of an event, sooner or later.
    within(Duration::from_mins(5), "an event is late", || (late(&run) > 0.0).then_some(()));
    let namespaces = run.namespaces.as_ref().unwrap();
    let lost: u64 = (1..=SHARDS).map(|number| namespaces.lost(number)).sum();
    assert!(lost > 0);
    run.all_have_heard(heard);
    let source = run.shard_of("source");
    let killed = (1..=SHARDS).find(|number| *number != source && *number != 1).unwrap_or(1);
    let before = run.values("n_total");
    run.restart(killed);
    run.all_have_heard(heard + 3.0);
    for (host, value) in run.values("n_total") {
        assert!(value >= before[&host], "{host}: {} became {value}", before[&host]);
    }
    for number in 1..=SHARDS {
        assert!(run.own(number, "promemu_bus_lost_total") < 1.0, "a slow way loses nothing");
    }
    for (process, _) in &mut run.shards {
        assert_eq!(process.terminate(), Some(0), "{}", process.log());
    }
}
