// Pressing twice, answers that are lost, a page that is loaded anew: money moves once.
import { balance, operationChoose, operationSend, postsOf, text, walletOpen } from '../browser.mjs';
import { SERVICE, ledgerOf, read, walletNew } from '../stack.mjs';
import { becomes, becomesLike, isEqual, isTrue } from '../tap.mjs';

const KEY = /^console-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

// The request reaches the service, its answer is lost on the way back; from then on all is well again.
async function loseOneAnswer(page, pattern) {
    await page.route(pattern, async (route) => {
        await route.fetch();
        await route.abort('connectionreset');
    }, { times: 1 });
}

async function doubleClick(page) {
    const { id } = await walletNew('once-double');
    const posts = postsOf(page);
    await walletOpen(page, id);
    let release;
    const held = new Promise((resolve) => { release = resolve; });
    await page.route('**/fund', async (route) => { await held; await route.continue(); }, { times: 1 });
    await page.locator('#move-amount').fill('10');
    await page.locator('#move-submit').dblclick();
    isTrue(await page.locator('#move-submit').isDisabled(), 'the button is disabled in flight');
    await page.locator('#move-amount').press('Enter');
    release();
    await becomes(text(page, '#move-done'), 'Funded 10.00 USD.', 'two clicks and Enter in flight');
    isEqual(posts.length, 1, 'send one request');
    isEqual(await ledgerOf(id), ['FUND 10.0000'], 'which pays once');
    isTrue(await page.locator('#move-submit').isEnabled(), 'then the button can be pressed again');
    await operationSend(page, 'fund', { amount: '10' });
    await becomes(balance(page), '20.00', 'for another payment');
    isEqual(new Set(posts.map(({ key }) => key)).size, 2, 'under another key');
}

async function lostAnswer(page) {
    const { id } = await walletNew('once-lost');
    const posts = postsOf(page);
    await walletOpen(page, id);
    await loseOneAnswer(page, '**/fund');
    await operationSend(page, 'fund', { amount: '30' });
    await becomesLike(text(page, '#move-problem'), /did not answer\. Whether it was done is not known yet/,
        'a lost answer is called unknown');
    await page.locator('#move-submit').click();
    await becomesLike(text(page, '#move-done'), /nothing was done twice/, 'the second press is answered with the first');
    isEqual(posts[0].key, posts[1].key, 'both have the same key');
    isTrue(KEY.test(posts[0].key), 'a random one');
    isEqual(await ledgerOf(id), ['FUND 30.0000'], 'it was paid once');
    isTrue((await read(`/operations?idempotency_key=${posts[0].key}`)).transaction_id, 'under this key');
}

async function lostAnswerOtherAmount(page) {
    const { id } = await walletNew('once-other');
    await walletOpen(page, id);
    await loseOneAnswer(page, '**/fund');
    await operationSend(page, 'fund', { amount: '30' });
    await becomesLike(text(page, '#move-problem'), /not known yet/, 'a lost answer');
    await operationSend(page, 'fund', { amount: '31' });
    await becomesLike(text(page, '#move-problem'), /had gone through after all .* its amount is another.*WL005/,
        'then another amount: the service tells of the first');
    isEqual(await ledgerOf(id), ['FUND 30.0000'], 'and nothing more is paid');
    await page.locator('#move-submit').click();
    await becomes(balance(page), '61.00', 'who presses again now means it');
}

async function lostAnswerReload(page) {
    const { id } = await walletNew('once-reload', '100');
    await walletOpen(page, id);
    await loseOneAnswer(page, '**/withdraw');
    await operationSend(page, 'withdraw', { amount: '40' });
    await becomesLike(text(page, '#move-problem'), /not known yet/, 'a lost answer');
    await page.reload();
    await page.locator('#wallet').waitFor();
    await operationChoose(page, 'withdraw');
    await becomesLike(text(page, '#move-problem'), /An earlier request from here had no answer/, 'a reload does not forget it');
    await operationSend(page, 'withdraw', { amount: '40' });
    await becomesLike(text(page, '#move-done'), /nothing was done twice/, 'and the next press does not pay twice');
    isEqual(await ledgerOf(id), ['FUND 100.0000', 'WITHDRAW 40.0000'], 'it was paid once');
}

async function lostCreate(page) {
    await page.goto(SERVICE);
    await loseOneAnswer(page, '**/wallets');
    await page.locator('#welcome-create').click();
    await page.locator('#create-user').fill('once-created');
    await page.locator('#create-submit').click();
    await becomesLike(text(page, '#create-problem'), /not known yet/, 'a lost answer to a new wallet');
    await page.locator('#create-submit').click();
    await becomes(text(page, '#wallet-title'), 'once-created', 'the second press shows the wallet');
    isEqual((await read('/users/once-created/wallets')).items.length, 1, 'of which there is one');
}

// As over plain HTTP from another machine.
async function insecureContext(page) {
    const { id } = await walletNew('once-insecure');
    const posts = postsOf(page);
    await page.addInitScript(() => { delete Crypto.prototype.randomUUID; });
    await walletOpen(page, id);
    isEqual(await page.evaluate(() => typeof crypto.randomUUID), 'undefined', 'a browser without randomUUID()');
    await operationSend(page, 'fund', { amount: '1' });
    await becomes(balance(page), '1.00', 'pays as well');
    isTrue(KEY.test(posts[0].key), 'under a random key');
}

export default {
    'a double click pays once': { run: doubleClick },
    'a lost answer': { run: lostAnswer },
    'a lost answer, then another amount': { run: lostAnswerOtherAmount },
    'a lost answer, then a reload': { run: lostAnswerReload },
    'a lost answer to a new wallet': { run: lostCreate },
    'an insecure context': { run: insecureContext },
};
