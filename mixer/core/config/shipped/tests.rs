//! The promises of the shipped configs, in emulated time: all hosts of a plan, with the events between them.

mod processes;

use std::path::Path;
use std::sync::Arc;

use indexmap::IndexSet;

use super::{SHIPPED, find};
use crate::config::{ConfigFile, LoadOptions, LoadedConfig};
use crate::expression::Value;
use crate::host::{DrivenHost, EmulatedHost};
use crate::metric::{Kind, MetricType, buckets, is_absent, native_histogram, quantiles};
use crate::plan::{HostPlan, MetricPlan, Plan};
use crate::plugin::tests::bring_plugins;
use crate::scenario::KINDS;
use crate::time::{Span, Time};
use crate::world::World;

/// A Monday, 08:00 UTC.
const START: Time = Time::from_unix_secs(1_767_600_000);

fn file(name: &str) -> ConfigFile {
    if name.starts_with("processes")
        || name.ends_with("users")
        || name.starts_with("user_")
        || name.starts_with("memcached")
    {
        bring_plugins();
    }
    ConfigFile::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../configs/{name}.ron")))
        .unwrap()
}

fn load(name: &str, class: Option<&str>, arguments: &[(&str, &str)]) -> LoadedConfig {
    let arguments = arguments.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
    let class = class.map(str::to_owned);
    let options = LoadOptions { class, arguments, ..LoadOptions::starting_at(START) };
    file(name).plan(&options).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The configs that can run, with their classes.
fn all() -> Vec<(&'static str, Option<String>)> {
    let names = SHIPPED.iter().map(|(name, _)| *name);
    // A recording is a user's.
    let configs =
        names.filter(|name| !file(name).is_include() && !file(name).is_playlist() && *name != "replay");
    let classes = |name: &'static str| {
        let classes = file(name).class_names().unwrap().into_iter();
        classes.map(move |class| (name, (!class.is_empty()).then_some(class)))
    };
    configs.flat_map(classes).collect()
}

fn jobs(plan: &Plan) -> IndexSet<String> {
    plan.jobs.iter().map(|job| job.name.to_string()).collect()
}

#[test]
fn the_argument_job_makes_room_for_a_second_run_of_the_same_config() {
    for (name, class) in all() {
        let present = jobs(&load(name, class.as_deref(), &[]).plan);
        let other = jobs(&load(name, class.as_deref(), &[("job", "other_")]).plan);
        assert_eq!(
            (present.len(), present.intersection(&other).count()),
            (other.len(), 0),
            "{name}: {other:?}"
        );
    }
}

/// A world, and what it has shown.
struct Watched {
    plan: Arc<Plan>,
    world: World,
    start: Time,
    /// Messages about failures.
    troubles: Vec<String>,
    /// The families that have had a sample.
    seen: IndexSet<usize>,
}

impl Watched {
    fn of(name: &str, arguments: &[(&str, &str)]) -> Self {
        Self::from(load(name, None, arguments).plan, START)
    }

    fn from(plan: Plan, start: Time) -> Self {
        let plan = Arc::new(plan);
        let world = World::new(Arc::clone(&plan), 7, start).unwrap();
        Self { plan, world, start, troubles: Vec::new(), seen: IndexSet::new() }
    }

    /// Runs all hosts up to this many seconds after the start.
    fn run_to(&mut self, secs: u64) {
        let Self { plan, world, start, troubles, seen } = self;
        world.advance_with(*start + Span::from_secs(secs), |step| {
            let (plan, host, out) = (&plan.hosts[step.host as usize], step.driven.host(), step.out);
            for (metric, why) in &out.failures {
                troubles.push(format!("{}: {metric}: {why}", plan.name));
            }
            if out.scenario_errors + out.events_dropped > 0 {
                troubles.push(format!("{}: scenarios failed, or events were dropped", plan.name));
            }
            if out.report {
                let pools = plan.shape.pools.iter().enumerate();
                let in_use =
                    pools.filter(|(kind, pools)| (0..pools.max).any(|slot| host.slot(*kind, slot).is_some()));
                let metrics = in_use.flat_map(|(_, pools)| &pools.shape.metrics);
                seen.extend(metrics.map(|metric| metric.family));
                let has_sample = |metric: &&MetricPlan| !is_absent(host.row()[metric.offset]);
                seen.extend(plan.shape.metrics.iter().filter(has_sample).map(|metric| metric.family));
            }
        });
    }

