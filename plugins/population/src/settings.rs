//! The checked parameters of a population.

/// The types of tokens, in the order of their prices.
pub(crate) const TOKEN_TYPES: [&str; 3] = ["input", "output", "cache"];
/// The types of errors.
pub(crate) const ERROR_TYPES: [&str; 5] = ["timeout", "network", "auth", "validation", "rate_limit"];
/// The index of each type of error.
pub(crate) const TIMEOUT: usize = 0;
pub(crate) const NETWORK: usize = 1;
pub(crate) const AUTH: usize = 2;
pub(crate) const VALIDATION: usize = 3;
pub(crate) const RATE_LIMIT: usize = 4;

/// A population.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Number of users.
    pub(crate) total: u64,
    /// Number of users with a `user_id` of their own.
    pub(crate) visible_users: u64,
    /// The kinds of users; their shares have the sum 1.
    pub(crate) kinds: Vec<Kind>,
    /// Sessions of a user in an hour, at activity 1.
    pub(crate) sessions_per_hour: f64,
    /// The speed, per hour, at which activity returns to its mean.
    pub(crate) reversion: f64,
    /// Factors of the hours of a day, from midnight on, with mean 1; none without a season.
    pub(crate) hours: Vec<f64>,
    /// Factors of the days of a week, from Monday on, with mean 1; none without a season.
    pub(crate) weekdays: Vec<f64>,
    /// The time zone of the hours.
    pub(crate) time_zone: jiff::tz::TimeZone,
    /// Times of higher load.
    pub(crate) burst: Burst,
    /// Shortest and longest session in seconds.
    pub(crate) session_secs: (f64, f64),
    /// Calls of a session in a second.
    pub(crate) calls_per_sec: f64,
    /// The tools by name, with their shares of the calls.
    pub(crate) tools: Vec<(String, f64)>,
    /// The models that answer.
    pub(crate) models: Vec<Model>,
    /// Mean tokens of a call, by type.
    pub(crate) tokens: [f64; 3],
    /// The share of calls that fail for each type of error, without faults and load.
    pub(crate) errors: [f64; 5],
    /// The most commits of a session.
    pub(crate) commits_max: u64,
    /// How requests are answered.
    pub(crate) service: Service,
    /// Reactions of users to failures.
    pub(crate) after_failure: AfterFailure,
    /// Bounds of the histogram of durations.
    pub(crate) session_bounds: Vec<f64>,
    /// Bounds of the histogram of requests.
    pub(crate) request_bounds: Vec<f64>,
    /// Names of the families.
    pub(crate) names: Names,
}

/// A kind of users.
#[derive(Clone, Debug)]
pub(crate) struct Kind {
    pub(crate) name: String,
    pub(crate) share: f64,
    /// Mean activity.
    pub(crate) activity: f64,
    /// Its standard deviation in an hour, if nothing brought it back.
    pub(crate) volatility: f64,
    /// Median of a session in seconds.
    pub(crate) session_secs: f64,
    /// Deviation of its logarithm.
    pub(crate) sigma: f64,
    /// The probability that a session commits.
    pub(crate) commits: f64,
}

/// A model.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) name: String,
    /// Its share of the sessions.
    pub(crate) share: f64,
    /// Prices of 1000 tokens, by type.
    pub(crate) prices: [f64; 3],
}

/// Bursts of load, from half of the interval on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Burst {
    pub(crate) every_secs: f64,
    pub(crate) secs: f64,
    pub(crate) factor: f64,
}

/// The service that answers requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service {
    /// Median of the time of an answer in seconds, without load.
    pub(crate) median_secs: f64,
    /// Deviation of its logarithm.
    pub(crate) sigma: f64,
    /// Time after which a request fails.
    pub(crate) timeout_secs: f64,
    /// Requests that it answers in a second, at most.
    pub(crate) capacity: f64,
}

/// Shares of failed calls after which the user does something; the rest gives the call up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AfterFailure {
    /// Calls the same model again.
    pub(crate) retry: f64,
    /// Calls another model.
    pub(crate) fallback: f64,
    /// Ends the session.
    pub(crate) leave: f64,
    /// Mean time to the next call in seconds.
    pub(crate) delay_secs: f64,
}

/// The names of the families; one with an empty name is left out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) sessions: String,
    pub(crate) tokens: String,
    pub(crate) cost: String,
    pub(crate) tools: String,
    pub(crate) errors: String,
    pub(crate) commits: String,
    pub(crate) session_duration: String,
    pub(crate) active_sessions: String,
    pub(crate) request_duration: String,
}

impl Names {
    /// All names.
    pub(crate) const fn all(&mut self) -> [&mut String; 9] {
        [
            &mut self.sessions,
            &mut self.tokens,
            &mut self.cost,
            &mut self.tools,
            &mut self.errors,
            &mut self.commits,
            &mut self.session_duration,
            &mut self.active_sessions,
            &mut self.request_duration,
        ]
    }
}

impl Settings {
    /// The number of users of each kind, whose sum is the total; the same for those with names, if `of` is their number.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "counts are far below 2^53"
    )]
    pub(crate) fn users_by_kind(&self, of: u64) -> Vec<u64> {
        let exact = |kind: &Kind| kind.share * of as f64;
        let mut users: Vec<u64> = self.kinds.iter().map(|kind| exact(kind).floor() as u64).collect();
        let mut by_rest: Vec<usize> = (0..users.len()).collect();
        by_rest.sort_by(|a, b| {
            let rest = |index: usize| exact(&self.kinds[index]).fract();
            rest(*b).total_cmp(&rest(*a)).then(a.cmp(b))
        });
        let left = of - users.iter().sum::<u64>().min(of);
        by_rest.into_iter().cycle().take(left as usize).for_each(|index| users[index] += 1);
        users
    }
}

#[cfg(test)]
pub(crate) mod examples;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_of_all_kinds_sum_up_to_the_total() {
        let settings = examples::three_kinds(100);
        assert_eq!(settings.users_by_kind(100), [10, 70, 20]);
        for of in 0..40 {
            assert_eq!(settings.users_by_kind(of).iter().sum::<u64>(), of);
        }
    }
}
