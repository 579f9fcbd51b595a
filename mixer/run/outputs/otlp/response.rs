//! Meaning of an OTLP receiver's responses (<https://opentelemetry.io/docs/specs/otlp/#otlphttp-response>).

use reqwest::StatusCode;

use crate::http::PushError;
use crate::outputs::delivery::FinalResponse;
use crate::outputs::remote_write::hint_of_reason;

/// Only these statuses of the specification may be retried, so 500 may not.
pub(super) fn is_retryable(error: &PushError) -> bool {
    match error.status() {
        None => error.is_away(),
        Some(status) => matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        ),
    }
}

/// A success may be a partial one: then its body has the number of rejected points.
pub(in crate::outputs) fn rejected(response: &FinalResponse<'_>) -> (u64, String) {
    if !response.is_success {
        return (response.samples, String::new());
    }
    let (count, message) = partial_success(response.body).unwrap_or_default();
    let count = count.min(response.samples);
    let message = String::from_utf8_lossy(message);
    (count, format!("it rejected {count} of {} data points: {message}", response.samples))
}

pub(super) fn hint(error: &PushError) -> &'static str {
    if error.is_not_found() {
        "; is there an OTLP receiver at this url? VictoriaMetrics has it at /opentelemetry/v1/metrics, Prometheus \
         at /api/v1/otlp/v1/metrics"
    } else {
        hint_of_reason(error)
    }
}

/// The fields of `ExportMetricsPartialSuccess { rejected_data_points = 1, error_message = 2 }`, which is field 1 of
/// an `ExportMetricsServiceResponse`; `None` for anything else.
fn partial_success(response: &[u8]) -> Option<(u64, &[u8])> {
    let Field::Bytes(message) = find(response, 1)? else { return None };
    let Field::Varint(rejected) = find(message, 1)? else { return None };
    // An `int64`: a larger number is a negative one, which means nothing.
    let rejected = i64::try_from(rejected).map_or(0, i64::cast_unsigned);
    let message = match find(message, 2) {
        Some(Field::Bytes(text)) => text,
        _ => &[],
    };
    Some((rejected, message))
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Field<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    Fixed,
}

/// The last field of this number in a message (<https://protobuf.dev/programming-guides/encoding/>).
fn find(mut message: &[u8], wanted: u64) -> Option<Field<'_>> {
    let mut found = None;
    while !message.is_empty() {
        let key = take_varint(&mut message)?;
        let field = match key & 7 {
            0 => Field::Varint(take_varint(&mut message)?),
            1 => take(&mut message, 8).map(|_| Field::Fixed)?,
            2 => {
                let len = usize::try_from(take_varint(&mut message)?).ok()?;
                Field::Bytes(take(&mut message, len)?)
            }
            5 => take(&mut message, 4).map(|_| Field::Fixed)?,
            _ => return None,
        };
        if key >> 3 == wanted {
            found = Some(field);
        }
    }
    found
}

fn take_varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(message, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn take<'a>(message: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, rest) = message.split_at_checked(len)?;
    *message = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message;
    use reqwest::header::HeaderMap;

    use super::*;

    #[derive(Message)]
    struct Response {
        #[prost(message, optional, tag = "1")]
        partial_success: Option<PartialSuccess>,
    }

    #[derive(Message)]
    struct PartialSuccess {
        #[prost(int64, tag = "1")]
        rejected_data_points: i64,
        #[prost(string, tag = "2")]
        error_message: String,
    }

    fn response(rejected_data_points: i64, error_message: &str) -> Vec<u8> {
        let partial = PartialSuccess { rejected_data_points, error_message: error_message.to_owned() };
        Response { partial_success: Some(partial) }.encode_to_vec()
    }

    fn rejected_of(is_success: bool, body: &[u8]) -> (u64, String) {
        rejected(&FinalResponse { is_success, headers: &HeaderMap::new(), body, samples: 100 })
    }

    #[test]
    fn a_partial_success_has_the_number_of_rejected_points() {
        let reason = "it rejected 7 of 100 data points: too old".to_owned();
        assert_eq!(rejected_of(true, &response(7, "too old")), (7, reason));
        assert_eq!(rejected_of(true, &response(700, "")).0, 100);
        for nothing in [&[][..], &response(0, "a warning"), &response(-1, "odd"), b"{}", b"ok", &[0x0a, 9, 1]]
        {
            assert_eq!(rejected_of(true, nothing).0, 0, "{nothing:?}");
        }
        assert_eq!(rejected_of(false, &response(7, "")).0, 100, "an error accepted nothing");
    }

    proptest! {
        #[test]
        fn any_response_body_is_read(body: Vec<u8>) {
            prop_assert!(rejected_of(true, &body).0 <= 100);
        }
    }
}
