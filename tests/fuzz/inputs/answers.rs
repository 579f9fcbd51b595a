//! Any answer of a server is read, and means no more than the request had; its chunks do not matter.

use promemu_run::outputs::answers::{gateway_groups, rejected_by_otlp, rejected_by_remote_write};
use promemu_wire::exposition::Format;
use promemu_wire::exposition::read::read_page;
use promemu_wire::remote_read::Frames;
use promemu_wire::samples::{ReadSample, ReadSeries, labels_of_text};
use promemu_wire::{dump, otlp, range_query, remote_write};

const SAMPLES: u64 = 1_000;

/// Reads the bytes as an answer of each kind: a size of chunks, then the body; its lines are headers, too.
pub(crate) fn check(data: &[u8]) {
    let Some((chunk, body)) = data.split_first() else { return };
    check_sources(data);
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

/// Reads the bytes as an answer of each kind of source of a recording: labels are read back, and chunks do not matter.
fn check_sources(data: &[u8]) {
    let Some((chunk, body)) = data.split_first() else { return };
    let mut samples: Vec<(ReadSeries, ReadSample)> = Vec::new();
    for format in [Format::Protobuf, Format::Text, Format::OpenMetrics] {
        let _is_page = read_page(format, body, &mut samples).is_ok();
    }
    for is_second in [false, true] {
        let _is_request = remote_write::read_request(body, is_second, 1 << 20, &mut samples).is_ok();
    }
    let _is_request = otlp::read_request(body, &mut samples).is_ok();
    let _is_answer = range_query::read_answer(body, &mut samples).is_ok();
    for (series, _) in &samples {
        assert_eq!(labels_of_text(&series.label_text()).as_ref(), Ok(&series.labels));
    }
    let _is_line = std::str::from_utf8(body).is_ok_and(|line| dump::read_line(line).is_ok());
    let frames = |size: usize| {
        let (mut frames, mut seen) = (Frames::default(), Vec::new());
        let mut take = |series: &ReadSeries, samples: Vec<_>| {
            seen.push(format!("{series:?} {samples:?}"));
            Ok(())
        };
        let read = body.chunks(size.max(1)).try_for_each(|piece| frames.put(piece, &mut take));
        let ended = read.and_then(|()| frames.end()).is_ok();
        (seen, ended)
    };
    assert_eq!(frames(body.len()), frames(usize::from(*chunk)));
}
