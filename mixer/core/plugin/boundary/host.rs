//! promemu's functions, which a plugin may call while it is called.

use std::ffi::c_void;
use std::sync::atomic::Ordering;

use promemu_plugin::abi::{self, ABI_MAJOR, ABI_MINOR, Text, size_of_table};
use tracing::{debug, info, warn};

use super::workload::{begin, end};
use super::{call, message};
use crate::plugin::declaration::Origin;
use crate::time::Time;

/// No event's name is longer.
const NAME_BYTES_MAX: usize = 1_000;
/// No config is longer.
const CONFIG_BYTES_MAX: usize = 64 << 20;
/// No event carries more.
const DATA_BYTES_MAX: usize = 1 << 20;
/// A plugin that has logged so many lines is not heard any more.
const LINES_MAX: u32 = 1_000;

/// The table of them.
pub(super) static HOST: abi::Host = abi::Host {
    size: size_of_table::<abi::Host>(),
    abi_major: ABI_MAJOR,
    abi_minor: ABI_MINOR,
    random_u64,
    random_normal,
    fail,
    log,
    write,
    emit,
    wake,
    begin,
    end,
};

unsafe extern "C" fn random_u64(context: *mut c_void) -> u64 {
    // SAFETY: by the definition of the function.
    unsafe { call(context) }.side.as_mut().map_or(0, |side| side.rng().next_u64())
}

unsafe extern "C" fn random_normal(context: *mut c_void) -> f64 {
    // SAFETY: by the definition of the function.
    unsafe { call(context) }.side.as_mut().map_or(0.0, |side| side.rng().normal())
}

unsafe extern "C" fn fail(context: *mut c_void, why: Text) {
    // SAFETY: by the definition of the function.
    unsafe { call(context) }.failure = Some(message(why));
}

unsafe extern "C" fn log(context: *mut c_void, level: i32, line: Text) {
    // SAFETY: by the definition of the function.
    let Origin { plugin, lines } = unsafe { call(context) }.origin;
    match lines.fetch_add(1, Ordering::Relaxed) {
        0..LINES_MAX => {}
        LINES_MAX => return warn!("plugin {plugin} has logged {LINES_MAX} lines; it is not heard any more"),
        _ => {
            lines.store(LINES_MAX + 1, Ordering::Relaxed);
            return;
        }
    }
    let line = message(line);
    match level {
        abi::DEBUG => debug!("plugin {plugin}: {line}"),
        abi::WARN => warn!("plugin {plugin}: {line}"),
        _ => info!("plugin {plugin}: {line}"),
    }
}

unsafe extern "C" fn write(context: *mut c_void, part: Text) {
    // SAFETY: by the definition of the function.
    let call = unsafe { call(context) };
    if call.written.len().saturating_add(part.len) > CONFIG_BYTES_MAX {
        return call.complain(|| format!("it makes more than {CONFIG_BYTES_MAX} bytes"));
    }
    // SAFETY: the plugin lends it for the call.
    match str::from_utf8(unsafe { part.bytes() }) {
        Ok(part) => call.written.push_str(part),
        Err(_) => call.complain(|| "what it writes is not UTF-8".to_owned()),
    }
}

unsafe extern "C" fn emit(context: *mut c_void, event: Text, data: Text) {
    // SAFETY: by the definition of the function.
    let call = unsafe { call(context) };
    if !call.may_want() {
        return;
    }
    // SAFETY: the plugin lends it for the call.
    let name = if event.len > NAME_BYTES_MAX { &[] } else { unsafe { event.bytes() } };
    let Some(event) = call.emits.iter().find(|declared| declared.as_bytes() == name) else {
        return call.complain(|| format!("it emits {:?}, which it has not declared", message(event)));
    };
    // SAFETY: the plugin lends it for the call.
    let data = if data.len > DATA_BYTES_MAX { None } else { Some(unsafe { data.bytes() }) };
    let data = match data {
        Some([]) => Some(serde_json::Value::Null),
        data => data.and_then(|data| serde_json::from_slice(data).ok()),
    };
    match (data, call.side.as_mut()) {
        (Some(data), Some(side)) => side.emit(event, data),
        (Some(_), None) => {}
        (None, _) => call.complain(|| format!("what its event {event} carries is not JSON of at most 1 MiB")),
    }
}

unsafe extern "C" fn wake(context: *mut c_void, at_nanos: u64) {
    // SAFETY: by the definition of the function.
    let call = unsafe { call(context) };
    if call.may_want()
        && let Some(side) = call.side.as_mut()
    {
        side.wake(Time::from_unix_nanos(at_nanos));
    }
}
