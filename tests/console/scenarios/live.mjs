// History that arrives by itself, through the real Kafka, and how it is announced.
import { balance, pageNew, text, versions, walletOpen } from '../browser.mjs';
import { SERVICE, please, post, walletNew } from '../stack.mjs';
import { becomes, becomesLike, isEqual, isTrue } from '../tap.mjs';

// Counts what a screen reader is told from now on.
async function announcementsCount(page) {
    await page.evaluate(() => {
        window.announcements = [];
        new MutationObserver(() => window.announcements.push(document.getElementById('announcer').textContent))
            .observe(document.getElementById('announcer'), { childList: true, characterData: true, subtree: true });
    });
}

async function arrives(page) {
    const alice = await walletNew('live-alice', '100');
    const bob = await walletNew('live-bob');
    await walletOpen(page, alice.id);
    await becomes(text(page, '#history-state'), 'Live', 'the history is live');
    await becomes(versions(page), [1, 0], 'and has what there was');
    await page.evaluate(() => { window.isSamePage = true; });
    await announcementsCount(page);

    await post(`/wallets/${alice.id}/transfer`, { to_wallet_id: bob.id, amount: '25.5', metadata: { note: 'Order 17' } });
    await becomes(versions(page), [2, 1, 0], 'an entry made elsewhere arrives');
    isTrue(await page.locator('.entry').first().evaluate((row) => row.classList.contains('is-new')), 'marked as new');
    await becomes(balance(page), '74.50', 'the balance follows');
    await becomesLike(text(page, '#chart-text'), /to 74\.50 USD in 3 steps/, 'so does the chart');
    await becomes(() => page.evaluate(() => window.announcements),
        ['New entry: Transfer out, 25.50 USD, balance 74.50'], 'it is announced');
    isTrue(await page.evaluate(() => window.isSamePage), 'without a reload');
    isEqual(await page.locator('#announcer').getAttribute('role'), 'status', 'politely');
}

async function flood(page) {
    const { id } = await walletNew('live-flood');
    await walletOpen(page, id);
    await becomes(versions(page), [0], 'a new wallet');
    await announcementsCount(page);
    await Promise.all(Array.from({ length: 120 }, () => post(`/wallets/${id}/fund`, { amount: '1' })));
    await becomes(async () => (await versions(page)())[0], 120, '120 entries arrive');
    await becomes(balance(page), '120.00', 'the balance is that of the last');
    isEqual((await versions(page)()).length, 100, 'a hundred of them stay');
    await becomesLike(() => page.evaluate(() => window.announcements.at(-1) ?? ''), /new entries, the last: Fund/,
        'they are announced together');
    const told = await page.evaluate(() => window.announcements.length);
    isTrue(told <= 8, `in ${told} announcements`);
}

async function eventSource(page) {
    const { id } = await walletNew('live-source', '3');
    await walletOpen(page, id);
    await becomes(versions(page), [1, 0], 'the history is there');
    const seen = await page.evaluate((path) => new Promise((resolve) => {
        const events = [];
        const source = new EventSource(path);
        source.addEventListener('entry', (event) => {
            events.push(`${event.lastEventId} ${JSON.parse(event.data).event_type}`);
            if (events.length === 2) { source.close(); resolve(events); }
        });
    }), `/wallets/${id}/history/live`);
    isEqual(seen, ['0 CREATED', '1 FUND'], 'the stream is one that EventSource reads');
}

async function twoPages(page) {
    const { id } = await walletNew('live-two', '10');
    const other = await pageNew();
    await walletOpen(page, id);
    await walletOpen(other, id);
    await page.locator('#move-amount').fill('5');
    await page.locator('#move-submit').click();
    await becomes(balance(other), '15.00', 'what one page does the other shows');
    await becomes(versions(other), [2, 1, 0], 'with its entry');
    await other.context().close();
}

// What the bridge sends late is not lost, and the page says where it waits.
async function bridgeStopped(page) {
    const { id } = await walletNew('live-bridge', '10');
    await walletOpen(page, id);
    await becomes(versions(page), [1, 0], 'all is there');
    await becomes(text(page, '#pipeline-badge'), 'OK', 'the pipeline is well');
    await becomesLike(text(page, '#pipeline-slot-lag'), /^[\d.,]+ (B|KiB|MiB)$/, 'the slot\u2019s lag is a number of bytes');
    await becomes(text(page, '#pipeline-gaps'), '0', 'no gap');
    await becomes(text(page, '#pipeline-conflicts'), '0', 'no conflict');
    await becomes(text(page, '#pipeline-health'), 'ready', 'the service is ready');

    await please('stop bridge');
    await becomes(text(page, '#pipeline-badge'), 'No bridge', 'without a bridge it says so');
    await page.locator('#move-amount').fill('7');
    await page.locator('#move-submit').click();
    await becomes(balance(page), '17.00', 'money moves all the same');
    await becomesLike(text(page, '#chart-text'), /to 17\.00 USD/, 'the chart knows, from the ledger');
    await becomesLike(text(page, '#pipeline-history-lag'), /^(0\.[1-9]|[1-9]\d*\.?\d*) ?s?/, 'the history lags');
    isEqual(await versions(page)(), [1, 0], 'the history has nothing of it');
    await please('start bridge');
    await becomes(versions(page), [2, 1, 0], 'until the bridge is back');
    await becomes(text(page, '#pipeline-badge'), 'OK', 'and all is well again');
}

async function leavesNothingBehind(page) {
    const first = await walletNew('live-first', '1');
    const second = await walletNew('live-second', '2');
    await walletOpen(page, first.id);
    await becomes(versions(page), [1, 0], 'one wallet');
    await page.goto(`${SERVICE}/#wallet=${second.id}`);
    await becomes(balance(page), '2.00', 'then another');
    await post(`/wallets/${first.id}/fund`, { amount: '7' });
    await post(`/wallets/${second.id}/fund`, { amount: '40' });
    await becomes(versions(page), [2, 1, 0], 'has its own history');
    await becomes(() => page.locator('.entry .after').first().evaluate((cell) => cell.lastChild.textContent), '42.00',
        'and nothing of the other');
}

// Another page is before it: what the browser says then, said by hand.
async function hidden(page) {
    const { id } = await walletNew('live-hidden', '1');
    const hide = (isHidden) => page.evaluate((value) => {
        Object.defineProperty(document, 'hidden', { configurable: true, get: () => value });
        document.dispatchEvent(new Event('visibilitychange'));
    }, isHidden);
    await walletOpen(page, id);
    await becomes(versions(page), [1, 0], 'the history is there');
    await hide(true);
    await becomes(text(page, '#history-state'), 'Paused', 'a hidden page holds no connection');
    await post(`/wallets/${id}/fund`, { amount: '1' });
    await post(`/wallets/${id}/fund`, { amount: '1' });
    await hide(false);
    await becomes(versions(page), [3, 2, 1, 0], 'what it missed comes when it is seen again');
    await becomes(text(page, '#history-state'), 'Live', 'and it is live');
}

export default {
    'history arrives': { run: arrives },
    'a flood of entries': { run: flood },
    'the stream and EventSource': { run: eventSource },
    'two pages': { run: twoPages },
    'a hidden page': { run: hidden },
    'the bridge stops': { isAlone: true, run: bridgeStopped },
    'one wallet after another': { run: leavesNothingBehind },
};
