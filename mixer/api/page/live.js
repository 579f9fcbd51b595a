// The values of the watched series: one common row of sample times, and a column for each series.

import { follow } from './api.js';

/** The most series of one stream, as the API limits it. */
export const SERIES_MAX = 64;
/** Points of the last hour are kept; older ones are dropped in chunks. */
const POINTS_MAX = 3600;
const CHUNK_POINTS = 300;
/** More missing samples than this are a gap. */
const MISSING_MAX = 2;

/** Types whose value only grows, so that their chart is a rate, which the server makes. Quantiles of histograms are gauges. */
const GROWING = new Set(['counter', 'histogram', 'native_histogram', 'summary']);
export const isGrowing = (type) => GROWING.has(type);

/** One series, with a value for each time. */
class Column {
    constructor({ id, metric, labels, type, unit, query, range }) {
        /** `begin`: the first time that is its own, not drawn again by the server. */
        Object.assign(this, { id, metric, labels, type, unit, query, range, isGone: false, values: [], begin: Infinity });
    }
}

export class Live {
    /** Calls `changed` after each sample, and `failed` with an error of the API. */
    constructor({ changed, failed }) {
        Object.assign(this, { changed, failed });
        this.times = [];
        this.columns = new Map();
        this.order = [];
        this.ids = [];
        /** Seconds of the hosts' time from sample to sample, and the last time of a history, whose samples are farther apart. */
        this.every = 1;
        this.pastEnd = -Infinity;
        this.stop = null;
        this.isOver = false;
    }

    column(id) {
        return this.columns.get(id);
    }

    get now() {
        return this.times.at(-1) ?? null;
    }

    /** Watches these series. A stream has a fixed list, so a new one is opened. */
    watch(ids) {
        const wanted = [...new Set(ids)].slice(0, SERIES_MAX);
        if (wanted.length === this.ids.length && wanted.every((id, at) => id === this.ids[at])) return;
        this.ids = wanted;
        if (this.stop) this.resume();
    }

    resume() {
        this.pause();
        this.stop = new AbortController();
        if (!this.ids.length) return;
        follow('/live', () => ({ series: this.ids }), {
            signal: this.stop.signal,
            take: (name, data) => this.take(name, data),
            failed: this.failed,
        });
    }

    pause() {
        this.stop?.abort();
        this.stop = null;
    }

    take(name, data) {
        if (name === 'sample') this.add(data);
        else if (name === 'series') this.begin(data);
        else if (name === 'past') this.fill(data);
        else if (name === 'gone' && this.columns.has(data.id)) this.columns.get(data.id).isGone = true;
        else if (name === 'end') this.isOver = true;
        this.changed();
    }

    /** The first event of a stream: merges its points with older ones that the page still has, or those of the run's history. */
    begin({ series, every_seconds: every }) {
        const old = { times: this.times, columns: this.columns };
        const points = series.map((one) => new Map([...this.earlier(old, one), ...one.points]));
        const ends = series.map(({ past = [] }) => past.at(-1)?.[0] ?? -Infinity);
        Object.assign(this, { every, pastEnd: Math.max(this.pastEnd, ...ends) });
        const times = new Set();
        for (const map of points) for (const time of map.keys()) times.add(time);
        const sorted = [...times].sort((a, b) => a - b).slice(-POINTS_MAX);
        this.times = [];
        this.columns = new Map(series.map((one) => [one.id, new Column(one)]));
        this.order = series.map((one) => this.columns.get(one.id));
        this.order.forEach((column, at) => { column.begin = Math.min(...points[at].keys()); });
        for (const time of sorted) this.push(time, points.map((map) => map.get(time) ?? null));
    }

    /** Fills in what series had before the server kept them, and while it did not sample them. */
    fill({ times, series }) {
        const now = this.now;
        const all = [...new Set([...times, ...this.times])].sort((a, b) => a - b).slice(-POINTS_MAX);
        const places = (list) => new Map(list.map((time, at) => [time, at]));
        const [own, drawn] = [places(this.times), places(times)];
        for (const column of this.order) {
            const found = series.find(({ id }) => id === column.id);
            const { values } = column;
            const seen = (time) => values[own.get(time)] ?? null;
            const isDrawn = (time) => found && drawn.has(time) && (time < column.begin || seen(time) === null);
            column.values = all.map((time) => (isDrawn(time) ? found.values[drawn.get(time)] : seen(time)) ?? null);
            if (found) column.begin = now ?? Infinity;
        }
        this.times = all;
    }

    earlier({ times, columns }, { id, points, past = [] }) {
        const column = columns.get(id);
        const first = points[0]?.[0] ?? Infinity;
        if (!column) return past;
        return times.map((time, at) => [time, column.values[at]]).filter(([time]) => time < first);
    }

    add({ t, values }) {
        // The clock of a restarted promemu may be behind: what was later is none of its run.
        if (this.now !== null && this.now - t > MISSING_MAX * this.every) this.forget();
        // It may send times that the page has already.
        if (this.now !== null && t <= this.now) return;
        this.push(t, values);
        if (this.times.length >= POINTS_MAX + CHUNK_POINTS) {
            for (const list of [this.times, ...this.order.map((column) => column.values)]) list.splice(0, CHUNK_POINTS);
        }
    }

    /** Adds values at a time; behind a gap, a time without values comes first, so that no line crosses it. */
    push(time, values) {
        const last = this.now;
        if (last !== null && last > this.pastEnd && time - last > (MISSING_MAX + 1) * this.every) this.append(last + this.every, []);
        this.append(time, values);
    }

    append(time, values) {
        this.times.push(time);
        this.order.forEach((column, at) => column.values.push(values[at] ?? null));
    }

    forget() {
        for (const list of [this.times, ...this.order.map((column) => column.values)]) list.length = 0;
        this.pastEnd = -Infinity;
    }
}
