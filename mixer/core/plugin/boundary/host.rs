//! promemu's functions, which a plugin may call while it is called.

use std::ffi::c_void;
use std::sync::atomic::Ordering;

use promemu_plugin::abi::{self, ABI_MAJOR, ABI_MINOR, Text, size_of_table};
use tracing::{debug, info, warn};

use super::call::{Call, call, message};
use super::table::{read_family, read_table};
use crate::plugin::declaration::Origin;
use crate::plugin::schema::{FAMILIES_MAX, TABLES_MAX};
use crate::plugin::{LeverTimes, Observation, Row};
use crate::time::Time;

/// Maximum length of an event's name.
const NAME_BYTES_MAX: usize = 1_000;
/// Maximum length of a config.
const CONFIG_BYTES_MAX: usize = 64 << 20;
/// Maximum length of an event's data.
const DATA_BYTES_MAX: usize = 1 << 20;
/// Maximum length of a saved state.
const SAVED_BYTES_MAX: usize = 256 << 20;
/// Maximum length of a label.
const LABEL_BYTES_MAX: usize = 1_000;
/// Number of log lines of a plugin that are written; later ones are dropped.
const LINES_MAX: u32 = 1_000;

/// The table of these functions.
pub(super) static HOST: abi::Host = abi::Host {
    size: size_of_table::<abi::Host>(),
    abi_major: ABI_MAJOR,
    abi_minor: ABI_MINOR,
    random_u64,
    random_normal,
    fail,
    refuse,
    log,
    write,
    emit,
    wake,
    begin,
    end,
    observe,
    table,
    family,
    store,
    lever_at,
    lever_edge,
};

unsafe extern "C" fn random_u64(context: *mut c_void) -> u64 {
    // SAFETY: by the definition of the function.
    unsafe { call(context) }.host.as_mut().map_or(0, |host| host.rng().next_u64())
}

unsafe extern "C" fn random_normal(context: *mut c_void) -> f64 {
    // SAFETY: by the definition of the function.
    unsafe { call(context) }.host.as_mut().map_or(0.0, |host| host.rng().normal())
}

unsafe extern "C" fn fail(context: *mut c_void, reason: Text) {
    // SAFETY: by the definition of the function.
    unsafe { call(context) }.failure = Some(message(reason));
}

unsafe extern "C" fn refuse(context: *mut c_void, path: Text, reason: Text) {
    // SAFETY: by the definition of the function.
    unsafe { call(context) }.refuse(message(path), message(reason));
}

unsafe extern "C" fn log(context: *mut c_void, level: i32, line: Text) {
    // SAFETY: by the definition of the function.
    let Origin { plugin, lines } = unsafe { call(context) }.origin;
    match lines.fetch_add(1, Ordering::Relaxed) {
        0..LINES_MAX => {}
        LINES_MAX => {
            return warn!(
                plugin = %plugin,
                lines = LINES_MAX,
                "plugin has logged too many lines; later ones are dropped"
            );
        }
        _ => {
            lines.store(LINES_MAX + 1, Ordering::Relaxed);
            return;
        }
    }
    let line = message(line);
    match level {
        abi::DEBUG => debug!(plugin = %plugin, "{line}"),
        abi::WARN => warn!(plugin = %plugin, "{line}"),
        _ => info!(plugin = %plugin, "{line}"),
    }
}

unsafe extern "C" fn write(context: *mut c_void, part: Text) {
    // SAFETY: by the definition of the function.
    let call = unsafe { call(context) };
    if call.written.len().saturating_add(part.len) > CONFIG_BYTES_MAX {
        return call.violate(|| format!("config is longer than {CONFIG_BYTES_MAX} bytes"));
    }
    // SAFETY: the plugin lends it for the call.
    match str::from_utf8(unsafe { part.bytes() }) {
        Ok(part) => call.written.push_str(part),
        Err(_) => call.violate(|| "config is not UTF-8".to_owned()),
    }
}

unsafe extern "C" fn emit(context: *mut c_void, event: Text, data: Text) {
    // SAFETY: by the definition of the function.
    let call = unsafe { call(context) };
    if !call.count_effect() {
        return;
    }
    // SAFETY: the plugin lends it for the call.
    let name = if event.len > NAME_BYTES_MAX { &[] } else { unsafe { event.bytes() } };
    let Some(event) = call.emits.iter().find(|declared| declared.as_bytes() == name) else {
        return call.violate(|| format!("emitted undeclared event {:?}", message(event)));
    };
    // SAFETY: the plugin lends it for the call.
    let data = if data.len > DATA_BYTES_MAX { None } else { Some(unsafe { data.bytes() }) };
    let data = match data {
        Some([]) => Some(serde_json::Value::Null),
        data => data.and_then(|data| serde_json::from_slice(data).ok()),
    };
    match (data, call.host.as_mut()) {
        (Some(data), Some(host)) => host.emit(event, data),
        (Some(_), None) => {}
        (None, _) => call.violate(|| format!("data of event {event} are not JSON of at most 1 MiB")),
    }
}

unsafe extern "C" fn wake(context: *mut c_void, at_nanos: u64) {
    // SAFETY: by the definition of the function.
    let call = unsafe { call(context) };
    if call.count_effect()
        && let Some(host) = call.host.as_mut()
    {
        host.wake(Time::from_unix_nanos(at_nanos));
    }
}

