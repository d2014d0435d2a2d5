// The idempotency key of each request whose outcome is not known, by its path, kept for this tab.
//
// A key is given up only when the service has said what became of it. Until then every further press
// of the button sends it again, also with other values: had the first request been carried out, the
// service refuses (WL005) instead of paying twice.

import { tabGet, tabRemove, tabSet } from './tab.js';

const PREFIX = 'wallet-pending ';

// crypto.randomUUID() is there in secure contexts only: not over plain HTTP from another machine.
function uuidNew() {
    if (crypto.randomUUID) return crypto.randomUUID();
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

export function pendingKey(path) {
    const known = tabGet(PREFIX + path);
    if (known) return known;
    const key = `console-${uuidNew()}`;
    tabSet(PREFIX + path, key);
    return key;
}

export function pendingExists(path) {
    return tabGet(PREFIX + path) !== null;
}

export function pendingForget(path) {
    tabRemove(PREFIX + path);
}

// Whether a Problem says for certain that nothing was done.
export function outcomeIsKnown(status) {
    return status >= 400 && status < 500 && ![401, 408, 425, 429].includes(status);
}
