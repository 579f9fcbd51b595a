//! The declared parameters, and the way from them to settings. All that is wrong is refused at its place.

use std::time::Duration;

use promemu_plugin::{Param, Params, Refused};

use crate::key_space::{KEYS_MAX, KeySettings};
use crate::operation::Mix;
use crate::settings::{Pace, PoolSettings, ServerSettings, Settings, Timeouts};
use crate::{Policy, Trip};

const WORKLOADS: &str = "mixed,get_heavy,set_heavy";
const SHARES: &[Param] = &[
    Param::number("get", "0", "share of gets"),
    Param::number("set", "0", "share of sets"),
    Param::number("delete", "0", "share of deletes"),
    Param::number("incr", "0", "share of increments"),
];
/// The most values of a setting that counts connections, requests or workers.
const COUNT_MAX: u32 = 100_000;
const SERVERS_MAX: usize = 100;
/// memcached's own limit.
const VALUE_BYTES_MAX: u32 = 1_000_000;
/// memcached takes larger numbers for times.
const EXPIRY_SECS_MAX: f64 = 2_592_000.0;

/// The parameters.
pub(crate) const PARAMS: &[Param] = &[
    Param::text(
        "servers",
        "127.0.0.1:11211,127.0.0.1:11212,127.0.0.1:11213",
        "addresses, each with a name before it, as in memcache1=127.0.0.1:11211, if it is not memcache and its number",
    ),
    Param::record("workload", SHARES, "mixed", "shares of the operations, as in (get: 60, set: 40)")
        .with_words(WORKLOADS),
    Param::number("keys", "10000", "number of keys"),
    Param::number("zipf", "0.99", "exponent of Zipf's law of the keys; 0: all alike"),
    Param::number("hot_keys", "10", "number of hot keys"),
    Param::number("hot_share", "0.3", "share of the operations that use a hot key"),
    Param::range("value_bytes", "(100, 1000)", "shortest and longest value"),
    Param::duration("expiry", "inf", "life of a value, in whole seconds"),
    Param::choice("pace", "open,closed", "open", "open: by rate; closed: by workers"),
    Param::number("rate", "1000", "requests a second of an open loop, at random intervals"),
    Param::number(
        "queue",
        "1000",
        "the most requests that wait for a server in an open loop; more fail at once",
    ),
    Param::number("workers", "10", "workers of a closed loop, each with one request at a time"),
    Param::text("lever", "none", "lever by which the rate, or the number of workers, is multiplied"),
    Param::number("pool_size", "100", "connections to a server, at most"),
    Param::duration("pool_lifetime", "1m", "age from which on a connection is not used again"),
    Param::duration("pool_idle", "30s", "time without use after which a connection is closed"),
    Param::duration("connect_timeout", "1s", "time to connect, at most"),
    Param::duration("timeout", "1s", "time from a request to its answer, at most"),
    Param::duration("acquire_timeout", "1s", "time to wait for a connection of a full pool, at most"),
    Param::choice("breaker", "on,off", "on", "a circuit breaker for each server"),
    Param::number("breaker_max_requests", "3", "requests that a half-open breaker lets through"),
    Param::duration("breaker_interval", "30s", "window of a closed breaker's counts"),
    Param::duration("breaker_bucket", "10s", "step by which the window moves on"),
    Param::duration("breaker_timeout", "5s", "time that a breaker stays open"),
    Param::number("breaker_consecutive", "100", "failures in a row that open a breaker"),
    Param::number("breaker_requests", "10", "requests from which on their failures can open a breaker"),
    Param::number("breaker_share", "0.3", "share of failures that opens a breaker then"),
    Param::number("retries", "0", "tries after a failed one; increments are not tried again"),
    Param::text("summary", "none", "file for the summary of the run in JSON; none for no file"),
];

/// Reads parameters, refusing each that is wrong.
struct Reader<'a> {
    params: &'a Params<'a>,
    refused: Option<Refused>,
}

