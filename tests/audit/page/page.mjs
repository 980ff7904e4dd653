// The audit page, driven as a person would: opens it, finds a payment by its id, sees each signature as verified, drops in
// what an institution keeps of the payment, and sees the same with one character altered as failed.
//
//   node page.mjs --url http://127.0.0.1:8080/audit/ --voucher 0x… --evidence payment.json [--screenshots DIR]
//   node page.mjs --dist DIR --deployment deployment.json --bundles DIR --node ws://127.0.0.1:9944 --voucher …
//
// The browser is Debian's package `chromium`, or the one that CHROMIUM or `--chromium` names.
// `--evidence` is what `quittance status VOUCHER --json` prints, `--refusal` the same of a payment that was refused, `--score` what
// `quittance credit evidence DIGEST` does. Ends with 1 when something isn't as it should be.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CHROMIUM, find, launch, read, still, TIMEOUT } from './browser.mjs';
import { serve } from './serve.mjs';

const text = { type: 'string' };
const { values } = parseArgs({
  options: {
    url: text,
    dist: text,
    deployment: text,
    bundles: text,
    node: text,
    voucher: text,
    evidence: text,
    refusal: text,
    score: text,
    screenshots: text,
    chromium: CHROMIUM,
  },
});
for (const name of ['voucher', 'evidence', 'chromium', ...(values.url ? [] : ['dist', 'deployment', 'bundles', 'node'])]) {
  if (!values[name]) {
    console.error(`--${name} is missing`);
    process.exit(2);
  }
}

const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 360, height: 740 } };
const PLACES = ['institutions', 'payments', 'windows', 'window/0', 'deals', 'credit', 'cards', 'days', 'block/1'];
/** How many pages of a kind are looked at. */
const EACH = 2;

const served = values.url ? null : await serve(values);
const address = values.url ?? served.url;
const browser = await launch(values.chromium);
const problems = [];
const seen = {};
try {
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of ['light', 'dark']) {
      const context = await browser.newContext({ viewport, colorScheme });
      const page = await context.newPage();
      page.setDefaultTimeout(TIMEOUT);
      // Whatever the Content-Security-Policy stops is told there, too.
      page.on('console', (line) => line.type() === 'error' && problems.push(line.text()));
      page.on('pageerror', (error) => problems.push(error.message));
      await drive(page, `${size}-${colorScheme}`);
      await context.close();
    }
  }
  await lie(await browser.newPage());
} finally {
  await browser.close();
  served?.server.close();
}
assert.deepEqual(problems, [], 'the browser complains of nothing');
console.log(JSON.stringify(seen));

async function drive(page, name) {
  const before = Date.now();
  await page.goto(address);
  await read(page);
  seen.milliseconds_to_read_all_blocks ??= Date.now() - before;
  await still(page);
  await shoot(page, `${name}-overview`);

  // By the id's beginning, with the keyboard alone.
  await find(page, values.voucher.slice(0, 20));
  await still(page);
  assert.equal(await page.locator('h1 code').innerText(), values.voucher);
  const outcomes = await page.locator('.checks li').evaluateAll((checks) =>
    checks.map((check) => [check.querySelector('strong').textContent, check.dataset.outcome]),
  );
  const signatures = outcomes.filter(([what]) => /signature/i.test(what));
  assert.ok(signatures.length >= 4, `two parties, a notary and a debtor signed: ${JSON.stringify(signatures)}`);
  assert.ok(signatures.every(([, outcome]) => outcome === 'verified'), `each is verified: ${JSON.stringify(signatures)}`);
  assert.ok(outcomes.every(([, outcome]) => outcome !== 'failed'), `nothing failed: ${JSON.stringify(outcomes)}`);
  seen.signatures_verified = signatures.length;
  await shoot(page, `${name}-payment`);

  const evidence = readFileSync(values.evidence, 'utf8');
  await drop(page, 'payment.json', evidence);
  assert.equal(await page.locator('.step[data-outcome="failed"]').count(), 0, 'the evidence is in order');
  const kept = await page.locator('.checks li[data-outcome="verified"] strong', { hasText: 'Signature' }).count();
  assert.ok(kept >= 4, `co-signatures were verified: ${kept}`);
  seen.evidence_signatures_verified = kept;
  await shoot(page, `${name}-evidence`);

  if (values.refusal) {
    await drop(page, 'refused.json', readFileSync(values.refusal, 'utf8'));
    const refusal = page.locator('.step', { has: page.locator('h3', { hasText: 'Refusal' }) }).first();
    assert.equal(await refusal.getAttribute('data-outcome'), 'verified', 'a signed refusal is verified');
  }

  for (const [what, altered] of Object.entries(alterations(JSON.parse(evidence)))) {
    await page.reload();
    await read(page);
    await page.goto(`${address}#/evidence`);
    await drop(page, `${what}.json`, JSON.stringify(altered));
    const failed = await page.locator('.step[data-outcome="failed"] h3').allInnerTexts();
    assert.ok(failed.length > 0, `an altered ${what} fails`);
    (seen.altered ??= {})[what] = failed;
    await shoot(page, `${name}-altered-${what}`);
  }

  if (values.score) {
    const score = readFileSync(values.score, 'utf8');
    await drop(page, 'score.json', score);
    const outcomes = await page.locator('.step').evaluateAll((steps) => steps.slice(0, 4).map((step) => step.dataset.outcome));
    assert.deepEqual(outcomes, Array(4).fill('verified'), 'the evidence of a limit is recomputed');
    await shoot(page, `${name}-score`);
    const altered = JSON.parse(score);
    altered.evidence.record.committed = String(BigInt(altered.evidence.record.committed) + 1n);
    await drop(page, 'altered-score.json', JSON.stringify(altered));
    const failed = await page.locator('.step[data-outcome="failed"] h3').allInnerTexts();
    assert.ok(failed.includes('Record'), `an altered record fails: ${failed}`);
  }

  const found = new Map();
  for (const place of PLACES) {
    await look(page, name, place);
    await noteLinks(page, found);
  }
  // What they lead to, and what that leads to.
  for (const [kind, paths] of name.endsWith('-light') ? found : []) {
    for (const path of [...paths].slice(0, EACH)) {
      await look(page, name, path);
      await noteLinks(page, found);
      seen.pages = { ...seen.pages, [kind]: Math.min(paths.size, EACH) };
    }
  }
}

