// Elements without markup: all text goes in as text, so a name from a config can never be code.

/**
 * Makes an element. `attributes` may have `class`, properties that begin with `on` (listeners), and anything else as an
 * attribute; null and false are left out, true is an empty attribute.
 */
export function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (value === null || value === undefined || value === false) continue;
        if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
        else if (name === 'class') element.className = value;
        else element.setAttribute(name, value === true ? '' : value);
    }
    element.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return element;
}

export const find = (id) => document.getElementById(id);

/** Sets a text only where it differs: the browser then has nothing to lay out anew. */
export function say(element, text) {
    if (element.textContent !== text) element.textContent = text;
}

/** A short message at the page's edge. `kind`: `done` or `failed`. */
export function toast(text, kind = 'done') {
    const toasts = find('toasts');
    const message = make('p', { class: `toast ${kind}` }, text);
    toasts.append(message);
    while (toasts.children.length > 4) toasts.firstChild.remove();
    setTimeout(() => message.remove(), kind === 'failed' ? 8000 : 4000);
}

/** Says a failure of something that a person asked for. */
export const fail = (error) => toast(error.message, 'failed');

/** A modal dialog with a title and a way out; it leaves the page when it is closed. */
export function openDialog(title, className, ...content) {
    const dialog = make('dialog', { class: className, 'aria-label': title });
    dialog.append(
        make('div', { class: 'section-head' },
            make('h2', {}, title),
            make('div', { class: 'section-tools' },
                make('button', { type: 'button', 'aria-label': 'close', onclick: () => dialog.close() }, '✕'))),
        ...content,
    );
    dialog.addEventListener('close', () => dialog.remove());
    // A press on the backdrop is a press on the dialog itself, outside of what it holds.
    dialog.addEventListener('mousedown', (event) => {
        const box = dialog.getBoundingClientRect();
        const isInside = event.clientX >= box.left && event.clientX <= box.right
            && event.clientY >= box.top && event.clientY <= box.bottom;
        if (!isInside) dialog.close();
    });
    document.body.append(dialog);
    dialog.showModal();
    return dialog;
}

/** A text to be copied by hand, where the browser does not let the page do it. */
function showCopy(text) {
    const area = make('textarea', { readonly: true, rows: '4', class: 'by-hand', 'aria-label': 'text to copy' });
    area.value = text;
    openDialog('Copy it from here', 'small', area);
    area.focus();
    area.select();
}

/** Copies a text; the older way is for pages that are not on loopback and have no TLS. */
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

/** Calls `action` once things have been quiet for `milliseconds`. */
export function settle(action, milliseconds) {
    let timer;
    return (...values) => {
        clearTimeout(timer);
        timer = setTimeout(() => action(...values), milliseconds);
    };
}
