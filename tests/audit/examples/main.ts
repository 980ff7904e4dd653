// Examples of reading the contracts with polkadot.js, typed. Built with `npm run build`.
//
//   node build/main.js institutions --url ws://127.0.0.1:9944 --deployment deployment.json --bundles DIR
//   node build/main.js balances …
//   node build/main.js retention --voucher 0x… …
//   node build/main.js events [--from BLOCK] [--to BLOCK] …
//   node build/main.js signature --voucher 0x… --member INDEX …
//
// Prints JSON. Ends with 1 when something can't be read, or a signature is not good.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { connect, type Chain, type Deployment } from './chain.js';
import { clearingEvents } from './events.js';
import { balances, institutions } from './institutions.js';
import { retention } from './retention.js';
import { signature } from './signature.js';

const text = { type: 'string' } as const;
const { values, positionals } = parseArgs({
  options: { url: text, deployment: text, bundles: text, voucher: text, member: text, from: text, to: text },
  allowPositionals: true,
});

const EXAMPLES: Record<string, (chain: Chain) => Promise<unknown>> = {
  institutions,
  balances,
  retention: (chain) => retention(chain, needed('voucher')),
  events: (chain) => clearingEvents(chain, { from: block('from'), to: block('to') }),
  signature: async (chain) => {
    const verified = await signature(chain, needed('voucher'), Number(needed('member')));
    process.exitCode = verified.isGood ? 0 : 1;
    return verified;
  },
};

try {
  const example = EXAMPLES[positionals[0] ?? ''];
  if (!example) {
    throw new Error(`say which: ${Object.keys(EXAMPLES).join(', ')}`);
  }
  const deployment = JSON.parse(readFileSync(needed('deployment'), 'utf8')) as Deployment;
  const chain = await connect(needed('url'), deployment, needed('bundles'));
  console.log(JSON.stringify(await example(chain), null, 2));
  await chain.api.disconnect();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}

function needed(name: keyof typeof values): string {
  const value = values[name];
  if (value === undefined) {
    throw new Error(`--${name} is missing`);
  }
  return value;
}

function block(name: 'from' | 'to'): number | undefined {
  const value = values[name];
  return value === undefined ? undefined : Number(value);
}
