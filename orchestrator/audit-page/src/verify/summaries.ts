// What an event says, in a sentence: the rest of it is below.
import type { Fields, Plain } from '../chain/scale';
import { number } from '../numbers';

type Summary = (fields: Fields) => string;

const SUMMARIES: Record<string, Summary> = {
  // Deals
  Locked: ({ terms }) => `The buyer paid in ${of(terms, 'price')}, and a bond of ${of(terms, 'bond')}.`,
  Accepted: () => 'The seller is bound, and paid in its bond.',
  Revealed: () => 'The secret is out: the buyer has its bond back.',
  Settled: () => 'The seller has the price.',
  Refunded: (fields) => (fields.amount === undefined ? 'Each has what it paid in.' : `${of(fields, 'amount')} went back to the card.`),
  Cancelled: () => 'Both wanted out: each has what it paid in.',
  Disputed: () => 'A party filed its evidence for the arbiter.',
  Ruled: (fields) =>
    `${of(fields, 'to_seller')} to the seller, ${of(fields, 'to_buyer')} to the buyer${fields.by_default ? ': the arbiter was silent' : ''}.`,
  Deferred: (fields) => `${of(fields, 'amount')} could not be paid, and waits.`,
  // Credit
  LimitSet: (fields) => `The payer may owe ${of(fields, 'limit')} on payments to this payee.`,
  NodeLimitSet: (fields) => `The payer may owe ${of(fields, 'limit')} in all.`,
  RaiseRequested: (fields) => `The payer wishes for ${of(fields, 'wanted')}.`,
  RaiseDecided: ({ decision }) => (part(decision, 'granted') === null ? 'It was denied.' : `${of(decision, 'granted')} was granted.`),
  Reserved: ({ request }) => `${of(request, 'amount')} for “${String(part(request, 'goods'))}”.`,
  Committed: ({ payout }) => `The payee was paid in block ${of(payout, 'number')} of its chain: the payer owes.`,
  FellOverdue: (fields) => `${of(fields, 'principal')} was not repaid in time; a late fee of ${of(fields, 'late_fee')} is owed, too.`,
  Repaid: (fields) => `${of(fields, 'principal')} was repaid${fields.late_fee ? `, and ${of(fields, 'late_fee')} of the late fee paid` : ''}.`,
  ReceiptConfirmed: () => 'The payee says that the payout arrived.',
  PaidOut: ({ payout }) => `${of(payout, 'amount')} to the payee.`,
  // Cards
  ToppedUp: (fields) => `${of(fields, 'amount')} more.`,
  CardClosed: (fields) => `The holder got ${of(fields, 'amount')}.`,
  Voided: (fields) => `${of(fields, 'amount')} went back to the card.`,
  DisputeOpened: (fields) => `The holder wants ${of(fields, 'amount')} back.`,
  DisputeAnswered: () => 'The merchant’s acquirer answered.',
  DisputeDecided: (fields) => `${of(fields, 'awarded')} went back${fields.is_default ? ': nobody decided in time' : ''}.`,
  MerchantFunded: (fields) => `${of(fields, 'amount')} for refunds.`,
  // Books
  Recorded: ({ entries }) => {
    const all = entries as { amount: bigint }[];
    return `${number(all.length)} entries, ${number(all.reduce((sum, one) => sum + one.amount, 0n))} in all.`;
  },
  Corrected: ({ before, correction }) => {
    const [had, has] = [before === null ? 'nothing' : number(before as bigint), of(correction, 'amount')];
    const causes = (part(correction, 'causes') as Fields[]).map(({ kind, side }) => `${words(kind)} in ${SIDES[String(side)] ?? words(side)}`);
    const trade = String(part(correction, 'trade'));
    return `Trade ${trade.slice(0, 10)}…${trade.slice(-6)} ${had === has ? `stays at ${has}` : `went from ${had} to ${has}`}. What was wrong: ${causes.join(', ')}.`;
  },
  DayClosed: ({ closing, closed }) =>
    `${of(closing, 'matched')} entries and ${of(closing, 'breaks')} corrections come to ${of(closing, 'total')}; ${of(closed, 'payable')} is to pay.`,
};

/** Whose book it is. */
const SIDES: Record<string, string> = { Debit: 'the debit side’s book', Credit: 'the credit side’s book', Chain: 'what was recorded' };

export function summary(name: string, fields: Fields): string {
  return SUMMARIES[name]?.(fields) ?? '';
}

function part(value: Plain | undefined, name: string): Plain {
  return (value as Fields)[name] ?? null;
}

/** `WrongDay` as `wrong day`. */
function words(name: Plain | undefined): string {
  return String(name).replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
}

function of(value: Plain | undefined, name: string): string {
  return number(part(value, name) as bigint | number);
}