/** A node that alters one digit of what transactions carry, in what they end with: a signature. */
async function lie(page) {
  await page.routeWebSocket(/^ws/, (socket) => {
    const node = socket.connectToServer();
    socket.onMessage((message) => node.send(message));
    node.onMessage((message) => {
      const answer = JSON.parse(message);
      const extrinsics = answer.result?.block?.extrinsics;
      if (extrinsics) {
        answer.result.block.extrinsics = extrinsics.map((one) => one.slice(0, -3) + (one.at(-3) === '0' ? '1' : '0') + one.slice(-2));
      }
      socket.send(JSON.stringify(answer));
    });
  });
  await page.goto(`${address}#/payment/${values.voucher}`);
  await page.waitForSelector('.verdict.failed');
  const failed = await page.locator('.checks li[data-outcome="failed"] strong').allInnerTexts();
  assert.ok(failed.some((what) => /signature/i.test(what)), `a signature that a node altered fails: ${failed}`);
  seen.altered_by_the_node = failed;
}

/** Opens a page: nothing of it fails. */
async function look(page, name, place) {
  await page.goto(`${address}#/${place}`);
  await still(page);
  assert.equal(await page.locator('main .error:not(:empty)').count(), 0, `${place} shows no error`);
  const failed = await page.locator('[data-outcome="failed"]').allInnerTexts();
  assert.deepEqual(failed, [], `${place} shows nothing as failed`);
  await shoot(page, `${name}-${place.replace(/[/?=]/g, '-').slice(0, 60)}`);
}

/** The pages that a page leads to, by their kinds. */
async function noteLinks(page, found) {
  const links = await page.locator('main a[href^="#/"]').evaluateAll((all) => all.map((link) => link.getAttribute('href').slice(2)));
  for (const path of links.filter((link) => /^[a-z-]+\/[^?]+$/.test(link))) {
    const kind = path.split('/')[0];
    found.set(kind, (found.get(kind) ?? new Set()).add(path));
  }
}

/** The evidence with one thing altered: one digit of an amount, one of a signature, one letter of a refusal. */
function alterations(payment) {
  const amount = structuredClone(payment);
  amount.voucher.amount = String(BigInt(amount.voucher.amount) + 1n);
  const signature = structuredClone(payment);
  const confirmation = signature.documents.find(({ kind }) => kind === 'confirmation');
  const { signed } = confirmation.content;
  signed.signature = signed.signature.slice(0, 40) + (signed.signature[40] === '0' ? '1' : '0') + signed.signature.slice(41);
  if (!values.refusal) {
    return { amount, signature };
  }
  const refusal = JSON.parse(readFileSync(values.refusal, 'utf8'));
  refusal.documents.find(({ kind }) => kind === 'refusal').content.detail += '!';
  return { amount, signature, refusal };
}

async function drop(page, name, content) {
  await page.locator('input[type="file"]').first().setInputFiles({ name, mimeType: 'application/json', buffer: Buffer.from(content) });
  await page.waitForSelector('h2 >> text=' + name);
  await still(page);
}

async function shoot(page, name) {
  const isWide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  assert.ok(!isWide, `${name} fits the screen`);
  if (values.screenshots) {
    mkdirSync(values.screenshots, { recursive: true });
    await page.screenshot({ path: join(values.screenshots, `${name}.png`) });
  }
}