    fn host(&self, name: &str) -> &EmulatedHost {
        let mut hosts = self.world.hosts().map(DrivenHost::host);
        hosts.find(|host| &*host.plan().name == name).unwrap()
    }

    /// The cells of all series of this name and with these labels that have a sample.
    fn cells(&self, name: &str, labels: &[(&str, &str)]) -> Vec<(&HostPlan, &MetricPlan, &[f64])> {
        let mut found = Vec::new();
        for (plan, host) in self.plan.hosts.iter().zip(self.world.hosts()) {
            for metric in &plan.shape.metrics {
                let label = |name: &str| metric.labels.get(name).or_else(|| plan.labels.get(name));
                let cells = &host.host().row()[metric.offset..metric.offset + metric.cells.width()];
                if &*metric.name == name
                    && !is_absent(cells[0])
                    && labels.iter().all(|(n, v)| label(n) == Some(v))
                {
                    found.push((&**plan, metric, cells));
                }
            }
        }
        found
    }

    fn values(&self, name: &str, labels: &[(&str, &str)]) -> Vec<f64> {
        self.cells(name, labels).into_iter().map(|(_, _, cells)| cells[0]).collect()
    }

    fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let values = self.values(name, labels);
        assert!(!values.is_empty(), "there is a {name} with {labels:?}");
        values.into_iter().sum()
    }

    /// Count and sum of a histogram's observations.
    fn observed(&self, name: &str, labels: &[(&str, &str)]) -> (f64, f64) {
        self.cells(name, labels).into_iter().fold((0.0, 0.0), |(count, sum), (_, metric, cells)| {
            let Kind::Histogram { bounds } = &metric.cells.layout().kind else {
                panic!("{name} is a histogram")
            };
            let buckets = buckets(bounds, cells);
            (count + buckets.count(), sum + buckets.sum)
        })
    }

    /// Averages of histograms' observations in the next `secs` seconds; `now` is the world's time.
    fn average_of_next(&mut self, now: u64, secs: u64, name: &str, labels: &[&[(&str, &str)]]) -> Vec<f64> {
        let before: Vec<_> = labels.iter().map(|labels| self.observed(name, labels)).collect();
        self.run_to(now + secs);
        let after = labels.iter().map(|labels| self.observed(name, labels));
        after.zip(before).map(|(after, before)| (after.1 - before.1) / (after.0 - before.0)).collect()
    }
}

#[track_caller]
fn assert_near(a: f64, b: f64, share: f64) {
    assert!((a - b).abs() <= share * b.abs(), "{a} is within {share} of {b}");
}

#[test]
fn all_configs_load_without_warnings_and_run_without_errors() {
    for (name, class) in all() {
        let loaded = load(name, class.as_deref(), &[]);
        assert_eq!(loaded.warnings, [""; 0], "{name} {class:?}");
        if loaded.plan.refuse_real_work().is_err() {
            // It has no virtual time.
            continue;
        }
        let mut world = Watched::from(loaded.plan, START);
        world.run_to(600);
        assert_eq!(world.troubles, [""; 0], "{name} {class:?}");
        let unseen: Vec<_> =
            (0..world.plan.families.len()).filter(|family| !world.seen.contains(family)).collect();
        let unseen: Vec<_> = unseen.into_iter().map(|family| &world.plan.families[family].name).collect();
        assert!(unseen.is_empty(), "{name} {class:?}: no sample of {unseen:?}");
    }
}

#[test]
fn all_configs_describe_their_classes_and_arguments() {
    for (name, _) in all() {
        for class in file(name).classes().unwrap() {
            assert!(!class.description.is_empty(), "{name} {}", class.name);
            assert!(!class.arguments.is_empty(), "{name} {}", class.name);
            let mute: Vec<_> = class.arguments.iter().filter(|argument| argument.help.is_empty()).collect();
            assert!(mute.is_empty(), "{name} {}: no help for {mute:?}", class.name);
        }
    }
}

