// What a contract told, block by block.
import type { DecodedEvent } from '@polkadot/api-contract/types';
import type { Codec } from '@polkadot/types/types';
import type { ClearingEvent } from './answers.js';
import { finalized, type Chain } from './chain.js';

/** An event before it is made JSON: `fields` still know their types, and so their bytes. */
export interface Emitted {
  block: number;
  /** The place in its block of the transaction that caused it; `null` if none did. */
  transaction: number | null;
  event: string;
  fields: Map<string, Codec>;
}

export interface Range {
  /** The first block; 1 unless told. */
  from?: number;
  /** The last block; the latest finalized one unless told. */
  to?: number;
}

/** Every event of a contract in these blocks, in their order. */
export async function* emitted(chain: Chain, name: string, { from = 1, to }: Range = {}): AsyncGenerator<Emitted> {
  const { api } = chain;
  const { abi, address } = chain.contract(name);
  const last = to ?? (await finalized(chain));
  for (let block = from; block <= last; block += 1) {
    const at = await api.at(await api.rpc.chain.getBlockHash(block));
    for (const record of await at.query.system.events()) {
      const { event, phase } = record;
      if (api.events.contracts.ContractEmitted.is(event) && event.data.contract.eq(address)) {
        const transaction = phase.isApplyExtrinsic ? phase.asApplyExtrinsic.toNumber() : null;
        yield { block, transaction, ...named(abi.decodeEvent(record)) };
      }
    }
  }
}

/** The clearing contract's events in these blocks, with typed fields. */
export async function clearingEvents(chain: Chain, range: Range): Promise<ClearingEvent[]> {
  const found: ClearingEvent[] = [];
  for await (const { block, event, fields } of emitted(chain, 'clearing', range)) {
    const json = Object.fromEntries([...fields].map(([name, value]) => [name, value.toJSON()]));
    found.push({ block, event, fields: json } as unknown as ClearingEvent);
  }
  return found;
}

function named({ event, args }: DecodedEvent): Pick<Emitted, 'event' | 'fields'> {
  const fields = new Map<string, Codec>();
  event.args.forEach(({ name }, index) => fields.set(name, args[index] as Codec));
  // The bundle names it with its path: clearing::clearing::Retained.
  return { event: event.identifier.split('::').at(-1) ?? event.identifier, fields };
}
