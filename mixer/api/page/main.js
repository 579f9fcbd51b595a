// The page's start: it polls the status every second, and follows the streams while the page is visible.

import { get, setRun } from './api.js';
import { fail, find, make, setText } from './elements.js';
import { Board } from './charts.js';
import { openConfig } from './config.js';
import { Drawer } from './drawer.js';
import { Events } from './events.js';
import { FleetMap } from './fleet.js';
import { openGallery, showIdle } from './gallery.js';
import { Header } from './header.js';
import { Hosts } from './hosts.js';
import { offerIncident } from './incident.js';
import { listen } from './keys.js';
import { Levers } from './levers.js';
import { firstCharts, openCharts, openLines } from './lines.js';
import { Live, SERIES_MAX } from './live.js';
import { openOverrides } from './overrides.js';
import { Ribbon } from './ribbon.js';
import { showShards } from './shards.js';
import { Totals } from './totals.js';
import { readView, view, writeView } from './view.js';

const EVERY = 1000;
/** The number of polls from one request for the list of runs to the next. */
const BEATS_PER_LIST = 5;
const LONGEST_PAUSE = 15_000;
/** Seconds in which hosts of a new run may begin. */
const YOUNG = 10;
/** Closes the streams of a hidden page: a browser has few connections to one address. */
const HIDDEN_FOR = 10_000;

readView();
if (location.search) writeView();
setRun(view.run);

const live = new Live({ changed: () => { if (!board.isPaused) board.draw(); }, failed: fail });
const board = new Board({
    live,
    openHost: (host, id) => drawer.open(host, id),
    chooseLines: (chart) => openLines(chart, (lines) => board.replace(chart, lines)),
});
const drawer = new Drawer({ chart: addLine });
const ribbon = new Ribbon(board);
const events = new Events(() => ribbon.refresh(true));
const hosts = new Hosts((name) => drawer.open(name));
const levers = new Levers();
const header = new Header();
const totals = new Totals();
const fleet = new FleetMap((name) => drawer.open(name));

/** Adds a host's metric to the chart of its family, or to a new one. */
function addLine({ id, metric }) {
    const chart = board.charts.find((one) => one.metric === metric);
    if (chart?.lines.includes(id)) return show(metric);
    if (live.ids.length >= SERIES_MAX) return fail(new Error(`at most ${SERIES_MAX} lines are drawn at a time; remove some first`));
    if (chart) board.replace(chart, [...chart.lines, id]);
    else board.choose([...board.charts, { metric, lines: [id] }]);
    show(metric);
}

function show(metric) {
    board.cards.find((card) => card.chart.metric === metric)?.element.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
}

find('add-chart').addEventListener('click', () => openCharts((chart) => {
    if (live.ids.length + chart.lines.length > SERIES_MAX) return fail(new Error(`at most ${SERIES_MAX} lines are drawn at a time; remove some first`));
    board.choose([...board.charts, chart]);
    show(chart.metric);
}));
find('open-config').addEventListener('click', () => openConfig(view.run ?? 'main', () => board.shown(pulse.seed), chooseRun));
find('open-gallery').addEventListener('click', () => openGallery(chooseRun));
find('open-overrides').addEventListener('click', () => openOverrides((host, id) => drawer.open(host, id)));

// The theme: the system's, until the user chooses.
const THEMES = { '': '◐ Auto', light: '○ Light', dark: '● Dark' };
function setTheme(theme) {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    try {
        localStorage.setItem('promemu-theme', theme);
    } catch {
        // Without storage the choice lasts as long as the page.
    }
    showTheme();
    board.restyle();
    fleet.draw();
}
function showTheme() {
    const theme = document.documentElement.dataset.theme ?? '';
    const [sign, word] = THEMES[theme].split(' ');
    find('theme').replaceChildren(sign, make('span', { class: 'in-wide' }, ` ${word}`));
    find('theme').setAttribute('aria-label', `theme: ${word.toLowerCase()}`);
}
find('theme').addEventListener('click', () => {
    const names = Object.keys(THEMES);
    setTheme(names[(names.indexOf(document.documentElement.dataset.theme ?? '') + 1) % names.length]);
});

/** Shows the banner: an error (`failed`), a notice (`notice`), or nothing. */
function banner(text, kind = 'notice', retry = null) {
    const place = find('banner');
    place.hidden = !text;
    place.className = `banner ${kind}`;
    if (!text) return;
    place.replaceChildren(text);
    if (retry) place.append(' ', make('button', { type: 'button', onclick: retry }, 'Try now'));
}

