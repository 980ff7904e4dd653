// The contracts themselves: which code, made with what.
import type { App } from '../app';
import type { Contract } from '../chain/contract';
import type { Fields } from '../chain/scale';
import { memberOf } from '../index/index';
import { broken, type Check } from './check';

/** Whether the code is the deployment's, and whether they belong together. `hashes`: of the code, in the contracts' order. */
export async function contractChecks(app: App, hashes: (string | null)[]): Promise<Check[]> {
  const contracts = [...app.contracts.values()];
  const same = contracts.filter((contract, place) => contract.codeHash === hashes[place]).length;
  const faults = (await Promise.all(contracts.map((contract) => fault(app, contract)))).filter((one) => one !== null);
  return [
    {
      what: 'code on chain',
      outcome: same === contracts.length ? 'verified' : 'failed',
      why: `each contract’s code hash is the deployment’s (${same} of ${contracts.length})`,
      details: contracts.map((contract, place) => [contract.name, String(hashes[place])]),
    },
    {
      what: 'made for each other',
      outcome: faults.length === 0 ? 'verified' : 'failed',
      why: faults.length === 0 ? 'each says that it is of this chain, asks this registry, and is of the institution that its name says' : faults.join('; '),
    },
  ];
}

async function fault(app: App, contract: Contract): Promise<string | null> {
  try {
    const registry = app.contract('registry').account;
    if (contract.kind === 'clearing') {
      return (await app.ask(contract, 'registry', [])) === registry ? null : `${contract.name} asks another registry`;
    }
    if (!['credit', 'prepaid', 'reconciliation'].includes(contract.kind)) {
      return null;
    }
    const made = (await app.ask(contract, 'constants', [])) as Fields;
    const owner = made.node ?? made.issuer;
    const isOwn = owner === undefined || owner === memberOf(contract.name);
    return made.genesis === app.config.genesis_hash && made.registry === registry && isOwn
      ? null
      : `${contract.name} says that it is of another chain, registry or institution`;
  } catch (error) {
    return `${contract.name}: ${broken('', error).why}`;
  }
}
