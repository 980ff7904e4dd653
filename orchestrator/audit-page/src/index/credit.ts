// Limits, debts and payouts, from a credit contract's events.
import type { ContractEvent } from '../chain/node';
import type { Fields } from '../chain/scale';
import { assetKey, type Asset } from '../protocol/settlement';
import { refOf, type Ref } from './index';

export interface Debt {
  id: string;
  payer: string;
  payee: string;
  asset: string;
  amount: bigint;
  repaid: bigint;
  lateFee: bigint;
  feePaid: bigint;
  dueAt: bigint;
  state: string;
  isReceived: boolean;
  events: Ref[];
}

export interface Line {
  payer: string;
  /** `null`: the credit node's own limit, over all payees. */
  payee: string | null;
  asset: string;
  limit: bigint;
  events: Ref[];
}

export interface Payout {
  id: string;
  payee: string;
  asset: string;
  amount: bigint;
  events: Ref[];
}

export class Credit {
  readonly debts = new Map<string, Debt>();
  readonly lines = new Map<string, Line>();
  readonly payouts = new Map<string, Payout>();
  readonly frozen = new Set<string>();
  readonly freezes: { payer: string; ref: Ref }[] = [];
  readonly pool: Ref[] = [];

  constructor(readonly contract: string) {}

  take(event: ContractEvent): void {
    const { name, fields } = event;
    const ref = refOf(event);
    switch (name) {
      case 'LimitSet':
      case 'NodeLimitSet':
        this.line(fields, ref).limit = fields.limit as bigint;
        return;
      case 'Frozen':
        this.frozen.add(fields.payer as string);
        this.freezes.push({ payer: fields.payer as string, ref });
        return;
      case 'Unfrozen':
        this.frozen.delete(fields.payer as string);
        this.freezes.push({ payer: fields.payer as string, ref });
        return;
      case 'RaiseRequested':
        this.line(fields, ref);
        return;
      case 'RaiseDecided': {
        const line = this.line(fields, ref);
        const { granted } = fields.decision as { granted: bigint | null };
        // What was granted is the credit node's limit from then on.
        line.limit = granted ?? line.limit;
        return;
      }
      case 'Funded':
      case 'Withdrawn':
        this.pool.push(ref);
        return;
      case 'PaidOut': {
        const { payee, asset, amount } = fields.payout as { payee: string; asset: Asset; amount: bigint };
        const id = fields.id as string;
        this.payouts.set(id, { id, payee, asset: assetKey(asset), amount, events: [ref] });
        return;
      }
      case 'Reserved': {
        const request = fields.request as Fields;
        const id = fields.id as string;
        this.debts.set(id, {
          id,
          payer: request.payer as string,
          payee: request.payee as string,
          asset: assetKey((request.debt as { asset: Asset }).asset),
          amount: request.amount as bigint,
          repaid: 0n,
          lateFee: request.late_fee as bigint,
          feePaid: 0n,
          dueAt: request.due_at as bigint,
          state: 'Reserved',
          isReceived: false,
          events: [ref],
        });
        return;
      }
      default:
        return this.moved(name, fields, ref);
    }
  }

  /** What of a limit is taken: reserved or owed. */
  used(line: Line): bigint {
    let sum = 0n;
    for (const debt of this.debts.values()) {
      const counts = debt.state === 'Reserved' || debt.state === 'Owed' || debt.state === 'Overdue';
      const matches = debt.payer === line.payer && debt.asset === line.asset;
      if (counts && matches && (line.payee === null || line.payee === debt.payee)) {
        sum += debt.amount - debt.repaid;
      }
    }
    return sum;
  }

  /** The line that an event is about: without a payee, the credit node's own. */
  private line(fields: Fields, ref: Ref): Line {
    const [payer, payee] = [fields.payer as string, (fields.payee as string | undefined) ?? null];
    const asset = assetKey(fields.asset as Asset);
    const key = `${payer} ${payee ?? ''} ${asset}`;
    const line = this.lines.get(key) ?? { payer, payee, asset, limit: 0n, events: [] };
    line.events.push(ref);
    this.lines.set(key, line);
    return line;
  }

  private moved(name: string, fields: Fields, ref: Ref): void {
    const debt = this.debts.get(fields.id as string);
    if (!debt) {
      throw new Error(`request ${String(fields.id)} was not reserved before`);
    }
    debt.events.push(ref);
    switch (name) {
      case 'Committed':
        debt.state = 'Owed';
        debt.dueAt = fields.due_at as bigint;
        return;
      case 'FellOverdue':
        debt.state = 'Overdue';
        return;
      case 'ReceiptConfirmed':
        debt.isReceived = true;
        return;
      case 'Repaid': {
        debt.repaid += fields.principal as bigint;
        debt.feePaid += fields.late_fee as bigint;
        const fee = debt.state === 'Overdue' ? debt.lateFee : 0n;
        if (debt.repaid >= debt.amount && debt.feePaid >= fee) {
          debt.state = 'Settled';
        }
        return;
      }
      case 'Released':
      case 'Expired':
        debt.state = name;
        return;
      default:
        return;
    }
  }
}
