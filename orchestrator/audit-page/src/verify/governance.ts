// Changes of the registry: the governors' signatures that the call carried.
import type { App } from '../app';
import type { Change } from '../index/registry';
import { contentId } from '../protocol/bytes';
import { broken, callOf, domainOf, keySignature, NOT_DIRECT, type Check } from './check';

export async function verifyChange(app: App, change: Change): Promise<Check[]> {
  try {
    return await checks(app, change);
  } catch (error) {
    return [broken('signatures of the governors', error)];
  }
}

async function checks(app: App, change: Change): Promise<Check[]> {
  const registry = app.contract('registry');
  const ref = { ...change, contract: registry.name, name: 'Changed' };
  const bytes = (value: unknown): string =>
    contentId('quittance/change', registry.encodeArgument('apply', 'change', value));
  const id = bytes(change.change);
  const found = await callOf(app, ref, 'apply', (args) => bytes(args.change) === id);
  if (!found) {
    return [{ what: 'signatures of the governors', ...NOT_DIRECT }];
  }
  // A change is signed for the epoch that it ends.
  const epoch = change.epoch - 1;
  const { keys, threshold } = app.index.institutions.governorsIn(epoch);
  const { expires_at: expiresAt, signatures } = found.call.args as unknown as {
    expires_at: bigint;
    signatures: { governor: number; signature: string }[];
  };
  const domain = domainOf(app, registry, epoch);
  const signed = signatures.map(({ governor, signature }): Check => {
    const what = `signature of governor ${governor}`;
    const key = keys[governor];
    return key === undefined
      ? { what, outcome: 'failed', why: `there was no governor ${governor} in epoch ${epoch}` }
      : keySignature(what, key, `the governor's key in epoch ${epoch}`, signature, { domain, purpose: 'Governance', id, expiresAt, taken: ref });
  });
  const good = signatures.filter((_, place) => signed[place]?.outcome === 'verified');
  const given = new Set(good.map(({ governor }) => governor)).size;
  return [
    ...signed,
    {
      what: 'enough governors',
      outcome: given >= threshold ? 'verified' : 'failed',
      why: `${given} signed, it takes ${threshold} of ${keys.length}`,
    },
  ];
}
