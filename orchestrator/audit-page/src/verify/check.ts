// What a check came to, and why.
import { u8aToHex } from '@polkadot/util';
import { decodeAddress } from '@polkadot/util-crypto';
import type { App } from '../app';
import type { Contract, Call } from '../chain/contract';
import type { Fields, Plain } from '../chain/scale';
import { number } from '../numbers';
import { hasSigned, payload, type Domain, type Purpose } from '../protocol/bytes';
import type { Ref } from '../index/index';
import { roleNames } from '../index/registry';

export type Outcome =
  /** Computed here, and right. */
  | 'verified'
  /** Computed here, and wrong. */
  | 'failed'
  /** The chain doesn't have what would be checked. */
  | 'absent'
  /** It can't be told. */
  | 'unknown'
  /** There is nothing to check: the contract did it by itself, or asks for no signature. */
  | 'none';

export interface Check {
  what: string;
  outcome: Outcome;
  why: string;
  /** Ids, keys and digests, for whoever wants to compute it by another way. */
  details?: [name: string, value: string][];
}

/** One document or event of a chain of them. */
export interface Step {
  title: string;
  ref: Ref | null;
  summary: string;
  checks: Check[];
  /** The document itself. */
  document?: { title: string; content: Plain };
}

export interface MemberSignature {
  member: number;
  signature: string;
}

/** What was signed, as the contracts check it. */
export interface Signed {
  domain: Domain;
  purpose: Purpose;
  id: string;
  expiresAt: bigint | number;
  body?: Uint8Array;
  /** Where the chain took it, if it did: in that epoch, and before its expiry. */
  taken?: Ref;
  /** The role that a member has to have, as its bit. */
  role?: number;
}

export function worst(checks: Check[]): Outcome {
  const has = (outcome: Outcome): boolean => checks.some((check) => check.outcome === outcome);
  // What nobody can verify here of a document doesn't count as verified because the rest of it is.
  const lacksSignature = checks.some((check) => check.outcome === 'absent' && isSignature(check));
  if (!has('failed') && has('verified') && lacksSignature) {
    return 'unknown';
  }
  const order: Outcome[] = ['failed', 'unknown', 'verified', 'absent', 'none'];
  return order.find(has) ?? 'none';
}

export function isSignature(check: Check): boolean {
  return /signature/.test(check.what);
}

/** A failed check for whatever went wrong while checking. */
export function broken(what: string, error: unknown): Check {
  return { what, outcome: 'failed', why: error instanceof Error ? error.message : String(error) };
}

export function sameId(what: string, computed: string, given: string): Check {
  const outcome = computed === given ? 'verified' : 'failed';
  const why =
    outcome === 'verified'
      ? 'it is the sha256 of what it names'
      : 'what it names has another sha256: one of the two was altered';
  return { what, outcome, why, details: [['given', given], ['computed', computed]] };
}

/** A figure that somebody tells, and what it comes to here. */
export function sameFigure(what: string, computed: bigint, told: bigint, why: string): Check {
  return {
    what,
    outcome: computed === told ? 'verified' : 'failed',
    why: computed === told ? `${number(told)}: ${why}` : `${number(told)} is told, ${number(computed)} follows: ${why}`,
    details: [
      ['told', told.toString()],
      ['computed', computed.toString()],
    ],
  };
}

export function domainOf(app: App, contract: Contract, epoch: number): Domain {
  return { genesis: app.config.genesis_hash, contract: contract.account, epoch };
}

