// Takes the guide's pictures of the audit page, from an orchestrator that serves it.
//
//   node pictures.mjs --url http://127.0.0.1:8080/audit/ --voucher 0x… --evidence payment.json --into ../pictures
//
// `--evidence` is what `quittance status VOUCHER --json` prints. The browser is found as page.mjs says.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CHROMIUM, launch, read, still, TIMEOUT } from './browser.mjs';

const text = { type: 'string' };
const { values } = parseArgs({
  options: {
    url: text,
    voucher: text,
    evidence: text,
    into: text,
    chromium: CHROMIUM,
  },
});
for (const name of ['url', 'voucher', 'evidence', 'into', 'chromium']) {
  if (!values[name]) {
    console.error(`--${name} is missing`);
    process.exit(2);
  }
}
mkdirSync(values.into, { recursive: true });

const browser = await launch(values.chromium);
try {
  const page = await browser.newPage({ viewport: { width: 1100, height: 700 }, colorScheme: 'light' });
  page.setDefaultTimeout(TIMEOUT);

  await open(page, '');
  await shoot(page, 'overview');
  await open(page, 'institutions');
  await shoot(page, 'institutions');

  await open(page, `payment/${values.voucher}`);
  await page.waitForSelector('.verdict');
  await shoot(page, 'payment');
  const signature = page.locator('.checks li', { has: page.locator('strong', { hasText: /^Signature/ }) }).first();
  await signature.locator('summary').click();
  await signature.screenshot({ path: join(values.into, 'signature.png') });
  await signature.locator('summary').click();
  const retention = page.locator('.step', { has: page.locator('h3', { hasText: /^Retention$/ }) });
  await retention.screenshot({ path: join(values.into, 'retention.png') });
  await page.locator('a[href^="#/block/"]').first().click();
  await page.waitForSelector('h1 >> text=Block');
  await still(page);
  await page.locator('summary', { hasText: /^Fields$/ }).first().click();
  await shoot(page, 'block');

  const altered = JSON.parse(readFileSync(values.evidence, 'utf8'));
  altered.voucher.amount = String(BigInt(altered.voucher.amount) + 1n);
  await open(page, 'evidence');
  const file = { name: 'altered.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(altered)) };
  await page.locator('input[type="file"]').first().setInputFiles(file);
  await page.waitForSelector('h2 >> text=altered.json');
  await still(page);
  await page.locator('.step[data-outcome="failed"]').first().scrollIntoViewIfNeeded();
  await shoot(page, 'altered');
} finally {
  await browser.close();
}

async function open(page, place) {
  await page.goto(`${values.url}#/${place}`);
  await read(page);
  await still(page);
}

async function shoot(page, name) {
  await page.screenshot({ path: join(values.into, `${name}.png`) });
}
