//! The codes of errors: stable names for programs, each with its status and its meaning.

use axum::http::StatusCode;

/// A code of an error. Its name stays the same from version to version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorCode {
    UnknownRun,
    UnknownConfig,
    UnknownRecording,
    UnknownHost,
    UnknownLever,
    UnknownMetric,
    UnknownPhase,
    UnknownFault,
    InvalidConfig,
    InvalidValue,
    CounterFalls,
    Conflict,
    RunOver,
    TooMany,
    TooSlow,
    /// The host may be on a shard that is missing.
    ShardMissing,
    /// A config that takes too long, which is its own fault.
    ConfigTooSlow,
    WrongHost,
    CrossSite,
    Unauthorized,
    Internal,
    NotFound,
    MethodNotAllowed,
    BodyTooLarge,
    UnsupportedMediaType,
    InvalidBody,
    InvalidRequest,
}

impl ErrorCode {
    /// The status, the name, and the meaning.
    const fn parts(self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::UnknownRun => (S::NOT_FOUND, "unknown_run", "there is no such run, or it is no simulation"),
            Self::UnknownConfig => (S::NOT_FOUND, "unknown_config", "there is no such config"),
            Self::UnknownRecording => (S::NOT_FOUND, "unknown_recording", "there is no such recording"),
            Self::UnknownHost => {
                (S::NOT_FOUND, "unknown_host", "there is no such host, or the pattern selects none")
            }
            Self::UnknownLever => (S::NOT_FOUND, "unknown_lever", "the run has no such lever"),
            Self::UnknownMetric => (S::NOT_FOUND, "unknown_metric", "the host has no such metric"),
            Self::UnknownPhase => (S::NOT_FOUND, "unknown_phase", "the run has no such phase"),
            Self::UnknownFault => (S::NOT_FOUND, "unknown_fault", "the run has no such fault"),
            Self::InvalidConfig => {
                (S::UNPROCESSABLE_ENTITY, "invalid_config", "the config has errors, which problems lists")
            }
            Self::InvalidValue => (
                S::UNPROCESSABLE_ENTITY,
                "invalid_value",
                "a parameter or a field has a value that it cannot have",
            ),
            Self::CounterFalls => {
                (S::UNPROCESSABLE_ENTITY, "counter_falls", "a counter would fall; allow_reset lets it")
            }
            Self::Conflict => {
                (S::CONFLICT, "conflict", "the state of the run, the host or the fault does not allow this")
            }
            Self::RunOver => (S::CONFLICT, "run_over", "the run is over"),
            Self::TooMany => (
                S::TOO_MANY_REQUESTS,
                "too_many",
                "there are too many requests, runs, streams, series or actions",
            ),
            Self::TooSlow => {
                (S::REQUEST_TIMEOUT, "too_slow", "the request, or its answer, has taken too long")
            }
            Self::ShardMissing => (S::BAD_GATEWAY, "shard_missing", "the shard of the host is missing"),
            Self::ConfigTooSlow => (S::UNPROCESSABLE_ENTITY, "too_slow", "the config takes too long to load"),
            Self::WrongHost => (S::FORBIDDEN, "wrong_host", "the Host header does not name this machine"),
            Self::CrossSite => (S::FORBIDDEN, "cross_site", "a page of another site sent the request"),
            Self::Unauthorized => (S::UNAUTHORIZED, "unauthorized", "the token is missing or wrong"),
            Self::Internal => (S::INTERNAL_SERVER_ERROR, "internal", "promemu has a bug"),
            Self::NotFound => (S::NOT_FOUND, "not_found", "there is no such path"),
            Self::MethodNotAllowed => {
                (S::METHOD_NOT_ALLOWED, "method_not_allowed", "the path does not take this method")
            }
            Self::BodyTooLarge => (S::PAYLOAD_TOO_LARGE, "body_too_large", "the body is larger than 1 MiB"),
            Self::UnsupportedMediaType => (
                S::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "the body is not sent as application/json",
            ),
            Self::InvalidBody => (
                S::UNPROCESSABLE_ENTITY,
                "invalid_body",
                "the body lacks a field, or has one that it must not have",
            ),
            Self::InvalidRequest => {
                (S::BAD_REQUEST, "invalid_request", "the path, the query or the body's JSON cannot be read")
            }
        }
    }

    pub(crate) const fn status(self) -> StatusCode {
        self.parts().0
    }

    /// The name for programs.
    pub(crate) const fn name(self) -> &'static str {
        self.parts().1
    }

    /// The meaning for people.
    pub(crate) const fn meaning(self) -> &'static str {
        self.parts().2
    }
}
