// Books, their entries and their days, from the reconciliation contract's events.
import type { ContractEvent } from '../chain/node';
import type { Fields } from '../chain/scale';
import { assetKey, type Asset } from '../protocol/settlement';
import { refOf, type Ref } from './index';

export interface Day {
  day: number;
  entries: number;
  corrections: number;
  total: bigint;
  payable: bigint | null;
  isDefault: boolean;
  events: Ref[];
}

export interface Book {
  number: number;
  client: number;
  debit: number;
  credit: number;
  asset: string;
  zone: string;
  days: Map<number, Day>;
  events: Ref[];
}

export class Books {
  readonly books = new Map<number, Book>();
  /** In which book and on which day a trade was recorded. */
  readonly trades = new Map<string, { book: number; day: number }>();

  take(event: ContractEvent): void {
    const { name, fields } = event;
    const ref = refOf(event);
    const number = fields.book as number;
    if (name === 'BookOpened') {
      const terms = fields.terms as Fields;
      this.books.set(number, {
        number,
        client: terms.client as number,
        debit: terms.debit as number,
        credit: terms.credit as number,
        asset: assetKey(terms.asset as Asset),
        zone: ascii(terms.zone as string),
        days: new Map(),
        events: [ref],
      });
      return;
    }
    const book = this.books.get(number);
    if (!book) {
      throw new Error(`book ${number} was not opened before`);
    }
    book.events.push(ref);
    switch (name) {
      case 'Recorded': {
        const day = dayOf(book, fields.day as number, ref);
        for (const entry of fields.entries as Fields[]) {
          day.entries += 1;
          day.total += entry.amount as bigint;
          this.trades.set(entry.trade as string, { book: number, day: day.day });
        }
        return;
      }
      case 'Corrected': {
        const correction = fields.correction as Fields;
        const day = dayOf(book, correction.day as number, ref);
        const before = (fields.before as bigint | null) ?? 0n;
        day.corrections += 1;
        day.total += (correction.amount as bigint) - before;
        this.trades.set(correction.trade as string, { book: number, day: day.day });
        return;
      }
      case 'DayClosed': {
        const [closing, closed] = [fields.closing as Fields, fields.closed as Fields];
        const day = dayOf(book, closing.day as number, ref);
        day.payable = closed.payable as bigint;
        day.isDefault = closed.is_default as boolean;
        return;
      }
      default:
        return;
    }
  }
}

function dayOf(book: Book, number: number, ref: Ref): Day {
  const found = book.days.get(number);
  if (found) {
    found.events.push(ref);
    return found;
  }
  const day = { day: number, entries: 0, corrections: 0, total: 0n, payable: null, isDefault: false, events: [ref] };
  book.days.set(number, day);
  return day;
}

function ascii(hex: string): string {
  const pairs = hex.replace(/^0x/, '').match(/../g) ?? [];
  return pairs.map((pair) => String.fromCharCode(Number.parseInt(pair, 16))).join('');
}
