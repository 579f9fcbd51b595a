//! Lines of InfluxDB: `measurement,tag=value field=number milliseconds`.
//!
//! The format has no way to write a line feed in a name, or a tag that ends in a backslash: both get a character in place of
//! it (<https://docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference/>).

use crate::number::put_number;

/// Appends measurement and tags, in the order of their names. Tags without a value are left out, as a label without one
/// is none.
pub fn put_key<'t>(measurement: &str, tags: impl Iterator<Item = (&'t str, &'t str)>, out: &mut Vec<u8>) {
    put_text(measurement, b", ", out);
    let mut tags: Vec<(&str, &str)> = tags.filter(|(_, value)| !value.is_empty()).collect();
    tags.sort_unstable();
    for (name, value) in tags {
        out.push(b',');
        put_text(name, b",= ", out);
        // A name that the server keeps for itself.
        out.extend_from_slice(if name == "time" { b"_=" } else { b"=" });
        put_text(value, b",= ", out);
    }
}

/// Appends a line of a measurement with its tags. Returns `false`, and appends nothing, if no field is a number: the format
/// has no infinity and no NaN.
pub fn put_line<'f>(
    key: &[u8],
    fields: impl Iterator<Item = (&'f str, f64)>,
    at_ms: i64,
    out: &mut Vec<u8>,
) -> bool {
    let before = out.len();
    out.extend_from_slice(key);
    let mut separator = b' ';
    for (name, value) in fields.filter(|(_, value)| value.is_finite()) {
        out.push(separator);
        separator = b',';
        put_text(name, b",= ", out);
        out.push(b'=');
        put_number(value, out);
    }
    if separator == b' ' {
        out.truncate(before);
        return false;
    }
    out.push(b' ');
    out.extend_from_slice(at_ms.to_string().as_bytes());
    out.push(b'\n');
    true
}

fn put_text(text: &str, escaped: &[u8], out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            b'\n' | b'\r' => out.extend_from_slice(b"\\ "),
            _ if escaped.contains(&byte) => out.extend_from_slice(&[b'\\', byte]),
            _ => out.push(byte),
        }
    }
    if out.last() == Some(&b'\\') {
        out.pop();
        out.push(b'/');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(measurement: &str, tags: &[(&str, &str)], fields: &[(&str, f64)]) -> Option<String> {
        let (mut key, mut out) = (Vec::new(), Vec::new());
        put_key(measurement, tags.iter().copied(), &mut key);
        let is_there = put_line(&key, fields.iter().copied(), 1_700_000_000_123, &mut out);
        assert_eq!(is_there, !out.is_empty());
        is_there.then(|| String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_line_has_sorted_tags_and_the_numbers_among_its_fields() {
        assert_eq!(
            line("up", &[("job", "a b"), ("code", "x=1,y"), ("none", "")], &[("value", 0.1), ("max", -2.5)]),
            Some("up,code=x\\=1\\,y,job=a\\ b value=0.1,max=-2.5 1700000000123\n".to_owned())
        );
        let fields = [("min", f64::NAN), ("max", f64::INFINITY), ("mean", 2.0)];
        assert_eq!(line("m,x", &[], &fields).unwrap(), "m\\,x mean=2 1700000000123\n");
        assert_eq!(line("m", &[], &fields[..2]), None);
    }

    #[test]
    fn no_name_ends_a_line_or_escapes_what_follows() {
        assert_eq!(
            line("m", &[("path", "C:\\"), ("text", "two\nlines"), ("time", "x")], &[("v", 1.0)]).unwrap(),
            "m,path=C:/,text=two\\ lines,time_=x v=1 1700000000123\n"
        );
    }
}