#[test]
fn all_scenarios_has_every_kind() {
    let text = find("all_scenarios").unwrap();
    for kind in KINDS {
        assert!(text.contains(&format!("scenario: {}", kind.name)), "{} is there", kind.name);
        let name = format!("\"scenario_{}", kind.name);
        assert!(text.contains(&name), "{name} is there");
    }
    let mut world = Watched::of("all_scenarios", &[]);
    world.run_to(300);
    assert_eq!(world.values("scenario_do_nothing", &[]), [42.0]);
    assert_eq!(world.values("scenario_calc_by_event_total", &[]), [5.0], "on at 20 s, and every minute");
}

#[test]
fn production_is_large_and_staging_small_and_both_are_labelled() {
    let [production, staging] = ["ProductionConfig", "StagingConfig"].map(|class| {
        let mut world = Watched::from(load("production", Some(class), &[]).plan, START);
        world.run_to(60);
        world
    });
    assert_eq!((production.world.hosts().count(), staging.world.hosts().count()), (19, 4));
    assert!(production.plan.hosts.iter().all(|host| host.labels.get("environment") == Some("production")));
    assert!(staging.plan.hosts.iter().all(|host| host.labels.get("branch") == Some("main")));
    assert!(staging.plan.hosts.iter().all(|host| host.ttl == Span::from_secs(1800)));
    let zones: IndexSet<_> =
        production.plan.hosts.iter().filter_map(|host| host.labels.get("zone")).collect();
    assert_eq!(zones.into_iter().collect::<Vec<_>>(), ["eu-west-1a", "eu-west-1b", "eu-west-1c"]);
    let busy = |world: &Watched| world.sum("nginx_connections_active", &[]);
    assert!(busy(&production) > 20.0 * busy(&staging));
}

#[test]
fn metrics_of_a_production_machine_are_consistent() {
    let mut world = Watched::from(load("production", None, &[]).plan, START);
    world.run_to(600);
    for host in ["web-eu-west-1a-01", "api-eu-west-1b-02", "db-primary"] {
        let of = [("name", host)];
        // Four processors, from the host's first value to its last one before now.
        let seconds = world.sum("node_cpu_seconds_total", &of);
        assert!((2340.0..=2400.0).contains(&seconds), "{host}: {seconds}");
        assert!(
            world.sum("node_memory_MemAvailable_bytes", &of) < world.sum("node_memory_MemTotal_bytes", &of)
        );
        assert!(world.sum("node_filesystem_avail_bytes", &of) < world.sum("node_filesystem_size_bytes", &of));
    }
    let web = [("name", "web-eu-west-1a-01")];
    assert_near(
        world.sum("nginx_http_response_count_total", &web),
        world.sum("nginx_http_requests_total", &web),
        0.001,
    );
    let states = ["nginx_connections_reading", "nginx_connections_writing", "nginx_connections_waiting"];
    let connections: f64 = states.iter().map(|state| world.sum(state, &web)).sum();
    assert_near(connections, world.sum("nginx_connections_active", &web), 0.0);
    let (count, _) = world.observed("nginx_http_response_time_seconds_hist", &web);
    assert_near(count, world.sum("nginx_http_requests_total", &web), 0.03);
    let api = [("name", "api-eu-west-1b-02")];
    let (count, _) = world.observed("http_request_duration_seconds", &api);
    assert_near(count, world.sum("http_requests_total", &api), 0.03);
    let primary = [("name", "db-primary")];
    assert_near(
        world.sum("pg_stat_activity_count", &primary),
        world.sum("pg_stat_database_numbackends", &primary),
        0.0,
    );
}

#[test]
fn backends_of_the_pool_share_the_balancers_total() {
    let mut world = Watched::of("load_balancer_pool", &[]);
    let mut have_been_out = IndexSet::new();
    for secs in (20..=760).step_by(7) {
        world.run_to(secs);
        let total = world.sum("haproxy_backend_current_session_rate", &[]);
        assert_near(world.sum("backend_requests_per_second", &[]), total, 0.001);
        assert_near(world.sum("haproxy_server_current_session_rate", &[]), total, 0.001);
        assert_near(world.sum("haproxy_server_status", &[]), 5.0, 0.0);
        let up = world.sum("backend_up", &[]);
        let answering = world.values("http_requests_total", &[("code", "200")]).len();
        assert_near(f64::from(u32::try_from(answering).unwrap()), up, 0.0);
        for (host, _, cells) in world.cells("backend_up", &[]) {
            if cells[0] == 0.0 {
                have_been_out.insert(host.name.clone());
                assert_near(world.sum("deployment_active", &[]), 1.0, 0.0);
                assert_near(world.sum("haproxy_backend_active_servers", &[]), 4.0, 0.0);
            }
        }
    }
    assert_eq!(have_been_out.len(), 5, "each has had its turn: {have_been_out:?}");
}

