// What a check came to, and why.
import type { App } from '../app';
import type { Contract, Call } from '../chain/contract';
import type { Fields, Plain } from '../chain/scale';
import { hasSigned, payload, type Domain, type Purpose } from '../protocol/bytes';
import type { Ref } from '../index/index';

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

export function worst(checks: Check[]): Outcome {
  const order: Outcome[] = ['failed', 'unknown', 'verified', 'absent', 'none'];
  return order.find((outcome) => checks.some((check) => check.outcome === outcome)) ?? 'none';
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

export function domainOf(app: App, contract: Contract, epoch: number): Domain {
  return { genesis: app.config.genesis_hash, contract: contract.account, epoch };
}

/** A key's signature, whoever has the key. */
export function keySignature(
  what: string,
  key: string,
  whose: string,
  signature: string,
  signed: { domain: Domain; purpose: Purpose; id: string; expiresAt: bigint | number; body?: Uint8Array },
): Check {
  const message = payload(signed.domain, signed.purpose, signed.id, signed.expiresAt, signed.body);
  const isGood = hasSigned(key, message, signature);
  return {
    what,
    outcome: isGood ? 'verified' : 'failed',
    why: isGood
      ? `sr25519, with ${whose}`
      : `it is no signature with ${whose}: another key signed, or another content, contract, epoch or expiry`,
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
  signed: MemberSignature,
  what: { domain: Domain; purpose: Purpose; id: string; expiresAt: bigint | number; body?: Uint8Array },
  label = `signature of ${nameOf(app, signed.member)}`,
): Check {
  const institution = app.index.institutions.inEpoch(signed.member, what.domain.epoch);
  if (!institution) {
    return {
      what: label,
      outcome: 'failed',
      why: `the registry had no institution ${signed.member} in epoch ${what.domain.epoch}`,
    };
  }
  const check = keySignature(
    label,
    institution.signingKey,
    `the key that the registry had in epoch ${what.domain.epoch}`,
    signed.signature,
    what,
  );
  if (check.outcome === 'verified' && institution.status !== 'Active') {
    return { ...check, outcome: 'failed', why: `the institution was ${institution.status.toLowerCase()} in that epoch` };
  }
  return check;
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

function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
