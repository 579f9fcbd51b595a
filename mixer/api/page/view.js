// The user's selection, in the fragment of the address: a reload keeps it, and a link shares it.

/**
 * `charts` is a list of `{ metric, lines }`, or null for the default board; a line is `avg`, `sum`, `min`, `max`, of histograms
 * also `p50`, `p90`, `p95`, `p99` and `bucket0` and so on, each of them with labels in braces or not; or the id of a series.
 */
export const view = { run: null, charts: null, window: 300, zoom: null, map: null, host: null, search: '', state: '', filter: '' };

const AGGREGATE = /^(avg|sum|min|max|p50|p90|p95|p99|bucket\d+)($|\{)/;
/** `true` if a line aggregates all hosts. */
export const isAggregate = (line) => AGGREGATE.test(line);

/** `true` if a line is a quantile of observations. */
export const isQuantile = (line) => /^p\d\d($|\{)/.test(line);

const wordOf = (line) => AGGREGATE.exec(line)?.[1] ?? '';

/** The labels of an aggregate: `''`, or as in `{server="a"}`. */
export const labelsOf = (line) => line.slice(wordOf(line).length);

/** The id under which the API knows a line: that of its rate, if it is one that grows. */
export const lineId = (metric, line) => `rate:${isAggregate(line) ? `${wordOf(line)}:${metric}${labelsOf(line)}` : line}`;

/** The host of a chart's line, and the metric's own labels: `''`, or as in `{disk="sda"}`. */
export function partsOf(metric, line) {
    const brace = line.indexOf(`/${metric}{`);
    const at = brace < 0 ? line.length - metric.length - 1 : brace;
    return { host: line.slice(0, at), labels: line.slice(at + 1 + metric.length) };
}

// In the address, a line of the chart's own metric is shortened to `worker-01` or `worker-01{disk="sda"}`.
function shorten(metric, line) {
    if (isAggregate(line)) return line;
    const { host, labels } = partsOf(metric, line);
    return host + labels;
}

function lengthen(metric, text) {
    if (isAggregate(text)) return text;
    const brace = text.indexOf('{');
    return brace < 0 ? `${text}/${metric}` : `${text.slice(0, brace)}/${metric}${text.slice(brace)}`;
}

/** The times of `BEGIN,END`; null for another text. */
function zoomOf(text) {
    const [from, to] = (text ?? '').split(',').map(Number);
    return from > 0 && to > from && Number.isFinite(to) ? [from, to] : null;
}

/** Reads the address. */
export function readView() {
    const parameters = new URLSearchParams(location.hash.slice(1));
    const charts = [];
    for (const [name, value] of parameters) {
        if (name === 'chart') charts.push({ metric: value, lines: [] });
        else if (name === 'line' && charts.length) charts.at(-1).lines.push(lengthen(charts.at(-1).metric, value));
    }
    const length = Number(parameters.get('last'));
    Object.assign(view, {
        run: parameters.get('run') || new URLSearchParams(location.search).get('run') || null,
        charts: parameters.has('chart') || parameters.has('empty') ? charts : null,
        window: [60, 300, 900, 3600].includes(length) ? length : 300,
        zoom: zoomOf(parameters.get('zoom')),
        map: parameters.get('map'),
        host: parameters.get('host'),
        search: parameters.get('search') ?? '',
        state: parameters.get('state') ?? '',
        filter: parameters.get('filter') ?? '',
    });
}

/** Writes the address, without an entry in the browser's history. */
export function writeView() {
    const parameters = new URLSearchParams();
    for (const name of ['run', 'host', 'search', 'state', 'filter']) {
        if (view[name]) parameters.set(name, view[name]);
    }
    if (view.map !== null) parameters.set('map', view.map);
    if (view.window !== 300) parameters.set('last', view.window);
    if (view.zoom) parameters.set('zoom', view.zoom.map((time) => time.toFixed(1)).join(','));
    if (view.charts && !view.charts.length) parameters.set('empty', '');
    for (const { metric, lines } of view.charts ?? []) {
        parameters.append('chart', metric);
        for (const line of lines) parameters.append('line', shorten(metric, line));
    }
    const text = parameters.toString();
    // A run that was named in the query moves to the fragment.
    history.replaceState(null, '', location.pathname + (text && `#${text}`));
}