/** Polls the status every second, and the lists that change with it. */
const pulse = {
    timer: null,
    wait: EVERY,
    beats: 0,
    uptime: 0,
    isLost: false,

    async beat() {
        clearTimeout(this.timer);
        try {
            // A promemu that waits for runs has no status.
            if (this.beats || !await this.isIdle()) this.arrived(await get('/status'));
        } catch (error) {
            this.lost(error);
        }
        clearTimeout(this.timer);
        if (this.isAsleep) return;
        this.timer = setTimeout(() => this.beat(), this.wait);
    },

    /** Shows the gallery while there is no run. */
    async isIdle() {
        const { runs } = await get('/runs');
        if (runs.length) return false;
        this.isLost = false;
        banner('');
        showIdle(true, chooseRun);
        return true;
    },

    arrived(status) {
        if (!this.beats) {
            this.isLost = false;
            fill();
        }
        const isNew = status.uptime_seconds < this.uptime;
        if (this.isLost || isNew) {
            events.forget();
            if (isNew) this.restarted(status);
            this.isLost = false;
            live.resume();
            events.resume();
            events.showButtons().catch(fail);
            setText(find('announcer'), 'connected again');
        }
        document.body.classList.remove('is-lost');
        this.uptime = status.uptime_seconds;
        this.wait = EVERY;
        board.speed = status.speed;
        board.links = status.links ?? {};
        this.seed = status.seed;
        showIdle(false);
        const isOver = status.state === 'ended' || status.state === 'failed';
        if (this.beats && status.uptime_seconds < YOUNG) settleCharts();
        banner(isOver ? 'This run is over. The page shows its last state.' : '');
        showShards(status.shards);
        header.show(status);
        totals.show(status);
        fleet.refresh(status);
        offerIncident(status.state === 'running');
        hosts.showJobs(status.jobs);
        hosts.showSummary(status);
        if (this.beats++ % 2 === 0) {
            hosts.refresh();
            levers.refresh();
            drawer.refresh();
            ribbon.refresh();
        }
        // Runs may be created and deleted meanwhile.
        if (this.beats % BEATS_PER_LIST === 0) showRuns().catch(() => {});
    },

    /** Another life of the run: it has a mark on the charts, and the header says so. */
    restarted({ emulated_time_unix: now, uptime_seconds: uptime, speed, seed }) {
        const time = now - uptime * speed;
        // Times of a clock that is behind are none of this run.
        board.marks = board.marks.filter((mark) => mark.time <= time);
        ribbon.again();
        board.mark({ time_unix: time, name: `restarted, seed ${seed}` });
        header.restarted(time);
    },

    /** Replaces a run that does not exist: shows the only run, or asks for a choice. */
    offer(runs) {
        if (view.run === null && runs.length === 1) {
            view.run = runs[0].id;
            setRun(view.run);
            banner('');
            return this.beat();
        }
        if (!runs.length) return this.isIdle();
        banner(view.run === null ? 'There are several runs: choose one.' : `There is no run “${view.run}”: choose another one.`);
    },

    lost(error) {
        this.wait = Math.min(this.isLost ? this.wait * 2 : EVERY, LONGEST_PAUSE);
        this.isLost = true;
        document.body.classList.add('is-lost');
        header.showState(error.code === 'run_over' ? 'ended' : 'away');
        if (error.code === 'run_over') {
            return banner('This run is over. The page shows its last state.');
        }
        if (error.code === 'unknown_run') {
            this.wait = EVERY * 2;
            showRuns().then((runs) => this.offer(runs)).catch(() => {});
            return;
        }
        // An error with a status came from promemu itself; any other is one of the connection.
        const why = error.status ? `promemu answers: ${error.message}.` : 'No connection to promemu: it may have ended.';
        banner(`${why} Next try in ${Math.round(this.wait / 1000)} s.`, 'failed', () => this.beat());
    },
};

let hiding = null;
function sleep() {
    pulse.isAsleep = true;
    live.pause();
    events.pause();
}
function wake() {
    if (!pulse.isAsleep) return;
    pulse.isAsleep = false;
    live.resume();
    events.resume();
    pulse.beat();
}
document.addEventListener('visibilitychange', () => {
    clearTimeout(hiding);
    if (document.hidden) hiding = setTimeout(sleep, HIDDEN_FOR);
    else wake();
});
// The browser may keep a page that is left, with its connections, and would lack them elsewhere.
addEventListener('pagehide', sleep);
addEventListener('pageshow', wake);

// A link to another view that is opened in the page's own tab.
addEventListener('hashchange', () => location.reload());

/** Shows the choice of runs if there are several; returns all runs. */
async function showRuns() {
    const { runs } = await get('/runs');
    const shown = view.run ?? 'main';
    const options = runs.map(({ id, config }) => [id, `${id}: ${config}`]);
    if (!runs.some(({ id }) => id === shown)) options.unshift(['', 'choose a run']);
    const old = find('runs');
    const isSame = options.map(([, text]) => text).join('\n') === [...old?.options ?? []].map(({ text }) => text).join('\n');
    if (old && isSame) return runs;
    if (!runs.some(({ id }) => id !== shown)) {
        old?.remove();
        return runs;
    }
    const choice = old ?? make('select', { id: 'runs', 'aria-label': 'run', onchange: () => chooseRun(find('runs').value) });
    choice.replaceChildren(...options.map(([value, text]) => make('option', { value }, text)));
    choice.value = options[0][0] === '' ? '' : shown;
    if (!old) find('run').prepend(choice);
    return runs;
}

function chooseRun(id) {
    Object.assign(view, { run: id === 'main' ? null : id, charts: null, host: null });
    writeView();
    location.reload();
}

/** Sends the requests that are needed once, as soon as promemu answers. */
async function fill() {
    live.resume();
    events.resume();
    try {
        board.show(view.charts ?? await firstCharts());
        if (view.host) drawer.open(view.host);
        await Promise.all([events.showButtons(), showRuns()]);
    } catch (error) {
        fail(error);
    }
}

/** The first charts of a run that has just begun may lack those of hosts that begin later. */
async function settleCharts() {
    if (view.charts) return;
    try {
        const charts = await firstCharts();
        if (!view.charts && JSON.stringify(charts) !== JSON.stringify(board.charts)) board.show(charts);
    } catch (error) {
        if (error.status) fail(error);
    }
}

function jump(id) {
    find(id).focus({ preventScroll: true });
    find(id).scrollIntoView({ block: 'start' });
}
document.querySelector('.skip').addEventListener('click', (event) => {
    event.preventDefault();
    jump('charts-title');
});
for (const button of document.querySelectorAll('.jump button')) button.addEventListener('click', () => jump(button.dataset.to));
showTheme();
listen();
pulse.beat();
