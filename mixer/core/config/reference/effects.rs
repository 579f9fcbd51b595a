//! The fields of proxies, for faults that are done for real.

use super::record::{Record, field};

/// The proxies of real servers.
pub(super) const TOXIPROXY: Record = Record {
    name: "Toxiproxy",
    summary: "the proxies of real servers",
    fields: &[
        field(
            &["url"],
            "text, http or https",
            "`http://127.0.0.1:8474`",
            "the API of `promemu proxy`, or of a Toxiproxy",
        ),
        field(&["servers"], "text, or a list of texts", "must be given", "the names of the proxies"),
        field(
            &["create"],
            "`{ \"name\": Server(…) }`",
            "none",
            "proxies that are created if they are missing, and only then removed at the end",
        ),
    ],
};

/// A proxy that is created.
pub(super) const SERVER: Record = Record {
    name: "Server",
    summary: "a proxy that is created",
    fields: &[
        field(&["listen"], "HOST:PORT", "must be given", "the address of the proxy"),
        field(&["upstream"], "HOST:PORT", "must be given", "the address of the server behind it"),
    ],
};
