// The console: what the address after # names is shown, and kept up to date.
//
// #wallet=<id>   a wallet, its statement and its live history
// #user=<id>     a user's wallets

import { Problem, Unreachable, get, getAll, hooks, tokenForgetRefusal } from './api.js';
import { createOpen, createStart, tokenAsk, tokenStart } from './dialogs.js';
import { byId, element, setBadge, setText, setTime } from './element.js';
import { historyShow } from './history.js';
import { amountShow } from './money.js';
import { isWalletId, moveShow, moveStart } from './move.js';
import { pipelineStart } from './pipeline.js';
import { problemSentence } from './problem.js';
import { statementHide, statementRefresh, statementShow, statementStart } from './statement.js';

const STATUS_KIND = { active: 'good', frozen: 'warn', closed: 'bad' };
const PARTS = ['welcome', 'absent', 'user', 'wallet', 'move', 'statement', 'history'];
// A wallet is read again every so many readings of the pipeline: holds expire by the clock.
const TICKS_A_READING = 5;
const WALLETS_MAX = 1000;

let view = new AbortController();
let wallet = null;
let isReading = false;
let isStale = false;
let isReachable = true;
let ticks = 0;

function show(...parts) {
    for (const part of PARTS) byId(part).hidden = !parts.includes(part);
}

function titleSet(title, heading, takesFocus) {
    document.title = title ? `${title} \u2013 Wallet console` : 'Wallet console';
    if (takesFocus) byId(heading).focus();
}

function absentShow(title, text, takesFocus) {
    setText('absent-title', title);
    setText('absent-text', text);
    show('absent');
    titleSet(title, 'absent-title', takesFocus);
}

function walletShow() {
    byId('wallet-user').textContent = wallet.user_id;
    byId('wallet-user').href = `#user=${encodeURIComponent(wallet.user_id)}`;
    setText('wallet-id', wallet.id);
    setBadge('wallet-status', wallet.status, STATUS_KIND[wallet.status] ?? '');
    const [whole, decimals] = amountShow(wallet.balance).split('.');
    byId('wallet-balance').replaceChildren(whole, element('span', { class: 'decimals' }, `.${decimals}`));
    for (const name of ['available', 'held', 'credit_limit', 'max_balance']) {
        const amount = wallet[name];
        setText(`wallet-${name.replace('_', '-')}`, amount === null ? 'unlimited' : amountShow(amount));
    }
    setText('wallet-currency', wallet.currency);
    setText('wallet-version', String(wallet.version));
    setTime('wallet-created', wallet.created_at);
    setTime('wallet-updated', wallet.updated_at);
    byId('wallet-metadata-row').hidden = wallet.metadata === null;
    setText('wallet-metadata', wallet.metadata === null ? '' : JSON.stringify(wallet.metadata));
}

// An older answer may overtake a newer one; a standby may lag.
function walletUpdate(newer) {
    if (!wallet || newer.id !== wallet.id || newer.version < wallet.version) return;
    wallet = newer;
    walletShow();
    statementRefresh(wallet);
}

// One reading at a time; what happens meanwhile makes one more.
async function walletRead() {
    if (!wallet) return;
    if (isReading) {
        isStale = true;
        return;
    }
    isReading = true;
    try {
        walletUpdate(await get(`/wallets/${wallet.id}`, { signal: view.signal, isBackground: true }));
    } catch {
        // The banner says what is wrong; the next reading tries again.
    }
    isReading = false;
    if (isStale) {
        isStale = false;
        walletRead();
    }
}

async function walletOpen(id, takesFocus) {
    const { signal } = view;
    const opened = await get(`/wallets/${id}`, { signal });
    if (signal.aborted) return;
    wallet = opened;
    walletShow();
    show('wallet', 'move', 'statement', 'history');
    titleSet(wallet.user_id, 'wallet-title', takesFocus);
    moveShow(wallet);
    statementShow(wallet, signal);
    historyShow(wallet, signal, (item) => { if (item.version > wallet.version) walletRead(); });
}

function userWalletElement(item) {
    const badge = element('span', { class: 'badge', 'data-kind': STATUS_KIND[item.status] ?? '' }, item.status);
    return element('li', {}, element('a', { href: `#wallet=${item.id}` },
        element('span', { class: 'amount' }, amountShow(item.balance), ' ', element('span', { class: 'currency' }, item.currency)),
        badge, element('span', { class: 'id' }, item.id)));
}

