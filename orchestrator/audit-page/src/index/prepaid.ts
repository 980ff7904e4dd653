// Cards, payments with them and merchants' statements, from an issuer's prepaid contract's events.
import type { ContractEvent } from '../chain/node';
import type { Fields } from '../chain/scale';
import { contentId } from '../protocol/bytes';
import { refOf, type Ref } from './index';
import { Till, type Reckoned } from './till';

export interface CardPayment {
  /** What statements and receipts know it by. */
  reference: string;
  card: bigint;
  counter: bigint;
  merchant: number;
  terminal: string;
  amount: bigint;
  /** What was taken; `null` if it was declined. */
  taken: bigint | null;
  declined: string | null;
  /** The merchant's cycle that it is in, if it was taken. */
  cycle: number | null;
  returned: bigint;
  isVoided: boolean;
  /** What its holder wants back, while that isn't decided. */
  disputed: bigint;
  /** Its place in the batch that it came with. */
  place: number;
  events: Ref[];
}

export interface Card {
  number: bigint;
  holder: string;
  keys: { key: string; block: number; index: number }[];
  expiresAt: bigint;
  state: string;
  balance: bigint;
  payments: CardPayment[];
  events: Ref[];
}

export interface Merchant {
  number: number;
  acquirer: number;
  account: string;
  isActive: boolean;
  taken: bigint;
  payments: number;
  till: Till;
  /** Of each closed cycle, what the statement has to say. */
  statements: { ref: Ref; expected: Reckoned }[];
  events: Ref[];
}

export interface Terminal {
  key: string;
  merchant: number;
  added: Ref;
  revoked: Ref | null;
}

export class Cards {
  /** Cards by number. */
  readonly cards = new Map<bigint, Card>();
  readonly merchants = new Map<number, Merchant>();
  readonly terminals = new Map<string, Terminal>();
  /** Payments by reference: the one that was taken, where the same was brought again. */
  readonly byReference = new Map<string, CardPayment>();
  private readonly payments = new Map<string, CardPayment>();

  constructor(readonly contract: string) {}

  take(event: ContractEvent): void {
    const { name, fields } = event;
    const ref = refOf(event);
    if (name === 'PaymentsDecided') {
      const { types } = event.contract;
      const type = types.named('payments::CardPayment');
      (fields.payments as Fields[]).forEach((line, place) => {
        this.decided(line, place, contentId('quittance/card-payment', types.encode(type, line.payment)), ref);
      });
      return;
    }
    if (name === 'CardIssued') {
      const { block, index } = event;
      this.cards.set(fields.card as bigint, {
        number: fields.card as bigint,
        holder: fields.holder as string,
        keys: [{ key: fields.key as string, block, index }],
        expiresAt: fields.expires_at as bigint,
        state: 'active',
        balance: 0n,
        payments: [],
        events: [ref],
      });
      return;
    }
    if (name === 'MerchantRegistered') {
      this.merchants.set(fields.merchant as number, {
        number: fields.merchant as number,
        acquirer: fields.acquirer as number,
        account: fields.account as string,
        isActive: true,
        taken: 0n,
        payments: 0,
        till: new Till(fields.rules as Fields, event.at),
        statements: [],
        events: [ref],
      });
      return;
    }
    if (fields.card !== undefined) {
      this.ofCard(event, ref);
    } else if (fields.merchant !== undefined) {
      this.ofMerchant(event, ref);
    }
  }

  payment(card: bigint, counter: bigint): CardPayment | null {
    return this.payments.get(`${card} ${counter}`) ?? null;
  }

  /** The payments that came under a counter of a card: the one that was taken first. */
  attempts(card: bigint, counter: bigint): CardPayment[] {
    const same = this.cards.get(card)?.payments.filter((one) => one.counter === counter) ?? [];
    return same.sort((a, b) => Number(a.taken === null) - Number(b.taken === null));
  }

  /** The key that a card signed with just before an event. */
  keyAt(card: bigint, ref: Ref): string | null {
    const keys = this.cards.get(card)?.keys ?? [];
    return keys.findLast((one) => isBefore(one, ref))?.key ?? null;
  }

  /** Whether a key was a terminal's of this merchant just before an event. */
  isTerminal(key: string, merchant: number, ref: Ref): boolean {
    const found = this.terminals.get(key);
    return found?.merchant === merchant && isBefore(found.added, ref) && !(found.revoked && isBefore(found.revoked, ref));
  }

