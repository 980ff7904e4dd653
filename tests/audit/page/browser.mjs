// The browser, as all programs here drive it.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

/** The option that names it: Debian's package `chromium` unless told, or what CHROMIUM names. */
export const CHROMIUM = {
  type: 'string',
  default: process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync),
};

export const TIMEOUT = 60_000;

export function launch(executablePath) {
  // Debian's Chromium can't make a sandbox where it runs as root, as in containers.
  return chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
}

/** Once all blocks are read. */
export async function read(page) {
  await page.waitForSelector('body[data-read="true"]');
}

/** Once nothing is being worked out any more. */
export async function still(page) {
  await page.waitForFunction(() => !document.querySelector('[aria-busy]'));
}

/** Searches with the keyboard alone, and opens what is found first. */
export async function find(page, wanted) {
  await page.getByLabel('Search', { exact: true }).fill(wanted);
  await page.keyboard.press('Enter');
  await page.locator('.hits a').first().click();
  await page.waitForSelector('.verdict');
}
