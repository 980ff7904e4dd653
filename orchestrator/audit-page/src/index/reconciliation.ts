// Books, their entries and their days, from the reconciliation contract's events.
import type { ContractEvent } from '../chain/node';
import type { Fields } from '../chain/scale';
import { contentId } from '../protocol/bytes';
import { assetKey, type Asset } from '../protocol/settlement';
import { refOf, type Ref } from './index';

export interface Entry {
  book: number;
  trade: string;
  /** The day that it was recorded for. */
  day: number;
  payer: string;
  batch: string | null;
  /** What it was recorded with; `null` if a correction added it. */
  recorded: bigint | null;
  /** What it comes to now. */
  amount: bigint;
  corrections: number;
}

export interface Day {
  day: number;
  /** How many entries it has that don't come to nothing. */
  entries: number;
  /** How many corrections count on it. */
  corrections: number;
  total: bigint;
  closed: Closed | null;
  /** What was recorded for it, or added by corrections, in that order. */
  list: Entry[];
  events: Ref[];
}

export interface Closed {
  id: string;
  payable: bigint;
  carried: bigint;
  isDefault: boolean;
  /** What the day before had left to make up for. */
  broughtIn: bigint;
  /** Whether no earlier day was open, nor a later one closed. */
  isInOrder: boolean;
}

export interface Book {
  number: number;
  /** What the terms are known by. */
  id: string;
  client: number;
  debit: number;
  credit: number;
  asset: string;
  zone: string;
  patience: bigint;
  carried: bigint;
  closedThrough: number | null;
  days: Map<number, Day>;
  opened: Ref;
}

export class Books {
  readonly books = new Map<number, Book>();
  /** Entries by what their trades are known by: a trade can be in several books. */
  readonly trades = new Map<string, Entry[]>();
  /** Corrections by their ids. */
  readonly corrections = new Map<string, { book: number; day: number }>();

  take(event: ContractEvent): void {
    const { name, fields } = event;
    const ref = refOf(event);
    if (name === 'BookOpened') {
      return this.opened(event, ref);
    }
    const book = this.books.get(fields.book as number);
    if (!book) {
      throw new Error(`book ${String(fields.book)} was not opened before`);
    }
    switch (name) {
      case 'Recorded':
        return this.recorded(book, fields, ref);
      case 'Corrected':
        return this.corrected(book, event, ref);
      case 'DayClosed':
        return closed(book, fields, ref);
      default:
        throw new Error(`${name} is not known here`);
    }
  }

  entry(book: number, trade: string): Entry | null {
    return this.trades.get(trade)?.find((entry) => entry.book === book) ?? null;
  }

  private opened({ contract, fields }: ContractEvent, ref: Ref): void {
    const terms = fields.terms as Fields;
    const number = fields.book as number;
    this.books.set(number, {
      number,
      id: contentId('quittance/book', contract.encodeArgument('open_book', 'terms', terms)),
      client: terms.client as number,
      debit: terms.debit as number,
      credit: terms.credit as number,
      asset: assetKey(terms.asset as Asset),
      zone: ascii(terms.zone as string),
      patience: terms.patience as bigint,
      carried: 0n,
      closedThrough: null,
      days: new Map(),
      opened: ref,
    });
  }

  private recorded(book: Book, fields: Fields, ref: Ref): void {
    const day = dayOf(book, fields.day as number, ref);
    for (const { trade, payer, amount } of fields.entries as { trade: string; payer: string; amount: bigint }[]) {
      if (this.entry(book.number, trade)) {
        throw new Error(`book ${book.number} had the trade ${trade} before`);
      }
      const batch = fields.batch as string | null;
      this.add(day, { book: book.number, trade, day: day.day, payer, batch, recorded: amount, amount, corrections: 0 });
      day.entries += 1;
      day.total += amount;
    }
  }

  /** What it changes counts on its own day; where the entry is of a closed day, that stays among the entries of that one. */
  private corrected(book: Book, { contract, fields }: ContractEvent, ref: Ref): void {
    const correction = fields.correction as Fields;
    const [trade, amount, payer] = [correction.trade as string, correction.amount as bigint, correction.payer as string];
    const day = dayOf(book, correction.day as number, ref);
    const entry = this.entry(book.number, trade);
    if ((entry?.amount ?? null) !== fields.before || (entry?.corrections ?? 0) !== correction.number) {
      throw new Error(`trade ${trade} was something else before its correction`);
    }
    const { types } = contract;
    const id = contentId('quittance/correction', types.encode(types.named('corrections::Correction'), correction));
    this.corrections.set(id, { book: book.number, day: day.day });
    const had = entry?.amount ?? 0n;
    day.corrections += 1;
    day.total += amount - had;
    if (!entry || entry.day === day.day) {
      day.entries += Number(amount > 0n) - Number(had > 0n);
    }
    if (entry) {
      Object.assign(entry, { amount, payer, corrections: entry.corrections + 1 });
    } else {
      this.add(day, { book: book.number, trade, day: day.day, payer, batch: null, recorded: null, amount, corrections: 1 });
    }
  }

  private add(day: Day, entry: Entry): void {
    day.list.push(entry);
    const same = this.trades.get(entry.trade);
    if (same) {
      same.push(entry);
    } else {
      this.trades.set(entry.trade, [entry]);
    }
  }
}

function closed(book: Book, fields: Fields, ref: Ref): void {
  const { day: number } = fields.closing as { day: number };
  const { id, payable, carried, is_default: isDefault } = fields.closed as Fields;
  const day = dayOf(book, number, ref);
  const isOldest = [...book.days.values()].every((other) => other.day >= number || other.closed !== null);
  day.closed = {
    id: id as string,
    payable: payable as bigint,
    carried: carried as bigint,
    isDefault: isDefault as boolean,
    broughtIn: book.carried,
    isInOrder: isOldest && (book.closedThrough ?? -1) < number,
  };
  book.carried = carried as bigint;
  book.closedThrough = number;
}

function dayOf(book: Book, number: number, ref: Ref): Day {
  const found = book.days.get(number);
  if (found) {
    found.events.push(ref);
    return found;
  }
  const day: Day = { day: number, entries: 0, corrections: 0, total: 0n, closed: null, list: [], events: [ref] };
  book.days.set(number, day);
  return day;
}

function ascii(hex: string): string {
  const pairs = hex.replace(/^0x/, '').match(/../g) ?? [];
  return pairs.map((pair) => String.fromCharCode(Number.parseInt(pair, 16))).join('');
}