impl Reader<'_> {
    fn refuse(&mut self, name: &str, reason: &str) {
        self.refused = Some(self.params.refuse(name, reason));
    }

    fn number(&mut self, name: &str, low: f64, high: f64) -> f64 {
        let given = self.params.number(name);
        if !(low..=high).contains(&given) {
            self.refuse(name, &format!("must be from {low} to {high}, but is {given}"));
        }
        given
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked, or refused")]
    fn whole(&mut self, name: &str, low: u32, high: u32) -> u32 {
        let given = self.params.number(name);
        if given.fract() != 0.0 || !(f64::from(low)..=f64::from(high)).contains(&given) {
            self.refuse(name, &format!("must be a whole number from {low} to {high}, but is {given}"));
        }
        given as u32
    }

    /// A text that is not `none`.
    fn word(&self, name: &str) -> Option<String> {
        Some(self.params.text(name)).filter(|text| *text != "none").map(str::to_owned)
    }

    fn count(&mut self, name: &str) -> usize {
        self.whole(name, 1, COUNT_MAX) as usize
    }

    fn duration(&mut self, name: &str) -> Duration {
        let secs = self.params.seconds(name);
        match Duration::try_from_secs_f64(secs) {
            Ok(duration) if !duration.is_zero() && secs <= 1e6 => duration,
            _ => {
                self.refuse(name, "must be above 0s and at most 1000000s");
                Duration::from_secs(1)
            }
        }
    }

    fn servers(&mut self) -> Vec<ServerSettings> {
        let text = self.params.text("servers");
        let mut servers: Vec<ServerSettings> = Vec::new();
        for (number, entry) in text.split(',').map(str::trim).enumerate() {
            let (name, address) = entry.split_once('=').map_or_else(
                || (format!("memcache{}", number + 1), entry),
                |(name, address)| (name.trim().to_owned(), address.trim()),
            );
            let port =
                address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
            if name.is_empty() || port.is_none_or(|(host, port)| host.is_empty() || port == 0) {
                self.refuse(
                    "servers",
                    &format!("must be HOST:PORT or NAME=HOST:PORT each, but one is {entry:?}"),
                );
            }
            if servers.iter().any(|server| server.name == name) {
                self.refuse("servers", &format!("must have a name of its own each, but two are {name:?}"));
            }
            servers.push(ServerSettings { name, address: address.to_owned() });
        }
        if servers.len() > SERVERS_MAX {
            self.refuse("servers", &format!("must be {SERVERS_MAX} at most, but are {}", servers.len()));
        }
        servers
    }

    fn mix(&mut self) -> Mix {
        match self.params.word("workload") {
            Some("get_heavy") => Mix::GET_HEAVY,
            Some("set_heavy") => Mix::SET_HEAVY,
            Some(_) => Mix::MIXED,
            None => {
                let shares = self.params.record("workload");
                let shares = ["get", "set", "delete", "incr"].map(|name| shares.number(name));
                Mix::new(shares).unwrap_or_else(|| {
                    self.refuse("workload", "must have shares of 0 or more, and one above 0");
                    Mix::MIXED
                })
            }
        }
    }

    fn keys(&mut self) -> KeySettings {
        KeySettings {
            count: self.whole("keys", 1, KEYS_MAX),
            zipf: self.number("zipf", 0.0, 10.0),
            hot: self.whole("hot_keys", 0, KEYS_MAX),
            hot_share: self.number("hot_share", 0.0, 1.0),
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked, or refused")]
    fn value_bytes(&mut self) -> (u32, u32) {
        let (low, high) = self.params.range("value_bytes");
        if !(1.0 <= low && low <= high && high <= f64::from(VALUE_BYTES_MAX)) {
            self.refuse(
                "value_bytes",
                &format!("must be from 1 to {VALUE_BYTES_MAX}, but are {low} to {high}"),
            );
        }
        (low as u32, high as u32)
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked, or refused")]
    fn expiry(&mut self) -> u32 {
        let secs = self.params.seconds("expiry");
        if secs.is_infinite() {
            return 0;
        }
        if secs.fract() != 0.0 || !(1.0..=EXPIRY_SECS_MAX).contains(&secs) {
            self.refuse("expiry", "must be whole seconds, from 1s to 30d, or inf");
        }
        secs as u32
    }

    fn pace(&mut self) -> Pace {
        let (rate, queue) = (self.number("rate", 0.0, 1e6), self.count("queue"));
        let workers = self.number("workers", 0.0, 10_000.0);
        if self.params.choice("pace") == "open" {
            Pace::Open { rate, queue }
        } else {
            Pace::Closed { workers }
        }
    }

    fn breaker(&mut self) -> Option<Policy> {
        let policy = Policy {
            max_requests: self.whole("breaker_max_requests", 1, COUNT_MAX),
            interval: self.duration("breaker_interval"),
            bucket: self.duration("breaker_bucket"),
            timeout: self.duration("breaker_timeout"),
            trip: Trip::Ratio {
                consecutive: self.whole("breaker_consecutive", 1, COUNT_MAX),
                requests: self.whole("breaker_requests", 1, COUNT_MAX),
                share: self.number("breaker_share", 0.0, 1.0),
            },
        };
        if policy.interval > policy.bucket * 1000 {
            self.refuse("breaker_bucket", "must be at least a thousandth of breaker_interval");
        }
        (self.params.choice("breaker") == "on").then_some(policy)
    }
}

/// Checks all parameters.
pub(crate) fn settings(params: &Params<'_>) -> Result<Settings, Refused> {
    let mut read = Reader { params, refused: None };
    let settings = Settings {
        servers: read.servers(),
        mix: read.mix(),
        keys: read.keys(),
        value_bytes: read.value_bytes(),
        expiry_secs: read.expiry(),
        pace: read.pace(),
        lever: read.word("lever"),
        pool: PoolSettings {
            size: read.whole("pool_size", 1, 10_000) as usize,
            lifetime: read.duration("pool_lifetime"),
            idle: read.duration("pool_idle"),
        },
        timeouts: Timeouts {
            connect: read.duration("connect_timeout"),
            request: read.duration("timeout"),
            acquire: read.duration("acquire_timeout"),
        },
        breaker: read.breaker(),
        retries: read.whole("retries", 0, 100),
        summary: read.word("summary").map(Into::into),
    };
    read.refused.map_or(Ok(settings), Err)
}
