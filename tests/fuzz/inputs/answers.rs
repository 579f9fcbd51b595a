//! Any answer of a server is read, and means no more than the request had; its chunks do not matter.

use promemu_run::outputs::answers::{gateway_groups, rejected_by_otlp, rejected_by_remote_write};

const SAMPLES: u64 = 1_000;

/// Reads the bytes as an answer of each kind: a size of chunks, then the body; its lines are headers, too.
pub(crate) fn check(data: &[u8]) {
    let Some((chunk, body)) = data.split_first() else { return };
    assert!(rejected_by_otlp(SAMPLES, true, body).0 <= SAMPLES);
    assert_eq!(rejected_by_otlp(SAMPLES, false, body).0, SAMPLES);
    let lines = body.split(|byte| *byte == b'\n');
    let headers: Vec<(&str, &[u8])> = lines
        .filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            Some((std::str::from_utf8(&line[..colon]).ok()?, line[colon + 1..].trim_ascii()))
        })
        .collect();
    assert!(rejected_by_remote_write(SAMPLES, &headers).0 <= SAMPLES);
    let whole = gateway_groups(body, body.len());
    assert_eq!(gateway_groups(body, usize::from(*chunk)), whole);
    for group in whole.iter().flatten() {
        assert!(group.grouping.values().all(|value| !value.is_empty()), "{group:?}");
    }
}