/** A key's signature, whoever has the key. */
export function keySignature(what: string, key: string, whose: string, signature: string, signed: Signed): Check {
  const message = payload(signed.domain, signed.purpose, signed.id, signed.expiresAt, signed.body);
  const isGood = hasSigned(key, message, signature);
  const isLate = signed.taken !== undefined && BigInt(signed.taken.at) >= BigInt(signed.expiresAt);
  return {
    what,
    outcome: isGood && !isLate ? 'verified' : 'failed',
    why: !isGood
      ? `it is no signature with ${whose}: another key signed, or another content, contract, epoch or expiry`
      : isLate
        ? `sr25519, with ${whose}; it had expired when the chain took it`
        : `sr25519, with ${whose}`,
    details: [
      ['public key', key],
      ['signature', signature],
      ['signed', new TextDecoder('latin1').decode(message.subarray(0, 7)) + hexOf(message.subarray(7, 39)) + '</Bytes>'],
      ['over the id', signed.id],
    ],
  };
}

/** A member's signature, with the key that the registry had for it in the epoch that was signed. */
export function memberSignature(
  app: App,
  { member, signature }: MemberSignature,
  signed: Signed,
  label = `signature of ${nameOf(app, member)}`,
): Check {
  const { institutions } = app.index;
  const { epoch } = signed.domain;
  const institution = institutions.inEpoch(member, epoch);
  if (!institution) {
    return { what: label, outcome: 'failed', why: `the registry had no institution ${member} in epoch ${epoch}` };
  }
  const check = keySignature(label, institution.signingKey, `the key that the registry had in epoch ${epoch}`, signature, signed);
  const current = signed.taken ? institutions.epochAt(signed.taken.block, signed.taken.index) : epoch;
  const role = signed.role ?? 0;
  const wrong =
    current !== epoch
      ? `it is of epoch ${epoch}, and the registry was in epoch ${current} when the chain took it`
      : institution.status !== 'Active'
        ? `the institution was ${institution.status.toLowerCase()} in that epoch`
        : (institution.roles & role) !== role
          ? `the institution was no ${roleNames(role)} in that epoch`
          : null;
  return check.outcome === 'verified' && wrong ? { ...check, outcome: 'failed', why: wrong } : check;
}

export function nameOf(app: App, member: number): string {
  const institution = app.index.institutions.now.get(member);
  return institution ? `member ${member} (${institution.lei})` : `member ${member}`;
}

/** The call that an event came from; `null` if no transaction made it directly. */
export async function callOf(
  app: App,
  ref: Ref,
  message: string,
  matches: (args: Fields) => boolean = () => true,
): Promise<{ call: Call; signer: string | null } | null> {
  const { calls, signer } = await app.node.calls(ref.block, ref.extrinsic);
  const call = calls.find(
    (one) => one.contract.name === ref.contract && one.message === message && matches(one.args),
  );
  return call ? { call, signer } : null;
}

export const NOT_DIRECT: Omit<Check, 'what'> = {
  outcome: 'unknown',
  why: 'the call stands in no transaction of the block: another contract made it, and what it handed along is nowhere',
};

/** A transaction by the one account that could send it. What signed it is verified here, too. */
export async function senderCheck(
  app: App,
  ref: Ref,
  message: string,
  who: string,
  account: string | null | undefined,
): Promise<Check> {
  const what = `transaction of ${who}`;
  const found = await callOf(app, ref, message);
  const sender = found && (await app.node.sender(ref.block, ref.extrinsic));
  if (!sender) {
    return { what, ...NOT_DIRECT };
  }
  const isIts = account === u8aToHex(decodeAddress(sender.address));
  return {
    what,
    outcome: sender.isGood && isIts ? 'verified' : 'failed',
    why: !sender.isGood
      ? 'its signature isn’t its sender’s'
      : isIts
        ? 'signed by the account that had to send it'
        : 'another account sent it',
    details: [['sender', sender.address]],
  };
}

/** The same, by a member's account, as the registry had it then. */
export function memberSenderCheck(app: App, ref: Ref, message: string, member: number): Promise<Check> {
  const { institutions } = app.index;
  const account = institutions.inEpoch(member, institutions.epochAt(ref.block, ref.index))?.account;
  return senderCheck(app, ref, message, nameOf(app, member), account);
}

function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
