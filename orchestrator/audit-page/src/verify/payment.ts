// A payment's chain of documents, each verified: from the chain, and from evidence that was dropped in.
import { u8aToHex } from '@polkadot/util';
import type { App } from '../app';
import { sameValue, type Fields, type Plain } from '../chain/scale';
import { contentId, retentionId } from '../protocol/bytes';
import { obligationsOf, parties, type Obligation, type Voucher } from '../protocol/settlement';
import type { Dispute, Payment } from '../index/clearing';
import type { Ref } from '../index/index';
import { NOTARY, PARTICIPANT } from '../index/registry';
import {
  broken,
  callOf,
  domainOf,
  memberSenderCheck,
  memberSignature,
  nameOf,
  NOT_DIRECT,
  sameId,
  type Check,
  type MemberSignature,
  type Step,
} from './check';
import { number } from '../numbers';
import { notaries, verifyDecision } from './decisions';

interface RetentionBatch {
  epoch: number;
  drawn_at: bigint;
  expires_at: bigint;
  vouchers: Voucher[];
}

/** Everything that is known of a payment while its steps are worked out. */
interface Seen {
  app: App;
  payment: Payment;
  voucher: Voucher;
  obligations: Obligation[];
  drawnAt: bigint;
}

/** The voucher of a retained payment, read again from its block. */
export async function voucherOf(app: App, payment: Payment): Promise<{ voucher: Voucher; drawnAt: bigint }> {
  const event = await app.event(payment.retained);
  const kept = (event.fields.vouchers as Fields[]).find((one) => one.id === payment.id);
  if (!kept) {
    throw new Error(`block ${payment.retained.block} doesn't tell of this voucher any more`);
  }
  return { voucher: kept.voucher as unknown as Voucher, drawnAt: event.fields.drawn_at as bigint };
}

export function voucherId(app: App, voucher: unknown): string {
  const { types } = app.contract('clearing');
  return contentId('quittance/voucher', types.encode(types.named('settlement::Voucher'), voucher));
}

export function relationId(app: App, relation: unknown): string {
  const { types } = app.contract('clearing');
  return contentId('quittance/relation', types.encode(types.named('settlement::Relation'), relation));
}

export async function verifyPayment(app: App, payment: Payment): Promise<Step[]> {
  const { voucher, drawnAt } = await voucherOf(app, payment);
  const schedule = app.index.payments.schedules.get(voucher.fees)?.rules ?? [];
  const seen: Seen = { app, payment, voucher, obligations: obligationsOf(voucher, schedule), drawnAt };
  return [
    voucherStep(seen),
    await guarded('Retention', payment.retained, () => retentionStep(seen)),
    relationStep(seen),
    ...(await feeSteps(seen)),
    ...(await dischargeSteps(seen)),
    ...(await Promise.all(
      payment.disputes.flatMap((dispute) =>
        dispute.events.map((ref) => guarded('Dispute', ref, () => disputeStep(seen, dispute, ref))),
      ),
    )),
    await guarded('What the contract says now', null, () => storageStep(seen)),
  ];
}

/** A step that can't be worked out is a failed step, not a blank page. */
export async function guarded(title: string, ref: Ref | null, make: () => Promise<Step>): Promise<Step> {
  try {
    return await make();
  } catch (error) {
    return { title, ref, summary: '', checks: [broken(title.toLowerCase(), error)] };
  }
}

function voucherStep({ app, payment, voucher }: Seen): Step {
  const within = voucher.amount <= ceiling(voucher);
  return {
    title: 'Voucher',
    ref: payment.retained,
    summary: 'What is to be paid, by whom, through whom.',
    checks: [
      sameId('voucher id', voucherId(app, voucher), payment.id),
      {
        what: 'amount within its limit',
        outcome: within ? 'verified' : 'failed',
        why: `${number(voucher.amount)} of at most ${number(ceiling(voucher))}`,
      },
    ],
    document: { title: 'Voucher', content: voucher as unknown as Plain },
  };
}

