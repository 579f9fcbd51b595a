//! The built-in configs: those of the folder `configs`, so that the program works in any folder.

/// Name and text, sorted by name. A test compares the list with the folder `configs`.
pub(super) const SHIPPED: &[(&str, &str)] = &[
    ("all_scenarios", include_str!("../configs/all_scenarios.ron")),
    ("churn", include_str!("../configs/churn.ron")),
    ("containers", include_str!("../configs/containers.ron")),
    ("custom_scenario", include_str!("../configs/custom_scenario.ron")),
    ("dirty_data", include_str!("../configs/dirty_data.ron")),
    ("ecommerce", include_str!("../configs/ecommerce.ron")),
    ("hosts_load_with_peaks", include_str!("../configs/hosts_load_with_peaks.ron")),
    ("incident", include_str!("../configs/incident.ron")),
    ("kubernetes_cluster", include_str!("../configs/kubernetes_cluster.ron")),
    ("load_balancer_pool", include_str!("../configs/load_balancer_pool.ron")),
    ("load_phases", include_str!("../configs/load_phases.ron")),
    ("memcached_load", include_str!("../configs/memcached_load.ron")),
    ("metric_types", include_str!("../configs/metric_types.ron")),
    ("microservices", include_str!("../configs/microservices.ron")),
    ("node_sets", include_str!("../configs/node_sets.ron")),
    ("processes", include_str!("../configs/processes.ron")),
    ("processes_chaos", include_str!("../configs/processes_chaos.ron")),
    ("processes_churn", include_str!("../configs/processes_churn.ron")),
    ("processes_high_cardinality", include_str!("../configs/processes_high_cardinality.ron")),
    ("processes_realistic", include_str!("../configs/processes_realistic.ron")),
    ("production", include_str!("../configs/production.ron")),
    ("replay", include_str!("../configs/replay.ron")),
    ("resilience", include_str!("../configs/resilience.ron")),
    ("resilience_baseline", include_str!("../configs/resilience_baseline.ron")),
    ("resilience_suite", include_str!("../configs/resilience_suite.ron")),
    ("resilience_toxiproxy", include_str!("../configs/resilience_toxiproxy.ron")),
    ("saas_users", include_str!("../configs/saas_users.ron")),
    ("single_host_load", include_str!("../configs/single_host_load.ron")),
    ("user_population", include_str!("../configs/user_population.ron")),
];

/// The text of a built-in config.
pub(super) fn find(name: &str) -> Option<&'static str> {
    SHIPPED.iter().find(|(shipped, _)| *shipped == name).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests;
