// What a merchant is owed and paid by cycle, reckoned as the prepaid contract does, from what it tells of payments alone.
import type { Fields } from '../chain/scale';

/** Figures under the names that statements have for them. */
export type Figures = Record<string, bigint>;

export interface Reckoned {
  cycle: Figures;
  rules: Fields;
  figures: Figures;
}

const MILLION = 1_000_000n;

export class Till {
  nextRules: Fields;
  /** What it isn't paid yet, fees not taken off. */
  unpaid = 0n;
  private held = 0n;
  private feeDue = 0n;
  private cycle: Figures;

  constructor(
    private rules: Fields,
    at: number,
  ) {
    this.nextRules = rules;
    this.cycle = opened(0n, at, 0n);
  }

  take(amount: bigint): void {
    this.add('count', 1n);
    this.add('gross', amount);
    this.unpaid += amount;
  }

  fund(amount: bigint): void {
    this.add('funded', amount);
    this.unpaid += amount;
  }

  /** Holds for a dispute, or no longer. */
  hold(amount: bigint): void {
    this.held += amount;
  }

  /** `why`: the name of the event that tells of it. */
  giveBack(why: string, amount: bigint): void {
    if (amount > 0n) {
      const name = why === 'Voided' ? 'voided' : why === 'Refunded' ? 'refunded' : 'awarded';
      this.add(`${name}_count`, 1n);
      this.add(name, amount);
      this.unpaid -= amount;
    }
  }

  /** Closes the cycle: what its statement has to say. */
  close(at: number): Reckoned {
    const { cycle, rules, held, unpaid } = this;
    const of = (name: string): bigint => cycle[name] ?? 0n;
    const rule = (name: string): bigint => BigInt(rules[name] as bigint | number);
    const sales = of('gross') - of('voided');
    const earned = rule('flat') * (of('count') - of('voided_count')) + (sales * rule('parts_per_million')) / MILLION;
    const owed = this.feeDue + earned;
    const fee = least(owed, positive(unpaid - held));
    const reserve = (sales * rule('reserve_parts_per_million')) / MILLION;
    const net = unpaid - fee;
    const payable = positive(positive(net - held) - reserve);
    const paid = payable < rule('least_payout') ? 0n : payable;
    const figures = { fee_before: this.feeDue, fee, fee_due: owed - fee, net, held, reserve, paid, closing: net - paid };
    this.unpaid = figures.closing;
    this.feeDue = figures.fee_due;
    this.rules = this.nextRules;
    this.cycle = opened(of('number') + 1n, at, figures.closing);
    return { cycle, rules, figures };
  }

  private add(name: string, amount: bigint): void {
    this.cycle[name] = (this.cycle[name] ?? 0n) + amount;
  }
}

function opened(number: bigint, at: number, opening: bigint): Figures {
  const counts = { count: 0n, gross: 0n, voided_count: 0n, voided: 0n, refunded_count: 0n, refunded: 0n, awarded_count: 0n, awarded: 0n, funded: 0n };
  return { number, opened_at: BigInt(at), opening, ...counts };
}

function least(one: bigint, other: bigint): bigint {
  return one < other ? one : other;
}

function positive(value: bigint): bigint {
  return value > 0n ? value : 0n;
}
