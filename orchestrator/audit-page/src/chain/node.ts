// A node, read through its WebSocket: finalized blocks only. Nothing is ever sent to the chain.
import { ApiPromise, WsProvider } from '@polkadot/api';
import type { Registry } from '@polkadot/types/types';
import type { SignedBlock } from '@polkadot/types/interfaces';
import { hexToU8a, u8aToHex } from '@polkadot/util';
import { blake2AsU8a, signatureVerify } from '@polkadot/util-crypto';
import type { Call, Contract } from './contract';
import type { Fields, Plain } from './scale';

/** An event of one of the contracts. */
export interface ContractEvent {
  block: number;
  /** Its place among the block's events. */
  index: number;
  /** The transaction that it came from; -1 if it came from none. */
  extrinsic: number;
  /** The block's time, in milliseconds since 1970. */
  at: number;
  contract: Contract;
  name: string;
  fields: Fields;
}

/** A node that can't tell what was asked for. The message says why, for people. */
export class NodeError extends Error {}

/** How one runtime writes events down. */
interface Codec {
  registry: Registry;
  eventsType: string;
  eventsKey: string;
  timeKey: string;
}

interface RawEvent {
  phase: { isApplyExtrinsic: boolean; asApplyExtrinsic: { toNumber(): number } };
  event: { section: string; method: string; data: { toU8a(isBare?: boolean): Uint8Array; toHex(): string }[] };
  topics: { toHex(): string }[];
}

/** How many blocks that were looked at are kept. */
const REMEMBERED_BLOCKS = 64;
/** What is signed of a transaction is signed as it is up to this many bytes, and hashed beyond. */
const LONGEST_SIGNED = 256;

export class Node {
  private readonly codecs = new Map<number, Promise<Codec>>();
  private readonly blocks = new Map<number, Promise<ContractEvent[]>>();
  private readonly signedBlocks = new Map<number, Promise<SignedBlock>>();
  private byAccount = new Map<string, Contract>();

  private constructor(
    readonly url: string,
    private readonly provider: WsProvider,
    private readonly api: ApiPromise,
  ) {}

  static async connect(url: string, genesis: string): Promise<Node> {
    // No reconnecting before the first connection: a wrong address should say so at once.
    const provider = new WsProvider(url, false);
    try {
      await provider.connect();
      await withTimeout(provider.isReady, 10_000, `${url} doesn't answer`);
      const api = await withTimeout(
        ApiPromise.create({ provider, noInitWarn: true, throwOnConnect: true }),
        30_000,
        `${url} doesn't answer as a Substrate node`,
      );
      if (api.genesisHash.toHex() !== genesis) {
        throw new NodeError(
          `${url} is a node of another chain: its first block is ${api.genesisHash.toHex()}, the contracts are on the chain that began with ${genesis}`,
        );
      }
      return new Node(url, provider, api);
    } catch (error) {
      await provider.disconnect().catch(() => undefined);
      throw error instanceof NodeError ? error : new NodeError(`${url} can't be reached as a node: ${message(error)}`);
    }
  }

  use(contracts: Contract[]): void {
    this.byAccount = new Map(contracts.map((contract) => [contract.account, contract]));
  }

  get chainName(): string {
    return this.api.runtimeChain.toString();
  }

  get nodeName(): string {
    return `${this.api.runtimeVersion.specName.toString()} ${this.api.runtimeVersion.specVersion.toString()}`;
  }

  get genesis(): string {
    return this.api.genesisHash.toHex();
  }

  async disconnect(): Promise<void> {
    await this.api.disconnect();
  }

  onDisconnected(listener: () => void): void {
    this.provider.on('disconnected', listener);
  }

  async finalized(): Promise<number> {
    const header = await this.send<{ number: string }>('chain_getHeader', [await this.send('chain_getFinalizedHead', [])]);
    return Number(header.number);
  }

  /** Tells of each newly finalized block. */
  async follow(listener: (number: number) => void): Promise<() => void> {
    return this.api.rpc.chain.subscribeFinalizedHeads((header) => listener(header.number.toNumber()));
  }

  async hash(block: number): Promise<string> {
    const hash = await this.send<string | null>('chain_getBlockHash', [block]);
    if (hash === null) {
      throw new NodeError(`the node has no block ${block}`);
    }
    return hash;
  }

