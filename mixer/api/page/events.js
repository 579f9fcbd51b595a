// Events: buttons that emit them, and their log.

import { follow, get, post } from './api.js';
import { fail, find, make, setText, toast } from './elements.js';
import { clock, count } from './format.js';
import { view, writeView } from './view.js';

/** Maximum number of events kept, and of rows in the log. */
const MOST = 300;
const BUTTONS_MAX = 24;

/** Lifecycle events of promemu itself: many, and rarely of interest. */
const LIFECYCLE = new Set(['host_started', 'host_stopped', 'metrics_pushed', 'run_started', 'run_finished', 'phase_started', 'phase_finished', 'turn_finished', 'effects_changed', 'scenario_succeeded', 'scenario_failed']);
export const isLifecycle = ({ name }) => LIFECYCLE.has(name);

/** Key of an event, unique in the run: each source numbers its own events. */
const keyOf = ({ source, sequence }) => `${sequence} ${source}`;

const hostsText = (number) => `${count(number)} ${number === 1 ? 'host' : 'hosts'}`;

function dataOf({ data }) {
    if (data === null || data === undefined) return null;
    const text = JSON.stringify(data).slice(0, 400);
    return make('code', { class: text.length > 16 ? 'long' : null, title: text }, make('i', {}, 'data '), text);
}

async function fire(name) {
    const text = find('fire-data').value.trim();
    const body = { name, source: find('fire-source').value.trim() || 'api' };
    try {
        if (text) body.data = JSON.parse(text);
    } catch (error) {
        return toast(`data is not JSON: ${error.message}`, 'failed');
    }
    try {
        const { hearers } = await post('/events', body);
        if (!hearers) return toast(`${name} from ${body.source}: no host listens to it; some hosts listen only to events of their own`);
        toast(`${name}: ${hostsText(hearers)} ${hearers === 1 ? 'listens' : 'listen'} to it`);
    } catch (error) {
        fail(error);
    }
}

export class Events {
    /** Calls `heard` when an event has come that is not of promemu itself. */
    constructor(heard) {
        this.heard = heard;
        this.remembered = [];
        this.waiting = [];
        this.missed = 0;
        this.known = new Set();
        this.stop = null;
        this.log = find('log');
        this.isFollowing = true;
        const filter = find('event-filter');
        filter.value = view.filter;
        filter.addEventListener('input', () => {
            view.filter = filter.value.trim();
            writeView();
            this.fill();
        });
        find('event-lifecycle').addEventListener('change', () => this.fill());
        find('event-follow').addEventListener('change', (event) => this.setFollowing(event.target.checked));
        // Scrolling up stops following; scrolling to the end starts it again.
        this.log.addEventListener('wheel', () => requestAnimationFrame(() => this.setFollowing(this.isAtEnd())), { passive: true });
        find('fire-form').addEventListener('submit', (event) => {
            event.preventDefault();
            fire(find('fire-name').value.trim());
        });
    }

    isAtEnd() {
        return this.log.scrollTop + this.log.clientHeight >= this.log.scrollHeight - 8;
    }

    setFollowing(isFollowing) {
        this.isFollowing = isFollowing;
        find('event-follow').checked = isFollowing;
        if (isFollowing) this.log.scrollTop = this.log.scrollHeight;
    }

    resume() {
        this.pause();
        this.stop = new AbortController();
        follow('/events/stream', () => ({ last: MOST }), {
            signal: this.stop.signal,
            take: (name, data) => this.take(name, data),
            failed: fail,
        });
    }

    pause() {
        this.stop?.abort();
        this.stop = null;
    }

    /** A restarted promemu numbers its events from the beginning. */
    forget() {
        this.known.clear();
    }

    take(name, data) {
        if (name === 'missed') {
            this.missed += data.missed;
        } else if (name === 'event' && !this.known.has(keyOf(data))) {
            this.known.add(keyOf(data));
            this.remembered.push(data);
            this.waiting.push(data);
            if (!isLifecycle(data)) this.heard();
        } else {
            return;
        }
        if (this.remembered.length > MOST * 2) {
            for (const old of this.remembered.splice(0, MOST)) this.known.delete(keyOf(old));
        }
        this.draw();
    }

    draw() {
        if (this.isDrawing) return;
        this.isDrawing = true;
        requestAnimationFrame(() => {
            this.isDrawing = false;
            this.append(this.waiting.slice(-MOST));
            this.waiting = [];
        });
    }

    matches(event) {
        if (isLifecycle(event) && !find('event-lifecycle').checked) return false;
        const words = view.filter.toLowerCase();
        return !words || `${event.name} ${event.source} ${JSON.stringify(event.data) ?? ''}`.toLowerCase().includes(words);
    }

    /** Rebuilds the log for a new filter. */
    fill() {
        this.log.replaceChildren();
        this.append(this.remembered.slice(-MOST));
    }

    append(events) {
        const rows = events.filter((event) => this.matches(event)).map((event) => make('div', { class: 'log-row' },
            make('time', { datetime: event.time }, clock(event.time_unix)),
            make('span', { class: 'event-name' }, event.name),
            dataOf(event),
            make('span', { class: 'event-source' }, event.source)));
        this.log.append(...rows);
        while (this.log.children.length > MOST) this.log.firstChild.remove();
        if (this.isFollowing) this.log.scrollTop = this.log.scrollHeight;
        const shown = this.log.children.length;
        setText(find('events-summary'), `${shown ? count(shown) : 'none yet'}${this.missed ? `, ${count(this.missed)} missed` : ''}`);
    }

    /** Buttons for the events that hosts listen to, the config's before promemu's own. */
    async showButtons() {
        const { events } = await get('/events');
        const own = events.filter((event) => !event.is_lifecycle).slice(0, BUTTONS_MAX);
        find('fire').replaceChildren(...own.map((event) => make('button', {
            type: 'button',
            title: [`${hostsText(event.hearers)} ${event.hearers === 1 ? 'listens' : 'listen'} to it`, ...event.effects ?? []].join('\n'),
            onclick: () => fire(event.name),
        }, event.name, make('small', {}, hostsText(event.hearers)))));
        if (!own.length) find('fire').replaceChildren(make('span', { class: 'hint' }, 'no host of this run listens to events'));
    }
}