#[test]
fn the_others_take_over_the_requests_of_a_drained_backend() {
    let mut world = Watched::of("load_balancer_pool", &[]);
    world.run_to(115);
    let before = world.sum("backend_requests_per_second", &[("name", "backend-02")]);
    world.run_to(128);
    assert_near(world.sum("backend_requests_per_second", &[("name", "backend-01")]), 0.0, 0.0);
    assert!(world.sum("backend_requests_per_second", &[("name", "backend-02")]) > before * 1.08);
    world.run_to(145);
    assert!(world.values("backend_requests_per_second", &[("name", "backend-01")]).is_empty());
    world.run_to(180);
    assert!(world.sum("backend_requests_per_second", &[("name", "backend-01")]) > 50.0);
    let requests: f64 = world.sum("http_requests_total", &[]);
    assert_near(requests, world.sum("haproxy_frontend_http_requests_total", &[]), 0.02);
}

#[test]
fn an_incident_in_payments_shows_in_its_callers_one_after_another() {
    let mut world = Watched::of("microservices", &[]);
    let services = ["gateway", "orders", "payments", "inventory"];
    let labels = services.map(|service| [("service", service)]);
    let labels: Vec<&[(&str, &str)]> = labels.iter().map(<[_; 1]>::as_slice).collect();
    let name = "http_request_duration_seconds";
    world.run_to(10);
    let before = world.average_of_next(10, 105, name, &labels);
    world.run_to(123);
    assert_near(world.sum("incident_active", &[]), 1.0, 0.0);
    let at_first = world.average_of_next(123, 6, name, &labels);
    assert!(at_first[2] > 5.0 * before[2], "payments at once: {at_first:?}, before {before:?}");
    assert!(at_first[0] < 1.5 * before[0] && at_first[1] < 1.5 * before[1], "{at_first:?}, {before:?}");
    world.run_to(150);
    let errors_before = world.sum("http_requests_total", &[("code", "503"), ("service", "gateway")]);
    let in_it = world.average_of_next(150, 60, name, &labels);
    assert!((0..3).all(|n| in_it[n] > 5.0 * before[n]), "{in_it:?}, before {before:?}");
    assert_near(in_it[3], before[3], 0.3);
    assert!(
        world.sum("http_requests_total", &[("code", "503"), ("service", "gateway")]) > errors_before + 100.0
    );
    assert_near(world.sum("http_requests_total", &[("code", "503"), ("service", "inventory")]), 0.0, 0.0);
    world.run_to(290);
    assert_near(world.sum("incident_active", &[]), 0.0, 0.0);
    let after = world.average_of_next(290, 60, name, &labels);
    assert!((0..4).all(|n| after[n] < 1.3 * before[n]), "{after:?}, before {before:?}");
    let (count, _) = world.observed(name, &[]);
    assert_near(count, world.sum("http_requests_total", &[]), 0.02);
}

