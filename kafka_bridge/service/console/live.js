// Follows GET /wallets/{id}/history/live.
//
// By fetch and not EventSource, which can neither send a bearer token nor tell a 404 from a lost
// connection. After a lost one it goes on behind the newest version it has seen.

import { Problem, problemOf, send } from './api.js';

// The service sends a comment every 15 s: what is silent for longer is dead.
const SILENCE_MS = 40000;
const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 10000;

// Calls each(line) for the lines of a stream, with an empty one between two events.
async function linesRead(body, each) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        const lines = (rest + value).split('\n');
        rest = lines.pop();
        for (const line of lines) each(line.replace(/\r$/, ''));
    }
}

function eventReader(onEvent) {
    let data = [];
    let type = '';
    return (line) => {
        if (line === '') {
            if (data.length > 0) onEvent(type, data.join('\n'));
            data = [];
            type = '';
            return;
        }
        const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line);
        if (field === 'data') data.push(value);
        if (field === 'event') type = value;
    };
}

function pause(ms, signal) {
    return new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
    });
}

// One connection, until it ends. Calls onLife() for each sign of life.
async function connectionFollow(path, signal, onLife, onEntry) {
    const response = await send(path, { signal, headers: { Accept: 'text/event-stream' } }, true);
    if (!response.ok) throw await problemOf(response);
    onLife();
    const read = eventReader((type, data) => { if (type === 'entry') onEntry(JSON.parse(data)); });
    await linesRead(response.body, (line) => { onLife(); read(line); });
}

function becomesVisible(signal) {
    return new Promise((resolve) => {
        const look = () => {
            if (document.hidden && !signal.aborted) return;
            document.removeEventListener('visibilitychange', look);
            resolve();
        };
        document.addEventListener('visibilitychange', look);
        signal.addEventListener('abort', look, { once: true });
        look();
    });
}

// Aborts when the page is hidden, or nothing is heard for too long. heard() is to be called for each
// sign of life, end() at the end.
function connectionWatch() {
    const cut = new AbortController();
    const look = () => { if (document.hidden) cut.abort(); };
    let timer;
    document.addEventListener('visibilitychange', look);
    return {
        signal: cut.signal,
        heard: () => {
            clearTimeout(timer);
            timer = setTimeout(() => cut.abort(), SILENCE_MS);
        },
        end: () => {
            clearTimeout(timer);
            document.removeEventListener('visibilitychange', look);
        },
    };
}

// Where a connection ended: 'paused', 'lost', or the Problem the service answered with.
function stateOf(error) {
    if (document.hidden) return 'paused';
    return error instanceof Problem && error.status < 500 ? error : 'lost';
}

// A hidden page holds no connection: browsers open only a few to one host, for all pages together.
// onState: 'live', 'paused', 'lost' or a Problem. Stops with the signal.
export async function historyFollow(walletId, signal, { onEntry, onState }) {
    let newest = null;
    let retry = RETRY_MIN_MS;
    const remember = (item) => { newest = Math.max(newest ?? -1, item.version); onEntry(item); };

    for (;;) {
        await becomesVisible(signal);
        if (signal.aborted) return;
        const watch = connectionWatch();
        const heard = () => { watch.heard(); retry = RETRY_MIN_MS; onState('live'); };
        const path = `/wallets/${walletId}/history/live${newest === null ? '' : `?after=${newest}`}`;
        let state = 'lost';
        try {
            await connectionFollow(path, AbortSignal.any([signal, watch.signal]), heard, remember);
        } catch (error) {
            state = stateOf(error);
        }
        watch.end();
        if (signal.aborted) return;
        onState(state);
        // Only a token may still come.
        if (state instanceof Problem && state.status !== 401) return;
        if (state !== 'paused') await pause(retry * (0.75 + Math.random() / 2), signal);
        retry = Math.min(retry * 2, RETRY_MAX_MS);
    }
}
