//! Settings for tests.

use super::{AfterFailure, Burst, Kind, Model, Names, Service, Settings};

fn kind(name: &str, share: f64, activity: f64, volatility: f64, minutes: f64, sigma: f64) -> Kind {
    let session_secs = minutes * 60.0;
    Kind { name: name.to_owned(), share, activity, volatility, session_secs, sigma, commits: 0.2 }
}

/// So many users of three kinds, at all hours the same, with bursts.
pub(crate) fn three_kinds(total: u64) -> Settings {
    let model = |name: &str, share, price| Model {
        name: name.to_owned(),
        share,
        prices: [price, 5.0 * price, 0.1 * price],
    };
    Settings {
        total,
        visible_users: 10,
        kinds: vec![
            kind("power", 0.1, 2.75, 0.2, 30.0, 0.8),
            kind("regular", 0.7, 1.15, 0.3, 10.0, 0.6),
            kind("idle", 0.2, 0.3, 0.4, 5.0, 0.4),
        ],
        sessions_per_hour: 0.2,
        reversion: 12.0,
        hours: Vec::new(),
        weekdays: Vec::new(),
        time_zone: jiff::tz::TimeZone::UTC,
        burst: Burst { every_secs: 3600.0, secs: 300.0, factor: 3.0 },
        session_secs: (10.0, 7200.0),
        calls_per_sec: 1.0 / 60.0,
        tools: [("Read", 0.25), ("Edit", 0.2), ("Bash", 0.55)]
            .map(|(name, share)| (name.to_owned(), share))
            .into(),
        models: vec![model("large", 0.6, 0.015), model("small", 0.4, 0.003)],
        tokens: [1500.0, 400.0, 6000.0],
        errors: [0.001, 0.002, 0.001, 0.008, 0.002],
        commits_max: 5,
        service: Service { median_secs: 0.8, sigma: 0.5, timeout_secs: 30.0, capacity: 1e9 },
        after_failure: AfterFailure { retry: 0.6, fallback: 0.25, leave: 0.05, delay_secs: 5.0 },
        session_bounds: vec![10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0],
        request_bounds: vec![0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0],
        names: Names::default(),
    }
}
