//! The declared parameters, and the way from them to settings. All that is wrong is refused at its place.

use promemu_plugin::{Param, Params, Refused};

use crate::assistant::{ASSISTANT, ERRORS, KINDS, MODEL_PRICES, MODELS, TOKENS, TOOLS};
use crate::check::Check;
use crate::settings::{AfterFailure, Burst, ERROR_TYPES, Kind, Model, Names, Service, Settings, TOKEN_TYPES};

const KIND: Param = Param::record(
    "kind",
    &[
        Param::number("share", "", "its share of the users; those of all kinds have the sum 1"),
        Param::range(
            "activity",
            "",
            "sessions of a user, in multiples of sessions_per_hour; their mean is the middle",
        ),
        Param::number("volatility", "0.3", "how much the activity changes in an hour"),
        Param::duration("session", "10m", "median length of a session"),
        Param::number("sigma", "0.6", "deviation of the logarithm of the length"),
        Param::number("commits", "0.2", "probability that a session commits"),
    ],
    "",
    "a kind of users",
);
const PRICES: Param = Param::record(
    "prices",
    &[
        Param::number("input", "0", "USD for 1000 input tokens"),
        Param::number("output", "0", "USD for 1000 output tokens"),
        Param::number("cache", "0", "USD for 1000 tokens of the cache"),
    ],
    "",
    "prices of a model",
);
const SHARE: Param = Param::number("share", "", "a share");
const NAME: Param = Param::text("name", "", "a name");

/// The parameters.
pub(crate) const PARAMS: &[Param] = &[
    Param::number("total", "100", "number of users; the lever users is the share of them that takes part"),
    Param::number(
        "visible_users",
        "10",
        "number of users with a user_id of their own; the others are \"other\"",
    ),
    Param::map("kinds", &KIND, ASSISTANT, "kinds of users, by the value of the label user_type")
        .with_words(ASSISTANT),
    Param::number("sessions_per_hour", "0.2", "sessions of a user in an hour, at activity 1"),
    Param::number("reversion", "12", "how fast activity returns to its mean, per hour"),
    Param::numbers(
        "hours",
        "[0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 1.5, 1.5, 1.5, 2, 2, 2, 2, 2, 2, 2, 2, 1.5, 1.5, 1.5, 1.5, 1.5, 0.3, 0.3]",
        "relative activity of each hour from midnight on; [] for all the same",
    ),
    Param::numbers(
        "weekdays",
        "[1, 1, 1, 1, 1, 0.3, 0.3]",
        "the same of each day from Monday on; [] for all the same",
    ),
    Param::text("time_zone", "UTC", "time zone of the hours, as in Europe/Berlin"),
    Param::duration("burst_interval", "1h", "time from one burst of sessions to the next"),
    Param::duration("burst_duration", "5m", "length of a burst; 0s for none"),
    Param::number("burst_factor", "3", "sessions that begin in a burst, in multiples of those besides"),
    Param::range("session_secs", "(10, 7200)", "shortest and longest session in seconds"),
    Param::number(
        "calls_per_minute",
        "1",
        "calls of a session in a minute; each uses a tool and asks a model",
    ),
    Param::map("tools", &SHARE, ASSISTANT, "tools with their shares of the calls").with_words(ASSISTANT),
    Param::map("model_distribution", &SHARE, ASSISTANT, "models with their shares of the sessions")
        .with_words(ASSISTANT),
    Param::map(
        "costs_per_1k_tokens",
        &PRICES,
        ASSISTANT,
        "prices of each model in USD; a model without is free",
    )
    .with_words(ASSISTANT),
    Param::map("tokens", &SHARE, ASSISTANT, "mean tokens of a call: input, output, cache")
        .with_words(ASSISTANT),
    Param::map(
        "errors",
        &SHARE,
        ASSISTANT,
        "share of the calls that fail without any fault: timeout, network, auth, validation, rate_limit",
    )
    .with_words(ASSISTANT),
    Param::number("commits_max", "5", "the most commits of a session that commits"),
    Param::number("capacity", "50", "requests that all models together can answer in a second"),
    Param::duration("latency", "800ms", "median time of an answer without load"),
    Param::number("latency_sigma", "0.5", "deviation of its logarithm"),
    Param::duration("timeout", "30s", "time after which a request fails"),
    Param::number("retry", "0.6", "share of failed calls that the user makes again"),
    Param::number("fallback", "0.25", "share of failed calls that the user makes to another model"),
    Param::number("leave", "0.05", "share of failed calls after which the user ends the session"),
    Param::duration("retry_delay", "5s", "mean time from a failed call to the next one"),
    Param::numbers(
        "session_buckets",
        "[10, 30, 60, 300, 600, 1800, 3600, 7200]",
        "bounds of the histogram of sessions",
    ),
    Param::numbers(
        "request_buckets",
        "[0.25, 0.5, 1, 2, 3, 4, 5, 7.5, 10, 15, 20, 30]",
        "bounds of the histogram of requests",
    ),
    Param::text("prefix", "otel_claude_code_", "the begin of the names of all metrics"),
    Param::map(
        "names",
        &NAME,
        "{}",
        "other names of metrics, after the prefix, by the name that they replace; an empty one leaves the metric out",
    ),
];

