// Ids and payloads, as the contracts compute them.
import { compactToU8a, hexToU8a, stringToU8a, u8aConcat, u8aToHex } from '@polkadot/util';
import { blake2AsU8a, sha256AsU8a, sr25519Verify } from '@polkadot/util-crypto';
import { littleEndian } from '../chain/scale';

/** What a signature is for, in the order that the protocol numbers them: append only. */
const PURPOSES = [
  'PaymentRequest',
  'Voucher',
  'Refusal',
  'Attestation',
  'Relation',
  'Retention',
  'ClearingVoucher',
  'Governance',
  'Offer',
  'Agreement',
  'Cancellation',
  'Decision',
  'Assistance',
  'CreditRequest',
  'CreditLimit',
  'CreditRaise',
  'CreditReceipt',
  'CardPayment',
  'CardVoid',
  'CardRefund',
  'CardDispute',
  'TerminalMessage',
  'CardQuery',
  'BookTerms',
  'Correction',
  'Closing',
  'BookStatement',
] as const;

export type Purpose = (typeof PURPOSES)[number];

/** Where a signature is valid. */
export interface Domain {
  genesis: string;
  contract: string;
  /** The registry's epoch at signing; 0 for signers that are no members. */
  epoch: number;
}

/** What is signed without an expiry. */
export const NEVER = (1n << 64n) - 1n;

/** sha256 of a domain tag and a value's SCALE encoding: the id of everything content-addressed. */
export function contentId(tag: string, encoded: Uint8Array): string {
  return u8aToHex(sha256AsU8a(u8aConcat(stringToU8a(tag), encoded)));
}

/** The bytes to sign. Wrapped, so that they can never be a transaction. */
export function payload(
  domain: Domain,
  purpose: Purpose,
  id: string,
  expiresAt: bigint | number,
  body: Uint8Array = new Uint8Array(),
): Uint8Array {
  const preimage = u8aConcat(
    stringToU8a('quittance/v1'),
    Uint8Array.of(PURPOSES.indexOf(purpose)),
    hexToU8a(domain.genesis),
    hexToU8a(domain.contract),
    littleEndian(domain.epoch, 4),
    hexToU8a(id),
    littleEndian(expiresAt, 8),
    body,
  );
  return u8aConcat(stringToU8a('<Bytes>'), blake2AsU8a(preimage, 256), stringToU8a('</Bytes>'));
}

export function hasSigned(key: string, message: Uint8Array, signature: string): boolean {
  try {
    return sr25519Verify(message, hexToU8a(signature), hexToU8a(key));
  } catch {
    // Bytes that are no signature, or no key, at all.
    return false;
  }
}

/** The id that members sign a retention under: over ordered (voucher, relation) pairs. */
export function retentionId(pairs: [voucher: string, relation: string][]): string {
  const encoded = pairs.map(([voucher, relation]) => u8aConcat(hexToU8a(voucher), hexToU8a(relation)));
  return contentId('quittance/retention', u8aConcat(compactToU8a(pairs.length), ...encoded));
}

export function sha256(bytes: Uint8Array): string {
  return u8aToHex(sha256AsU8a(bytes));
}
