// A node, and the contracts on it as their bundles describe them.
import '@polkadot/api-augment';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApiPromise, WsProvider } from '@polkadot/api';
import { ContractPromise } from '@polkadot/api-contract';
import type { Result } from '@polkadot/types';
import type { Codec } from '@polkadot/types/types';

export interface Deployment {
  genesis_hash: string;
  contracts: { name: string; address: string }[];
}

export interface Chain {
  api: ApiPromise;
  contract(name: string): ContractPromise;
}

/** Connects, and makes sure that this is the chain and that each bundle names the code that runs there. */
export async function connect(url: string, deployment: Deployment, bundles: string): Promise<Chain> {
  const api = await ApiPromise.create({ provider: new WsProvider(url), noInitWarn: true });
  if (api.genesisHash.toHex() !== deployment.genesis_hash) {
    throw new Error(`the contracts are on the chain ${deployment.genesis_hash}, this is ${api.genesisHash.toHex()}`);
  }
  const contracts = new Map<string, ContractPromise>();
  for (const { name, address } of deployment.contracts) {
    // credit_7 and prepaid_8 are made from the bundles that all of their kind are made from.
    const file = join(bundles, `${name.replace(/_\d+$/, '')}.contract`);
    const bundle = JSON.parse(readFileSync(file, 'utf8')) as { source: { hash: string } };
    const deployed = await api.query.contracts.contractInfoOf(address);
    if (deployed.isNone || deployed.unwrap().codeHash.toHex() !== bundle.source.hash) {
      throw new Error(`at ${address} there is another contract than ${file} describes`);
    }
    contracts.set(name, new ContractPromise(api, bundle, address));
  }
  const contract = (name: string): ContractPromise => {
    const found = contracts.get(name);
    if (!found) {
      throw new Error(`no contract ${name} is deployed there`);
    }
    return found;
  };
  return { api, contract };
}

/**
 * Asks a contract without a transaction, in the state after the block `at`, or after the latest.
 * Any account may ask; the contract's own does as well as another.
 */
export async function ask<T>(chain: Chain, name: string, message: string, args: unknown[], at?: string): Promise<T> {
  const { abi, address } = chain.contract(name);
  const { toU8a, returnType } = abi.findMessage(message);
  const state = at === undefined ? chain.api : await chain.api.at(at);
  const { result } = await state.call.contractsApi.call(address, address, 0, null, null, toU8a(args));
  if (result.isErr || !returnType) {
    throw new Error(`${name} does not answer ${message}: ${result.isErr ? result.asErr.toString() : 'it returns nothing'}`);
  }
  const type = returnType.lookupName ?? returnType.type;
  // What every ink! message returns is wrapped in a Result of its own.
  const answer = abi.registry.createTypeUnsafe<Result<Codec, Codec>>(type, [result.asOk.data.toU8a(true)]);
  if (answer.isErr) {
    throw new Error(`${name} does not understand ${message}: ${answer.asErr.toString()}`);
  }
  return answer.asOk.toJSON() as T;
}

/** The number of the latest block that nothing can undo any more. */
export async function finalized({ api }: Chain): Promise<number> {
  return (await api.rpc.chain.getHeader(await api.rpc.chain.getFinalizedHead())).number.toNumber();
}
