// What was read, as small rows: enough to list, to search and to find the blocks again. Documents themselves are not kept;
// whoever looks at one has its block read again.
import type { ContractEvent } from '../chain/node';
import type { Plain } from '../chain/scale';
import { Cards } from './prepaid';
import { Credit } from './credit';
import { Deals } from './escrow';
import { Books } from './reconciliation';
import { Institutions } from './registry';
import { Payments } from './clearing';

/** Where an event stands. */
export interface Ref {
  contract: string;
  name: string;
  block: number;
  index: number;
  extrinsic: number;
  at: number;
}

export function refOf({ contract, name, block, index, extrinsic, at }: ContractEvent): Ref {
  return { contract: contract.name, name, block, index, extrinsic, at };
}

/** The member whose contract it is: `credit_7` is member 7's. That the contract says so, too, the overview checks. */
export function memberOf(contract: string): number {
  return Number(contract.replace(/^\D*/, ''));
}

export class Index {
  readonly institutions = new Institutions();
  readonly payments = new Payments();
  readonly deals = new Deals();
  readonly credit = new Map<string, Credit>();
  readonly cards = new Map<string, Cards>();
  readonly books = new Books();
  /** Where the chain names a document that it doesn't have, by the document's digest. */
  readonly digests = new Map<string, Ref>();
  /** How many events of which contract there are. */
  readonly counts = new Map<string, number>();
  /** The blocks with events, ascending. */
  readonly blocks: number[] = [];
  /** Events that could not be understood, with why. */
  readonly faults: { ref: Ref; why: string }[] = [];

  take(event: ContractEvent): void {
    const { contract, block } = event;
    this.counts.set(contract.name, (this.counts.get(contract.name) ?? 0) + 1);
    if (this.blocks.at(-1) !== block) {
      this.blocks.push(block);
    }
    this.note(event.fields, refOf(event));
    try {
      switch (contract.kind) {
        case 'registry':
          return this.institutions.take(event);
        case 'clearing':
          return this.payments.take(event);
        case 'escrow':
          return this.deals.take(event);
        case 'credit':
          return of(this.credit, contract.name, () => new Credit(contract.name)).take(event);
        case 'prepaid':
          return of(this.cards, contract.name, () => new Cards(contract.name)).take(event);
        case 'reconciliation':
          return this.books.take(event);
        default:
          return undefined;
      }
    } catch (error) {
      this.faults.push({ ref: refOf(event), why: error instanceof Error ? error.message : String(error) });
    }
  }

  private note(value: Plain, ref: Ref, name = ''): void {
    if (typeof value === 'string') {
      if (/^(evidence|answer|digest|debit_book|credit_book)$/.test(name) && !this.digests.has(value)) {
        this.digests.set(value, ref);
      }
    } else if (Array.isArray(value)) {
      value.forEach((one) => this.note(one, ref));
    } else if (value !== null && typeof value === 'object') {
      Object.entries(value).forEach(([field, inner]) => this.note(inner, ref, field));
    }
  }
}

function of<T>(map: Map<string, T>, key: string, make: () => T): T {
  let found = map.get(key);
  if (!found) {
    found = make();
    map.set(key, found);
  }
  return found;
}
