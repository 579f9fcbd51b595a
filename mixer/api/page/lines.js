// The dialogs that choose charts and their lines.

import { get } from './api.js';
import { fail, find, make, openDialog, setText, settle, toast } from './elements.js';
import { count, kindOf, number } from './format.js';
import { bucketLines, isBucket } from './heat.js';
import { isAggregate, isQuantile } from './view.js';

const LINES_MAX = 16;
const AGGREGATES = [['avg', 'average'], ['sum', 'sum'], ['min', 'lowest'], ['max', 'highest']];
const QUANTILES = [['p50', 'median'], ['p90', '90th percentile'], ['p95', '95th percentile'], ['p99', '99th percentile']];
const LISTED_MAX = 100;

/** The charts that the board opens with; the server knows which say most. */
export async function firstCharts() {
    return (await get('/charts')).charts;
}

/** Opens the dialog that adds charts. Calls `add` with each. */
export function openCharts(add) {
    const search = make('input', { type: 'search', placeholder: 'name of a metric', 'aria-label': 'search metrics', autocomplete: 'off', spellcheck: 'false' });
    const list = make('ul', { class: 'plain-list' });
    const more = make('p', { class: 'hint' });
    const choose = async (metric) => {
        try {
            const [chart] = (await get('/charts', { metric: metric.name })).charts;
            if (!chart) return toast(`${metric.name} has no series now`, 'failed');
            add(chart);
            toast(`added: ${metric.name}`);
        } catch (error) {
            fail(error);
        }
    };
    const fill = async () => {
        const { metrics, matched } = await get('/metrics', { search: search.value.trim(), limit: LISTED_MAX });
        list.replaceChildren(...metrics.map((metric) => make('li', {},
            make('button', { type: 'button', class: 'link', onclick: () => choose(metric) }, metric.name),
            make('span', { class: 'help' }, metric.help),
            make('span', { class: 'type' }, `${metric.type.replace('_', ' ')}, ${count(metric.hosts)} ${metric.hosts === 1 ? 'host' : 'hosts'}`))));
        setText(more, matched > metrics.length ? `${count(matched - metrics.length)} more: search` : matched ? '' : 'no metric has this name');
    };
    search.addEventListener('input', settle(() => fill().catch(fail), 200));
    openDialog('Add chart', '', search, list, more);
    search.focus();
    fill().catch(fail);
}

/** Opens the dialog for a chart's lines. Calls `take` with them when they are applied. */
export function openLines(chart, take) {
    const chosen = new Set(chart.lines);
    const search = make('input', { type: 'search', placeholder: 'name of a host', 'aria-label': 'search hosts', autocomplete: 'off', spellcheck: 'false' });
    const list = make('ul', { class: 'plain-list checks' });
    const more = make('p', { class: 'hint' });
    // Quantiles and rates of observations have no common axis.
    const choose = (line) => {
        for (const other of chosen) if (isQuantile(other) !== isQuantile(line) || isBucket(other)) chosen.delete(other);
        chosen.add(line);
        for (const input of dialog.querySelectorAll('[data-line]')) input.checked = chosen.has(input.dataset.line);
    };
    const aggregates = make('ul', { class: 'plain-list checks aggregates' });
    const heat = make('button', { type: 'button', hidden: true, title: 'the buckets of the histogram over time' }, 'Heat map');
    const box = (line, text, value = '') => make('li', {}, make('label', { class: 'inline' },
        make('input', {
            type: 'checkbox', checked: chosen.has(line), 'data-line': line,
            onchange: (event) => {
                if (event.target.checked && chosen.size >= LINES_MAX) {
                    event.target.checked = false;
                    toast(`a chart has at most ${LINES_MAX} lines`, 'failed');
                } else if (event.target.checked) choose(line);
                else chosen.delete(line);
            },
        }), ` ${text}`), make('span', { class: 'value' }, value));
    const fill = async () => {
        const { series, matched, parts } = await get('/series', { metric: chart.metric, search: search.value.trim(), limit: LISTED_MAX });
        const text = ({ id, host, metric }) => host + id.slice(host.length + 1 + metric.length);
        const listed = new Set(series.map(({ id }) => id));
        const others = search.value ? [] : [...chosen].filter((line) => !isAggregate(line) && !listed.has(line));
        list.replaceChildren(
            ...others.map((line) => box(line, line)),
            ...parts.filter(Boolean).map((labels) => box(`sum${labels}`, labels)),
            ...series.map((one) => box(one.id, text(one), number(one.value, kindOf(one.metric, one.unit)))));
        setText(more, matched > series.length ? `${count(matched - series.length)} more: search` : matched || parts.length ? '' : 'no host has this name');
    };
    const offer = async () => {
        const { metrics } = await get('/metrics', { search: chart.metric, limit: LISTED_MAX });
        const isHistogram = metrics.some(({ name, type }) => name === chart.metric && type === 'histogram');
        const buckets = metrics.find(({ name }) => name === chart.metric)?.buckets ?? 0;
        heat.hidden = !buckets;
        heat.onclick = () => { dialog.close(); take(bucketLines(buckets)); find('charts-title').focus(); };
        const rates = AGGREGATES.map(([line, text]) => [line, isHistogram ? `observations per second: ${text}` : text]);
        aggregates.replaceChildren(...[...(isHistogram ? QUANTILES : []), ...rates].map(([line, text]) => box(line, text)));
    };
    search.addEventListener('input', settle(() => fill().catch(fail), 200));
    const dialog = openDialog(`Lines of ${chart.metric}`, '',
        aggregates,
        search, list, more,
        make('div', { class: 'dialog-end' }, heat, make('button', {
            type: 'button', class: 'primary',
            onclick: () => { dialog.close(); take([...chosen].sort((a, b) => isAggregate(b) - isAggregate(a))); find('charts-title').focus(); },
        }, 'Show')));
    search.focus();
    offer().catch(fail);
    fill().catch(fail);
}
