// The statement of the wallet shown: as a chart, and as a table for who wants the rows.
//
// Read once, then only from the newest entry on, whenever the wallet has a newer version.

import { getAll } from './api.js';
import { chartDraw } from './chart.js';
import { byId, element, setText, timeElement } from './element.js';
import { typeHasAmount, typeShow, typeSign } from './entry.js';
import { amountFormat, amountParse, amountShow } from './money.js';

// A wallet with more entries is first shown with its newest day.
const ALL_MAX = 5000;
const POINTS_MAX = 20000;
const ROWS_MAX = 100;
const REFRESH_MS = 400;

let shown = null;

function isEntry(item) {
    return item.type !== 'OPENING' && item.type !== 'CLOSING';
}

function pointOf(item) {
    return { time: Date.parse(item.created_at), balance: amountParse(item.balance_after), item };
}

// Of the newest entries as many as are shown.
function itemsRead(since, options) {
    const first = shown.wallet.version - POINTS_MAX;
    const parameters = { ...(since && { since }), ...(!since && first > 0 && { after: String(first) }) };
    return getAll(`/wallets/${shown.wallet.id}/statement`, parameters, POINTS_MAX, options);
}

function readout(point) {
    const newest = shown.points.at(-1);
    const { balance, item } = point ?? newest;
    const amount = `${amountFormat(balance)} ${shown.wallet.currency}`;
    const when = point ? timeElement(new Date(point.time).toISOString()) : 'now';
    byId('statement-readout').replaceChildren(element('strong', {}, amount), ' \u00b7 ', when,
        point && item ? ` \u00b7 ${typeShow(item.type)}` : '');
}

function draw() {
    if (!shown || shown.points.length === 0) return;
    const end = Math.max(Date.now(), shown.points.at(-1).time);
    readout(null);
    chartDraw(byId('statement-chart'), shown.points,
        { end, currency: shown.wallet.currency, onPoint: readout });
}

function rowOf(item) {
    const amount = typeHasAmount(item.type) ? `${typeSign(item.type)}${amountShow(item.amount)}` : '';
    const cells = [item.version, typeShow(item.type), amount, amountShow(item.balance_after), amountShow(item.held_after)];
    return element('tr', {}, ...cells.map((text) => element('td', {}, String(text))),
        element('td', {}, timeElement(item.created_at)));
}

function fillTable() {
    if (!shown || !byId('statement-details').open) return;
    byId('statement-rows').replaceChildren(...shown.items.slice(-ROWS_MAX).reverse().map(rowOf));
}

function add(items) {
    const entries = items.filter((item) => isEntry(item) && item.version > shown.version);
    shown.items.push(...entries);
    shown.items.splice(0, shown.items.length - POINTS_MAX);
    shown.points.push(...entries.map(pointOf));
    shown.points.splice(0, shown.points.length - POINTS_MAX);
    if (entries.length > 0) shown.version = entries.at(-1).version;
}

// Where the range begins after the wallet: what it had then is the first point.
function addOpening(items, since) {
    const opening = items.find((item) => item.type === 'OPENING');
    if (!opening || !since || Date.parse(shown.wallet.created_at) >= Date.parse(since)) return;
    shown.points.push({ time: Date.parse(since), balance: amountParse(opening.balance_after), item: null });
}

async function load() {
    const mine = shown;
    const seconds = Number(byId('statement-range').value);
    const since = seconds ? new Date(Date.now() - seconds * 1000).toISOString() : null;
    try {
        const items = await itemsRead(since, { signal: mine.signal, isBackground: true });
        if (mine !== shown) return;
        Object.assign(shown, { points: [], items: [], version: -1, isLoaded: true });
        addOpening(items, since);
        add(items);
        draw();
        fillTable();
    } catch (error) {
        if (mine === shown && !mine.signal.aborted) setText('statement-readout', `The statement can\u2019t be read: ${error.message}`);
    }
}

async function readOn() {
    const mine = shown;
    mine.timer = null;
    const newest = mine.items.at(-1);
    if (!mine.isLoaded || !newest) return load();
    try {
        const items = await itemsRead(newest.created_at, { signal: mine.signal, isBackground: true });
        if (mine !== shown) return;
        add(items);
        draw();
        fillTable();
    } catch {
        // The next change of the wallet, or its next reading, asks again.
    }
}

export function statementShow(wallet, signal) {
    shown = { wallet, signal, points: [], items: [], version: -1, timer: null, isLoaded: false };
    byId('statement-range').value = wallet.version > ALL_MAX ? '86400' : '';
    byId('statement-chart').replaceChildren();
    byId('statement-rows').replaceChildren();
    setText('statement-readout', '');
    load();
}

export function statementRefresh(wallet) {
    if (!shown || wallet.id !== shown.wallet.id || wallet.version <= shown.version) return;
    shown.timer ??= setTimeout(readOn, REFRESH_MS);
}

export function statementHide() {
    if (shown) clearTimeout(shown.timer);
    shown = null;
}

export function statementStart() {
    byId('statement-range').addEventListener('change', load);
    byId('statement-details').addEventListener('toggle', fillTable);
    new ResizeObserver(draw).observe(byId('statement-chart'));
}
