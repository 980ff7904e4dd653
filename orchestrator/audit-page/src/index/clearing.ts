// Payments, fees, windows and disputes, from the clearing contract's events.
import type { ContractEvent } from '../chain/node';
import type { Fields } from '../chain/scale';
import {
  assetKey,
  debtors,
  obligationsOf,
  parties,
  service,
  type Asset,
  type FeeRule,
  type Obligation,
  type Voucher,
} from '../protocol/settlement';
import { refOf, type Ref } from './index';

export interface Payment {
  id: string;
  relation: string;
  sequence: bigint;
  originator: number;
  home: number;
  parties: number[];
  /** Whose payment it is, without telling who. */
  user: string;
  wallet: string;
  kind: string;
  asset: string;
  amount: bigint;
  isNet: boolean;
  /** The window that it is in, or was in before it was taken out. */
  window: number | null;
  takenOut: Ref | null;
  /** What it brought into its window. */
  netted: Obligation[];
  batch: number;
  retained: Ref;
  debtors: number[];
  cleared: { by: number; id: string; ref: Ref }[];
  disputes: Dispute[];
  /** The payment that it refunds. */
  refundOf: string | null;
  refunds: string[];
}

export interface Dispute {
  obligation: number;
  claimant: number;
  amount: bigint;
  events: Ref[];
  ruling: string | null;
  awarded: bigint;
}

export interface Flow {
  debtor: number;
  creditor: number;
  asset: string;
  amount: bigint;
  count: number;
}

export interface Window {
  number: number;
  vouchers: number;
  flows: Map<string, Flow>;
  events: Ref[];
  state: 'open' | 'cut off' | 'settled';
  settled: Ref | null;
  /** Who lacked how much when it could not be paid. */
  shortfalls: Fields[];
}

export class Payments {
  /** In the order in which they were retained. */
  readonly rows: Payment[] = [];
  readonly byId = new Map<string, Payment>();
  readonly byRelation = new Map<string, Payment>();
  readonly byClearing = new Map<string, Payment>();
  readonly windows: Window[] = [newWindow(0)];
  readonly schedules = new Map<number, { rules: FeeRule[]; ref: Ref | null }>([[0, { rules: [], ref: null }]]);
  readonly caps = new Map<string, { member: number; asset: string; cap: bigint; ref: Ref }>();
  readonly deposits: { number: bigint; member: number; asset: string; amount: bigint; ref: Ref }[] = [];
  readonly withdrawals: { member: number; asset: string; amount: bigint; ref: Ref }[] = [];
  private readonly texts = new Map<string, string>();
  private disputed = 0;

  get disputes(): number {
    return this.disputed;
  }

  take(event: ContractEvent): void {
    const { fields, name } = event;
    const ref = refOf(event);
    switch (name) {
      case 'Deposited':
        this.deposits.push({
          number: fields.deposit as bigint,
          member: fields.member as number,
          asset: assetKey(fields.asset as Asset),
          amount: fields.amount as bigint,
          ref,
        });
        return;
      case 'Withdrawn':
        this.withdrawals.push({
          member: fields.member as number,
          asset: assetKey(fields.asset as Asset),
          amount: fields.amount as bigint,
          ref,
        });
        return;
      case 'FeesPublished':
        this.schedules.set(fields.version as number, { rules: fields.rules as unknown as FeeRule[], ref });
        return;
      case 'CapSet': {
        const [member, asset] = [fields.member as number, assetKey(fields.asset as Asset)];
        this.caps.set(`${member} ${asset}`, { member, asset, cap: fields.cap as bigint, ref });
        return;
      }
      case 'Retained':
        return this.retained(event, ref);
      case 'Cleared':
        return this.cleared(fields, ref);
      case 'TakenOut':
        return this.takenOut(fields, ref);
      case 'WindowCutOff':
      case 'WindowShort':
      case 'WindowSettled':
        return this.windowMoved(name, fields, ref);
      case 'DisputeOpened': {
        const { claimant, claim } = fields.dispute as { claimant: number; claim: Fields };
        this.disputed += 1;
        this.known(fields).disputes.push({
          obligation: claim.obligation as number,
          claimant,
          amount: claim.amount as bigint,
          events: [ref],
          ruling: null,
          awarded: 0n,
        });
        return;
      }
      case 'DisputeAnswered':
      case 'DisputeRuled':
      case 'AwardPaid': {
        const dispute = this.known(fields).disputes.find((one) => one.obligation === fields.obligation);
        if (!dispute) {
          throw new Error(`there is no dispute over obligation ${String(fields.obligation)}`);
        }
        dispute.events.push(ref);
        if (name === 'DisputeRuled') {
          dispute.ruling = service(fields.ruling ?? '');
          dispute.awarded = fields.awarded as bigint;
        }
        return;
      }
      default:
        throw new Error(`${name} is not known here`);
    }
  }

