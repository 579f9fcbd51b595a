// Overrides: values that metrics show instead of their scenarios'.

import { get, metricPath, put, remove } from './api.js';
import { fail, make, openDialog, toast } from './elements.js';
import { clock, kindOf, number } from './format.js';

const WHILES = [['1m', '1 min'], ['5m', '5 min'], ['15m', '15 min'], ['1h', '1 h'], ['', 'until released']];

export const untilText = ({ until_unix: until }) => (until === null || until === undefined ? 'until released' : `until ${clock(until)}`);

/** Releases the override of a series, then calls `then`. */
export async function release(series, then) {
    try {
        await remove(`${metricPath(series)}/override`);
        toast(`released: ${series.id}`);
    } catch (error) {
        fail(error);
    }
    then();
}

const WHAT = {
    counter: 'The counter jumps to this value, and stands there.',
    histogram: 'Every observation is this value.',
    native_histogram: 'Every observation is this value.',
    summary: 'Every observation is this value.',
    stateset: 'The number of the state, from 0.',
};

/** The form for one metric. Calls `done` when it is sent or cancelled. */
export class OverrideForm {
    constructor(metric, done) {
        Object.assign(this, { metric, done });
        const [low, high] = metric.range ?? [null, null];
        const bound = (value) => (Number.isFinite(value) ? String(value) : null);
        const hint = WHAT[metric.type] ?? (metric.range ? `range ${number(low, kindOf(metric.metric, metric.unit))} to ${number(high, kindOf(metric.metric, metric.unit))}` : '');
        this.value = make('input', { type: 'number', step: 'any', required: true, min: metric.type === 'counter' ? '0' : bound(low), max: metric.type === 'counter' ? null : bound(high), value: String(metric.override?.value ?? metric.value ?? '') });
        this.while = make('select', {}, WHILES.map(([value, text]) => make('option', { value }, text)));
        this.reset = make('input', { type: 'checkbox' });
        this.resetLabel = make('label', { class: 'inline wide', hidden: true }, this.reset, ' let the counter fall, as at a restart');
        this.message = make('p', { class: 'problem wide', role: 'alert', hidden: true });
        this.element = make('form', { class: 'override', onsubmit: (event) => this.submit(event), onkeydown: (event) => this.key(event) },
            make('label', {}, 'value ', this.value), make('label', {}, 'for ', this.while),
            make('button', { class: 'primary' }, 'Override'),
            make('button', { type: 'button', onclick: () => done() }, 'Cancel'),
            this.resetLabel, hint ? make('p', { class: 'hint wide' }, hint) : null, this.message);
    }

    focus() {
        this.value.focus();
        this.value.select();
    }

    key(event) {
        if (event.key !== 'Escape') return;
        event.stopPropagation();
        this.done();
    }

    async submit(event) {
        event.preventDefault();
        const body = { value: Number(this.value.value), allow_reset: this.reset.checked };
        if (this.while.value) body.for = this.while.value;
        try {
            const { override } = await put(`${metricPath(this.metric)}/override`, body);
            toast(`${this.metric.id} is ${override.value} ${untilText(override)}`);
            this.done();
        } catch (error) {
            this.message.textContent = error.message;
            this.message.hidden = false;
            this.resetLabel.hidden = error.code !== 'counter_falls';
        }
    }
}

/** The list of all overrides, with a button to release each. */
export async function openOverrides(open) {
    const list = make('ul', { class: 'plain-list' });
    const fill = async () => {
        const { overrides } = await get('/overrides');
        list.replaceChildren(...overrides.slice(0, 200).map((override) => make('li', {},
            make('button', { type: 'button', class: 'link', onclick: () => { dialog.close(); open(override.host, override.id); } }, override.id),
            make('span', {}, `${number(override.value)} ${untilText(override)}`),
            make('button', { type: 'button', class: 'quiet', onclick: () => release(override, () => fill().catch(fail)) }, 'Release'))));
        if (!overrides.length) list.replaceChildren(make('li', {}, 'no metric is overridden'));
    };
    const dialog = openDialog('Overrides', '', list);
    await fill().catch(fail);
}