  private decided(line: Fields, place: number, reference: string, ref: Ref): void {
    const { payment, verdict } = line as { payment: Fields; verdict: Fields };
    const approved = verdict.Approved as Fields | undefined;
    const row: CardPayment = {
      reference,
      card: payment.card as bigint,
      counter: payment.counter as bigint,
      merchant: payment.merchant as number,
      terminal: payment.terminal as string,
      amount: payment.amount as bigint,
      taken: approved ? (approved.taken as bigint) : null,
      declined: approved ? null : (verdict.Declined as string),
      cycle: approved ? (approved.cycle as number) : null,
      returned: 0n,
      isVoided: false,
      disputed: 0n,
      place,
      events: [ref],
    };
    const card = this.cards.get(row.card);
    card?.payments.push(row);
    if (approved || !this.byReference.has(reference)) {
      this.byReference.set(reference, row);
    }
    if (!approved) {
      return;
    }
    this.payments.set(`${row.card} ${row.counter}`, row);
    const merchant = this.merchants.get(row.merchant);
    if (card) {
      card.balance -= row.taken ?? 0n;
    }
    if (merchant) {
      merchant.taken += row.taken ?? 0n;
      merchant.payments += 1;
      merchant.till.take(row.taken ?? 0n);
    }
  }

  private ofCard({ name, fields, block, index }: ContractEvent, ref: Ref): void {
    const card = this.cards.get(fields.card as bigint);
    if (!card) {
      throw new Error(`card ${String(fields.card)} was not issued before`);
    }
    card.events.push(ref);
    const payment = fields.counter === undefined ? null : this.payment(card.number, fields.counter as bigint);
    payment?.events.push(ref);
    switch (name) {
      case 'ToppedUp':
        card.balance += fields.amount as bigint;
        return;
      case 'CardReplaced':
        card.keys.push({ key: fields.key as string, block, index });
        return;
      case 'Frozen':
        card.state = 'frozen';
        return;
      case 'Unfrozen':
        card.state = 'active';
        return;
      case 'CardClosed':
        card.state = 'closed';
        card.balance = 0n;
        return;
      case 'Voided':
      case 'Refunded':
        this.goesBack(card, payment, name, fields.amount as bigint);
        return;
      case 'DisputeOpened':
        if (payment) {
          payment.disputed = fields.amount as bigint;
          this.merchants.get(payment.merchant)?.till.hold(payment.disputed);
        }
        return;
      case 'DisputeDecided':
        if (payment) {
          this.merchants.get(payment.merchant)?.till.hold(-payment.disputed);
          payment.disputed = 0n;
        }
        this.goesBack(card, payment, name, fields.awarded as bigint);
        return;
      default:
        return;
    }
  }

  private goesBack(card: Card, payment: CardPayment | null, why: string, amount: bigint): void {
    // What comes back to a closed card goes to its holder.
    if (card.state !== 'closed') {
      card.balance += amount;
    }
    if (payment) {
      payment.returned += amount;
      payment.isVoided ||= why === 'Voided';
      this.merchants.get(payment.merchant)?.till.giveBack(why, amount);
    }
  }

  private ofMerchant({ name, fields }: ContractEvent, ref: Ref): void {
    const merchant = this.merchants.get(fields.merchant as number);
    if (!merchant) {
      throw new Error(`merchant ${String(fields.merchant)} was not registered before`);
    }
    merchant.events.push(ref);
    const key = fields.terminal as string;
    switch (name) {
      case 'TerminalAdded':
        this.terminals.set(key, { key, merchant: merchant.number, added: ref, revoked: null });
        return;
      case 'TerminalRevoked': {
        const terminal = this.terminals.get(key);
        if (terminal) {
          terminal.revoked = ref;
        }
        return;
      }
      case 'MerchantSwitched':
        merchant.isActive = fields.is_active as boolean;
        return;
      case 'MerchantFunded':
        merchant.till.fund(fields.amount as bigint);
        return;
      case 'RulesSet':
        merchant.till.nextRules = fields.rules as Fields;
        return;
      case 'CycleClosed':
        merchant.statements.push({ ref, expected: merchant.till.close(ref.at) });
        return;
      default:
        return;
    }
  }
}

function isBefore(one: { block: number; index: number }, other: Ref): boolean {
  return one.block < other.block || (one.block === other.block && one.index < other.index);
}
