// The pictures of docs/: a wallet with some history, on a desk and on a phone. Started by run.
//
//     screenshots.mjs FOLDER
import { join } from 'node:path';
import { browserStart, browserStop, pageNew, text, versions, walletOpen } from './browser.mjs';
import { post, stackLeave, walletNew } from './stack.mjs';
import { becomes, done } from './tap.mjs';

const folder = process.argv[2];
const DESK = { viewport: { width: 1280, height: 1280 } };
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, colorScheme: 'dark' };

const { id } = await walletNew('alice', null, { metadata: { plan: 'gold' } });
const bob = await walletNew('bob', '500');

// One after the other, so that the chart has a time to show.
async function historyMake() {
    const to = (amount, note) => [`/wallets/${id}/transfer`, { to_wallet_id: bob.id, amount, metadata: { note } }];
    const operations = [
        [`/wallets/${id}/fund`, { amount: '1200', metadata: { note: 'Deposit' } }],
        to('25.50', 'Order 17'), to('310', 'Rent of the workshop'),
        [`/wallets/${id}/fund`, { amount: '480.25' }],
        to('75', 'Order 18'),
        [`/wallets/${bob.id}/transfer`, { to_wallet_id: id, amount: '212.3333', metadata: { note: 'Share of the week' } }],
        [`/wallets/${id}/withdraw`, { amount: '200' }],
        [`/wallets/${id}/holds`, { amount: '60', metadata: { note: 'Hotel' } }],
        to('18.99', 'Coffee beans'),
    ];
    for (const [path, body] of operations) {
        await new Promise((resolve) => { setTimeout(resolve, 1500); });
        await post(path, body);
    }
}

async function pictureTake(name, options) {
    const page = await pageNew(options);
    await walletOpen(page, id);
    await becomes(async () => (await versions(page)())[0], 9, 'the history is there');
    await becomes(text(page, '#pipeline-badge'), 'OK', 'the pipeline is well');
    await becomes(text(page, '#history-state'), 'Live', 'the history is live');
    await becomes(() => page.locator('.chart .line').count(), 1, 'the chart is there');
    await page.screenshot({ path: join(folder, name) });
    await page.context().close();
}

await historyMake();
await browserStart();
await pictureTake('console.png', DESK);
await pictureTake('console-phone.png', PHONE);
await browserStop();
stackLeave();
process.exitCode = done() ? 0 : 1;
