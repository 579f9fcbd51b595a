// The ribbon: phases, faults, what people did, and events, as one band of spans with the time axis of the charts.

import { get } from './api.js';
import { fail, find, isolated, make, setText } from './elements.js';
import { clock, count, duration } from './format.js';
import { openMark, openSpan, titleOf, whereOf } from './spans.js';

/** Pauses between two looks, in milliseconds: the usual one, and the shortest after an event. */
const EVERY = 2000;
const SOONEST = 700;
/** The most rows of a lane; spans beyond them are counted. */
const ROWS_MAX = 5;
/** A shorter span is as wide as this, in pixels, and marks that are nearer are one; for fingers, what they need. */
const WIDTH_MIN = 6;
const MARKS_APART = 9;
const FINGER = 44;
const phone = matchMedia('(max-width: 640px)');

const LANES = [
    { name: 'phases', kinds: ['phase'] },
    { name: 'faults', kinds: ['fault'] },
    { name: 'by hand', kinds: ['down', 'stopped', 'override', 'lever', 'edit'] },
];
/** Kinds that say that something is wrong while they last. */
const WRONG = new Set(['fault', 'down', 'stopped', 'override']);

const keyOf = ({ kind, name, target, begin_unix: begin }) => [kind, name, target, begin].join('\n');

/** A lane: its name, and rows of spans that do not overlap. */
class Lane {
    constructor({ name, kinds }, ribbon) {
        Object.assign(this, { kinds, ribbon, items: new Map() });
        this.place = make('div', { class: 'lane-place' });
        this.element = make('div', { class: 'lane', role: 'group', 'aria-label': name }, make('span', { class: 'lane-name' }, name), this.place);
    }

    show(spans) {
        const shown = spans.filter(({ kind }) => this.kinds.includes(kind));
        const old = this.items;
        this.items = new Map(shown.map((span) => {
            const kept = old.get(keyOf(span)) ?? { element: make('button', { type: 'button', class: `span ${span.kind}`, onclick: () => openSpan(this.items.get(keyOf(span))?.span ?? span, this.ribbon) }) };
            old.delete(keyOf(span));
            kept.span = span;
            kept.element.title = titleOf(span);
            kept.element.classList.toggle('is-on', span.is_on);
            setText(kept.element, span.kind === 'edit' ? '✎' : span.name || `${whereOf(span)} ${span.kind}`);
            return [keyOf(span), kept];
        }));
        for (const { element } of old.values()) element.remove();
        this.place.append(...[...this.items.values()].map(({ element }) => element).filter((element) => !element.isConnected));
        this.element.hidden = !shown.length;
    }

    draw(from, to, width) {
        const rows = [];
        const least = phone.matches ? FINGER : WIDTH_MIN;
        for (const { span, element } of this.items.values()) {
            const [begin, end] = [span.begin_unix, span.end_unix ?? Infinity];
            const at = (time) => ((Math.min(Math.max(time, from), to) - from) / (to - from)) * width;
            const left = Math.min(at(begin), width - least);
            const right = Math.max(at(end), left + least);
            const row = rows.findIndex((taken) => taken <= left);
            const place = row < 0 ? rows.length : row;
            element.hidden = end < from || begin > to || place >= ROWS_MAX;
            if (element.hidden) continue;
            rows[place] = right;
            element.style.left = `${left}px`;
            element.style.width = `${right - left}px`;
            element.style.setProperty('--row', place);
            element.classList.toggle('is-cut', begin < from);
        }
        this.place.style.setProperty('--rows', Math.max(rows.length, 1));
    }
}

export class Ribbon {
    constructor(board) {
        Object.assign(this, { board, seen: null, marks: [], asked: 0, wantedAt: -Infinity });
        this.lanes = LANES.map((lane) => new Lane(lane, this));
        this.marksPlace = make('div', { class: 'lane-place' });
        this.marksLane = make('div', { class: 'lane', role: 'group', 'aria-label': 'events' }, make('span', { class: 'lane-name' }, 'events'), this.marksPlace);
        find('lanes').append(...this.lanes.map(({ element }) => element), this.marksLane);
        board.ribbon = this;
        find('ribbon-toggle').addEventListener('click', () => this.unfold());
    }

    /** Shows or hides the lanes in a small window, where they are folded away at first. */
    unfold() {
        const isOpen = find('ribbon').classList.toggle('is-open');
        find('ribbon-toggle').setAttribute('aria-expanded', String(isOpen));
        this.draw();
    }

    /** Looks again if it is time, or soon after an event. */
    async refresh(isEvent = false) {
        const now = performance.now();
        if (now - this.wantedAt < (isEvent ? SOONEST : EVERY - 100)) return;
        this.wantedAt = now;
        const asked = ++this.asked;
        try {
            const seen = await get('/spans', { last_seconds: this.board.reach() });
            if (asked === this.asked) this.show(seen);
        } catch (error) {
            if (error.status && error.status !== 404) fail(error);
        }
    }

    /** Looks at once, as after a change. */
    again() {
        this.wantedAt = -Infinity;
        return this.refresh();
    }

