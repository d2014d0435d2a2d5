// A token that is needed, a service that is gone.
import { balance, operationSend, text, versions, walletOpen } from '../browser.mjs';
import { SERVICE, SERVICE_WITH_TOKEN, TOKEN, please, post, walletNew } from '../stack.mjs';
import { becomes, becomesLike, isEqual, isTrue } from '../tap.mjs';

async function tokenType(page, token) {
    await page.locator('#token-text').fill(token);
    await page.locator('#token-text').press('Enter');
}

async function token(page) {
    const { id } = await walletNew('trouble-token', '10');
    await page.goto(`${SERVICE_WITH_TOKEN}/#wallet=${id}`);
    await page.locator('#token').waitFor();
    isTrue(await page.locator('#token-text').evaluate((field) => field === document.activeElement), 'a dialog asks for the token');
    await tokenType(page, 'not the token');
    await becomesLike(text(page, '#token-problem'), /no spaces/, 'what no token can be is not sent');
    await tokenType(page, 'wrong-token-wrong-token');
    await becomes(text(page, '#token-problem'), 'The service did not accept this token.', 'a wrong one is refused');
    await tokenType(page, TOKEN);
    await becomes(balance(page), '10.00', 'with the right one the wallet is shown');
    await becomes(versions(page), [1, 0], 'and its history');
    await becomes(text(page, '#history-state'), 'Live', 'which is live');
    await becomes(text(page, '#pipeline-badge'), 'OK', 'so is the pipeline');
    await operationSend(page, 'fund', { amount: '5' });
    await becomes(versions(page), [2, 1, 0], 'money moves');

    await page.reload();
    await becomes(balance(page), '15.00', 'a reload does not ask again');
    isTrue(!await page.locator('#token').isVisible(), 'no dialog');
    isEqual(await page.evaluate(() => Object.keys(localStorage).length), 0, 'nothing is kept beyond the tab');
    isTrue(!page.url().includes(TOKEN), 'nor in the address');
}

async function storageRefused(page) {
    const { id } = await walletNew('trouble-storage', '10');
    await page.addInitScript(() => {
        Object.defineProperty(window, 'sessionStorage', { get: () => { throw new DOMException('refused', 'SecurityError'); } });
    });
    await page.goto(`${SERVICE_WITH_TOKEN}/#wallet=${id}`);
    await tokenType(page, TOKEN);
    await becomes(balance(page), '10.00', 'a browser that keeps nothing shows wallets all the same');
    await operationSend(page, 'fund', { amount: '5' });
    await becomes(balance(page), '15.00', 'and moves money');
}

async function tokenCancelled(page) {
    const { id } = await walletNew('trouble-cancel', '10');
    await page.goto(`${SERVICE_WITH_TOKEN}/#wallet=${id}`);
    await page.locator('#token').waitFor();
    await page.keyboard.press('Escape');
    await becomes(text(page, '#absent-text'), 'The service asks for a bearer token.', 'without a token the page says so');
    await becomes(text(page, '#pipeline-badge'), 'Token needed', 'also of the pipeline');
    await becomes(text(page, '#pipeline-health'), 'ready', 'whose health needs none');
    isTrue(!await page.locator('#token').isVisible(), 'and does not ask by itself');
    await page.locator('#absent-again').click();
    await tokenType(page, TOKEN);
    await becomes(balance(page), '10.00', 'who tries again is asked again');
}

async function serviceGone(page) {
    const { id } = await walletNew('trouble-gone', '10');
    await walletOpen(page, id);
    await becomes(versions(page), [1, 0], 'all is well');
    await becomes(text(page, '#history-state'), 'Live', 'and live');
    isTrue(!await page.locator('#banner').isVisible(), 'no banner');

    await please('stop service');
    await becomesLike(text(page, '#banner'), /can\u2019t be reached/, 'a service that is gone is told of in a banner');
    isTrue(await page.locator('#banner').isVisible(), 'that is seen');
    isEqual(await page.locator('#banner').getAttribute('role'), 'alert', 'and heard');
    await becomes(text(page, '#pipeline-badge'), 'Unreachable', 'the pipeline is not called well');
    await becomes(text(page, '#history-state'), 'Reconnecting', 'nor the history live');
    isEqual(await balance(page)(), '10.00', 'what was shown stays');
    await operationSend(page, 'fund', { amount: '5' });
    await becomesLike(text(page, '#move-problem'), /not known yet/, 'what is sent now has no known outcome');

    await please('start service');
    await becomes(() => page.locator('#banner').isVisible(), false, 'it is back: no banner');
    await becomes(text(page, '#history-state'), 'Live', 'the history is live again');
    await page.locator('#move-submit').click();
    await becomes(balance(page), '15.00', 'the same press pays now');
    await post(`/wallets/${id}/fund`, { amount: '1' });
    await becomes(versions(page), [3, 2, 1, 0], 'and entries go on arriving, each once');
}

async function serviceGoneAtFirst(page) {
    const { id } = await walletNew('trouble-first', '10');
    await page.goto(SERVICE);
    await becomes(text(page, '#pipeline-badge'), 'OK', 'all is well');
    await please('stop service');
    await page.locator('#find-text').fill(id);
    await page.locator('#find-text').press('Enter');
    await becomesLike(text(page, '#find-problem'), /did not answer/, 'a search without a service says so');
    await page.evaluate((hash) => { location.hash = hash; }, `wallet=${id}`);
    await becomes(text(page, '#absent-title'), 'Not reachable', 'so does a wallet');
    await please('start service');
    await becomes(balance(page), '10.00', 'which is shown as soon as it can be');
}

export default {
    'a token': { run: token },
    'a token that is not given': { run: tokenCancelled },
    'a browser that keeps nothing': { run: storageRefused },
    'the service is gone': { isAlone: true, run: serviceGone },
    'the service is gone at first': { isAlone: true, run: serviceGoneAtFirst },
};
