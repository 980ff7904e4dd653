// Books and their days: what both sides signed, and whether a closing's figures follow from the entries.
import type { App } from '../app';
import type { Contract } from '../chain/contract';
import { sameValue, type Fields } from '../chain/scale';
import { contentId } from '../protocol/bytes';
import type { Ref } from '../index/index';
import type { Book, Day } from '../index/reconciliation';
import { PARTICIPANT } from '../index/registry';
import {
  callOf,
  domainOf,
  memberSenderCheck,
  memberSignature,
  NOT_DIRECT,
  sameFigure,
  sameId,
  type Check,
  type Signed,
  type Step,
} from './check';
import { eventSteps, type Checker } from './events';

const DAY = 86_400_000n;
/** How much earlier than in UTC a day can end somewhere, and how much later, in milliseconds. */
const [EAST, WEST] = [14n * 3_600_000n, 12n * 3_600_000n];

interface Signatures {
  epoch: number;
  debit: string | null;
  credit: string | null;
}

/** What happened to a book's terms, or on one of its days. */
export function bookSteps(app: App, book: Book, refs: Ref[]): Promise<Step[]> {
  return eventSteps(app, refs, (ref) => {
    const own = app.contract(ref.contract);
    switch (ref.name) {
      case 'BookOpened':
        return (fields) => openingChecks(app, own, book, ref, fields);
      case 'Recorded':
        return async (fields) => [
          await memberSenderCheck(app, ref, 'record', book.client),
          await asAsked(app, ref, 'record', (args) => ['book', 'day', 'batch', 'entries'].every((name) => sameValue(args[name], fields[name]))),
        ];
      case 'Corrected':
        return (fields) => correctionChecks(app, own, book, ref, fields);
      case 'DayClosed':
        return (fields) => closingChecks(app, own, book, ref, fields);
      default:
        return undefined;
    }
  });
}

async function openingChecks(app: App, own: Contract, book: Book, ref: Ref, fields: Fields): ReturnType<Checker> {
  const found = await callOf(app, ref, 'open_book', (args) => sameValue(args.terms, fields.terms));
  if (!found) {
    return [{ what: 'signatures', ...NOT_DIRECT }];
  }
  const { args } = found.call;
  return both(app, own, book, args as unknown as Signatures, {
    purpose: 'BookTerms',
    id: book.id,
    expiresAt: args.expires_at as bigint,
    taken: ref,
  });
}

async function correctionChecks(app: App, own: Contract, book: Book, ref: Ref, fields: Fields): ReturnType<Checker> {
  const correction = fields.correction as Fields;
  const isThis = (one: Fields): boolean => sameValue(one.correction, correction);
  const found = await callOf(app, ref, 'correct', (args) => (args.corrections as Fields[]).some(isThis));
  const signed = (found?.call.args.corrections as Fields[] | undefined)?.find(isThis);
  if (!signed) {
    return [{ what: 'signatures', ...NOT_DIRECT }];
  }
  const id = contentId('quittance/correction', own.types.encode(own.types.named('corrections::Correction'), correction));
  const expiresAt = correction.expires_at as bigint;
  return both(app, own, book, signed as unknown as Signatures, { purpose: 'Correction', id, expiresAt, taken: ref });
}

async function closingChecks(app: App, own: Contract, book: Book, ref: Ref, fields: Fields): ReturnType<Checker> {
  const closing = fields.closing as Fields;
  const id = contentId('quittance/closing', own.encodeArgument('close_day', 'closing', closing));
  const day = book.days.get(closing.day as number);
  const follows = [sameId('closing id', id, (fields.closed as Fields).id as string), ...(day ? figures(book, day, closing, ref) : [])];
  const found = await callOf(app, ref, 'close_day', (args) => sameValue(args.closing, closing));
  if (!found) {
    return [...follows, { what: 'signatures', ...NOT_DIRECT }];
  }
  const signatures = found.call.args as unknown as Signatures;
  const expiresAt = closing.expires_at as bigint;
  const signed = both(app, own, book, signatures, { purpose: 'Closing', id, expiresAt, taken: ref });
  const alone = signatures.debit === null ? book.credit : signatures.credit === null ? book.debit : null;
  return [...signed, ...(alone === null ? [] : [await memberSenderCheck(app, ref, 'close_day', alone)]), ...follows];
}

/** What was closed against the entries and corrections, and when it could be. */
function figures(book: Book, day: Day, closing: Fields, ref: Ref): Check[] {
  const { closed } = day;
  if (!closed) {
    return [];
  }
  const due = day.total + closed.broughtIn;
  const end = (BigInt(day.day) + 1n) * DAY;
  const from = closed.isDefault ? end + WEST + book.patience : end - EAST;
  const isOver = BigInt(ref.at) >= from;
  return [
    sameFigure('entries', BigInt(day.entries), BigInt(closing.matched as number), 'as many as were recorded or added for the day, without those that came to nothing'),
    sameFigure('corrections', BigInt(day.corrections), BigInt(closing.breaks as number), 'as many as count on the day'),
    sameFigure('total', day.total, closing.total as bigint, 'the sum of the entries, and of what corrections of closed days changed'),
    sameFigure('to pay', due > 0n ? due : 0n, closed.payable, 'the total, and what the day before had left to make up for'),
    sameFigure('carried on', due > 0n ? 0n : due, closed.carried, 'what corrections took back beyond the total'),
    {
      what: 'time of closing',
      outcome: isOver && closed.isInOrder ? 'verified' : 'failed',
      why: !closed.isInOrder
        ? 'an earlier day was open, or a later one closed'
        : isOver
          ? closed.isDefault
            ? 'the day was over, and the book’s patience with the other side, too'
            : 'the day was over, and no earlier one open'
          : 'it was too early to close the day',
    },
  ];
}

function both(app: App, own: Contract, book: Book, signatures: Signatures, signed: Omit<Signed, 'domain' | 'role'>): Check[] {
  const domain = domainOf(app, own, signatures.epoch);
  return (['debit', 'credit'] as const).map((side): Check => {
    const signature = signatures[side];
    const label = `signature of the ${side} side, member ${book[side]}`;
    return signature === null
      ? { what: label, outcome: 'absent', why: 'it did not sign in time: the other side closed the day alone' }
      : memberSignature(app, { member: book[side], signature }, { ...signed, domain, role: PARTICIPANT }, label);
  });
}

/** The event tells what its transaction asked for. */
async function asAsked(app: App, ref: Ref, message: string, matches: (args: Fields) => boolean): Promise<Check> {
  const what = 'what was asked for';
  const found = await callOf(app, ref, message);
  return found
    ? {
        what,
        outcome: matches(found.call.args) ? 'verified' : 'failed',
        why: matches(found.call.args) ? 'the event tells what the transaction says' : 'the event tells something else than the transaction says',
      }
    : { what, ...NOT_DIRECT };
}