    show(seen) {
        this.seen = seen;
        for (const lane of this.lanes) lane.show(seen.spans);
        this.board.events = seen.marks.map(({ name, time_unix: time }) => ({ time, name: isolated(name) }));
        this.board.faults = seen.spans.filter(({ kind }) => kind === 'fault' || kind === 'down');
        find('ribbon').hidden = false;
        find('ribbon-toggle').hidden = !seen.spans.length && !seen.marks.length;
        this.tell(seen);
        this.board.draw();
    }

    /** Says in words what is wrong now, since when, and where. */
    tell({ spans, now_unix: now, next_fault: next }) {
        const wrong = spans.filter(({ kind, is_on: isOn }) => isOn && WRONG.has(kind));
        const levers = spans.filter(({ kind, is_on: isOn }) => isOn && kind === 'lever');
        const phase = spans.findLast(({ kind, is_on: isOn }) => isOn && kind === 'phase');
        const place = find('ribbon-now');
        const long = ({ begin_unix: begin, end_unix: end }) => `for ${duration(now - begin)}${end === null ? '' : ` of ${duration(end - begin)} planned`}`;
        const what = (span) => make('button', { type: 'button', class: 'link wrong', onclick: () => openSpan(span, this) },
            span.kind === 'fault' ? span.name : span.kind === 'override' ? `${span.name} is set to ${span.detail}` : span.kind);
        // A fault that moves levers has no kind that says more than its name.
        const kind = ({ kind: of, name, detail }) => (of === 'fault' && detail !== 'lever' && detail !== name ? ` (${detail.replaceAll('_', ' ')})` : '');
        const items = wrong.slice(0, 4).map((span) => make('span', { class: 'now-item' }, what(span),
            `${kind(span)} since ${clock(span.begin_unix)}, ${long(span)}, ${whereOf(span)}`, span.root ? ['; cause: ', make('b', {}, span.root)] : ''));
        const key = JSON.stringify([wrong.map(keyOf), levers.map(keyOf), phase && keyOf(phase), next, Math.round(now)]);
        if (this.told === key) return;
        this.told = key;
        const parts = items.length ? [make('strong', { class: 'bad' }, 'Wrong now: '), ...items] : [make('strong', { class: 'good' }, 'Nothing is wrong now. ')];
        if (wrong.length > items.length) parts.push(`and ${count(wrong.length - items.length)} more`);
        if (!items.length) {
            const last = spans.findLast(({ kind }) => kind === 'fault');
            if (last) parts.push(make('span', { class: 'now-item' }, `fault ${isolated(last.name)} ended ${duration(now - last.end_unix)} ago`));
        }
        const plan = [phase && `phase ${isolated(phase.name)}`, next && `next planned fault: ${isolated(next.name)}, in ${duration(next.begin_unix - now)}`];
        if (phase || next) parts.push(make('span', { class: 'now-plan' }, plan.filter(Boolean).join(' · ')));
        place.dataset.state = items.length ? 'wrong' : 'well';
        // A focused button stays while its text is the same.
        if (place.contains(document.activeElement) && place.textContent.length) return;
        place.replaceChildren(...parts);
    }

    draw() {
        if (!this.seen || find('ribbon').hidden) return;
        const [from, to] = this.board.range();
        const width = this.lanes.find(({ element }) => !element.hidden)?.place.clientWidth || this.marksPlace.clientWidth;
        for (const lane of this.lanes) if (!lane.element.hidden) lane.draw(from, to, width);
        this.drawMarks(from, to, this.marksPlace.clientWidth || width);
    }

    drawMarks(from, to, width) {
        const groups = [];
        const apart = phone.matches ? FINGER : MARKS_APART;
        for (const mark of this.seen.marks) {
            if (mark.time_unix < from || mark.time_unix > to) continue;
            const left = Math.min(((mark.time_unix - from) / (to - from)) * width, width - apart);
            if (groups.length && left - groups.at(-1).left < apart) groups.at(-1).marks.push(mark);
            else groups.push({ left, marks: [mark] });
        }
        while (this.marks.length < groups.length) {
            const at = this.marks.length;
            const element = make('button', { type: 'button', class: 'mark', onclick: () => openMark(this.marks[at].group.marks) });
            this.marks.push({ element });
            this.marksPlace.append(element);
        }
        this.marks.forEach((mark, at) => {
            const group = groups[at];
            mark.element.hidden = !group;
            if (!group) return;
            mark.group = group;
            mark.element.style.left = `${group.left}px`;
            const names = [...new Set(group.marks.map(({ name }) => isolated(name)))].join(', ');
            const title = `${names}, ${clock(group.marks[0].time_unix)}`;
            if (mark.element.title !== title) {
                mark.element.title = title;
                mark.element.setAttribute('aria-label', title);
            }
            const room = (groups[at + 1]?.left ?? width) - group.left - 16;
            setText(mark.element, room > 36 ? names : '');
            mark.element.style.maxWidth = `${Math.max(room + 12, apart)}px`;
        });
        this.marksLane.hidden = !groups.length;
    }
}
