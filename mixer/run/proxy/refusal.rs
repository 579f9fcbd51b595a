//! The errors of the API, with Toxiproxy's words and status codes.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// A request that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The body is no JSON, or has a value of a wrong type.
    BadBody(String),
    /// A field that must be there, and the place of it if there are several.
    MissingField(String),
    ProxyNotFound,
    ProxyExists,
    InvalidStream,
    InvalidToxicType,
    ToxicExists,
    ToxicNotFound,
    /// The endpoint cannot listen, for this reason.
    Listen(String),
    /// An address that the rules of this process do not allow, and the reason.
    NotAllowed(String),
    /// More than there may be.
    TooMany {
        what: &'static str,
        max: usize,
    },
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::ProxyNotFound | Self::ToxicNotFound => StatusCode::NOT_FOUND,
            Self::ProxyExists | Self::ToxicExists => StatusCode::CONFLICT,
            Self::Listen(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NotAllowed(_) => StatusCode::FORBIDDEN,
            Self::BadBody(_)
            | Self::MissingField(_)
            | Self::InvalidStream
            | Self::InvalidToxicType
            | Self::TooMany { .. } => StatusCode::BAD_REQUEST,
        }
    }

    /// The reason, in words.
    pub(super) fn text(&self) -> String {
        match self {
            Self::BadBody(why) => format!("bad request body: {why}"),
            Self::MissingField(field) => format!("missing required field: {field}"),
            Self::ProxyNotFound => "proxy not found".to_owned(),
            Self::ProxyExists => "proxy already exists".to_owned(),
            Self::InvalidStream => "stream was invalid, can be either upstream or downstream".to_owned(),
            Self::InvalidToxicType => "invalid toxic type".to_owned(),
            Self::ToxicExists => "toxic already exists".to_owned(),
            Self::ToxicNotFound => "toxic not found".to_owned(),
            Self::Listen(why) | Self::NotAllowed(why) => why.clone(),
            Self::TooMany { what, max } => format!("there are {max} {what} already; remove some first"),
        }
    }

    /// The status, and the answer as an object.
    pub(super) fn parts(&self) -> (StatusCode, Value) {
        let status = self.status();
        (status, json!({ "error": self.text(), "status": status.as_u16() }))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, body) = self.parts();
        (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{body}\n")).into_response()
    }
}