async function retentionStep({ app, payment, voucher }: Seen): Promise<Step> {
  const ref = payment.retained;
  const summary = `Kept in block ${ref.block}, in batch ${payment.batch}, with the signatures of all who are involved.`;
  const holds = (args: Fields): boolean =>
    (args.batch as unknown as RetentionBatch).vouchers.some((one) => voucherId(app, one) === payment.id);
  const found = await callOf(app, ref, 'retain_batch', holds);
  if (!found) {
    return { title: 'Retention', ref, summary, checks: [{ what: 'signatures', ...NOT_DIRECT }] };
  }
  const { batch, signatures } = found.call.args as unknown as {
    batch: RetentionBatch;
    signatures: MemberSignature[];
  };
  const pairs = batch.vouchers.map((one): [Voucher, [string, string]] => [one, pairOf(app, one, batch.drawn_at)]);
  const domain = domainOf(app, found.call.contract, batch.epoch);
  const involved = new Set(batch.vouchers.flatMap(parties));
  const mine = new Set(parties(voucher));
  const check = (signed: MemberSignature): Check => {
    const isParty = involved.has(signed.member);
    const theirs = pairs.filter(([one]) => !isParty || parties(one).includes(signed.member)).map(([, pair]) => pair);
    const label = `${isParty ? 'signature' : 'notary signature'} of ${nameOf(app, signed.member)}`;
    return memberSignature(
      app,
      signed,
      {
        domain,
        purpose: 'Retention',
        id: retentionId(theirs),
        expiresAt: batch.expires_at,
        taken: ref,
        role: isParty ? PARTICIPANT : NOTARY,
      },
      label,
    );
  };
  // Other parties signed for other payments of the batch.
  const checks = signatures.filter(({ member }) => mine.has(member)).map(check);
  const missing = parties(voucher).filter((party) => !signatures.some(({ member }) => member === party));
  const outsiders = signatures.filter(({ member }) => !involved.has(member));
  const notarised = outsiders.map(check);
  return {
    title: 'Retention',
    ref,
    summary,
    checks: [
      ...checks,
      ...notarised,
      {
        what: 'every party signed',
        outcome: missing.length === 0 ? 'verified' : 'failed',
        why: missing.length === 0 ? `${mine.size} of ${mine.size}` : `without ${missing.map((one) => nameOf(app, one)).join(', ')}`,
      },
      notaries(app, batch.epoch, outsiders, notarised),
    ],
  };
}

function pairOf(app: App, voucher: Voucher, drawnAt: bigint): [string, string] {
  const id = voucherId(app, voucher);
  const obligations = app.index.payments.obligations(voucher);
  return [id, relationId(app, { voucher: id, obligations, drawn_at: drawnAt })];
}

function relationStep({ app, payment, voucher, obligations, drawnAt }: Seen): Step {
  const relation = { voucher: payment.id, obligations, drawn_at: drawnAt };
  const check = sameId('relation id', relationId(app, relation), payment.relation);
  const why =
    check.outcome === 'verified'
      ? `it is the sha256 of what follows from the voucher and fee schedule ${voucher.fees}`
      : `what follows from the voucher and fee schedule ${voucher.fees} has another sha256`;
  return {
    title: 'Relation',
    ref: payment.retained,
    summary: 'Who owes whom because of the voucher: the principal, then the fees.',
    checks: [{ ...check, why }],
    document: { title: 'Relation', content: relation as unknown as Plain },
  };
}

/** The schedule that the fees follow from. */
async function feeSteps({ app, voucher }: Seen): Promise<Step[]> {
  const schedule = app.index.payments.schedules.get(voucher.fees);
  const ref = schedule?.ref;
  if (!ref) {
    return [];
  }
  return [
    await guarded('Fee schedule', ref, async () => ({
      title: `Fee schedule ${voucher.fees}`,
      ref,
      summary: 'The notaries published it before.',
      checks: await verifyDecision(app, ref, 'set_fees', (args) => sameValue(args.rules, schedule.rules as unknown as Plain)),
      document: { title: 'Rules', content: schedule.rules as unknown as Plain },
    })),
  ];
}

async function dischargeSteps(seen: Seen): Promise<Step[]> {
  const { app, payment } = seen;
  if (payment.isNet && !payment.takenOut) {
    return [windowStep(seen)];
  }
  const steps = await Promise.all(
    payment.cleared.map((cleared) => guarded('Clearing voucher', cleared.ref, () => clearingStep(seen, cleared))),
  );
  const open = payment.debtors.filter((debtor) => !payment.cleared.some(({ by }) => by === debtor));
  return [
    ...steps,
    ...open.map(
      (debtor): Step => ({
        title: 'Clearing voucher',
        ref: null,
        summary: `${nameOf(app, debtor)} has not discharged yet what it owes.`,
        checks: [{ what: 'clearing voucher', outcome: 'absent', why: 'there is none on the chain so far' }],
      }),
    ),
  ];
}

function windowStep({ app, payment }: Seen): Step {
  const window = app.index.payments.windows[payment.window ?? 0];
  const settled = window?.settled ?? null;
  const state = window?.state ?? 'open';
  return {
    title: `Window ${payment.window}`,
    ref: settled,
    summary: `Settled net, with the others of window ${payment.window}, which is ${state}.`,
    checks: [
      {
        what: 'paid with its window',
        outcome: settled ? 'verified' : 'absent',
        why: settled ? `the window was paid in block ${settled.block}` : `the window is ${state}: nothing was paid yet`,
      },
    ],
  };
}