/// The most bins of running sessions: some 100 MB.
const BINS_MAX: f64 = 16e6;
/// The most users.
const USERS_MAX: f64 = 1e9;
/// The most users with names.
const VISIBLE_MAX: f64 = 10_000.0;

/// The settings, or a refusal of all that is wrong.
pub(crate) fn settings(params: &Params<'_>) -> Result<Settings, Refused> {
    let mut check = Check { params, refused: None };
    let kinds = kinds(&mut check);
    let models = models(&mut check);
    let service = service(&mut check);
    let settings = Settings {
        total: check.whole("total", USERS_MAX),
        visible_users: check.whole("visible_users", VISIBLE_MAX),
        kinds,
        sessions_per_hour: check.number("sessions_per_hour", 0.0, 1e6),
        reversion: check.number("reversion", 0.001, 1e6),
        hours: check.factors("hours", 24),
        weekdays: check.factors("weekdays", 7),
        time_zone: check.time_zone(),
        burst: burst(&mut check),
        session_secs: check.session_secs(),
        calls_per_sec: check.number("calls_per_minute", 0.0, 6000.0) / 60.0,
        tools: check.shares("tools", &TOOLS),
        models,
        tokens: check.named("tokens", TOKEN_TYPES, TOKENS, 1e9),
        errors: check.named("errors", ERROR_TYPES, ERRORS, 1.0),
        commits_max: check.whole("commits_max", 1000.0).max(1),
        service,
        after_failure: after_failure(&mut check),
        session_bounds: check.bounds("session_buckets"),
        request_bounds: check.bounds("request_buckets"),
        names: names(&mut check),
    };
    #[expect(clippy::cast_precision_loss, reason = "some hundred at most")]
    let of_strata =
        (settings.kinds.len() * settings.models.len() * (settings.session_bounds.len() + 1)) as f64;
    if of_strata * settings.session_secs.1 > BINS_MAX {
        check.refuse(
            "session_secs",
            "is too long for so many kinds, models and buckets: their product is above 16000000 seconds",
        );
    }
    check.refused.map_or(Ok(settings), Err)
}

fn kinds(check: &mut Check<'_, '_>) -> Vec<Kind> {
    if check.params.word("kinds").is_some() {
        let kinds =
            KINDS.iter().map(|(name, share, activity, volatility, session_secs, sigma, commits)| Kind {
                name: (*name).to_owned(),
                share: *share,
                activity: *activity,
                volatility: *volatility,
                session_secs: *session_secs,
                sigma: *sigma,
                commits: *commits,
            });
        return kinds.collect();
    }
    let mut kinds = Vec::new();
    for (name, params) in check.params.entries("kinds") {
        let mut of = Check { params: &params, refused: None };
        let (low, high) = params.range("activity");
        if !(low >= 0.0 && high > 0.0) {
            of.refuse("activity", "must be 0 or more, with a middle above 0");
        }
        kinds.push(Kind {
            name: name.to_owned(),
            share: of.number("share", 0.0, 1.0),
            activity: f64::midpoint(low, high).max(1e-9),
            volatility: of.number("volatility", 0.0, 1e3),
            session_secs: of.seconds("session", 1.0),
            sigma: of.number("sigma", 0.01, 5.0),
            commits: of.number("commits", 0.0, 1.0),
        });
        check.refused = of.refused.or(check.refused.take());
    }
    let sum: f64 = kinds.iter().map(|kind| kind.share).sum();
    if !(1..=50).contains(&kinds.len()) {
        check.refuse("kinds", format!("must be 1 to 50 kinds, but there are {}", kinds.len()));
    } else if (sum - 1.0).abs() > 1e-6 {
        check.refuse("kinds", format!("must have shares with the sum 1, but it is {sum}"));
    }
    kinds
}