async function userOpen(id, takesFocus) {
    const { signal } = view;
    const items = await getAll(`/users/${encodeURIComponent(id)}/wallets`, {}, WALLETS_MAX, { signal });
    if (signal.aborted) return;
    setText('user-title', id);
    byId('user-wallets').replaceChildren(...items.map(userWalletElement));
    if (items.length === 0) byId('user-wallets').append(element('li', { class: 'hint' }, 'This user has no wallet.'));
    show('user');
    titleSet(id, 'user-title', takesFocus);
}

function hashRead() {
    const match = /^#(wallet|user)=(.+)$/.exec(location.hash);
    if (!match) return null;
    try {
        return { kind: match[1], id: decodeURIComponent(match[2]) };
    } catch {
        return { kind: match[1], id: match[2] };
    }
}

function openFailed(error, takesFocus) {
    if (error instanceof Unreachable) {
        absentShow('Not reachable', 'The service doesn\u2019t answer. This page tries again by itself.', takesFocus);
    } else if (error instanceof Problem && error.status === 404) {
        absentShow('Not found', 'No wallet has this id.', takesFocus);
    } else {
        absentShow('Not available', problemSentence(error), takesFocus);
    }
}

async function route(takesFocus) {
    const wanted = hashRead();
    view.abort();
    view = new AbortController();
    const { signal } = view;
    wallet = null;
    statementHide();
    setText('find-problem', '');
    if (!wanted) {
        show('welcome');
        titleSet('', 'welcome-title', takesFocus);
        return;
    }
    try {
        if (wanted.kind === 'user') await userOpen(wanted.id, takesFocus);
        else if (isWalletId(wanted.id)) await walletOpen(wanted.id, takesFocus);
        else absentShow('Not found', 'This is not a wallet\u2019s id.', takesFocus);
    } catch (error) {
        if (!signal.aborted) openFailed(error, takesFocus);
    }
}

function go(kind, id) {
    const hash = `#${kind}=${encodeURIComponent(id)}`;
    if (location.hash === hash) route(true);
    else location.hash = hash;
}

// An id that looks like a wallet's may be a user's.
async function find(event) {
    event.preventDefault();
    const text = byId('find-text').value.trim();
    tokenForgetRefusal();
    if (text === '') {
        setText('find-problem', 'Type the id of a wallet or of a user.');
        return;
    }
    setText('find-problem', '');
    if (!isWalletId(text)) {
        go('user', text);
        return;
    }
    try {
        const { items } = await get(`/users/${encodeURIComponent(text)}/wallets?limit=1`);
        go(items.length > 0 ? 'user' : 'wallet', items.length > 0 ? text : text.toLowerCase());
    } catch (error) {
        setText('find-problem', problemSentence(error));
    }
}

function reachableShow(yes) {
    if (yes === isReachable) return;
    isReachable = yes;
    byId('banner').classList.toggle('is-shown', !yes);
    setText('banner', yes ? ''
        : 'The wallet service can\u2019t be reached. What you see may be out of date; this page tries again by itself.');
    if (yes && !wallet && !byId('absent').hidden) route(false);
    else if (yes) walletRead();
}

function tick() {
    ticks++;
    if (ticks % TICKS_A_READING === 0) walletRead();
}

function copyOffer() {
    if (!navigator.clipboard) return;
    byId('wallet-copy').hidden = false;
    byId('wallet-copy').addEventListener('click', async () => {
        await navigator.clipboard.writeText(wallet.id);
        setText('announcer', 'The wallet\u2019s id was copied.');
    });
}

hooks.tokenAsk = tokenAsk;
hooks.reachable = reachableShow;
tokenStart();
createStart((made) => go('wallet', made.id));
moveStart(walletUpdate);
statementStart();
copyOffer();
byId('find').addEventListener('submit', find);
byId('create-open').addEventListener('click', () => createOpen());
byId('welcome-create').addEventListener('click', () => createOpen());
byId('user-create').addEventListener('click', () => createOpen(byId('user-title').textContent));
byId('absent-again').addEventListener('click', () => { tokenForgetRefusal(); route(true); });
// The address after # names what is shown, so the link must not change it.
byId('skip').addEventListener('click', (event) => { event.preventDefault(); byId('main').focus(); });
window.addEventListener('hashchange', () => route(true));
route(false);
pipelineStart(tick);