async function clearingStep(seen: Seen, cleared: { by: number; id: string; ref: Ref }): Promise<Step> {
  const { app, payment, obligations } = seen;
  const { ref, by } = cleared;
  const { types } = app.contract('clearing');
  const event = await app.event(ref);
  const document = event.fields.clearing_voucher as Fields;
  const id = contentId('quittance/clearing-voucher', types.encode(types.named('settlement::ClearingVoucher'), document));
  const owed = obligations.filter((one) => one.debtor === by);
  const isOwed = encodeObligations(app, document.discharged) === encodeObligations(app, owed);
  const checks: Check[] = [
    sameId('clearing voucher id', id, cleared.id),
    {
      what: 'discharges what is owed',
      outcome: isOwed && document.relation === payment.relation ? 'verified' : 'failed',
      why: isOwed ? `all that ${nameOf(app, by)} owes under the relation` : 'it is not what is owed under the relation',
    },
  ];
  const found = await callOf(app, ref, 'clear_batch', (args) =>
    (args.vouchers as Fields[]).some((one) => isOf(one, payment.id, by)),
  );
  const signed = (found?.call.args.vouchers as Fields[] | undefined)?.find((one) => isOf(one, payment.id, by));
  if (found && signed) {
    const domain = domainOf(app, found.call.contract, signed.epoch as number);
    const expiresAt = document.expires_at as bigint;
    const signature = { member: by, signature: signed.signature as string };
    checks.push(memberSignature(app, signature, { domain, purpose: 'ClearingVoucher', id, expiresAt, taken: ref, role: PARTICIPANT }));
  } else {
    checks.push({ what: 'signature', ...NOT_DIRECT });
  }
  return {
    title: 'Clearing voucher',
    ref,
    summary: `${nameOf(app, by)} discharged what it owed, in block ${ref.block}.`,
    checks,
    document: { title: 'Clearing voucher', content: document },
  };
}

function isOf(signed: Fields, voucher: string, issuer: number): boolean {
  const document = signed.clearing_voucher as Fields;
  return document.voucher === voucher && document.issuer === issuer;
}

/** Obligations as bytes, wherever they come from. */
export function encodeObligations(app: App, list: unknown): string {
  const { types } = app.contract('clearing');
  const type = types.named('settlement::Obligation');
  return (list as unknown[]).map((one) => u8aToHex(types.encode(type, one))).join(' ');
}

async function disputeStep({ app, payment }: Seen, dispute: Dispute, ref: Ref): Promise<Step> {
  const event = await app.event(ref);
  const over = dispute.obligation === 0 ? 'the principal' : `fee ${dispute.obligation}`;
  const { fields } = event;
  switch (ref.name) {
    case 'DisputeOpened': {
      const check = await memberSenderCheck(app, ref, 'open_dispute', dispute.claimant);
      return {
        title: 'Dispute opened',
        ref,
        summary: `${nameOf(app, dispute.claimant)} wants ${number(dispute.amount)} of ${over} back.`,
        checks: [check],
        document: { title: 'Dispute', content: fields.dispute ?? null },
      };
    }
    case 'DisputeAnswered': {
      const { member } = fields.response as { member: number };
      return {
        title: 'Dispute answered',
        ref,
        summary: `${nameOf(app, member)} answered.`,
        checks: [await memberSenderCheck(app, ref, 'answer_dispute', member)],
        document: { title: 'Answer', content: fields.response ?? null },
      };
    }
    case 'DisputeRuled': {
      const ofThis = (args: Fields): boolean =>
        args.voucher === payment.id && args.obligation === dispute.obligation;
      const asTold = (args: Fields): boolean => ofThis(args) && sameValue(args.ruling, fields.ruling);
      const byDefault = await callOf(app, ref, 'rule_by_default', ofThis);
      return {
        title: 'Dispute ruled',
        ref,
        summary: byDefault
          ? 'Nobody ruled in time: the obligation stands.'
          : `The notaries ruled: ${number(dispute.awarded)} goes back.`,
        checks: byDefault
          ? [{ what: 'ruling', outcome: 'none', why: 'it follows from the time: it takes no signature' }]
          : await verifyDecision(app, ref, 'rule', asTold),
      };
    }
    default:
      return {
        title: 'Award paid',
        ref,
        summary: `${number(fields.amount as bigint)} went back.`,
        checks: [{ what: 'award', outcome: 'none', why: 'the contract moved it; it takes no signature' }],
      };
  }
}

async function storageStep({ app, payment, voucher }: Seen): Promise<Step> {
  const now = (await app.ask(app.contract('clearing'), 'retention', [voucher])) as Fields | null;
  const isPaid = app.index.payments.isPaid(payment);
  const same = now !== null && now.relation_id === payment.relation && (now.cleared_in !== null) === isPaid;
  return {
    title: 'What the contract says now',
    ref: null,
    summary: 'The contract asked in its latest finalized state, beside what its events tell.',
    checks: [
      {
        what: 'storage and events agree',
        outcome: same ? 'verified' : 'failed',
        why: same
          ? `the same relation, ${isPaid ? `paid by block ${String(now?.cleared_in)}` : 'not paid yet'}`
          : 'the contract tells something else than its events',
      },
    ],
    document: { title: 'Retention, as the contract tells it', content: now },
  };
}

function ceiling(voucher: Voucher): bigint {
  return (Object.values(voucher.limit)[0] as bigint | undefined) ?? 0n;
}
