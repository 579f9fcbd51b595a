// Marks and bands of charts: events as lines with their names above the plot, and faults as a ground behind the lines.

import { style } from './elements.js';

/** Height of the space above the plot for the names of marks, in pixels. */
export const MARK_HEIGHT = 15;
/** The least room for a mark's name, in pixels; longer names are cut to their room. */
const MARK_ROOM = 60;
/** More marks than this are drawn faintly. */
const MANY_MARKS = 16;

/** The text, cut to a width. */
function fitted(context, text, room) {
    if (context.measureText(text).width <= room) return text;
    let length = text.length;
    while (length > 0 && context.measureText(`${text.slice(0, length)}…`).width > room) length -= 1;
    return length > 0 ? `${text.slice(0, length)}…` : '';
}

/** Draws the events behind the lines, and their names above the plot where there is room. */
export function drawMarks(plot, marks) {
    const { ctx: context, bbox: box } = plot;
    const ratio = devicePixelRatio || 1;
    context.save();
    context.font = `${10 * ratio}px system-ui, sans-serif`;
    context.textBaseline = 'top';
    context.textAlign = 'left';
    context.lineWidth = ratio;
    context.strokeStyle = context.fillStyle = style('--mark');
    context.setLineDash([2 * ratio, 3 * ratio]);
    context.direction = 'ltr';
    let free = box.left + box.width;
    const places = placesOf(plot, marks, ratio);
    context.globalAlpha = places.length > MANY_MARKS ? 0.4 : 1;
    for (const { time, names } of places) {
        const x = Math.round(time) + 0.5;
        context.beginPath();
        context.moveTo(x, box.top);
        context.lineTo(x, box.top + box.height);
        context.stroke();
        context.beginPath();
        context.moveTo(x - 4 * ratio, box.top - 7 * ratio);
        context.lineTo(x + 4 * ratio, box.top - 7 * ratio);
        context.lineTo(x, box.top);
        context.fill();
        if (free - x > MARK_ROOM * ratio) context.fillText(fitted(context, names, free - x - 14 * ratio), x + 6 * ratio, box.top - (MARK_HEIGHT - 1) * ratio);
        free = x;
    }
    context.restore();
}

/** Draws the unit above the value axis. */
export function drawUnit({ ctx: context }, unit, room) {
    const ratio = devicePixelRatio || 1;
    context.save();
    context.font = `${10 * ratio}px system-ui, sans-serif`;
    context.textBaseline = 'top';
    context.textAlign = 'left';
    context.direction = 'ltr';
    context.fillStyle = style('--muted');
    context.fillText(fitted(context, unit, room * ratio), 0, 0);
    context.restore();
}

/** Positions of the marks, the last first; marks that would cover each other are merged. */
function placesOf(plot, marks, ratio) {
    const places = [];
    for (const { time, name } of marks.toReversed()) {
        const x = plot.valToPos(time, 'x', true);
        const near = places.at(-1);
        if (near && near.time - x < 3 * ratio) {
            if (!near.names.includes(name) && near.names.length < 60) near.names = `${name}, ${near.names}`;
        } else places.push({ time: x, names: name });
    }
    return places;
}

/** Draws the times of faults as a ground. */
export function drawBands(plot, faults) {
    if (!faults.length) return;
    const { ctx: context, bbox: box } = plot;
    context.save();
    context.fillStyle = style('--band');
    // Faults at the same time are one ground.
    const stretches = [];
    for (const { begin, end } of faults) {
        if (stretches.length && begin <= stretches.at(-1).end) stretches.at(-1).end = Math.max(stretches.at(-1).end, end);
        else stretches.push({ begin, end });
    }
    for (const { begin, end } of stretches) {
        const left = Math.max(plot.valToPos(begin, 'x', true), box.left);
        const right = Math.min(plot.valToPos(end, 'x', true), box.left + box.width);
        if (right > left) context.fillRect(left, box.top, right - left, box.height);
    }
    context.restore();
}
