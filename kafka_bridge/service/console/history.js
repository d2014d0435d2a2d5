// The history of the wallet shown, entry by entry as it comes back through Kafka, newest first.

import { byId, element, setBadge, setText, timeElement } from './element.js';
import { typeClass, typeHasAmount, typeShow, typeSign } from './entry.js';
import { historyFollow } from './live.js';
import { amountShow } from './money.js';

const ENTRIES_MAX = 100;
// After this the service has sent what there was: what comes later is new.
const BACKLOG_MS = 1500;
// At most one announcement in this time, however many entries come.
const ANNOUNCE_MS = 2500;
const NEW_MS = 5000;

let announced = [];
let announceTimer = null;

function announceNow() {
    announceTimer = null;
    if (announced.length === 0) return;
    const last = announced.at(-1);
    setText('announcer', announced.length === 1 ? `New entry: ${last}` : `${announced.length} new entries, the last: ${last}`);
    announced = [];
    announceTimer = setTimeout(announceNow, ANNOUNCE_MS);
}

function announce(text) {
    announced.push(text);
    announceTimer ??= setTimeout(announceNow, 300);
}

function amountOf(item) {
    return typeHasAmount(item.event_type) ? `${typeSign(item.event_type)}${amountShow(item.amount)}` : '';
}

function sentence(item) {
    const amount = typeHasAmount(item.event_type) ? `, ${amountShow(item.amount)} ${item.event_data.currency}` : '';
    return `${typeShow(item.event_type)}${amount}, balance ${amountShow(item.event_data.balance)}`;
}

function labelled(label, className, ...content) {
    return element('span', { class: className }, element('span', { class: 'hidden' }, `${label} `), ...content);
}

function detailsOf(event) {
    const parts = [];
    if (event.counterparty_wallet_id) {
        const id = event.counterparty_wallet_id;
        parts.push(element('span', { class: 'party' }, event.event_type.endsWith('_IN') ? 'from ' : 'to ',
            element('a', { href: `#wallet=${id}` }, id)));
    }
    if (event.metadata !== null) {
        const note = Object.keys(event.metadata).length === 1 ? event.metadata.note : undefined;
        parts.push(element('span', { class: 'note' }, typeof note === 'string' ? note : JSON.stringify(event.metadata)));
    }
    return parts;
}

function rowOf(item) {
    const event = item.event_data;
    return element('li', { class: `entry ${typeClass(item.event_type)}`, 'data-version': item.version },
        labelled('Version', 'version', String(item.version)),
        element('span', { class: 'type' }, typeShow(item.event_type)),
        labelled('Amount', 'amount', amountOf(item)),
        labelled('Balance', 'after', amountShow(event.balance)),
        labelled('Time', 'when', timeElement(item.created_at)),
        element('span', { class: 'details' }, ...detailsOf(event)));
}

// Mostly at the top. What fills a gap goes to its place.
function insert(list, item, isNew) {
    const versionOf = (row) => Number(row.dataset.version);
    const below = [...list.children].find((row) => versionOf(row) <= item.version) ?? null;
    if (below && versionOf(below) === item.version) return false;
    const row = rowOf(item);
    list.insertBefore(row, below);
    if (isNew) {
        row.classList.add('is-new');
        setTimeout(() => row.classList.remove('is-new'), NEW_MS);
    }
    if (list.children.length > ENTRIES_MAX) list.lastElementChild.remove();
    return true;
}

function stateShow(state) {
    if (state === 'live') setBadge('history-state', 'Live', 'good');
    else if (state === 'paused') setBadge('history-state', 'Paused', '');
    else if (state === 'lost') setBadge('history-state', 'Reconnecting', 'warn');
    else setBadge('history-state', state.status === 401 ? 'Token needed' : 'Not available', 'bad');
}

// wallet: as it was read just now. onEntry(item) hears of each entry that is new to the page.
export function historyShow(wallet, signal, onEntry) {
    const list = byId('history-entries');
    const backlogEnd = Date.now() + BACKLOG_MS;

    list.replaceChildren();
    announced = [];
    setText('history-hint', 'No entry has come back through Kafka yet.');
    setBadge('history-state', 'Connecting', '');
    historyFollow(wallet.id, signal, {
        onState: (state) => { if (!signal.aborted) stateShow(state); },
        onEntry: (item) => {
            if (signal.aborted) return;
            const isNew = item.version > wallet.version || Date.now() > backlogEnd;
            if (!insert(list, item, isNew)) return;
            setText('history-hint', list.children.length < ENTRIES_MAX ? '' : `The newest ${ENTRIES_MAX} entries.`);
            if (isNew) announce(sentence(item));
            onEntry(item);
        },
    });
}