#[test]
fn the_ground_truth_of_the_incident_agrees_with_the_metrics() {
    let mut world = Watched::of("incident", &[]);
    let errors = |world: &Watched| {
        let failed = world.sum("http_requests_total", &[("code", "500")]);
        (failed, world.sum("http_requests_total", &[]))
    };
    let mut ratio_from = |from: u64, to: u64, is_on: f64, phase: &str| {
        world.run_to(from);
        let before = errors(&world);
        world.run_to(to);
        let after = errors(&world);
        assert_near(world.sum("incident_active", &[]), is_on, 0.0);
        assert_near(world.sum("incident_phase", &[]), is_on, 0.0);
        if is_on > 0.0 {
            assert_near(world.sum("incident_phase", &[("phase", phase)]), 1.0, 0.0);
        }
        let in_use = world.values("db_pool_connections_in_use", &[]).into_iter().fold(0.0, f64::max);
        ((after.0 - before.0) / (after.1 - before.1), in_use)
    };
    let quiet = ratio_from(20, 175, 0.0, "");
    assert!(quiet.0 < 0.006 && quiet.1 <= 13.0, "{quiet:?}");
    let in_errors = ratio_from(190, 235, 1.0, "errors");
    assert!(in_errors.0 > 0.07, "{in_errors:?}");
    let in_latency = ratio_from(250, 295, 1.0, "latency");
    assert!(in_latency.0 > 0.1 && in_latency.1 > 30.0, "{in_latency:?}");
    let in_saturation = ratio_from(310, 355, 1.0, "saturation");
    assert!(in_saturation.0 > 0.25 && in_saturation.1 >= 49.0, "{in_saturation:?}");
    let in_recovery = ratio_from(400, 415, 1.0, "recovery");
    assert!(in_recovery.0 < 0.1, "{in_recovery:?}");
    let healed = ratio_from(440, 590, 0.0, "");
    assert!(healed.0 < 0.006 && healed.1 <= 13.0, "{healed:?}");
}

#[test]
fn the_cluster_is_consistent_at_every_moment() {
    let mut world = Watched::of("kubernetes_cluster", &[]);
    let pods: Vec<String> =
        world.plan.hosts.iter().filter_map(|host| host.labels.get("pod")).map(str::to_owned).collect();
    assert_eq!(pods.len(), 12);
    let mut cpu = vec![0.0; pods.len()];
    for secs in (20..=900).step_by(20) {
        world.run_to(secs);
        for (pod, cpu) in pods.iter().zip(&mut cpu) {
            let of = [("pod", pod.as_str())];
            assert_near(world.sum("kube_pod_status_phase", &of), 1.0, 0.0);
            if pod.starts_with("report") {
                continue;
            }
            assert_near(world.sum("kube_pod_status_ready", &of), 1.0, 0.0);
            let limit =
                |resource| world.sum("kube_pod_container_resource_limits", &[of[0], ("resource", resource)]);
            assert!(world.sum("container_memory_working_set_bytes", &of) <= limit("memory"), "{pod}");
            assert!(world.sum("container_memory_usage_bytes", &of) <= limit("memory"), "{pod}");
            let used = world.sum("container_cpu_usage_seconds_total", &of);
            assert!(used - *cpu <= 25.0 * limit("cpu") && used >= *cpu, "{pod}: {used}");
            *cpu = used;
        }
        let (wanted, there) = ("kube_deployment_spec_replicas", "kube_deployment_status_replicas_available");
        let missing = world.sum("kube_deployment_status_replicas_unavailable", &[]);
        assert_near(world.sum(there, &[]) + missing, world.sum(wanted, &[]), 0.0);
        let not_ready = world.sum("kube_pod_status_ready", &[("condition", "false")]);
        assert_near(not_ready, missing, 0.0);
        let waiting = world.values("kube_pod_container_status_waiting_reason", &[]).into_iter().sum::<f64>();
        assert_near(waiting, missing, 0.0);
    }
    let restarts = world.values("kube_pod_container_status_restarts_total", &[("container", "checkout")]);
    assert!(restarts.iter().all(|restarts| (2.0..=3.0).contains(restarts)), "{restarts:?}");
    assert_near(
        world.sum("kube_pod_container_status_restarts_total", &[]),
        restarts.iter().sum::<f64>(),
        0.0,
    );
}

#[test]
fn nodes_of_the_cluster_carry_their_pods() {
    let mut world = Watched::of("kubernetes_cluster", &[]);
    // The batch pod runs all the time until 120 s.
    world.run_to(60);
    for node in ["node-1", "node-2", "node-3"] {
        let of = [("node", node)];
        let pods = world.sum("container_memory_working_set_bytes", &of);
        let total = world.sum("node_memory_MemTotal_bytes", &of);
        let used = total - world.sum("node_memory_MemAvailable_bytes", &of);
        assert!((pods..pods + 0.1 * total).contains(&used), "{node}: {used} of {pods}");
        assert_near(world.sum("kube_node_status_condition", &[of[0], ("status", "true")]), 1.0, 0.0);
    }
    let on_nodes: f64 = world.sum("node_load1", &[]);
    let before = world.sum("container_cpu_usage_seconds_total", &[]);
    world.run_to(90);
    let in_pods = (world.sum("container_cpu_usage_seconds_total", &[]) - before) / 30.0;
    assert!(on_nodes > in_pods * 0.85 && on_nodes < in_pods * 1.15 + 0.75, "{on_nodes}, {in_pods}");
}

