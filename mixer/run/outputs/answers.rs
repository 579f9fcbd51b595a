//! Answers of servers without a server, for tests that give any: read as the outputs read them.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::delivery::FinalResponse;
use super::pushgateway::{GatewayGroup, groups_of};
use super::{otlp, remote_write};

/// Number of samples of a request that a receiver of OTLP says it has rejected, by the body of its answer.
#[must_use]
pub fn rejected_by_otlp(samples: u64, is_success: bool, body: &[u8]) -> (u64, String) {
    otlp::rejected(&FinalResponse { is_success, headers: &HeaderMap::new(), body, samples })
}

/// Number of samples of a request that a receiver of remote write 2.0 says it has not written, by its headers. Headers that
/// no server can send are left out.
#[must_use]
pub fn rejected_by_remote_write(samples: u64, headers: &[(&str, &[u8])]) -> (u64, String) {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_bytes(value)) {
            map.append(name, value);
        }
    }
    remote_write::rejected_v2(&FinalResponse { is_success: true, headers: &map, body: &[], samples })
}

/// The groups in a Pushgateway's exposition, which comes in chunks of this size; `None` if it is none of a Pushgateway.
#[must_use]
pub fn gateway_groups(body: &[u8], chunk_bytes: usize) -> Option<Vec<GatewayGroup>> {
    groups_of(body.chunks(chunk_bytes.max(1)))
}
