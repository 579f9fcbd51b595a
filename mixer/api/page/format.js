// Numbers, durations and times as text.

const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
const DECIMAL = [[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e4, 'k', 1e3]];

/** Three significant digits or so, and `finer` more. */
const digits = (value, finer = 0) => {
    const size = Math.abs(value);
    const places = finer + (size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
    // Values in one legend have the same number of decimals.
    return finer ? value.toFixed(places) : Number(value.toFixed(places)).toString();
};

function bytes(value, finer) {
    let power = 0;
    let size = value;
    while (Math.abs(size) >= 1024 && power < BINARY.length - 1) {
        size /= 1024;
        power += 1;
    }
    return `${digits(size, finer)} ${BINARY[power]}`;
}

function plain(value, finer) {
    for (const [from, suffix, by = from] of DECIMAL) {
        if (Math.abs(value) >= from) return digits(value / by, finer) + suffix;
    }
    if (value !== 0 && Math.abs(value) < 0.001) return value.toExponential(1 + finer);
    return digits(value, finer);
}

/** A number of seconds, in the unit that fits. */
export function seconds(value, finer = 0) {
    const size = Math.abs(value);
    if (value === 0) return '0 s';
    if (size < 0.001) return `${digits(value * 1e6, finer)} µs`;
    if (size < 1) return `${digits(value * 1000, finer)} ms`;
    return size < 120 ? `${digits(value, finer)} s` : duration(value);
}

/** The kind of a metric's values: `bytes`, `percent`, `seconds`, `instant` or `plain`. */
export function kindOf(metric, unit) {
    if (unit === 'bytes' || /_bytes(_total)?$/.test(metric)) return 'bytes';
    if (unit === 'percent' || /_percent$/.test(metric)) return 'percent';
    if (/(_time|timestamp)_seconds$/.test(metric)) return 'instant';
    if (unit === 'seconds' || /_seconds$/.test(metric)) return 'seconds';
    return 'plain';
}

/** A value as text, with `finer` more digits than usual. */
export function number(value, kind = 'plain', finer = 0) {
    if (value === null || value === undefined) return '–';
    if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
    if (kind === 'bytes') return bytes(value, finer);
    if (kind === 'percent') return `${digits(value, finer)} %`;
    if (kind === 'seconds') return seconds(value, finer);
    // A value near 1970 is a duration, not a time.
    if (kind === 'instant') return value > 1e8 ? `${day(value).slice(2)} ${clock(value, false)}` : seconds(value);
    return plain(value, finer);
}

export const count = (value) => Math.round(value).toLocaleString('en').replaceAll(',', '\u202f');

const two = (value) => String(value).padStart(2, '0');

/** `0:42`, `14:03`, `2 h 05 min`, `3 d 4 h`. */
export function duration(value) {
    const whole = Math.max(0, Math.round(value));
    if (whole < 3600) return `${Math.floor(whole / 60)}:${two(whole % 60)}`;
    if (whole < 86400) return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
    return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

/** The local time of day of Unix seconds. */
export function clock(unix, hasSeconds = true) {
    const date = new Date(unix * 1000);
    const time = `${two(date.getHours())}:${two(date.getMinutes())}`;
    return hasSeconds ? `${time}:${two(date.getSeconds())}` : time;
}

export const day = (unix) => {
    const date = new Date(unix * 1000);
    return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
};