  /** The contracts' events of some blocks in a row. One decoding at a time; everything is asked for at once. */
  async events(from: number, to: number): Promise<ContractEvent[]> {
    const numbers = Array.from({ length: to - from + 1 }, (_, index) => from + index);
    const hashes = await this.send<(string | null)[]>('chain_getBlockHash', [numbers]);
    const [first, last] = [hashes.at(0), hashes.at(-1)];
    if (!first || !last || hashes.includes(null)) {
      throw new NodeError(`the node has no blocks ${from} to ${to}`);
    }
    const [early, late] = await Promise.all([this.codec(first), this.codec(last)]);
    if (early !== late && from < to) {
      // The runtime changed in between: the two sorts of blocks are read by themselves.
      const middle = Math.floor((from + to) / 2);
      return [...(await this.events(from, middle)), ...(await this.events(middle + 1, to))];
    }
    const raws = await Promise.all(
      hashes.map((hash) => this.send<string | null>('state_getStorage', [early.eventsKey, hash])),
    );
    const accounts = [...this.byAccount.keys()].map((account) => account.slice(2));
    const found: ContractEvent[] = [];
    const wanted = raws.flatMap((raw, index) =>
      raw !== null && accounts.some((account) => raw.includes(account)) ? [index] : [],
    );
    const times = await Promise.all(
      wanted.map((index) => this.send<string | null>('state_getStorage', [early.timeKey, hashes[index]])),
    );
    wanted.forEach((index, place) => {
      const time = times[place];
      const at = time ? Number(new DataView(hexToU8a(time).buffer).getBigUint64(0, true)) : 0;
      found.push(...this.decode(early, raws[index] as string, numbers[index] as number, at));
    });
    return found;
  }

  /** The events of one block, remembered for a while. */
  eventsOf(block: number): Promise<ContractEvent[]> {
    return remember(this.blocks, block, REMEMBERED_BLOCKS, () => this.events(block, block));
  }

  /** What a transaction asked the contracts for, directly or within other calls. */
  async calls(block: number, extrinsic: number): Promise<{ calls: Call[]; signer: string | null }> {
    if (extrinsic < 0) {
      return { calls: [], signer: null };
    }
    const found = await this.transaction(block, extrinsic);
    const calls: Call[] = [];
    this.collect(found.method, calls);
    return { calls, signer: found.isSigned ? found.signer.toString() : null };
  }

  /** Who signed a transaction, and whether the signature is that account's under what the runtime of then has signed. */
  async sender(block: number, extrinsic: number): Promise<{ address: string; isGood: boolean } | null> {
    if (extrinsic < 0) {
      return null;
    }
    const found = await this.transaction(block, extrinsic);
    if (!found.isSigned) {
      return null;
    }
    const born = found.era.isMortalEra ? found.era.asMortalEra.birth(block) : 0;
    const [hash, blockHash] = await Promise.all([this.hash(block), this.hash(born)]);
    const [{ registry }, { specVersion, transactionVersion }] = await Promise.all([
      this.api.at(hash),
      this.send<{ specVersion: number; transactionVersion: number }>('state_getRuntimeVersion', [hash]),
    ]);
    const { era, nonce, tip } = found;
    const signed = registry
      .createType(
        'ExtrinsicPayload',
        { method: found.method.toHex(), era, nonce, tip, blockHash, genesisHash: this.genesis, specVersion, transactionVersion },
        { version: found.version & 0x7f },
      )
      .toU8a({ method: true });
    const message = signed.length > LONGEST_SIGNED ? blake2AsU8a(signed, 256) : signed;
    const address = found.signer.toString();
    return { address, isGood: signatureVerify(message, found.signature.toU8a(), address).isValid };
  }

  /** A block's time, in milliseconds since 1970. */
  async time(block: number): Promise<bigint> {
    const hash = await this.hash(block);
    const { timeKey } = await this.codec(hash);
    const time = await this.send<string | null>('state_getStorage', [timeKey, hash]);
    return time ? new DataView(hexToU8a(time).buffer).getBigUint64(0, true) : 0n;
  }

  /** The number of the finalized block with this hash; `null` if there is none. */
  async numberOf(hash: string): Promise<number | null> {
    const header = await this.send<{ number: string } | null>('chain_getHeader', [hash]);
    const number = header === null ? null : Number(header.number);
    return number !== null && number <= (await this.finalized()) && (await this.hash(number)) === hash ? number : null;
  }

  /** Asks a contract without a transaction, in the state after a block. */
  async ask(block: number, contract: Contract, message: string, args: unknown[]): Promise<Plain> {
    const at = await this.api.at(await this.hash(block));
    const call = at.call.contractsApi?.call;
    if (!call) {
      throw new NodeError("the node's runtime doesn't let contracts be asked");
    }
    const data = u8aToHex(contract.encodeCall(message, args));
    // Any account may ask; this one need not exist.
    const answer = (await call(contract.address, contract.address, 0, null, null, data)) as unknown as {
      result: { isOk: boolean; asOk: { data: { toU8a(isBare: boolean): Uint8Array } }; asErr: { toString(): string } };
    };
    const { returns } = contract.message(message);
    if (!answer.result.isOk || returns === null) {
      throw new NodeError(`${contract.name} doesn't answer ${message}: ${answer.result.asErr.toString()}`);
    }
    const value = contract.types.decode(returns, answer.result.asOk.data.toU8a(true));
    // What every ink! message returns is wrapped in a Result of its own.
    if (value !== null && typeof value === 'object' && 'Ok' in value) {
      return value.Ok ?? null;
    }
    throw new NodeError(`${contract.name} doesn't answer ${message}`);
  }

