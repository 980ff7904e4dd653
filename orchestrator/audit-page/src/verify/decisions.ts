// What the notaries decided together: the approval that the call carried.
import { compactToU8a, hexToU8a, u8aConcat } from '@polkadot/util';
import type { App } from '../app';
import type { Call } from '../chain/contract';
import { littleEndian, type Fields } from '../chain/scale';
import { contentId } from '../protocol/bytes';
import type { Ref } from '../index/index';
import { NOTARY } from '../index/registry';
import { callOf, domainOf, memberSignature, NOT_DIRECT, type Check, type MemberSignature } from './check';

interface Approval {
  number: number;
  epoch: number;
  expires_at: bigint;
  signatures: MemberSignature[];
}

/** Checks the approval of the decision that led to an event. */
export async function verifyDecision(
  app: App,
  ref: Ref,
  message: string,
  matches: (args: Fields) => boolean,
): Promise<Check[]> {
  const found = await callOf(app, ref, message, matches);
  if (!found) {
    return [{ what: 'approval by the notaries', ...NOT_DIRECT }];
  }
  const { call } = found;
  const approval = call.args.approval as unknown as Approval;
  const id = contentId('quittance/decision', decision(app, call));
  const domain = domainOf(app, call.contract, approval.epoch);
  const body = littleEndian(approval.number, 4);
  const checks = approval.signatures.map((signed) =>
    memberSignature(app, signed, {
      domain,
      purpose: 'Decision',
      id,
      expiresAt: approval.expires_at,
      body,
      taken: ref,
      role: NOTARY,
    }),
  );
  return [...checks, notaries(app, approval.epoch, approval.signatures, checks)];
}

/** Whether enough notaries signed: each counts once, and only with a signature that was verified. */
export function notaries(app: App, epoch: number, signed: MemberSignature[], checks: Check[]): Check {
  const { institutions } = app.index;
  const needed = institutions.notaryThresholdIn(epoch);
  const good = signed.filter(({ member }, place) => {
    const isNotary = ((institutions.inEpoch(member, epoch)?.roles ?? 0) & NOTARY) !== 0;
    return isNotary && checks[place]?.outcome === 'verified';
  });
  const given = new Set(good.map(({ member }) => member)).size;
  return {
    what: 'enough notaries',
    outcome: given >= needed ? 'verified' : 'failed',
    why: `${given} signed, the registry asked for ${needed} in epoch ${epoch}`,
  };
}

/** A decision as the notaries hash it: a number for its kind, then what it says. */
function decision(app: App, { contract, message, args }: Call): Uint8Array {
  const bytes = (name: string): Uint8Array => contract.encodeArgument(message, name, args[name]);
  switch (message) {
    case 'set_fees':
      return u8aConcat(Uint8Array.of(0), bytes('rules'));
    case 'set_cap':
      return u8aConcat(Uint8Array.of(1), bytes('member'), bytes('asset'), bytes('cap'));
    case 'close_window':
      return u8aConcat(Uint8Array.of(2), bytes('window'));
    case 'take_out': {
      const clearing = app.contract('clearing');
      const type = clearing.types.named('settlement::Voucher');
      const ids = (args.vouchers as Fields[]).map((voucher) =>
        hexToU8a(contentId('quittance/voucher', clearing.types.encode(type, voucher))),
      );
      return u8aConcat(Uint8Array.of(3), bytes('window'), compactToU8a(ids.length), ...ids);
    }
    case 'rule':
      return u8aConcat(Uint8Array.of(4), bytes('voucher'), bytes('obligation'), bytes('ruling'));
    default:
      throw new Error(`${message} is no decision`);
  }
}
