// The institutions, as they were at any event: who had which key in which epoch.
import type { ContractEvent } from '../chain/node';
import type { Fields } from '../chain/scale';
import { contentId } from '../protocol/bytes';
import { stringToU8a } from '@polkadot/util';

export const ROLES = ['participant', 'notary', 'credit node', 'card issuer', 'regulator'];
export const PARTICIPANT = 1;
export const NOTARY = 1 << 1;

export interface Institution {
  member: number;
  id: string;
  lei: string;
  account: string;
  signingKey: string;
  certificate: string;
  roles: number;
  status: string;
}

/** A change of the registry and what it made of it. */
export interface Change {
  epoch: number;
  block: number;
  index: number;
  extrinsic: number;
  at: number;
  member: number | null;
  change: Fields;
  /** The institution after it, if it concerns one. */
  after: Institution | null;
}

export interface Governors {
  keys: string[];
  threshold: number;
}

export class Institutions {
  readonly changes: Change[] = [];
  readonly now = new Map<number, Institution>();
  private readonly byAccount = new Map<string, number>();
  private governed: { epoch: number; governors: Governors }[] = [];
  private thresholds: { epoch: number; notaries: number }[] = [];

  take(event: ContractEvent): void {
    if (event.name === 'Created') {
      const { governors, governor_threshold: threshold, notary_threshold: notaries } = event.fields;
      this.governed = [{ epoch: 0, governors: { keys: governors as string[], threshold: threshold as number } }];
      this.thresholds = [{ epoch: 0, notaries: notaries as number }];
      return;
    }
    const { epoch, member, change } = event.fields as { epoch: number; member: number | null; change: Fields };
    const after = this.carryOut(epoch, member, change);
    const { block, index, extrinsic, at } = event;
    this.changes.push({ epoch, block, index, extrinsic, at, member, change, after });
  }

  /** The institution as it was in an epoch; `null` if nobody had this index then. */
  inEpoch(member: number, epoch: number): Institution | null {
    return this.changes.findLast((change) => change.member === member && change.epoch <= epoch)?.after ?? null;
  }

  /** The epoch that held just before an event. */
  epochAt(block: number, index: number): number {
    const before = this.changes.findLast(
      (change) => change.block < block || (change.block === block && change.index < index),
    );
    return before?.epoch ?? 0;
  }

  governorsIn(epoch: number): Governors {
    return this.governed.findLast((one) => one.epoch <= epoch)?.governors ?? { keys: [], threshold: 0 };
  }

  notaryThresholdIn(epoch: number): number {
    return this.thresholds.findLast((one) => one.epoch <= epoch)?.notaries ?? 0;
  }

  memberOf(account: string): number | null {
    return this.byAccount.get(account) ?? null;
  }

  byLei(lei: string): Institution | null {
    return [...this.now.values()].find((one) => one.lei === lei) ?? null;
  }

  get epoch(): number {
    return this.changes.at(-1)?.epoch ?? 0;
  }

  private carryOut(epoch: number, member: number | null, change: Fields): Institution | null {
    const [kind, content] = Object.entries(change)[0] as [string, never];
    if (kind === 'SetGovernors') {
      const { keys, threshold } = content as { keys: string[]; threshold: number };
      this.governed.push({ epoch, governors: { keys, threshold } });
      return null;
    }
    if (kind === 'SetNotaryThreshold') {
      this.thresholds.push({ epoch, notaries: content as number });
      return null;
    }
    if (member === null) {
      return null;
    }
    const { lei, account, signing_key, certificate, roles, status } = content as Record<string, string | number>;
    const before = this.now.get(member);
    let after: Institution;
    if (kind === 'Register') {
      after = {
        member,
        id: institutionId(lei as string),
        lei: lei as string,
        account: account as string,
        signingKey: signing_key as string,
        certificate: certificate as string,
        roles: roles as number,
        status: 'Active',
      };
    } else if (!before) {
      return null;
    } else if (kind === 'SetKeys') {
      const keys = { account: account as string, signingKey: signing_key as string, certificate: certificate as string };
      after = { ...before, ...keys };
    } else if (kind === 'SetRoles') {
      after = { ...before, roles: roles as number };
    } else {
      after = { ...before, status: status as string };
    }
    this.now.set(member, after);
    this.byAccount.set(after.account, member);
    return after;
  }
}

export function institutionId(lei: string): string {
  return contentId('quittance/institution', stringToU8a(lei));
}

/** Whether the check digits are right (ISO 7064 MOD 97-10). */
export function isLei(text: string): boolean {
  if (!/^[0-9A-Z]{18}[0-9]{2}$/.test(text)) {
    return false;
  }
  const digits = [...text].map((letter) => Number.parseInt(letter, 36)).join('');
  return [...digits].reduce((rest, digit) => (rest * 10 + Number(digit)) % 97, 0) === 1;
}

export function roleNames(roles: number): string {
  return ROLES.filter((_, bit) => roles & (1 << bit)).join(', ');
}