  /** The code hash that an account's contract has now; `null` if there is no contract. */
  async codeHash(contract: Contract): Promise<string | null> {
    const info = await this.api.query.contracts?.contractInfoOf?.(contract.address);
    const found = info?.toJSON() as { codeHash?: string } | null | undefined;
    return found?.codeHash ?? null;
  }

  private async transaction(block: number, extrinsic: number): Promise<SignedBlock['block']['extrinsics'][number]> {
    const signed = await remember(this.signedBlocks, block, REMEMBERED_BLOCKS, async () =>
      this.api.rpc.chain.getBlock(await this.hash(block)),
    );
    const found = signed.block.extrinsics[extrinsic];
    if (!found) {
      throw new NodeError(`block ${block} has no transaction ${extrinsic}`);
    }
    return found;
  }

  private collect(value: unknown, calls: Call[]): void {
    if (Array.isArray(value)) {
      value.forEach((one) => this.collect(one, calls));
      return;
    }
    const call = value as { section?: string; method?: string; args?: unknown[]; inner?: unknown } | null;
    if (!call || typeof call !== 'object') {
      return;
    }
    if (typeof call.section === 'string' && Array.isArray(call.args)) {
      if (call.section === 'contracts' && call.method === 'call') {
        const [destination, , , , data] = call.args as { toU8a(isBare?: boolean): Uint8Array; toHex(): string }[];
        const bytes = destination?.toU8a();
        // A MultiAddress: the last 32 bytes are the account.
        const contract = bytes && this.byAccount.get(u8aToHex(bytes.subarray(-32)));
        const decoded = contract && data ? contract.decodeCall(data.toU8a(true)) : null;
        if (decoded) {
          calls.push(decoded);
        }
        return;
      }
      call.args.forEach((arg) => this.collect(arg, calls));
    }
  }

  private decode(codec: Codec, raw: string, block: number, at: number): ContractEvent[] {
    const records = codec.registry.createType(codec.eventsType, hexToU8a(raw)) as unknown as RawEvent[];
    const found: ContractEvent[] = [];
    records.forEach((record, index) => {
      const { event, phase, topics } = record;
      if (event.section !== 'contracts' || event.method !== 'ContractEmitted') {
        return;
      }
      const [account, data] = event.data;
      const contract = account && this.byAccount.get(account.toHex());
      if (contract && data) {
        const extrinsic = phase.isApplyExtrinsic ? phase.asApplyExtrinsic.toNumber() : -1;
        found.push({ block, index, extrinsic, at, contract, ...contract.decodeEvent(topics[0]?.toHex(), data.toU8a(true)) });
      }
    });
    return found;
  }

  private async codec(hash: string): Promise<Codec> {
    const version = await this.send<{ specVersion: number }>('state_getRuntimeVersion', [hash]);
    return remember(this.codecs, version.specVersion, 16, async () => {
      const at = await this.api.at(hash);
      const events = at.query.system?.events;
      const time = at.query.timestamp?.now;
      if (!events || !time) {
        throw new NodeError("the node's runtime keeps no events or no time");
      }
      return {
        registry: at.registry,
        eventsType: at.registry.createLookupType(events.creator.meta.type.asPlain),
        eventsKey: events.key(),
        timeKey: time.key(),
      };
    });
  }

  private async send<T>(method: string, params: unknown[]): Promise<T> {
    try {
      return await this.provider.send<T>(method, params);
    } catch (error) {
      const why = message(error);
      throw new NodeError(
        why.includes('discarded') || why.includes('Unknown Block')
          ? `this node doesn't keep the states of old blocks: take an archive node (--state-pruning archive). ${why}`
          : why,
      );
    }
  }
}

/** What was made before, or is made now; the oldest goes when there are too many. What failed is forgotten. */
function remember<K, V>(kept: Map<K, Promise<V>>, key: K, most: number, make: () => Promise<V>): Promise<V> {
  let found = kept.get(key);
  if (!found) {
    found = make();
    kept.set(key, found);
    found.catch(() => kept.delete(key));
    const [oldest] = kept.keys();
    if (kept.size > most && oldest !== undefined) {
      kept.delete(oldest);
    }
  }
  return found;
}

export function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function withTimeout<T>(promise: Promise<T>, milliseconds: number, why: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new NodeError(why)), milliseconds);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
