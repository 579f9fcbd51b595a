// A chart as a PNG: its title, its plot and its legend on the ground of the theme.

import { make, style } from './elements.js';

const MARGIN = 12;
const LINE = 18;

/** Lays out legend entries in rows of a width; returns the rows. */
function rowsOf(context, entries, width) {
    const rows = [[]];
    let used = 0;
    for (const entry of entries) {
        const needed = context.measureText(entry.text).width + 34;
        if (used + needed > width && rows.at(-1).length) {
            rows.push([]);
            used = 0;
        }
        rows.at(-1).push({ ...entry, left: used });
        used += needed;
    }
    return rows;
}

/** Saves a plot. `entries` are `{ text, colour, dash }`. */
export function savePicture(plot, title, entries, fileName) {
    const ratio = devicePixelRatio || 1;
    const source = plot.ctx.canvas;
    const canvas = make('canvas');
    const context = canvas.getContext('2d');
    const width = source.width / ratio;
    const font = (weight) => `${weight} 12px system-ui, sans-serif`;
    context.font = font(400);
    const rows = rowsOf(context, entries, width - 2 * MARGIN);
    const height = MARGIN * 2 + LINE + source.height / ratio + rows.length * LINE;
    canvas.width = (width + 2 * MARGIN) * ratio;
    canvas.height = height * ratio;
    context.scale(ratio, ratio);
    context.fillStyle = style('--paper');
    context.fillRect(0, 0, width + 2 * MARGIN, height);
    context.fillStyle = style('--ink');
    context.font = font(600);
    context.textBaseline = 'top';
    context.fillText(title, MARGIN, MARGIN);
    context.drawImage(source, MARGIN, MARGIN + LINE, width, source.height / ratio);
    context.font = font(400);
    rows.forEach((row, at) => row.forEach(({ text, colour, dash, left }) => {
        const y = MARGIN + LINE + source.height / ratio + at * LINE;
        context.strokeStyle = colour;
        context.lineWidth = 2;
        context.setLineDash(dash);
        context.beginPath();
        context.moveTo(MARGIN + left, y + 8);
        context.lineTo(MARGIN + left + 18, y + 8);
        context.stroke();
        context.fillText(text, MARGIN + left + 24, y + 1);
    }));
    canvas.toBlob((blob) => {
        const link = make('a', { href: URL.createObjectURL(blob), download: fileName });
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    }, 'image/png');
}