fn models(check: &mut Check<'_, '_>) -> Vec<Model> {
    let shares = check.shares("model_distribution", &MODELS);
    if shares.len() > 50 {
        check.refuse(
            "model_distribution",
            format!("must be 50 models at most, but there are {}", shares.len()),
        );
    }
    let mut models: Vec<Model> =
        shares.into_iter().map(|(name, share)| Model { name, share, prices: [0.0; 3] }).collect();
    if check.params.word("costs_per_1k_tokens").is_some() {
        for model in &mut models {
            let found = MODEL_PRICES.iter().find(|(name, _)| *name == model.name);
            model.prices = found.map_or([0.0; 3], |(_, prices)| *prices);
        }
        return models;
    }
    for (name, prices) in check.params.entries("costs_per_1k_tokens") {
        let mut of = Check { params: &prices, refused: None };
        let found = TOKEN_TYPES.map(|of_type| of.number(of_type, 0.0, 1e6));
        check.refused = of.refused.or(check.refused.take());
        match models.iter_mut().find(|model| model.name == name) {
            Some(model) => model.prices = found,
            None => check.refused = Some(prices.refuse_all("has no share in model_distribution")),
        }
    }
    models
}

fn service(check: &mut Check<'_, '_>) -> Service {
    Service {
        median_secs: check.seconds("latency", 0.001),
        sigma: check.number("latency_sigma", 0.01, 5.0),
        timeout_secs: check.seconds("timeout", 0.01),
        capacity: check.number("capacity", 1e-3, 1e12),
    }
}

fn burst(check: &mut Check<'_, '_>) -> Burst {
    let every_secs = check.seconds("burst_interval", 1.0);
    let secs = check.params.seconds("burst_duration");
    if secs > every_secs / 2.0 {
        check.refuse("burst_duration", "must be half of burst_interval at most");
    }
    Burst { every_secs, secs: secs.min(every_secs), factor: check.number("burst_factor", 0.0, 1e3) }
}

fn after_failure(check: &mut Check<'_, '_>) -> AfterFailure {
    let after = AfterFailure {
        retry: check.number("retry", 0.0, 1.0),
        fallback: check.number("fallback", 0.0, 1.0),
        leave: check.number("leave", 0.0, 1.0),
        delay_secs: check.seconds("retry_delay", 1.0),
    };
    let sum = after.retry + after.fallback + after.leave;
    if sum > 1.0 + 1e-9 {
        check.refuse(
            "retry",
            format!("must have a sum of 1 at most with fallback and leave, but it is {sum}"),
        );
    } else if after.retry + after.fallback > 0.99 {
        check.refuse("retry", "must have a sum of 0.99 at most with fallback: calls would never end");
    }
    after
}

fn names(check: &mut Check<'_, '_>) -> Names {
    let prefix = check.params.text("prefix");
    let mut names = Names {
        sessions: "session_count_total".to_owned(),
        tokens: "token_usage_tokens_total".to_owned(),
        cost: "cost_usage_USD_total".to_owned(),
        tools: "tool_usage_total".to_owned(),
        errors: "error_total".to_owned(),
        commits: "commit_count_total".to_owned(),
        session_duration: "session_duration_seconds".to_owned(),
        active_sessions: "active_sessions".to_owned(),
        request_duration: "request_duration_seconds".to_owned(),
    };
    for (key, own) in check.params.entries("names") {
        let known: Vec<String> = names.all().map(|name| name.clone()).into();
        if let Some(name) = names.all().into_iter().find(|name| *name == key) {
            own.text("name").clone_into(name);
        } else {
            let why = format!("is unknown; expected one of {}", known.join(", "));
            check.refused = Some(own.refuse("name", why));
        }
    }
    for name in names.all().into_iter().filter(|name| !name.is_empty()) {
        name.insert_str(0, prefix);
    }
    names
}
