// The query of a chart: copied, or opened on the page of another server that has the metrics, in the shown time.

import { copy, make, openDialog } from './elements.js';

/** A time as Prometheus' own page reads it: `2026-01-05 08:00:00`, in UTC. */
const timeText = (time) => new Date(time * 1000).toISOString().slice(0, 19).replace('T', ' ');

/** The graph of a query on Prometheus' page. `isLive`: up to now, not to the end of the shown time. */
export function prometheusAddress(base, query, [from, to], isLive) {
    const parameters = new URLSearchParams({ 'g0.expr': query, 'g0.tab': '0', 'g0.range_input': `${Math.max(Math.ceil(to - from), 1)}s` });
    if (!isLive) parameters.set('g0.end_input', timeText(to));
    return `${base}/graph?${parameters}`;
}

/** The same in Grafana's Explore, with the data source that is its default. */
export function grafanaAddress(base, query, [from, to], isLive) {
    const range = isLive ? { from: `now-${Math.max(Math.ceil(to - from), 1)}s`, to: 'now' } : { from: String(Math.floor(from * 1000)), to: String(Math.ceil(to * 1000)) };
    const panes = { promemu: { queries: [{ refId: 'A', expr: query, range: true }], range } };
    return `${base}/explore?${new URLSearchParams({ schemaVersion: '1', orgId: '1', panes: JSON.stringify(panes) })}`;
}

/** Copies the query of a card, or offers to open it where the metrics are, if promemu knows that. */
export function openQuery(card) {
    const { board } = card;
    const servers = [['prometheus', 'Open in Prometheus', prometheusAddress], ['grafana', 'Open in Grafana', grafanaAddress]].filter(([name]) => board.links[name]);
    const query = card.query();
    if (!servers.length) return copy(query);
    // The run's time is that of the servers while the page follows it.
    const isLive = board.zoom === null && board.pausedAt === null && board.speed === 1;
    const area = make('textarea', { readonly: true, rows: '5', class: 'by-hand', 'aria-label': 'query' });
    area.value = query;
    openDialog(`Query of ${card.chart.metric}`, 'small', area, make('div', { class: 'dialog-end' },
        make('button', { type: 'button', onclick: () => copy(query) }, 'Copy'),
        servers.map(([name, text, address]) => make('a', { class: 'button', target: '_blank', rel: 'noopener', href: address(board.links[name], query, board.range(), isLive) }, text))));
}
