// Charts of a config in virtual time, drawn once.

import { stepsOf, valueLabels, valueRange } from './axis.js';
import { isolated, make, style } from './elements.js';
import { duration, kindOf } from './format.js';
import { drawBands } from './marks.js';
import { isAggregate } from './view.js';

const COLOURS = 8;
const DASHES = [[], [7, 3], [2, 2], [9, 3, 2, 3]];
const GROWING = new Set(['counter', 'histogram', 'native_histogram', 'summary']);

/** `true` for values that the page shows as they are, quantiles among them. */
const isRate = ({ metric_type: type, lines }) => GROWING.has(type) && !/^p\d\d/.test(lines[0] ?? '');

/** The kind of a chart's values. */
export function kindOfChart({ metric, type, unit, lines }) {
    const kind = kindOf(metric, unit);
    return isRate({ metric_type: type, lines }) && !(type === 'counter' && kind === 'bytes') ? 'plain' : kind;
}

/** Aggregates over all are thick, have the colour of text, and differ by their dashes. */
const strokes = (lines) => {
    let next = 0;
    return lines.map((line, at) => (isAggregate(line) && !line.includes('{')
        ? { stroke: style('--line-aggregate'), width: 1.75, dash: DASHES[at % DASHES.length] }
        : { stroke: style(`--line-${next++ % COLOURS}`), width: 1.25 }));
};

/**
 * Draws columns of values over seconds into a place. `faults` are `{ begin, end }` on the same axis; a chart without axes is a thumbnail.
 */
export function drawColumns(place, { seconds, columns, lines, kind, faults = [], height, hasAxes = true, timeText = (time) => duration(time) }) {
    const axis = { stroke: style('--muted'), font: '10px system-ui, sans-serif', grid: { stroke: style('--grid'), width: 1 }, ticks: { show: false } };
    return new uPlot({
        width: place.clientWidth || 260,
        height,
        legend: { show: false },
        cursor: { show: false },
        padding: hasAxes ? [6, 18, 0, 0] : [4, 0, 4, 0],
        scales: { x: { time: false }, y: { range: (plot, low, high) => valueRange(low, high, null, kind) } },
        axes: hasAxes ? [
            { ...axis, size: 20, space: 60, incrs: stepsOf('instant'), values: (plot, splits, at, space, step) => splits.map((time) => timeText(time, step < 60)) },
            { ...axis, size: 54, gap: 3, space: 26, incrs: stepsOf(kind), values: (plot, splits) => valueLabels(splits, kind) },
        ] : [{ show: false }, { show: false }],
        series: [{}, ...strokes(lines).map((stroke) => ({ ...stroke, spanGaps: false, points: { show: false } }))],
        hooks: { drawClear: [(plot) => drawBands(plot, faults)] },
    }, [seconds, ...columns], place);
}

/** The faults of a preview, as bands of its charts. */
export const bandsOf = ({ spans, seconds }) => spans.filter(({ kind }) => kind === 'fault')
    .map(({ begin_seconds: begin, end_seconds: end }) => ({ begin, end: end ?? seconds.at(-1) }));

/** Draws one chart of a preview. */
export function drawPreview(place, preview, chart, height, hasAxes) {
    place.replaceChildren();
    return drawColumns(place, { seconds: preview.seconds, columns: chart.values, lines: chart.lines, kind: kindOfChart(chart), faults: bandsOf(preview), height, hasAxes });
}

/** The phases and faults of a preview in words. */
export function spansText({ spans }) {
    const names = (kind) => [...new Set(spans.filter((span) => span.kind === kind).map(({ name }) => isolated(name)))];
    const list = (word, all) => (all.length ? `${word}${all.length === 1 ? '' : 's'} ${all.slice(0, 4).join(', ')}${all.length > 4 ? ', …' : ''}` : '');
    return [list('phase', names('phase')), list('fault', names('fault'))].filter(Boolean).join(' · ');
}

/** The problems of a config that has no preview. */
export const problemsOf = ({ note, problems }) => make('p', { class: 'hint' }, note ?? problems.map(({ line, message }) => `line ${line ?? '?'}: ${message}`).slice(0, 3).join(' · '));
