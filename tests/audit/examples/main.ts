// Examples of reading the contracts with polkadot.js, typed.
//
//   npm start -- institutions|balances|payments --url ws://127.0.0.1:9944 --deployment deployment.json --bundles DIR
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ApiPromise, WsProvider } from '@polkadot/api';
import type { ContractPromise } from '@polkadot/api-contract';
import { ask, contracts, type Balance, type Institution, type Retention, type Voucher } from './contracts.js';

const text = { type: 'string' } as const;
const { values, positionals } = parseArgs({
  options: { url: text, deployment: text, bundles: text },
  allowPositionals: true,
});
const { url, deployment, bundles } = values;
if (!url || !deployment || !bundles) {
  throw new Error('--url, --deployment and --bundles must be there');
}

const api = await ApiPromise.create({ provider: new WsProvider(url), noInitWarn: true });
const all = contracts(api, JSON.parse(readFileSync(deployment, 'utf8')), bundles);
const named = (name: string): ContractPromise => {
  const found = all.get(name);
  if (!found) {
    throw new Error(`no contract ${name} is deployed there`);
  }
  return found;
};

/** Who the institutions are; 32 at a time. */
async function institutions(): Promise<Institution[]> {
  const found: Institution[] = [];
  for (;;) {
    const page = await ask<Institution[]>(named('registry'), 'institutions', found.length);
    found.push(...page);
    if (page.length < 32) {
      return found;
    }
  }
}

/** What each of them holds of the native token in the clearing contract. */
async function balances(): Promise<Record<string, Balance>> {
  const found: Record<string, Balance> = {};
  for (const { member } of await institutions()) {
    found[member] = await ask<Balance>(named('clearing'), 'balance', member, 'Native');
  }
  return found;
}

/** Every voucher that was retained, from the events, with what the contract says of it now. */
async function payments(): Promise<{ id: string; block: number; retention: Retention | null }[]> {
  const clearing = named('clearing');
  const found: { id: string; block: number; retention: Retention | null }[] = [];
  const last = (await api.rpc.chain.getHeader(await api.rpc.chain.getFinalizedHead())).number.toNumber();
  for (let block = 1; block <= last; block += 1) {
    const at = await api.at(await api.rpc.chain.getBlockHash(block));
    const records = await at.query.system!.events!();
    for (const record of records as unknown as Parameters<typeof clearing.abi.decodeEvent>[0][]) {
      const { event } = record as { event: { section: string; method: string; data: { toString(): string }[] } };
      const isOurs = event.section === 'contracts' && event.method === 'ContractEmitted';
      if (!isOurs || event.data[0]?.toString() !== clearing.address.toString()) {
        continue;
      }
      const decoded = clearing.abi.decodeEvent(record);
      if (!decoded.event.identifier.endsWith('Retained')) {
        continue;
      }
      const vouchers = decoded.args[decoded.event.args.findIndex(({ name }) => name === 'vouchers')];
      for (const { id, voucher } of vouchers?.toJSON() as unknown as { id: string; voucher: Voucher }[]) {
        found.push({ id, block, retention: await ask<Retention | null>(clearing, 'retention', voucher) });
      }
    }
  }
  return found;
}

const examples = { institutions, balances, payments };
const wanted = positionals[0] as keyof typeof examples | undefined;
const example = wanted && examples[wanted];
if (!example) {
  throw new Error(`say which: ${Object.keys(examples).join(', ')}`);
}
console.log(JSON.stringify(await example(), null, 2));
await api.disconnect();