unsafe extern "C" fn begin(
    context: *mut c_void,
    table: u32,
    row: u32,
    began_nanos: u64,
    labels: *const Text,
) {
    // SAFETY: by the definition of the function.
    let call = unsafe { call(context) };
    let Some(tables) = &mut call.tables else { return };
    let outcome = tables.label_count(table).and_then(|count| {
        if count > 0 && (labels.is_null() || !labels.is_aligned()) {
            return Err(format!("the labels of row {row} are null or misaligned"));
        }
        // SAFETY: the plugin lends as many texts as the table has labels.
        let labels = (0..count).map(|n| label(unsafe { labels.add(n).read() }));
        let labels = labels.collect::<Result<_, _>>()?;
        tables.push(table, row, Some(Row { began: Time::from_unix_nanos(began_nanos), labels }))
    });
    if let Err(violation) = outcome {
        call.violate(|| violation);
    }
}

unsafe extern "C" fn end(context: *mut c_void, table: u32, row: u32) {
    // SAFETY: by the definition of the function.
    let call = unsafe { call(context) };
    let Some(tables) = &mut call.tables else { return };
    if let Err(violation) = tables.push(table, row, None) {
        call.violate(|| violation);
    }
}

unsafe extern "C" fn observe(
    context: *mut c_void,
    table: u32,
    row: u32,
    family: u32,
    value: f64,
    count: u64,
) {
    // SAFETY: by the definition of the function.
    let call = unsafe { call(context) };
    let Some(tables) = &mut call.tables else { return };
    let (table, row, family) = (table as usize, row as usize, family as usize);
    if let Err(violation) = tables.observe(Observation { table, row, family, value, count }) {
        call.violate(|| violation);
    }
}

unsafe extern "C" fn table(context: *mut c_void, spec: *const abi::TableSpec) {
    // SAFETY: by the definition of the function.
    let call = unsafe { call(context) };
    if !call.describes || spec.is_null() || !spec.is_aligned() {
        return call.violate(|| "a table is null, misaligned, or added outside of describe".to_owned());
    }
    // SAFETY: the plugin lends it for the call.
    match read_table(unsafe { &*spec }) {
        Ok(_) if call.described.len() >= TABLES_MAX => {
            call.violate(|| format!("more than {TABLES_MAX} tables"));
        }
        Ok(table) => call.described.push(table),
        Err(violation) => call.violate(|| violation),
    }
}

unsafe extern "C" fn family(context: *mut c_void, family: *const abi::Family) {
    // SAFETY: by the definition of the function.
    let call = unsafe { call(context) };
    let (true, Some(table)) = (!family.is_null() && family.is_aligned(), call.described.last_mut()) else {
        return call.violate(|| "a metric is null, misaligned, or added before its table".to_owned());
    };
    // SAFETY: the plugin lends it for the call.
    match unsafe { read_family(family) } {
        Ok(_) if table.families.len() >= FAMILIES_MAX => {
            call.violate(|| format!("more than {FAMILIES_MAX} metrics in a table"));
        }
        Ok(family) => table.families.push(family),
        Err(violation) => call.violate(|| violation),
    }
}

unsafe extern "C" fn store(context: *mut c_void, bytes: *const u8, len: usize) {
    // SAFETY: by the definition of the function.
    let call = unsafe { call(context) };
    if call.stored.len().saturating_add(len) > SAVED_BYTES_MAX {
        return call.violate(|| format!("a saved state is longer than {SAVED_BYTES_MAX} bytes"));
    }
    // SAFETY: the plugin lends them for the call.
    call.stored.extend_from_slice(unsafe { Text { data: bytes, len }.bytes() });
}

unsafe extern "C" fn lever_at(context: *mut c_void, lever: Text, at_nanos: u64, value: *mut f64) -> i32 {
    let at = Time::from_unix_nanos(at_nanos);
    // SAFETY: by the definition of the function.
    let found = ask_levers(unsafe { call(context) }, lever, |levers, name| levers.lever_at(name, at));
    // SAFETY: the plugin passes room for one number.
    unsafe { give(found, value) }
}

unsafe extern "C" fn lever_edge(
    context: *mut c_void,
    lever: Text,
    after_nanos: u64,
    at_nanos: *mut u64,
) -> i32 {
    let after = Time::from_unix_nanos(after_nanos);
    // SAFETY: by the definition of the function.
    let found = ask_levers(unsafe { call(context) }, lever, |levers, name| levers.lever_edge(name, after));
    // SAFETY: the plugin passes room for one number.
    unsafe { give(found.map(Time::unix_nanos), at_nanos) }
}

/// The answer about a lever of this name; `None` on a host without levers.
fn ask_levers<T>(
    call: &Call<'_>,
    lever: Text,
    ask: impl FnOnce(&dyn LeverTimes, &str) -> Option<T>,
) -> Option<T> {
    if lever.len > NAME_BYTES_MAX {
        return None;
    }
    // SAFETY: the plugin lends it for the call.
    let name = str::from_utf8(unsafe { lever.bytes() }).ok()?;
    ask(call.host.as_ref()?.levers()?, name)
}

/// Writes what was found, if something was.
///
/// # Safety
///
/// The place must be null or have room for it.
unsafe fn give<T>(found: Option<T>, place: *mut T) -> i32 {
    match found {
        Some(found) if !place.is_null() && place.is_aligned() => {
            // SAFETY: as the caller has promised.
            unsafe { place.write(found) };
            abi::OK
        }
        _ => abi::KEEP,
    }
}

fn label(raw: Text) -> Result<String, String> {
    if raw.len > LABEL_BYTES_MAX || (raw.data.is_null() && raw.len > 0) {
        return Err(format!("a label is null or longer than {LABEL_BYTES_MAX} bytes"));
    }
    // SAFETY: the plugin lends it for the call.
    let text = str::from_utf8(unsafe { raw.bytes() });
    text.map(str::to_owned).map_err(|_| format!("label {:?} is not UTF-8", message(raw)))
}
