// The box beside the cursor: the values of a chart's lines at its time, the largest first.

import { make } from './elements.js';
import { clock, number } from './format.js';

/** More lines are counted. */
const ROWS_MAX = 12;
/** From the cursor to the box, in pixels. */
const GAP = 14;

export class Tooltip {
    constructor(place) {
        this.place = place;
        this.element = make('div', { class: 'tooltip', 'aria-hidden': 'true', hidden: true });
        place.append(this.element);
    }

    hide() {
        this.element.hidden = true;
    }

    /** Shows rows of `{ name, value, colour }` at a point of the plot, whose width it does not leave. */
    show(time, left, kind, finer, rows) {
        const known = rows.filter(({ value }) => Number.isFinite(value)).sort((a, b) => b.value - a.value);
        if (!known.length) return this.hide();
        const line = ({ name, value, colour }) => {
            const swatch = make('i', { class: 'swatch' });
            swatch.style.setProperty('--swatch', `var(${colour})`);
            return make('div', {}, swatch, make('span', {}, name), make('b', {}, number(value, kind, finer)));
        };
        const more = known.length - ROWS_MAX;
        this.element.replaceChildren(make('div', { class: 'hint' }, clock(time)), ...known.slice(0, ROWS_MAX).map(line),
            ...(more > 0 ? [make('div', { class: 'hint' }, `${more} more`)] : []));
        this.element.hidden = false;
        const room = this.place.clientWidth;
        const width = this.element.offsetWidth;
        const right = left + GAP + width <= room ? left + GAP : left - GAP - width;
        this.element.style.left = `${Math.max(0, right)}px`;
    }
}