  /** Who owes whom what because of a voucher. */
  obligations(voucher: Voucher): Obligation[] {
    const schedule = this.schedules.get(voucher.fees);
    if (!schedule) {
      throw new Error(`fee schedule ${voucher.fees} was not published`);
    }
    return obligationsOf(voucher, schedule.rules);
  }

  isPaid(payment: Payment): boolean {
    return payment.isNet && !payment.takenOut
      ? this.windows[payment.window ?? 0]?.state === 'settled'
      : payment.cleared.length >= payment.debtors.length;
  }

  private retained(event: ContractEvent, ref: Ref): void {
    const { batch, window, vouchers } = event.fields as { batch: number; window: number; vouchers: Fields[] };
    for (const kept of vouchers) {
      const voucher = kept.voucher as unknown as Voucher;
      const obligations = this.obligations(voucher);
      const isNet = voucher.settlement === 'Net';
      const kind = service(voucher.kind);
      const refundOf = kind === 'Refund' ? (voucher.kind as { Refund: string }).Refund : null;
      const payment: Payment = {
        id: kept.id as string,
        relation: kept.relation as string,
        sequence: voucher.sequence,
        originator: voucher.originator,
        home: voucher.home,
        parties: parties(voucher),
        user: this.once(voucher.user),
        wallet: this.once(voucher.wallet),
        kind,
        asset: assetKey(voucher.asset),
        amount: voucher.amount,
        isNet,
        window: isNet ? window : null,
        takenOut: null,
        netted: isNet ? obligations : [],
        batch,
        retained: ref,
        debtors: debtors(obligations),
        cleared: [],
        disputes: [],
        refundOf,
        refunds: [],
      };
      this.rows.push(payment);
      this.byId.set(payment.id, payment);
      this.byRelation.set(payment.relation, payment);
      if (refundOf) {
        this.byId.get(refundOf)?.refunds.push(payment.id);
      }
      if (isNet) {
        net(this.window(window), obligations, 1);
      }
    }
  }

  /** The same text, kept once: users and wallets come again and again. */
  private once(text: string): string {
    const kept = this.texts.get(text);
    if (kept === undefined) {
      this.texts.set(text, text);
    }
    return kept ?? text;
  }

  private cleared(fields: Fields, ref: Ref): void {
    const { issuer } = fields.clearing_voucher as { issuer: number };
    const payment = this.known(fields);
    payment.cleared.push({ by: issuer, id: fields.id as string, ref });
    this.byClearing.set(fields.id as string, payment);
  }

  private takenOut(fields: Fields, ref: Ref): void {
    const window = this.window(fields.window as number);
    window.events.push(ref);
    for (const id of fields.vouchers as string[]) {
      const payment = this.byId.get(id);
      if (payment) {
        payment.takenOut = ref;
        net(window, payment.netted, -1);
      }
    }
  }

  private windowMoved(name: string, fields: Fields, ref: Ref): void {
    const window = this.window(fields.window as number);
    window.events.push(ref);
    if (name === 'WindowCutOff') {
      window.state = 'cut off';
      this.window(window.number + 1);
    } else if (name === 'WindowShort') {
      window.shortfalls = fields.shortfalls as Fields[];
    } else {
      window.state = 'settled';
      window.settled = ref;
    }
  }

  private window(number: number): Window {
    for (let next = this.windows.length; next <= number; next += 1) {
      this.windows.push(newWindow(next));
    }
    return this.windows[number] as Window;
  }

  private known(fields: Fields): Payment {
    const payment = this.byId.get(fields.voucher as string);
    if (!payment) {
      throw new Error(`voucher ${String(fields.voucher)} was not retained before`);
    }
    return payment;
  }
}

/** Adds what a voucher brings to a window, or takes it away again. */
function net(window: Window, obligations: Obligation[], sign: 1 | -1): void {
  window.vouchers += sign;
  for (const { debtor, creditor, asset, amount } of obligations) {
    const key = `${debtor} ${creditor} ${assetKey(asset)}`;
    const flow = window.flows.get(key) ?? { debtor, creditor, asset: assetKey(asset), amount: 0n, count: 0 };
    flow.amount += amount * BigInt(sign);
    flow.count += sign;
    window.flows.set(key, flow);
  }
}

function newWindow(number: number): Window {
  return { number, vouchers: 0, flows: new Map(), events: [], state: 'open', settled: null, shortfalls: [] };
}
