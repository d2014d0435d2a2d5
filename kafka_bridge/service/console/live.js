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

// onState: 'live', 'lost', or the Problem the service answered with. Stops with the signal.
export async function historyFollow(walletId, signal, { onEntry, onState }) {
    let newest = null;
    let retry = RETRY_MIN_MS;
    const remember = (item) => { newest = Math.max(newest ?? -1, item.version); onEntry(item); };

    while (!signal.aborted) {
        const silence = new AbortController();
        let timer;
        const live = () => {
            clearTimeout(timer);
            timer = setTimeout(() => silence.abort(), SILENCE_MS);
            retry = RETRY_MIN_MS;
            onState('live');
        };
        const path = `/wallets/${walletId}/history/live${newest === null ? '' : `?after=${newest}`}`;
        let state = 'lost';
        try {
            await connectionFollow(path, AbortSignal.any([signal, silence.signal]), live, remember);
        } catch (error) {
            if (signal.aborted) return;
            if (error instanceof Problem && error.status < 500) state = error;
        } finally {
            clearTimeout(timer);
        }
        if (signal.aborted) return;
        onState(state);
        // Only a token may still come.
        if (state !== 'lost' && state.status !== 401) return;
        await pause(retry * (0.75 + Math.random() / 2), signal);
        retry = Math.min(retry * 2, RETRY_MAX_MS);
    }
}
