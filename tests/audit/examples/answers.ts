// What the contracts answer and tell, as polkadot.js gives it: names in camelCase, bytes as 0x…, large numbers as hex text.

/** A u64 or u128: a number while it is small, hex text when it is not. `BigInt(value)` takes both. */
export type Big = number | string;
/** Milliseconds since 1970, UTC. */
export type Timestamp = Big;
/** An institution's index in the registry. */
export type Member = number;
export type Asset = { native: null } | { psp22: string };

export interface Institution {
  member: Member;
  id: string;
  /** 20 letters and digits. The contract answers bytes; `institutions.ts` makes them text. */
  lei: string;
  account: string;
  signingKey: string;
  certificate: string;
  /** One bit each: participant, notary, credit node, card issuer, regulator. */
  roles: number;
  status: 'Active' | 'Suspended' | 'Revoked';
}

/** What the registry says of members at once, and in which epoch. */
export interface SignerSet {
  epoch: number;
  notaryThreshold: number;
  /** One for each member asked for; `null` where there is none. */
  signers: (Pick<Institution, 'account' | 'signingKey' | 'roles' | 'status'> | null)[];
}

export interface Balance {
  available: Big;
  reserved: Big;
  owed: Big;
  cap: Big;
  unsettled: Big;
  lastCredit: Source | null;
}

/** A record that credited a member, such as `{ deposit: 0 }`. */
export type Source = Record<string, unknown>;

/** It stands in a `Retained` event, and is handed back as it is to ask about it. */
export interface Voucher {
  sequence: Big;
  originator: Member;
  home: Member;
  others: Member[];
  user: string;
  wallet: string;
  kind: Record<string, unknown>;
  asset: Asset;
  amount: Big;
  limit: Record<string, Big>;
  settlement: 'Gross' | 'Net';
  fees: number;
  issuedAt: Timestamp;
  expiresAt: Timestamp;
}

export interface Obligation {
  debtor: Member;
  creditor: Member;
  asset: Asset;
  amount: Big;
}

export interface Relation {
  voucher: string;
  obligations: Obligation[];
  drawnAt: Timestamp;
}

export interface ClearingVoucher {
  voucher: string;
  relation: string;
  issuer: Member;
  discharged: Obligation[];
  sources: Source[];
  issuedAt: Timestamp;
  expiresAt: Timestamp;
}

export interface Retention {
  relationId: string;
  relation: Relation;
  batch: number;
  retainedIn: number;
  retainedAt: Timestamp;
  /** Set aside, or in a window, or taken out of one. */
  course: { reserved: null } | { inWindow: number } | { takenOut: null };
  /** One for each debtor that has paid. */
  discharges: { clearingVoucher: ClearingVoucher; clearedIn: number }[];
  /** The block in which the last obligation was paid. */
  clearedIn: number | null;
}

/** The fields of the clearing contract's events. */
export interface ClearingEvents {
  Deposited: { member: Member; asset: Asset; amount: Big; deposit: Big };
  Withdrawn: { member: Member; asset: Asset; amount: Big; to: string };
  Retained: {
    batch: number;
    drawnAt: Timestamp;
    window: number;
    epoch: number;
    signers: Member[];
    vouchers: { id: string; relation: string; voucher: Voucher }[];
  };
  Cleared: { voucher: string; id: string; clearingVoucher: ClearingVoucher };
  FeesPublished: { version: number; rules: Record<string, unknown>[] };
  CapSet: { member: Member; asset: Asset; cap: Big };
  WindowCutOff: { window: number };
  WindowShort: { window: number; shortfalls: Record<string, unknown>[] };
  WindowSettled: { window: number; certificate: Record<string, unknown> };
  TakenOut: { window: number; vouchers: string[] };
  DisputeOpened: { voucher: string; dispute: Record<string, unknown> };
  DisputeAnswered: { voucher: string; obligation: number; response: Record<string, unknown> };
  DisputeRuled: { voucher: string; obligation: number; ruling: Record<string, unknown>; awarded: Big };
  AwardPaid: { voucher: string; obligation: number; amount: Big };
}

/** An event with where it stands; `event` tells which fields it has. */
export type ClearingEvent = {
  [Name in keyof ClearingEvents]: { block: number; event: Name; fields: ClearingEvents[Name] };
}[keyof ClearingEvents];
