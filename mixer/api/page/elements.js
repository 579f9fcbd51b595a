// Elements are made without markup: text goes in as text, so a name from a config can never be code.

/** Characters that are not seen, or turn the direction of what follows them. */
const HIDDEN = '\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u2065\\u206a-\\u206f\\ufeff\\ufff9-\\ufffb';
const UNSEEN = new RegExp(`[${HIDDEN}]`, 'g');
const UNSEEN_IN_NAMES = new RegExp(`[${HIDDEN}\\t\\n\\u2066-\\u2069]`, 'g');
const code = (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** A text in which every character is seen. */
export const visible = (text) => text.replace(UNSEEN, code);

const PLAIN = /^[\x20-\x7e]*$/;
/** A name within a sentence: whatever its direction, the words around it stay in their places. */
export const isolated = (name) => (PLAIN.test(name) ? name : `\u2068${name.replace(UNSEEN_IN_NAMES, code)}\u2069`);

/** Attributes that people read or hear. */
const SPOKEN = new Set(['title', 'aria-label']);

const shown = (child) => (typeof child === 'string' ? visible(child) : child);

/**
 * Makes an element. In `attributes`, names that begin with `on` are listeners, and all others are attributes; null and false
 * are left out, true is an empty attribute.
 */
export function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (value === null || value === undefined || value === false) continue;
        if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
        else if (name === 'class') element.className = value;
        else if (SPOKEN.has(name)) element.setAttribute(name, visible(value));
        else element.setAttribute(name, value === true ? '' : value);
    }
    element.append(...children.flat().filter((child) => child !== null && child !== undefined).map(shown));
    return element;
}

/** A colour of the theme. */
export const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export const find = (id) => document.getElementById(id);

/** Sets a text, but only if it differs, so that the browser need not lay it out again. */
export function setText(element, text) {
    const seen = visible(text);
    if (element.textContent !== seen) element.textContent = seen;
}

/** Shows a short message at the edge of the page. `kind`: `done` or `failed`. */
export function toast(text, kind = 'done') {
    const toasts = find('toasts');
    const message = make('p', { class: `toast ${kind}` }, text);
    toasts.append(message);
    while (toasts.children.length > 4) toasts.firstChild.remove();
    setTimeout(() => message.remove(), kind === 'failed' ? 8000 : 4000);
}

/** Shows the error of an action of the user. */
export const fail = (error) => toast(error.message, 'failed');

/**
 * Opens a modal dialog with a title and a close button; it is removed from the page when it closes. A dialog with a function `mayClose`
 * asks it before it closes at the user's wish.
 */
export function openDialog(title, className, ...content) {
    const dialog = make('dialog', { class: className, 'aria-label': title });
    const leave = () => { if (dialog.mayClose?.() ?? true) dialog.close(); };
    dialog.append(
        make('div', { class: 'section-head' },
            make('h2', {}, title),
            make('div', { class: 'section-tools' },
                make('button', { type: 'button', 'aria-label': 'close', onclick: leave }, '✕'))),
        ...content,
    );
    dialog.addEventListener('close', () => dialog.remove());
    // A press on the backdrop targets the dialog itself, at a point outside its box.
    dialog.addEventListener('mousedown', (event) => {
        const box = dialog.getBoundingClientRect();
        const isInside = event.clientX >= box.left && event.clientX <= box.right
            && event.clientY >= box.top && event.clientY <= box.bottom;
        if (!isInside) leave();
    });
    // The browser closes a dialog at a second Escape, whatever its event `cancel` says.
    dialog.addEventListener('keydown', (event) => {
        if (event.key !== 'Escape' || event.defaultPrevented) return;
        event.preventDefault();
        leave();
    });
    document.body.append(dialog);
    dialog.showModal();
    return dialog;
}

/** Shows a text to copy by hand, for browsers that do not let the page copy. */
function showCopy(text) {
    const area = make('textarea', { readonly: true, rows: '4', class: 'by-hand', 'aria-label': 'text to copy' });
    area.value = text;
    openDialog('Copy it from here', 'small', area);
    area.focus();
    area.select();
}

/** Copies a text. The clipboard API needs loopback or TLS; without it the older command is used. */
export async function copy(text) {
    try {
        await navigator.clipboard.writeText(text);
    } catch {
        const area = make('textarea', { class: 'visually-hidden' });
        area.value = text;
        (document.querySelector('dialog[open]') ?? document.body).append(area);
        area.select();
        const isCopied = document.execCommand('copy');
        area.remove();
        if (!isCopied) return showCopy(text);
    }
    toast(`copied: ${text}`);
}

/** Returns a function that calls `action` once it has not been called for `milliseconds`. */
export function settle(action, milliseconds) {
    let timer;
    return (...values) => {
        clearTimeout(timer);
        timer = setTimeout(() => action(...values), milliseconds);
    };
}
