// Requests to the control API and its streams. A token is asked for once when the API wants one, and is kept as long as
// the tab is.

import { make, openDialog } from './elements.js';

const BASE = 'api/v1';
const LONGEST_PAUSE = 15_000;

/** An error of the API: `code` is stable, `message` is for people. */
export class ApiError extends Error {
    constructor(status, { code = 'unknown', message = `the answer was ${status}` } = {}) {
        super(message);
        this.status = status;
        this.code = code;
    }
}

let run = null;
/** Sets the run of all further requests. */
export const setRun = (id) => { run = id; };

function stored() {
    try {
        return sessionStorage.getItem('promemu-token');
    } catch {
        return null;
    }
}
let token = stored();
let asking = null;

/** Asks the user for the token, once for all requests that wait for it. */
function askToken(isWrong) {
    asking ??= new Promise((resolve) => {
        const input = make('input', { type: 'password', required: true, autocomplete: 'off', 'aria-label': 'token' });
        const form = make('form', { method: 'dialog', class: 'token' },
            make('p', {}, isWrong
                ? 'The token is wrong: it is not the one that promemu expects, the value of its PME_API_TOKEN.'
                : 'This promemu needs a token: the value of its PME_API_TOKEN. The page keeps it until the tab is closed.'),
            input, make('button', { class: 'primary' }, 'Go on'));
        const dialog = openDialog('Token', 'small', form);
        dialog.addEventListener('close', () => {
            token = input.value || null;
            try {
                if (token) sessionStorage.setItem('promemu-token', token);
            } catch {
                // Without storage, the page asks again after a reload.
            }
            asking = null;
            resolve();
        });
        input.focus();
    });
    return asking;
}

function address(path, query) {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries({ run, ...query })) {
        for (const one of [value].flat()) {
            if (one !== null && one !== undefined && one !== '') parameters.append(name, one);
        }
    }
    const text = parameters.toString();
    return `${BASE}${path}${text && `?${text}`}`;
}

/** Sends a request with the token, and again after each 401. */
async function send(path, query, options) {
    for (;;) {
        const used = token;
        const headers = { ...options.headers };
        if (used) headers.Authorization = `Bearer ${used}`;
        const response = await fetch(address(path, query), { ...options, headers, cache: 'no-store' });
        if (response.status !== 401) return response;
        if (used === token) await askToken(used !== null);
    }
}

async function errorOf(response) {
    const body = await response.json().catch(() => ({}));
    return new ApiError(response.status, body.error);
}

async function request(method, path, { query, body } = {}) {
    const options = { method };
    if (body !== undefined) {
        options.body = JSON.stringify(body);
        options.headers = { 'Content-Type': 'application/json' };
    }
    const response = await send(path, query, options);
    if (!response.ok) throw await errorOf(response);
    return response.status === 204 ? null : response.json();
}

export const get = (path, query) => request('GET', path, { query });
export const post = (path, body) => request('POST', path, { body });
export const put = (path, body) => request('PUT', path, { body });
export const remove = (path) => request('DELETE', path);

export const hostPath = (name) => `/hosts/${encodeURIComponent(name)}`;
/** `id` is `HOST/METRIC`; both may have slashes, so the host must be known. */
export const metricPath = ({ host, id }) => `${hostPath(host)}/metrics/${encodeURIComponent(id.slice(host.length + 1))}`;

/** Splits a stream's text into events, and calls `take(name, data)` with each. */
async function read(body, take) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let waiting = '';
    for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        const blocks = (waiting + value).split('\n\n');
        waiting = blocks.pop();
        for (const block of blocks) {
            const lines = block.split('\n');
            const field = (name) => lines.filter((line) => line.startsWith(name)).map((line) => line.slice(name.length));
            const data = field('data: ');
            if (data.length) take(field('event: ')[0] ?? 'message', JSON.parse(data.join('\n')));
        }
    }
}

const pause = (milliseconds, signal) => new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); });
});

/**
 * Follows a stream until `signal` aborts, and reconnects when it breaks, after a growing pause. Each connection calls `query`
 * for its parameters. A client error of the API goes to `failed`, and ends the stream.
 */
export async function follow(path, query, { take, failed = () => {}, signal }) {
    let wait = 500;
    while (!signal.aborted) {
        try {
            const response = await send(path, query(), { signal });
            if (response.status >= 400 && response.status < 500 && response.status !== 429) {
                failed(await errorOf(response));
                return;
            }
            if (response.ok) {
                let isOver = false;
                await read(response.body, (name, data) => {
                    wait = 500;
                    isOver ||= name === 'end';
                    take(name, data);
                });
                if (isOver) return;
            }
        } catch (error) {
            if (signal.aborted) return;
            // Any other error is a bug of the page and must be visible.
            if (!(error instanceof TypeError)) console.error(error);
        }
        await pause(wait, signal);
        wait = Math.min(wait * 2, LONGEST_PAUSE);
    }
}
