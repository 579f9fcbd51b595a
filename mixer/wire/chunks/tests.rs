//! Chunks that are read. Those of our own writer are read back in the tests of blocks.

use super::*;
use crate::samples::HistogramSample;

fn samples(encoding: i32, data: &[u8]) -> Result<Vec<(i64, SampleValue)>, String> {
    let mut samples = Vec::new();
    read_chunk(encoding, data, &mut |at, value| samples.push((at, value)))?;
    Ok(samples)
}

#[test]
fn a_broken_chunk_is_told_and_no_bytes_break_the_reader() {
    assert_eq!(samples(9, &[]).unwrap_err(), "chunk has the encoding 9, which is not known");
    assert_eq!(samples(1, &[0, 2, 1]).unwrap_err(), "chunk is cut off");
    assert_eq!(samples(1, &[0, 0]).unwrap(), []);
    let mut state = 7u64;
    for _ in 0..20_000 {
        let bytes: Vec<u8> = (0..40)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            })
            .collect();
        for encoding in 1..=3 {
            let _is_chunk = samples(encoding, &[&[0, 3], &bytes[..]].concat()).is_ok();
        }
    }
}

/// A chunk of two float histograms, put together by hand from the description of the format: schema 0, one bucket with the
/// index 1; the second one is a staleness marker.
#[test]
fn float_histograms_are_read() {
    let float = |float: f64| format!("{:064b}", float.to_bits());
    let stale = promemu_core::metric::ABSENT.to_bits() ^ 9.0f64.to_bits();
    let mut bits = [
        // Zero threshold 0, schema 0, one span, of length 1, behind a gap of 1, and no negative span.
        "000000000100011000110001".to_owned() + "0",
        // A time of 56 bits, count, zero count, sum and bucket.
        format!("11111110{:056b}", 1_700_000_000_000u64),
        [2.5, 0.5, 9.0, 2.0].map(float).concat(),
        // 15 ms later, with the same counts.
        "1110000001111".to_owned() + "00",
        format!("1100000000000{stale:064b}"),
    ]
    .concat();
    while bits.len() % 8 > 0 {
        bits.push('0');
    }
    let bytes =
        bits.as_bytes().chunks(8).map(|byte| u8::from_str_radix(str::from_utf8(byte).unwrap(), 2).unwrap());
    let data: Vec<u8> = [0, 2, 0].into_iter().chain(bytes).collect();
    let read = samples(3, &data).unwrap();
    let first = HistogramSample {
        count: 2.5,
        zero_count: 0.5,
        sum: 9.0,
        positive: vec![(1, 2.0)],
        is_float: true,
        ..Default::default()
    };
    assert_eq!(read[0], (1_700_000_000_000, SampleValue::Histogram(Box::new(first))));
    let SampleValue::Histogram(marker) = &read[1].1 else { panic!("it is none") };
    assert_eq!(
        (read[1].0, marker.sum.to_bits(), marker.positive.len()),
        (1_700_000_000_015, promemu_core::metric::ABSENT.to_bits(), 0)
    );
}
