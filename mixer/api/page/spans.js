// Spans and marks in words, and their details.

import { post, remove } from './api.js';
import { fail, isolated, make, openDialog } from './elements.js';
import { clock, count, duration } from './format.js';

const KINDS = { phase: 'phase', fault: 'fault', down: 'hosts down', stopped: 'hosts stopped', override: 'value set by hand', lever: 'lever moved by hand', edit: 'edit' };

/** The place of a span in words. */
export function whereOf({ kind, target, hosts, examples }) {
    if (kind === 'fault' && hosts) {
        const more = hosts - examples.length;
        return `on ${hosts === 1 ? 'host' : 'hosts'} ${examples.map(isolated).join(', ')}${more > 0 ? ` and ${count(more)} more` : ''}`;
    }
    return target && target !== '*' ? `on ${isolated(target)}` : kind === 'phase' || kind === 'edit' ? '' : 'on all hosts';
}

const timesOf = ({ begin_unix: begin, end_unix: end, is_on: isOn }) => {
    if (end === begin) return clock(begin);
    return `${clock(begin)} to ${end === null ? 'further notice' : clock(end)}${end === null ? '' : ` (${duration(end - begin)})`}${isOn ? ', on now' : ''}`;
};

/** A span in one line. */
export const titleOf = (span) => [`${KINDS[span.kind]} ${isolated(span.name)}`.trim(), whereOf(span), timesOf(span)].filter(Boolean).join(', ');

/** An action that ends a span that is on, if there is one: its words and its request. */
function endOf({ kind, name, target }) {
    if (kind === 'fault') return ['End the fault', () => remove(`/faults/${encodeURIComponent(name)}`)];
    if (kind === 'down') return ['Bring them up', () => post('/actions', { action: 'up', hosts: target })];
    if (kind === 'stopped') return ['Start them', () => post('/actions', { action: 'start', hosts: target })];
    if (kind === 'override') return ['Release it', () => post('/actions', { action: 'release', hosts: target, metric: name })];
    if (kind === 'lever') return ['Release it', () => remove(`/levers/${encodeURIComponent(name)}`)];
    return null;
}

const fact = (name, text) => (text ? [make('dt', {}, name), make('dd', {}, text)] : []);

/** Opens the details of a span. */
export function openSpan(span, ribbon) {
    const { board } = ribbon;
    const zoom = () => {
        const end = Math.min(span.end_unix ?? Infinity, board.live.now ?? span.begin_unix);
        const room = Math.max((end - span.begin_unix) * 0.2, 5);
        dialog.close();
        board.setZoom([span.begin_unix - room, end + room]);
    };
    const end = span.is_on ? endOf(span) : null;
    const act = async () => {
        try {
            await end[1]();
            dialog.close();
            await ribbon.again();
        } catch (error) {
            fail(error);
        }
    };
    const dialog = openDialog(`${KINDS[span.kind]} ${isolated(span.name)}`.trim(), 'small',
        make('dl', { class: 'facts' },
            fact('when', timesOf(span)),
            fact('where', whereOf(span).replace(/^on (hosts? )?/, '')),
            fact('kind', span.kind === 'fault' ? span.detail.replaceAll('_', ' ') : ''),
            fact('value', span.kind === 'override' || span.kind === 'lever' ? span.detail : ''),
            fact('cause', span.root),
            fact('alerts that should fire', span.alerts.join(', '))),
        make('div', { class: 'dialog-end' },
            end ? make('button', { type: 'button', onclick: act }, end[0]) : null,
            make('button', { type: 'button', class: 'primary', onclick: zoom }, 'Zoom to it')));
}

/** Opens the details of events at one place. */
export function openMark(marks) {
    openDialog(marks.length === 1 ? `Event ${isolated(marks[0].name)}` : `${count(marks.length)} moments of events`, 'small',
        make('ul', { class: 'plain-list' }, marks.map(({ name, source, count: number, time_unix: time }) => make('li', {},
            make('time', {}, clock(time)), make('b', {}, name),
            make('span', { class: 'value' }, `from ${isolated(source)}${number > 1 ? ` and ${count(number - 1)} more` : ''}`)))));
}
