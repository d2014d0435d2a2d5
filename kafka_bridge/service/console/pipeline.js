// The way of the events, from GET /pipeline and GET /health: how far each part is behind.

import { Problem, get } from './api.js';
import { byId, element, setBadge, setText, setTime } from './element.js';

const PERIOD_MS = 3000;
const LIMIT_MS = 5000;

// What a status of wallet_health() means for who reads it: kind, badge, sentence.
const STATUS = {
    ok: ['good', 'OK', 'Every part keeps up.'],
    standby: ['good', 'Standby', 'This is a standby: it knows nothing of the slot.'],
    history_late: ['bad', 'History late', 'An entry has waited for more than 10 seconds to come back. Is wallet_history running?'],
    history_dead_letters: ['bad', 'Dead letters', 'Records were no events of this ledger: see the dead letters.'],
    slot_inactive: ['warn', 'No bridge', 'No bridge is connected to the slot. Money moves; events wait in PostgreSQL.'],
    no_slot: ['warn', 'No slot', 'There is no replication slot: no bridge has been started yet.'],
    slot_unreserved: ['bad', 'Slot in danger', 'The slot is about to lose its WAL. Start the bridge now.'],
    slot_lost: ['bad', 'Slot lost', 'The slot has lost its WAL: run wallet_bridge backfill.'],
    history_gaps: ['bad', 'Gaps', 'The history has gaps: run wallet_bridge backfill.'],
    history_conflicts: ['bad', 'Conflicts', 'The history has received two versions of an entry.'],
};

const HISTORY_WRONG = new Set(['history_conflicts', 'history_gaps', 'history_dead_letters', 'history_late']);

const BYTES = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

function bytesShow(bytes) {
    if (bytes === null) return 'unknown';
    const power = Math.min(Math.floor(Math.log2(Math.max(Math.abs(bytes), 1)) / 10), 4);
    return `${BYTES.format(bytes / 1024 ** power)} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][power]}`;
}

function secondsShow(seconds) {
    if (seconds === null) return 'unknown';
    const value = Number(seconds);
    return value >= 100 ? `${Math.round(value)} s` : `${value.toFixed(1)} s`;
}

function countShow(count) {
    return count === null ? 'unknown' : String(count);
}

function mark(id, kind) {
    byId(id).dataset.kind = kind;
}

function pipelineShow(row) {
    const [kind, badge, text] = STATUS[row.status] ?? ['warn', row.status, ''];
    setBadge('pipeline-badge', badge, kind);
    setText('pipeline-text', text);
    setTime('pipeline-ledger', row.ledger_last_at);
    setText('pipeline-slot-lag', bytesShow(row.slot_lag_bytes));
    setText('pipeline-slot', row.slot_name === null ? 'none' : row.slot_active ? 'active' : 'inactive');
    setText('pipeline-history-lag', secondsShow(row.history_lag_seconds));
    setTime('pipeline-history', row.history_last_at);
    setText('pipeline-gaps', countShow(row.history_gaps));
    setText('pipeline-conflicts', countShow(row.history_conflicts));
    setText('pipeline-dead-letters', countShow(row.history_dead_letters));
    setText('pipeline-holds', countShow(row.expired_holds));
    mark('way-ledger', 'good');
    mark('way-bridge', row.slot_active ? 'good' : row.slot_name === null ? '' : 'bad');
    mark('way-history', HISTORY_WRONG.has(row.status) ? 'bad' : row.history_lag_seconds === null ? '' : 'good');
}

const DETAILS = ['ledger', 'slot-lag', 'slot', 'history-lag', 'history', 'gaps', 'conflicts', 'dead-letters', 'holds'];

function pipelineUnknown(badge, text) {
    setBadge('pipeline-badge', badge, 'bad');
    setText('pipeline-text', text);
    for (const name of DETAILS) setText(`pipeline-${name}`, '\u2013');
    for (const part of ['ledger', 'bridge', 'history']) mark(`way-${part}`, '');
}

function healthShow(health) {
    const isReady = health.status === 'ready';
    const failed = Object.entries(health.checks ?? {}).filter(([, check]) => !check.ok);
    setText('pipeline-health', isReady ? 'ready' : 'not ready');
    mark('way-service', isReady ? 'good' : 'bad');
    byId('pipeline-reasons').replaceChildren(
        ...failed.map(([name, check]) => element('li', {}, `${name}: ${check.reason || 'fails'}`)));
}

function problemShow(error) {
    if (!(error instanceof Problem)) {
        pipelineUnknown('Unreachable', 'The service doesn\u2019t answer.');
        setText('pipeline-health', 'unreachable');
        mark('way-service', 'bad');
        return;
    }
    const isForbidden = error.status === 403;
    pipelineUnknown(error.status === 401 ? 'Token needed' : 'Unknown',
        isForbidden ? 'The service\u2019s database role may not call wallet_health().' : error.message);
}

export async function pipelineRefresh() {
    const signal = AbortSignal.timeout(LIMIT_MS);
    try {
        healthShow(await get('/health', { signal, isBackground: true, any: true }));
        pipelineShow(await get('/pipeline', { signal, isBackground: true }));
    } catch (error) {
        problemShow(error);
    }
}

// One reading after the other, and none while nobody looks.
export async function pipelineStart(onTick) {
    for (;;) {
        if (!document.hidden) {
            await pipelineRefresh();
            onTick();
        }
        await new Promise((resolve) => { setTimeout(resolve, PERIOD_MS); });
    }
}
