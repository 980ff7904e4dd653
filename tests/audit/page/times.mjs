// How long the audit page takes to list a chain's payments, to find one by its id, and to verify it.
//
//   node times.mjs --dist DIR --deployment deployment.json --bundles DIR --node ws://127.0.0.1:9944 --voucher 0x…
//
// Prints milliseconds since the navigation: `listed` when all blocks are read, `found`, `verified`. The browser is found as
// page.mjs says.
import assert from 'node:assert/strict';
import { parseArgs } from 'node:util';
import { CHROMIUM, find, launch, read, still, TIMEOUT } from './browser.mjs';
import { serve } from './serve.mjs';

const text = { type: 'string' };
const { values } = parseArgs({ options: { dist: text, deployment: text, bundles: text, node: text, voucher: text, chromium: CHROMIUM } });
for (const name of ['dist', 'deployment', 'bundles', 'node', 'voucher', 'chromium']) {
  if (!values[name]) {
    console.error(`--${name} is missing`);
    process.exit(2);
  }
}

const served = await serve(values);
const browser = await launch(values.chromium);
try {
  const page = await browser.newPage();
  // A long chain takes long.
  page.setDefaultTimeout(10 * TIMEOUT);
  const start = performance.now();
  const since = () => performance.now() - start;

  await page.goto(`${served.url}#/payments`);
  await read(page);
  await page.locator('main tbody tr').first().waitFor();
  const listed = since();

  await find(page, values.voucher);
  assert.equal(await page.locator('h1 code').innerText(), values.voucher);
  const found = since();

  await still(page);
  const verified = since();
  assert.equal(await page.locator('.verdict.verified').count(), 1, 'its signatures are good');
  console.log(JSON.stringify({ listed, found, verified }));
} finally {
  await browser.close();
  served.server.close();
}