#[test]
fn the_batch_pod_comes_and_goes() {
    let mut world = Watched::of("kubernetes_cluster", &[]);
    let of = [("pod", "report-29384160-h7w2q")];
    let mut at = |secs: u64, phase: &str| {
        world.run_to(secs);
        assert_near(world.sum("kube_pod_status_phase", &[of[0], ("phase", phase)]), 1.0, 0.0);
        !world.values("container_memory_working_set_bytes", &of).is_empty()
    };
    assert!(!at(5, "Pending"));
    assert!(at(60, "Running"));
    assert!(!at(200, "Succeeded"));
    assert!(!at(246, "Pending"));
    assert!(at(280, "Running"));
}

#[test]
fn containers_that_reach_their_limit_are_killed_and_start_again_as_others() {
    let mut world = Watched::of("containers", &[("spike_every", "inf"), ("crash_every", "inf")]);
    let pods: Vec<String> =
        world.plan.hosts.iter().filter_map(|host| host.labels.get("pod")).map(str::to_owned).collect();
    assert_eq!(pods.len(), 8);
    let (mut were_down, mut most) = (0, 0.0f64);
    for secs in (5..=900).step_by(5) {
        world.run_to(secs);
        for pod in &pods {
            let of = [("pod", pod.as_str())];
            let is_running = world.sum("kube_pod_container_status_running", &of);
            assert_near(world.sum("kube_pod_container_status_ready", &of), is_running, 0.0);
            let waits = world.values("kube_pod_container_status_waiting_reason", &of);
            assert_near(waits.into_iter().sum::<f64>(), 1.0 - is_running, 0.0);
            were_down += u32::from(is_running < 1.0);
            let kills = world.sum("container_oom_events_total", &of);
            let restarts = world.sum("kube_pod_container_status_restarts_total", &of);
            assert_near(kills - restarts, 1.0 - is_running, 0.0);
            assert!(kills < 1.0 || pod.starts_with("checkout"), "{pod} does not leak");
            let memory = world.values("container_memory_working_set_bytes", &of).into_iter().sum::<f64>();
            let limit = world.sum("kube_pod_container_resource_limits", &[of[0], ("resource", "memory")]);
            assert!(memory <= limit, "{pod}: {memory}");
            let cpu = world.values("container_cpu_usage_seconds_total", &of).into_iter().sum::<f64>();
            most = most.max(if pod.starts_with("checkout") { cpu } else { 0.0 });
        }
    }
    assert!((4..60).contains(&were_down), "{were_down}");
    let killed =
        world.values("kube_pod_container_status_last_terminated_exitcode", &[("container", "checkout")]);
    assert_eq!(killed, [137.0, 137.0]);
    assert!(most < 0.5 * 500.0, "CPU is counted from 0 again: {most}");
}

#[test]
fn the_shop_gets_slow_when_it_is_busy() {
    let name = "http_request_duration_seconds";
    let mut world = Watched::of("ecommerce", &[("conversion", "0.012")]);
    world.run_to(300);
    let usual = (world.sum("shop_requests_per_second", &[]), world.sum("shop_error_ratio", &[]));
    let before = world.average_of_next(300, 110, name, &[&[]]);
    world.run_to(450);
    // The promotion is on from 420 to 600 s.
    let busy = (world.sum("shop_requests_per_second", &[]), world.sum("shop_error_ratio", &[]));
    let orders = world.sum("shop_orders_total", &[]);
    let requests = world.sum("http_requests_total", &[]);
    let during = world.average_of_next(450, 120, name, &[&[]]);
    assert!(
        busy.0 > 1.5 * usual.0 && during[0] > 1.3 * before[0],
        "{usual:?} {busy:?} {before:?} {during:?}"
    );
    let orders = world.sum("shop_orders_total", &[]) - orders;
    let requests = world.sum("http_requests_total", &[]) - requests;
    assert_near(orders, requests * 0.012, 0.02);
    let (count, _) = world.observed(name, &[]);
    assert_near(count, world.sum("http_requests_total", &[]), 0.02);
    let completed = world.sum("shop_orders_total", &[("status", "completed")]);
    assert_near(world.sum("shop_payments_total", &[]), completed, 0.02);
    assert_near(world.sum("shop_revenue_euros_total", &[]), completed * 64.0, 0.05);
}

