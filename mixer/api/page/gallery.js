// The gallery: all configs, each with a chart in virtual time, its arguments as a form, and a button that runs it.

import { get, post } from './api.js';
import { ArgumentFields } from './arguments.js';
import { openEditor } from './editor.js';
import { fail, find, make, openDialog, setText, settle } from './elements.js';
import { count } from './format.js';
import { drawPreview, problemsOf, spansText } from './preview.js';

const HEIGHT = 96;
/** Previews that are asked for at the same time; the server draws them one by one. */
const ASKED_MAX = 2;

/** Asks for previews, a few at a time, the newest wish first. */
class Queue {
    constructor() {
        Object.assign(this, { waiting: [], asked: 0 });
    }

    add(work) {
        this.waiting.push(work);
        this.next();
    }

    next() {
        while (this.asked < ASKED_MAX && this.waiting.length) {
            const work = this.waiting.pop();
            this.asked += 1;
            work().finally(() => { this.asked -= 1; this.next(); });
        }
    }
}

class ConfigCard {
    constructor(config, gallery) {
        Object.assign(this, { config, gallery, isAsked: false });
        this.place = make('div', { class: 'preview', 'aria-hidden': 'true' });
        this.metric = make('p', { class: 'hint preview-name' });
        this.description = make('p', { class: 'gallery-text' });
        this.facts = make('p', { class: 'hint' });
        this.form = make('form', { class: 'gallery-form', onsubmit: (event) => { event.preventDefault(); this.run(); }, onchange: () => this.look() });
        this.problem = make('p', { class: 'problem', role: 'alert', hidden: true });
        const choice = config.classes.length > 1 ? make('select', { 'aria-label': `class of ${config.name}`, onchange: () => { this.show(choice.value); this.look(); } },
            config.classes.map(({ name }) => make('option', { value: name }, name))) : null;
        this.element = make('article', { class: 'card gallery-card', 'aria-label': config.name },
            make('header', {}, make('h3', {}, config.name), make('span', { class: 'card-tools' }, choice)),
            this.place, this.metric, this.description, this.facts,
            make('details', {}, make('summary', {}, 'arguments'), this.form), this.problem,
            make('div', { class: 'gallery-end' },
                make('button', { type: 'button', 'aria-label': `edit ${config.name}`, onclick: () => this.edit() }, 'Edit'),
                make('button', { type: 'button', class: 'primary', 'aria-label': `run ${config.name}`, onclick: () => this.run() }, 'Run')));
        this.show(config.classes[0]?.name ?? '');
        this.seen = new IntersectionObserver(([{ isIntersecting }]) => { if (isIntersecting) this.ask(); }, { rootMargin: '200px' });
        this.seen.observe(this.element);
        this.look = settle(() => { this.isAsked = false; this.ask(); }, 500);
    }

    show(name) {
        const chosen = this.config.classes.find((one) => one.name === name);
        this.chosen = chosen;
        setText(this.description, chosen?.description ?? this.config.error ?? '');
        this.fields = new ArgumentFields(chosen?.arguments ?? []);
        this.form.replaceChildren(...this.fields.elements);
        this.form.parentElement?.toggleAttribute('hidden', !this.fields.fields.length);
    }

    get body() {
        const body = { config: this.config.name, args: this.fields.values };
        if (this.config.classes.length > 1) body.class = this.chosen.name;
        return body;
    }

    ask() {
        if (this.isAsked || this.config.error) return;
        this.isAsked = true;
        this.gallery.queue.add(async () => {
            // One that has left the view waits until it is there again.
            this.isAsked = this.isInView();
            if (!this.isAsked) return;
            try {
                this.draw(await post('/configs/preview', { ...this.body, charts: 1 }));
            } catch (error) {
                setText(this.metric, error.message);
            }
        });
    }

    isInView() {
        const { top, bottom, height } = this.element.getBoundingClientRect();
        return height > 0 && bottom > -200 && top < innerHeight + 200;
    }

    draw(preview) {
        const [chart] = preview.charts;
        setText(this.facts, [preview.hosts === null ? '' : `${count(preview.hosts)} ${preview.hosts === 1 ? 'host' : 'hosts'}, ${count(preview.series)} series`, spansText(preview)].filter(Boolean).join(' · '));
        this.plot?.destroy();
        this.plot = null;
        if (!chart) {
            this.place.replaceChildren(problemsOf(preview));
            return setText(this.metric, '');
        }
        this.plot = drawPreview(this.place, preview, chart, HEIGHT, false);
        setText(this.metric, chart.metric);
    }

    async run() {
        this.problem.hidden = true;
        try {
            const { id } = await post('/runs', this.body);
            this.gallery.started(id);
        } catch (error) {
            setText(this.problem, error.message);
            this.problem.hidden = false;
            this.form.closest('details').open = true;
        }
    }

    async edit() {
        try {
            const { text } = await get(`/configs/${encodeURIComponent(this.config.name)}`);
            if (text === null) throw new Error('This config is made by a plugin: it has no text.');
            openEditor({ name: this.config.name, text, problems: [], given: { class: this.body.class, args: this.body.args }, classes: this.config.classes, started: this.gallery.started });
        } catch (error) {
            fail(error);
        }
    }
}

export class Gallery {
    /** Calls `started` with the id of a run that has begun. */
    constructor(started) {
        Object.assign(this, { started, queue: new Queue(), cards: [] });
        this.search = make('input', { type: 'search', placeholder: 'name or description', 'aria-label': 'search configs', autocomplete: 'off', spellcheck: 'false', oninput: () => this.filter() });
        this.grid = make('div', { class: 'gallery' });
        this.element = make('div', {}, this.search, this.grid);
    }

    async fill() {
        const { configs } = await get('/configs');
        const shown = configs.filter(({ error, classes }) => error || classes.length);
        this.cards = shown.map((config) => new ConfigCard(config, this));
        this.grid.replaceChildren(...this.cards.map(({ element }) => element));
    }

    filter() {
        const words = this.search.value.trim().toLowerCase();
        for (const { element, config } of this.cards) {
            element.hidden = !`${config.name} ${config.classes.map(({ name, description }) => `${name} ${description}`).join(' ')}`.toLowerCase().includes(words);
        }
    }
}

/** Opens the gallery over a run. */
export function openGallery(started) {
    const gallery = new Gallery((id) => { dialog.close(); started(id); });
    const dialog = openDialog('Run a config', 'wide gallery-dialog', gallery.element);
    gallery.search.focus();
    gallery.fill().catch(fail);
}

let idle = null;
/** Shows the gallery in place of a run, or hides it. */
export function showIdle(isIdle, started) {
    document.body.classList.toggle('is-idle', isIdle);
    find('gallery').hidden = !isIdle;
    if (!isIdle || idle) return;
    idle = new Gallery(started);
    find('gallery').append(idle.element);
    idle.fill().catch(fail);
}
