// One institution's co-signature under a retention, verified with nothing but a node.
//
// Each party signs once for a whole batch: over the (voucher, relation) pairs that it is a party to; a notary signs all.
// What is signed, and how it becomes bytes: `contracts/protocol/src/signing.rs`.
import type { Codec } from '@polkadot/types/types';
import type { Bytes, Struct, Vec } from '@polkadot/types';
import { compactToU8a, hexToU8a, stringToU8a, u8aConcat, u8aEq, u8aToHex } from '@polkadot/util';
import { blake2AsU8a, sha256AsU8a, sr25519Verify } from '@polkadot/util-crypto';
import type { Member, SignerSet } from './answers.js';
import { ask, type Chain } from './chain.js';
import { emitted, type Emitted } from './events.js';

/** The number of `Purpose::Retention`. */
const RETENTION = 5;

export interface Verified {
  member: Member;
  block: number;
  epoch: number;
  /** The key that the registry had for the member in that epoch. */
  signingKey: string;
  /** How many of the batch's vouchers the signature is under. */
  vouchers: number;
  payload: string;
  signature: string;
  isGood: boolean;
}

export async function signature(chain: Chain, voucher: string, member: Member): Promise<Verified> {
  const batch = await batchOf(chain, voucher);
  const call = await callOf(chain, batch);
  const signed = list(call.signatures).find((one) => number(field(one, 'member')) === member);
  if (!signed) {
    throw new Error(`member ${member} did not sign for ${voucher}`);
  }
  const epoch = number(field(call.batch, 'epoch'));
  const pairs = pairsOf(batch, member);
  const payload = u8aConcat(
    stringToU8a('<Bytes>'),
    blake2AsU8a(
      u8aConcat(
        stringToU8a('quittance/v1'),
        Uint8Array.of(RETENTION),
        chain.api.genesisHash.toU8a(),
        chain.contract('clearing').address.toU8a(),
        field(call.batch, 'epoch').toU8a(),
        contentId('quittance/retention', u8aConcat(compactToU8a(pairs.length), ...pairs)),
        field(call.batch, 'expiresAt').toU8a(),
      ),
      256,
    ),
    stringToU8a('</Bytes>'),
  );
  const signingKey = await keyOf(chain, member, epoch, batch.block);
  const bytes = field(signed, 'signature').toU8a();
  return {
    member,
    block: batch.block,
    epoch,
    signingKey,
    vouchers: pairs.length,
    payload: u8aToHex(payload),
    signature: u8aToHex(bytes),
    isGood: sr25519Verify(payload, bytes, hexToU8a(signingKey)),
  };
}

interface Batch extends Pick<Emitted, 'block' | 'transaction'> {
  /** What was kept, in the batch's order: each with id, relation and voucher. */
  kept: Codec[];
}

/** The batch that a voucher was retained in. A large one is told in several events, one after the other. */
async function batchOf(chain: Chain, id: string): Promise<Batch> {
  const batches = new Map<number, Batch>();
  for await (const { event, fields, block, transaction } of emitted(chain, 'clearing')) {
    if (event === 'Retained') {
      const number = Number(fields.get('batch'));
      const batch = batches.get(number) ?? { block, transaction, kept: [] };
      batch.kept.push(...list(fields.get('vouchers')));
      batches.set(number, batch);
    }
  }
  for (const batch of batches.values()) {
    if (batch.kept.some((one) => field(one, 'id').toHex() === id)) {
      return batch;
    }
  }
  throw new Error(`no voucher ${id} was retained`);
}

/** What the transaction handed to the contract: signatures stand in no event. */
async function callOf(chain: Chain, { block, transaction }: Batch): Promise<{ batch: Codec; signatures: Codec }> {
  const { api } = chain;
  const signed = await api.rpc.chain.getBlock(await api.rpc.chain.getBlockHash(block));
  const call = transaction === null ? undefined : signed.block.extrinsics[transaction]?.method;
  if (!call || !api.tx.contracts.call.is(call)) {
    throw new Error(`the retention in block ${block} was not called by a transaction directly`);
  }
  const data = call.args[4] as unknown as Bytes;
  const { message, args } = chain.contract('clearing').abi.decodeMessage(data.toU8a());
  const [batch, signatures] = args;
  if (message.identifier !== 'retain_batch' || !batch || !signatures) {
    throw new Error(`block ${block} retained by another message: ${message.identifier}`);
  }
  return { batch, signatures };
}

/** The pairs that a member signed, each with its voucher's id computed anew. */
function pairsOf({ kept }: Batch, member: Member): Uint8Array[] {
  const theirs = kept.filter((one) => isParty(field(one, 'voucher'), member));
  // A notary is a party to nothing in the batch, and signs all of it.
  return (theirs.length > 0 ? theirs : kept).map((one) => {
    const id = contentId('quittance/voucher', field(one, 'voucher').toU8a());
    if (!u8aEq(id, field(one, 'id').toU8a())) {
      throw new Error(`${field(one, 'id').toHex()} is not the id of the voucher told with it`);
    }
    return u8aConcat(id, field(one, 'relation').toU8a());
  });
}

function isParty(voucher: Codec, member: Member): boolean {
  const parties = [field(voucher, 'originator'), field(voucher, 'home'), ...list(field(voucher, 'others'))];
  return parties.some((party) => number(party) === member);
}

/** The member's key in an epoch: the registry is asked as it was after the block, or before it if it changed in it. */
async function keyOf(chain: Chain, member: Member, epoch: number, block: number): Promise<string> {
  for (const at of [block, block - 1]) {
    const hash = await chain.api.rpc.chain.getBlockHash(at);
    const answer = await ask<{ ok: SignerSet }>(chain, 'registry', 'members', [[member]], hash.toHex());
    const signer = answer.ok.signers[0];
    if (answer.ok.epoch === epoch && signer) {
      return signer.signingKey;
    }
  }
  throw new Error(`the registry had no member ${member} in epoch ${epoch}`);
}

/** sha256 of a tag and an encoding: the id of everything that is named by its content. */
function contentId(tag: string, encoded: Uint8Array): Uint8Array {
  return sha256AsU8a(u8aConcat(stringToU8a(tag), encoded));
}

function field(of: Codec, name: string): Codec {
  const found = (of as Struct).get(name);
  if (!found) {
    throw new Error(`there is no field ${name}`);
  }
  return found;
}

function list(of: Codec | undefined): Codec[] {
  return [...(of as Vec<Codec>)];
}

function number(of: Codec): number {
  return Number(of.toString());
}
