// Cards, payments with them and merchants' statements, from an issuer's prepaid contract's events.
import type { ContractEvent } from '../chain/node';
import type { Fields } from '../chain/scale';
import { contentId } from '../protocol/bytes';
import { refOf, type Ref } from './index';

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
  terminals: string[];
  taken: bigint;
  payments: number;
  statements: Ref[];
  events: Ref[];
}

export class Cards {
  /** Cards by number. */
  readonly cards = new Map<bigint, Card>();
  readonly merchants = new Map<number, Merchant>();
  readonly byReference = new Map<string, CardPayment>();
  private readonly payments = new Map<string, CardPayment>();

  constructor(readonly contract: string) {}

  take(event: ContractEvent): void {
    const { name, fields } = event;
    const ref = refOf(event);
    if (name === 'PaymentsDecided') {
      const { types } = event.contract;
      const type = types.named('payments::CardPayment');
      for (const line of fields.payments as Fields[]) {
        this.decided(line, contentId('quittance/card-payment', types.encode(type, line.payment)), ref);
      }
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
      const known = this.merchants.get(fields.merchant as number);
      this.merchants.set(fields.merchant as number, {
        number: fields.merchant as number,
        acquirer: fields.acquirer as number,
        account: fields.account as string,
        isActive: true,
        terminals: known?.terminals ?? [],
        taken: 0n,
        payments: 0,
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

  /** The key that a card signed with just before an event. */
  keyAt(card: bigint, ref: Ref): string | null {
    const keys = this.cards.get(card)?.keys ?? [];
    const before = keys.findLast(
      ({ block, index }) => block < ref.block || (block === ref.block && index < ref.index),
    );
    return before?.key ?? null;
  }

  private decided(line: Fields, reference: string, ref: Ref): void {
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
      events: [ref],
    };
    const card = this.cards.get(row.card);
    card?.payments.push(row);
    this.byReference.set(reference, row);
    if (!approved) {
      return;
    }
    this.payments.set(`${row.card} ${row.counter}`, row);
    const merchant = this.merchants.get(row.merchant);
    if (card) {
      card.balance = approved.balance as bigint;
    }
    if (merchant) {
      merchant.taken += row.taken ?? 0n;
      merchant.payments += 1;
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
    const back = (fields.awarded ?? fields.amount) as bigint;
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
      case 'DisputeDecided':
        if (card.state !== 'closed') {
          card.balance += back;
        }
        if (payment) {
          payment.returned += back;
          payment.isVoided ||= name === 'Voided';
        }
        return;
      default:
        return;
    }
  }

  private ofMerchant({ name, fields }: ContractEvent, ref: Ref): void {
    const merchant = this.merchants.get(fields.merchant as number);
    if (!merchant) {
      throw new Error(`merchant ${String(fields.merchant)} was not registered before`);
    }
    merchant.events.push(ref);
    switch (name) {
      case 'TerminalAdded':
        merchant.terminals.push(fields.terminal as string);
        return;
      case 'TerminalRevoked':
        merchant.terminals = merchant.terminals.filter((one) => one !== fields.terminal);
        return;
      case 'MerchantSwitched':
        merchant.isActive = fields.is_active as boolean;
        return;
      case 'CycleClosed':
        merchant.statements.push(ref);
        return;
      default:
        return;
    }
  }
}
