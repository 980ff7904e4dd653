// Who owes whom because of a voucher: what the contract works out, worked out again.
import type { Fields, Plain } from '../chain/scale';

export type Asset = 'Native' | { Psp22: string };

export interface Voucher {
  sequence: bigint;
  originator: number;
  home: number;
  others: number[];
  user: string;
  wallet: string;
  kind: Plain;
  asset: Asset;
  amount: bigint;
  limit: Fields;
  settlement: 'Gross' | 'Net';
  fees: number;
  issued_at: bigint;
  expires_at: bigint;
}

export interface Obligation {
  debtor: number;
  creditor: number;
  asset: Asset;
  amount: bigint;
}

export interface FeeRule {
  service: string;
  asset: Asset;
  payee: 'Originator' | 'Others';
  flat: bigint;
  parts_per_million: number;
  at_most: bigint;
}

/** The kind of a payment without whom it concerns: `CreditTransfer`. */
export function service(kind: Plain): string {
  return typeof kind === 'string' ? kind : (Object.keys(kind as Fields)[0] ?? '');
}

/** An asset as a key of maps. */
export function assetKey(asset: Asset): string {
  return asset === 'Native' ? 'Native' : asset.Psp22;
}

export function parties(voucher: Voucher): number[] {
  return [...new Set([voucher.originator, voucher.home, ...voucher.others])].sort((a, b) => a - b);
}

export function principal(voucher: Voucher): Obligation {
  const { originator, home, kind, asset, amount } = voucher;
  const owed = (debtor: number, creditor: number): Obligation => ({ debtor, creditor, asset, amount });
  switch (service(kind)) {
    case 'CashDeposit':
    case 'Refund':
      return owed(originator, home);
    case 'CreditTransfer':
      return owed(home, (kind as { CreditTransfer: number }).CreditTransfer);
    default:
      return owed(home, originator);
  }
}

/** The principal, then the fees in the schedule's order. The home institution owes them; nobody owes itself. */
export function obligationsOf(voucher: Voucher, schedule: FeeRule[]): Obligation[] {
  const fees = schedule
    .filter((rule) => rule.service === service(voucher.kind) && assetKey(rule.asset) === assetKey(voucher.asset))
    .flatMap((rule) => {
      const share = (voucher.amount * BigInt(rule.parts_per_million)) / 1_000_000n;
      const amount = rule.flat + share < rule.at_most ? rule.flat + share : rule.at_most;
      const creditors = rule.payee === 'Originator' ? [voucher.originator] : voucher.others;
      return creditors
        .filter((creditor) => amount > 0n && creditor !== voucher.home)
        .map((creditor) => ({ debtor: voucher.home, creditor, asset: rule.asset, amount }));
    });
  return [principal(voucher), ...fees];
}

export function debtors(obligations: Obligation[]): number[] {
  return [...new Set(obligations.map((owed) => owed.debtor))].sort((a, b) => a - b);
}
