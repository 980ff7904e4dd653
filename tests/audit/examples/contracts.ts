// What the contracts answer, as polkadot.js gives it: names in camelCase, bytes as 0x…, large numbers as hex text.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApiPromise } from '@polkadot/api';
import { ContractPromise } from '@polkadot/api-contract';
import type { WeightV2 } from '@polkadot/types/interfaces';

/** A u64 or u128: a number while it is small, hex text when it is not. */
export type Big = number | string;
/** An institution's index in the registry. */
export type Member = number;
export type Asset = { native: null } | { psp22: string };

export interface Institution {
  member: Member;
  id: string;
  lei: string;
  account: string;
  signingKey: string;
  certificate: string;
  /** One bit each: participant, notary, credit node, card issuer, regulator. */
  roles: number;
  status: 'Active' | 'Suspended' | 'Revoked';
}

export interface Balance {
  available: Big;
  reserved: Big;
  owed: Big;
  cap: Big;
  unsettled: Big;
}

export interface Obligation {
  debtor: Member;
  creditor: Member;
  asset: Asset;
  amount: Big;
}

export interface Retention {
  relationId: string;
  relation: { voucher: string; obligations: Obligation[]; drawnAt: Big };
  batch: number;
  retainedIn: number;
  retainedAt: Big;
  /** The block in which the last obligation was paid. */
  clearedIn: number | null;
}

/** A voucher as it stands in a `Retained` event; it is handed back as it is to ask about it. */
export type Voucher = Record<string, unknown>;

export interface Deployment {
  genesis_hash: string;
  contracts: { name: string; address: string }[];
}

export function contracts(api: ApiPromise, deployment: Deployment, bundles: string): Map<string, ContractPromise> {
  if (api.genesisHash.toHex() !== deployment.genesis_hash) {
    throw new Error(`the contracts are on the chain ${deployment.genesis_hash}, this is ${api.genesisHash.toHex()}`);
  }
  return new Map(
    deployment.contracts.map(({ name, address }) => {
      // credit_7 and prepaid_8 are made from the bundles that all of their kind are made from.
      const file = join(bundles, `${name.replace(/_\d+$/, '')}.json`);
      return [name, new ContractPromise(api, JSON.parse(readFileSync(file, 'utf8')), address)];
    }),
  );
}

/** Calls a message without a transaction. Any account may ask; this one need not exist. */
export async function ask<T>(contract: ContractPromise, message: string, ...args: unknown[]): Promise<T> {
  const query = contract.query[message];
  if (!query) {
    throw new Error(`there is no message ${message}`);
  }
  const gasLimit = contract.api.registry.createType('WeightV2', { refTime: 500_000_000_000n, proofSize: 5_000_000n }) as WeightV2;
  const { result, output } = await query(contract.address, { gasLimit, storageDepositLimit: null }, ...args);
  if (result.isErr || !output) {
    throw new Error(`${message}: ${result.isErr ? result.asErr.toString() : 'no answer'}`);
  }
  // What every ink! message returns is wrapped in a Result of its own.
  return (output.toJSON() as { ok: T }).ok;
}
