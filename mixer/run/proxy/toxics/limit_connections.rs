//! `limit_connections`: further connections than a number of them are closed at once.

use serde::{Deserialize, Serialize};

/// The parameters. The endpoint follows them when it accepts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in super::super) struct LimitConnections {
    /// Maximum number of connections at once.
    pub(super) connections: u64,
}