#[test]
fn the_shop_fails_when_it_is_overrun_and_sleeps_at_night() {
    let plan = |arguments: &[(&str, &str)]| load("ecommerce", None, arguments).plan;
    let mut overrun = Watched::from(plan(&[("visitors", "2200")]), START);
    overrun.run_to(550);
    assert!(overrun.values("shop_error_ratio", &[]).iter().all(|ratio| *ratio > 0.02));
    assert!(overrun.values("shop_request_seconds", &[]).iter().all(|secs| *secs > 0.3));
    let mut at_night = Watched::from(plan(&[]), Time::from_unix_secs(1_767_600_000 - 6 * 3600));
    at_night.run_to(60);
    let mut by_day = Watched::from(plan(&[]), START);
    by_day.run_to(60);
    let sessions = |world: &Watched| world.sum("shop_sessions_active", &[]);
    assert!(sessions(&by_day) > 4.0 * sessions(&at_night), "{} {}", sessions(&by_day), sessions(&at_night));
}

#[test]
fn dirty_hosts_show_the_fault_in_their_name_and_the_clean_one_none() {
    let mut world = Watched::of("dirty_data", &[]);
    let hosts = ["clean", "gap", "counter-reset", "nan", "clock-skew", "late", "out-of-order", "flapping"];
    let name = "http_requests_total";
    let mut last = [0.0; 8];
    let mut seen = [[0u32; 4]; 8];
    let own_time = |world: &Watched, host: &str| {
        let stamp = world.host(host).stamp();
        stamp.and_then(|stamp| stamp.own_time)
    };
    for secs in (5..=950).step_by(5) {
        world.run_to(secs);
        let now = START + Span::from_secs(secs);
        for (host, (last, seen)) in hosts.iter().zip(last.iter_mut().zip(&mut seen)) {
            let [absent, nan, fallen, off] = seen;
            match world.values(name, &[("name", host)]).first() {
                None => *absent += 1,
                Some(value) if value.is_nan() => *nan += 1,
                Some(value) => {
                    *fallen += u32::from(*value < *last);
                    *last = *value;
                }
            }
            let wrong_by = |time: Time| time.since(now).as_secs_f64().max(now.since(time).as_secs_f64());
            *off += u32::from(own_time(&world, host).is_some_and(|time| wrong_by(time) > 11.0));
        }
    }
    // Times without a sample, with a NaN, with a value below the one before, with another timestamp.
    let shown = hosts.iter().zip(seen).map(|(host, seen)| format!("{host}: {seen:?}"));
    insta::assert_snapshot!(shown.collect::<Vec<_>>().join("\n"), @r#"
    clean: [0, 0, 0, 0]
    gap: [21, 0, 0, 0]
    counter-reset: [0, 0, 3, 0]
    nan: [0, 10, 0, 0]
    clock-skew: [0, 0, 0, 24]
    late: [0, 0, 0, 16]
    out-of-order: [0, 0, 23, 39]
    flapping: [26, 0, 0, 0]
    "#);
    let episodes = |kind: &str| world.sum("dirt_episodes_total", &[("kind", kind)]);
    assert_eq!((episodes("gap"), episodes("counter_reset")), (3.0, 3.0));
    assert!(episodes("flapping") >= 10.0);
}

/// The members of the pools of a host's part, by the label `id`.
fn members(world: &Watched, host: &str, part: &str) -> IndexSet<String> {
    let host = world.host(host);
    let (kind, pools) =
        host.plan().shape.pools.iter().enumerate().find(|(_, pools)| &*pools.name == part).unwrap();
    let living = (0..pools.max).filter_map(|slot| host.slot(kind, slot));
    let ids = living.map(|(labels, _)| {
        assert_eq!((labels.get("part"), labels.get("name")), (Some(part), Some(&*host.plan().name)));
        labels.get("id").unwrap().to_owned()
    });
    let ids: Vec<String> = ids.collect();
    let count = ids.len();
    let ids: IndexSet<String> = ids.into_iter().collect();
    assert_eq!(ids.len(), count, "no two are equal");
    ids
}

#[test]
fn members_of_churn_come_and_go_as_their_part_promises() {
    let mut world = Watched::of("churn", &[]);
    let mut seen: [IndexSet<String>; 4] = std::array::from_fn(|_| IndexSet::new());
    let mut counts: Vec<[usize; 6]> = Vec::new();
    let parts = ["stable", "churning", "intermittent", "deployed", "growing", "spiking"];
    for secs in (30..=930).step_by(30) {
        world.run_to(secs);
        let living = parts.map(|part| members(&world, "app-01", part));
        counts.push(std::array::from_fn(|n| living[n].len()));
        for (seen, living) in seen.iter_mut().zip(living) {
            seen.extend(living);
        }
    }
    let of = |part: usize| counts.iter().map(move |counts| counts[part]);
    assert!(of(0).all(|count| count == 30) && seen[0].len() == 30);
    assert!(of(1).all(|count| count == 30));
    assert!((130..200).contains(&seen[1].len()), "30 · 930 / 210 and those of the start: {}", seen[1].len());
    assert!(of(2).all(|count| count < 20) && of(2).any(|count| count != counts[3][2]) && seen[2].len() == 20);
    assert!(of(3).all(|count| count == 20));
    assert_eq!(seen[3].len(), 20 + 5 * 10, "half of them at 60, 240, 420, 600 and 780 s");
    assert!(of(4).is_sorted() && of(4).max() == Some(75));
    let spikes: Vec<bool> = of(5).map(|count| count > 50).collect();
    assert_eq!(spikes.iter().filter(|spike| **spike).count(), 6, "two of ten: {spikes:?}");
    assert!(of(5).all(|count| count == 0 || count > 50));
    let bare = load("churn", None, &[("series", "2000"), ("churning", "0.8"), ("intermittent", "0")]).plan;
    assert_eq!(bare.hosts.len(), 3);
}

#[test]
fn every_metric_type_has_a_metric_as_the_config_promises() {
    let mut world = Watched::of("metric_types", &[]);
    let types: IndexSet<_> = world.plan.families.iter().map(|family| family.metric_type).collect();
    assert_eq!(types.len(), MetricType::ALL.len());
    world.run_to(280);
    for (_, metric, cells) in world.cells("request_duration_native_seconds", &[]) {
        let Kind::NativeHistogram(layout) = &metric.cells.layout().kind else { panic!("it is native") };
        let histogram = native_histogram(layout, cells);
        assert_near(histogram.quantile(0.5), 0.08, 0.05);
        assert_near(histogram.quantile(0.99), 0.6, 0.05);
        assert_eq!(metric.cells.layout().exemplar(cells).unwrap().trace_id().len(), 32);
    }
    for (_, metric, cells) in world.cells("request_duration_seconds", &[]) {
        let Kind::Histogram { bounds } = &metric.cells.layout().kind else { panic!("it is classic") };
        let buckets = buckets(bounds, cells);
        let up_to =
            |bound: f64| buckets.counts[..=buckets.bucket_of(bound)].iter().sum::<f64>() / buckets.count();
        assert_near(up_to(0.08), 0.5, 0.05);
        assert_near(up_to(0.6), 0.99, 0.002);
    }
    for (_, metric, cells) in world.cells("request_size_bytes", &[]) {
        let Kind::Summary { quantiles: of } = &metric.cells.layout().kind else { panic!("it is a summary") };
        let summary = quantiles(of, cells);
        assert_near(summary.values[0], 2000.0, 0.05);
        assert_near(summary.values[2], 500_000.0, 0.05);
        assert_near(summary.count, 200.0 * 280.0, 0.05);
    }
    assert!(world.values("circuit_breaker", &[]).iter().all(|state| [0.0, 1.0, 2.0].contains(state)));
    assert!(world.values("build_info", &[]).iter().all(|value| value.to_bits() == 1f64.to_bits()));
    let (_, metric, cells) = world.cells("requests_total", &[])[0];
    let created = metric.cells.layout().created_unix_secs(cells).unwrap();
    assert!((created - START.unix_secs()).abs() < 10.0, "{created}");
}
