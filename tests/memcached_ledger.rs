//! The ledger of a load through the faults of a network, phase by phase, and no answer that is wrong.
//!
//! Between two phases the load rests, so that each set belongs to one of them. With `PROMEMU_LONG` each phase has 100 000 operations.

use serde_json::{Value, json};

use crate::memcached::{Load, Memcached, check_ledger};
use crate::processes::{Process, eventually, free_port, http, promemu_command, series, value};

/// Number of operations of a phase, in thousands.
fn thousands() -> usize {
    if std::env::var_os("PROMEMU_LONG").is_some() { 100 } else { 1 }
}

/// Two servers, the second behind a proxy with faults, and the load on both.
struct Rig {
    servers: [Memcached; 2],
    api: u16,
    control: u16,
    load: Load,
    _proxy: Process,
}

/// The numbers of a server's ledger, and of its own counter.
#[derive(Clone, Copy, Debug)]
struct Books {
    acknowledged: f64,
    unknown: f64,
    done: f64,
}

impl Rig {
    fn start() -> Self {
        let servers = [Memcached::start(), Memcached::start()];
        let [api, listen, control] = [free_port(), free_port(), free_port()];
        let args = ["--address", &format!("127.0.0.1:{api}"), "--allow-upstream", &servers[1].address()];
        let proxy = Process::start(promemu_command(&["proxy", "--seed", "5"]).args(args));
        let body = json!({
            "name": "memcache2", "listen": format!("127.0.0.1:{listen}"), "upstream": servers[1].address()
        });
        let add = || http("POST", api, "/proxies", &body.to_string()).filter(|(status, _)| *status < 300);
        eventually("the proxy is added", add);
        let addresses = [servers[0].address(), format!("127.0.0.1:{listen}")];
        let control_address = format!("127.0.0.1:{control}");
        let args = [
            "pace=closed",
            "workers=32",
            "timeout=300ms",
            "breaker=off",
            "workload=set_heavy",
            "keys=500",
            "--listen",
            &control_address,
        ];
        let load = Load::start(&addresses, &args);
        Self { servers, api, control, load, _proxy: proxy }
    }

    /// Adds or removes a toxic of both directions.
    fn toxic(&self, kind: &str, attributes: Option<&Value>) {
        for stream in ["upstream", "downstream"] {
            let path = "/proxies/memcache2/toxics";
            let answer = match attributes {
                Some(attributes) => {
                    let body = json!({
                        "name": stream, "type": kind, "stream": stream, "attributes": attributes
                    });
                    http("POST", self.api, path, &body.to_string())
                }
                None => http("DELETE", self.api, &format!("{path}/{stream}"), ""),
            };
            let (status, said) = answer.unwrap();
            assert!(status < 300, "{kind}: {said}");
        }
    }

    /// Waits for so many operations more on the server behind the proxy.
    fn pass_through_the_fault(&self, operations: f64) {
        let ended = || self.load.sum("memcache_operation_outcomes_total", "server=\"memcache2\"");
        let before = ended();
        eventually("operations pass through the fault", || (ended() >= before + operations).then_some(()));
    }

    fn set_load(&self, load: f64) {
        let body = json!({ "value": load }).to_string();
        let moved =
            || http("PUT", self.control, "/api/v1/levers/load", &body).filter(|(status, _)| *status == 200);
        eventually("the lever moves", moved);
    }

    /// Lets the load rest, until nothing of it is under way, not even in the proxy. Returns the books of both servers.
    fn rest(&self) -> [Books; 2] {
        self.set_load(0.0);
        eventually("the load rests", || {
            let page = self.load.page();
            let in_flight: f64 = series(&page, "memcache_operations_in_flight").into_iter().map(value).sum();
            (in_flight < 0.5).then_some(())
        });
        // A set whose client is gone may still be on its way. Once all that was sent has been done or is lost, nothing moves.
        let done = || self.servers.each_ref().map(Memcached::sets);
        let mut before = (done(), 0);
        eventually("the servers rest", || {
            let now = done();
            before = (now, if now == before.0 { before.1 + 1 } else { 0 });
            (before.1 >= 20).then_some(())
        });
        let done = before.0;
        [0, 1].map(|server| {
            let of = |name: &str| self.load.sum(name, &format!("server=\"memcache{}\"", server + 1));
            Books {
                acknowledged: of("memcache_sets_acknowledged_total"),
                unknown: of("memcache_sets_unknown_total"),
                done: f64::from(u32::try_from(done[server]).unwrap()),
            }
        })
    }
}

#[test]
fn the_ledger_of_each_phase_of_faults_has_both_bounds_for_each_server() {
    let mut rig = Rig::start();
    let mut before = rig.rest();
    for (kind, attributes, costs_answers) in [
        ("stall", json!({ "share": 0.6, "period": 1000 }), true),
        ("latency", json!({ "latency": 10, "jitter": 8 }), false),
        ("slicer", json!({ "average_size": 20, "size_variation": 10, "delay": 10 }), false),
        ("limit_data", json!({ "bytes": 3000 }), true),
        ("reset_peer", json!({ "timeout": 5 }), true),
    ] {
        rig.toxic(kind, Some(&attributes));
        rig.set_load(1.0);
        (0..thousands()).for_each(|_| rig.pass_through_the_fault(1_000.0));
        if costs_answers {
            let unknown = || rig.load.sum("memcache_sets_unknown_total", "server=\"memcache2\"");
            eventually("sets have no answer", || (unknown() >= before[1].unknown + 5.0).then_some(()));
        }
        rig.toxic(kind, None);
        let after = rig.rest();
        for (server, (before, after)) in before.iter().zip(&after).enumerate() {
            let [acknowledged, unknown, done] = [
                after.acknowledged - before.acknowledged,
                after.unknown - before.unknown,
                after.done - before.done,
            ];
            println!(
                "{kind}, memcache{}: {acknowledged} acknowledged, {unknown} unknown, {done} done",
                server + 1
            );
            assert!(
                acknowledged > 0.0 && acknowledged <= done && done <= acknowledged + unknown,
                "{kind}, server {server}: {before:?} {after:?}"
            );
        }
        before = after;
    }
    let wrong = rig.load.sum("memcache_wrong_answers_total", "");
    println!("{} operations, {wrong} wrong answers", rig.load.sum("memcache_operations_total", ""));
    let summary = rig.load.stop();
    for (index, server) in rig.servers.iter().enumerate() {
        let _unknown = check_ledger(&summary, index, server.sets());
    }
}
