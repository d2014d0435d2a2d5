// Requests to the service this page came from.
//
// Problem        the service answered, and said no: status, and the members of RFC 9457
// Unreachable    no answer; whether a request was carried out is then unknown
// token          the bearer token, kept in this tab; asked for when the service answers 401

import { tabGet, tabSet } from './tab.js';

const TOKEN = 'wallet-token';
const TIMEOUT_MS = 15000;
const PAGE_MAX = 1000;

export class Problem extends Error {
    constructor(status, members) {
        super(members.detail || members.title || `HTTP status ${status}`);
        this.members = members;
        this.status = status;
        this.code = members.code ?? '';
    }
}

export class Unreachable extends Error {}

// What the page sets: tokenAsk(isRefused) resolves to a token or null, reachable(yes) hears of each answer.
export const hooks = { tokenAsk: async () => null, reachable: () => {} };

let token = tabGet(TOKEN);
let asking = null;
let isDismissed = false;

export function tokenForgetRefusal() {
    isDismissed = false;
}

// One dialog, however many requests wait for it. A request of the clock doesn't open it again.
async function tokenRenew(isBackground) {
    if (isBackground && isDismissed) return false;
    asking ??= hooks.tokenAsk(token !== null).finally(() => { asking = null; });
    const answer = await asking;
    isDismissed = answer === null;
    if (answer === null) return false;
    token = answer;
    tabSet(TOKEN, answer);
    return true;
}

async function fetchOnce(path, options, headers) {
    try {
        const response = await fetch(path, { ...options, headers, cache: 'no-store', redirect: 'error' });
        hooks.reachable(true);
        return response;
    } catch (error) {
        if (options.signal?.aborted && options.signal.reason?.name !== 'TimeoutError') throw error;
        hooks.reachable(false);
        throw new Unreachable('The service did not answer.');
    }
}

// fetch() with the token; isBackground: nobody is waiting for it.
export async function send(path, options = {}, isBackground = false) {
    for (;;) {
        const used = token;
        const headers = { ...options.headers, ...(used && { Authorization: `Bearer ${used}` }) };
        const response = await fetchOnce(path, options, headers);
        if (response.status !== 401) return response;
        await response.body?.cancel();
        // Another request may have brought a newer one meanwhile.
        if (token === used && !await tokenRenew(isBackground)) {
            throw new Problem(401, { title: 'Unauthorized', detail: 'The service asks for a bearer token.' });
        }
    }
}

async function bodyRead(response) {
    try {
        return JSON.parse(await response.text());
    } catch (error) {
        // An answer that was cut off says as little as none.
        throw response.ok ? new Unreachable('The answer was cut off.') : new Problem(response.status, {});
    }
}

export async function problemOf(response) {
    try {
        return new Problem(response.status, await bodyRead(response));
    } catch (error) {
        return error;
    }
}

// A time limit for an answer, beside the signal of who may lose interest.
function limited(signal) {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    return signal ? AbortSignal.any([signal, timeout]) : timeout;
}

export async function get(path, { signal, isBackground = false, any = false } = {}) {
    const response = await send(path, { signal: limited(signal) }, isBackground);
    if (!response.ok && !any) throw await problemOf(response);
    return bodyRead(response);
}

// The items of all pages from the cursor on, at most so many.
export async function getAll(path, parameters, most, options) {
    const items = [];
    let after = parameters.after ?? null;
    do {
        const query = new URLSearchParams({ ...parameters, limit: String(PAGE_MAX), ...(after !== null && { after }) });
        const page = await get(`${path}?${query}`, options);
        items.push(...page.items);
        after = page.next;
    } while (after !== null && items.length < most);
    return items;
}

// Resolves to { answer, replayed }.
export async function post(path, body, key) {
    const response = await send(path, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
        signal: limited(),
    });
    if (!response.ok) throw await problemOf(response);
    return { answer: await bodyRead(response), replayed: response.headers.has('Idempotency-Replayed') };
}
