// Heat maps: the buckets of a histogram over time, each as dark as it has observations.

import { style } from './elements.js';
import { number } from './format.js';

/** `true` for a line that is one bucket of a histogram. */
export const isBucket = (line) => /^bucket\d/.test(line);
export const isHeatMap = (lines) => lines.length > 1 && lines.every(isBucket);

/** The lines of a heat map of this number of buckets. */
export const bucketLines = (buckets) => Array.from({ length: buckets }, (_, at) => `bucket${at}`);

/** The upper bound of a bucket, as its series has it. */
export const boundOf = (column) => column?.labels?.le ?? '';

const boundText = (bound, kind) => (bound === '+Inf' || bound === '' ? bound : number(Number(bound), kind));

/** Names of the buckets: the bound below and above. */
export function bucketName(columns, at, kind) {
    const [below, above] = [at ? boundText(boundOf(columns[at - 1]), kind) : '', boundText(boundOf(columns[at]), kind)];
    if (!below) return `≤ ${above}`;
    return above === '+Inf' ? `> ${below}` : `${below} to ${above}`;
}

/** Draws the cells of all buckets: `columns` in the order of their bounds. */
export function drawHeat(plot, times, columns) {
    const { ctx: context, bbox: box } = plot;
    const [from, to] = [plot.scales.x.min, plot.scales.x.max];
    const first = Math.max(times.findIndex((time) => time >= from) - 1, 0);
    const known = times.flatMap((time, at) => (at >= first && time <= to ? [at] : []));
    if (known.length < 2) return;
    // Moments that share a pixel are drawn once.
    const step = Math.max(1, Math.floor(known.length / Math.max(box.width / 3, 1)));
    let most = 0;
    for (const column of columns) for (const at of known) most = Math.max(most, column?.values[at] ?? 0);
    if (!most) return;
    const height = box.height / columns.length;
    context.save();
    context.beginPath();
    context.rect(box.left, box.top, box.width, box.height);
    context.clip();
    context.fillStyle = style('--map-high');
    for (let index = step; index < known.length; index += step) {
        const left = plot.valToPos(times[known[index - step]], 'x', true);
        const right = plot.valToPos(times[known[index]], 'x', true);
        columns.forEach((column, bucket) => {
            const value = column?.values[known[index]];
            if (!value) return;
            // The eye takes the square root of a share for the share.
            context.globalAlpha = 0.08 + 0.92 * Math.sqrt(value / most);
            context.fillRect(left, box.top + box.height - (bucket + 1) * height, right - left + 0.5, height - 1);
        });
    }
    context.restore();
}

/** Labels of the value axis, of which a unit is a bucket. */
export const bucketLabels = (columns, splits, kind) => splits.map((at) => (Number.isInteger(at) && at > 0 && at <= columns.length ? boundText(boundOf(columns[at - 1]), kind) : ''));
