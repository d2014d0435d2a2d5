// Phones, the keyboard alone, what axe finds, reduced motion.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { PHONE, balance, operationChoose, operationSend, overflow, text, versions, walletOpen } from '../browser.mjs';
import { SERVICE, post, walletNew } from '../stack.mjs';
import { becomes, isEqual, isTrue } from '../tap.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

async function axeFinds(page, name) {
    // Evaluated, not added to the page, whose policy would refuse it.
    await page.evaluate(AXE);
    const { violations, passes } = await page.evaluate((tags) => window.axe.run(document, { runOnly: tags }), WCAG);
    const told = violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ target }) => target).join(' ')}`);
    isTrue(passes.length > 10, `${name}: axe has looked`);
    isEqual(told, [], `${name}: and found nothing`);
}

async function walletWithHistory(name) {
    const { id } = await walletNew(name, '1250.75', { metadata: { plan: 'gold' } });
    const other = await walletNew(`${name}-other`, '10');
    await post(`/wallets/${id}/transfer`, { to_wallet_id: other.id, amount: '200', metadata: { note: 'Order 17' } });
    await post(`/wallets/${id}/holds`, { amount: '30' });
    return id;
}

async function axeAll(page) {
    const id = await walletWithHistory('access-axe');
    await page.goto(SERVICE);
    await becomes(text(page, '#pipeline-badge'), 'OK', 'the pipeline is shown');
    await axeFinds(page, 'welcome');
    await page.locator('#create-open').click();
    await page.locator('#create-submit').click();
    await axeFinds(page, 'new wallet, with a problem');
    await page.keyboard.press('Escape');
    await walletOpen(page, id);
    await becomes(versions(page), [3, 2, 1, 0], 'the history is there');
    await page.locator('#statement-details summary').click();
    await operationSend(page, 'withdraw', { amount: '5000' });
    await becomes(() => page.locator('#move-problem').isVisible(), true, 'a problem is shown');
    await axeFinds(page, 'wallet');
    await operationSend(page, 'fund', { amount: '1' });
    await becomes(versions(page), [4, 3, 2, 1, 0], 'a new entry is marked');
    await axeFinds(page, 'wallet, with a new entry');
    await page.goto(`${SERVICE}/#user=access-axe`);
    await page.locator('#user').waitFor();
    await axeFinds(page, 'user');
}

async function phone(page) {
    const long = 'w'.repeat(100);
    const { id } = await walletNew(long, '999999999999999.9999', { metadata: { note: 'n'.repeat(300) } });
    const other = await walletNew('access-phone', '5');
    await post(`/wallets/${id}/transfer`, { to_wallet_id: other.id, amount: '888888888888888.8888', metadata: { key: 'm'.repeat(300) } });
    await page.goto(SERVICE);
    isEqual(await overflow(page), 0, 'the start needs no scrolling to the side');
    await page.locator('#create-open').click();
    isEqual(await overflow(page), 0, 'nor does a dialog');
    await page.keyboard.press('Escape');
    await walletOpen(page, id);
    await becomes(versions(page), [2, 1, 0], 'the history is there');
    await page.locator('#statement-details summary').click();
    isEqual(await overflow(page), 0, 'nor a wallet, whatever its name, amounts and metadata');
    await operationSend(page, 'transfer', { to: '00000000-0000-4000-8000-000000000003', amount: '888888888888888.8888' });
    await becomes(() => page.locator('#move-problem').isVisible(), true, 'a problem is shown');
    isEqual(await overflow(page), 0, 'nor a problem');
    await page.goto(`${SERVICE}/#user=${long}`);
    await page.locator('#user').waitFor();
    isEqual(await overflow(page), 0, 'nor a user');
    const small = await page.locator('button:visible, input:visible, select:visible').evaluateAll((controls) => controls
        .filter((control) => control.getBoundingClientRect().height < 24).map((control) => control.outerHTML));
    isEqual(small, [], 'every control is large enough for a finger');
}

function focused(page) {
    return () => page.evaluate(() => document.activeElement.id || document.activeElement.name || document.activeElement.tagName);
}

async function tabTo(page, id) {
    for (let n = 0; n < 40; n++) {
        await page.keyboard.press('Tab');
        if (await focused(page)() === id) return true;
    }
    return false;
}

async function keyboardOnly(page) {
    await page.goto(SERVICE);
    await page.keyboard.press('Tab');
    isEqual(await focused(page)(), 'skip', 'the first stop is the link that skips');
    await page.keyboard.press('Enter');
    isEqual(await focused(page)(), 'main', 'to the content');
    await page.keyboard.press('Tab');
    isEqual(await focused(page)(), 'welcome-create', 'whose first button follows');
    await page.keyboard.press('Enter');
    isEqual(await focused(page)(), 'create-user', 'a dialog begins in its first field');
    await page.keyboard.press('Escape');
    isEqual(await focused(page)(), 'welcome-create', 'and gives the focus back');
    await page.keyboard.press('Enter');
    await page.keyboard.type('access-keyboard');
    await page.keyboard.press('Enter');
    await becomes(focused(page), 'wallet-title', 'a new wallet has the focus on its name');
    isTrue(await tabTo(page, 'operation'), 'the operations are reached');
    await page.keyboard.press('ArrowRight');
    await becomes(text(page, '#move-submit'), 'Transfer', 'an arrow chooses another');
    await page.keyboard.press('ArrowLeft');
    isTrue(await tabTo(page, 'move-amount'), 'then the amount');
    await page.keyboard.type('12.34');
    isTrue(await tabTo(page, 'move-submit'), 'then the button');
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    isEqual(outline, 'solid', 'whose focus can be seen');
    await page.keyboard.press('Space');
    await becomes(balance(page), '12.34', 'which pays');
    await becomes(focused(page), 'move-submit', 'and keeps the focus');
    isTrue(await tabTo(page, 'find-text'), 'the way leads round to the search');
    await page.keyboard.type('access-keyboard');
    await page.keyboard.press('Enter');
    await becomes(focused(page), 'user-title', 'which leads to a user');
}

async function reducedMotion(page) {
    const { id } = await walletNew('access-motion', '1');
    await walletOpen(page, id);
    await becomes(versions(page), [1, 0], 'the history is there');
    await post(`/wallets/${id}/fund`, { amount: '1' });
    await page.locator('.entry.is-new').waitFor();
    const style = await page.locator('.entry.is-new').evaluate((row) => {
        const { animationName, backgroundColor } = getComputedStyle(row);
        return { animationName, isMarked: backgroundColor !== getComputedStyle(row.parentElement).backgroundColor };
    });
    isEqual(style, { animationName: 'none', isMarked: true }, 'a new entry is marked, and nothing moves');
}

async function zoomed(page) {
    const { id } = await walletNew('access-zoom', '1');
    await walletOpen(page, id);
    await operationChoose(page, 'hold');
    isEqual(await overflow(page), 0, 'at 320 pixels, as at a zoom of 400 %, nothing is cut off');
}

export default {
    'axe, light': { run: axeAll },
    'axe, dark': { options: { colorScheme: 'dark' }, run: axeAll },
    'axe, phone': { options: { viewport: PHONE }, run: axeAll },
    'a phone': { options: { viewport: PHONE, hasTouch: true, isMobile: true }, run: phone },
    'zoom': { options: { viewport: { width: 320, height: 256 } }, run: zoomed },
    'the keyboard alone': { run: keyboardOnly },
    'reduced motion': { options: { reducedMotion: 'reduce' }, run: reducedMotion },
};
