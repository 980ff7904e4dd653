// Evidence files: what institutions keep of a payment off the chain, as `quittance status … --json` and
// GET /v1/payments/{voucher} give it. Everything in them is worked out again here; nothing is believed.
import { compactToU8a, hexToU8a, u8aConcat } from '@polkadot/util';
import type { App } from '../app';
import { littleEndian, ScaleError, text, type Plain } from '../chain/scale';
import { contentId, hasSigned, payload, retentionId, sha256, type Purpose } from '../protocol/bytes';
import type { Voucher } from '../protocol/settlement';
import {
  broken,
  domainOf,
  memberSignature,
  nameOf,
  sameId,
  type Check,
  type MemberSignature,
  type Step,
} from './check';
import { relationId, voucherId } from './payment';

/** Why a payment was refused, in the order that the protocol numbers them: append only. */
const REFUSALS = [
  'institution-not-active',
  'insufficient-settlement-balance',
  'unknown-user',
  'user-blocked',
  'bad-user-signature',
  'above-user-limit',
  'above-daily-limit',
  'user-not-eligible',
  'insufficient-funds',
  'unknown-beneficiary',
  'beneficiary-blocked',
  'net-debit-cap-exceeded',
  'bad-voucher',
  'bad-signature',
  'expired',
  'bad-relation',
  'not-confirmed',
  'rejected-by-peer',
  'blocked-by-policy',
  'above-policy-limit',
  'outside-hours',
  'assistant-refused',
];

type Json = Record<string, unknown>;

export interface EvidenceFile {
  name: string;
  payments: EvidencePayment[];
  /** What a file of another kind came to: whether the chain names its digest. */
  digest: Check | null;
}

export interface EvidencePayment {
  /** What the file calls it. */
  id: string;
  steps: Step[];
}

/** Reads and verifies a file. */
export function verifyEvidence(app: App, name: string, content: Uint8Array): EvidenceFile {
  const payments = paymentsIn(jsonOf(content));
  return {
    name,
    payments: payments.map((payment) => verifyOne(app, payment)),
    digest: payments.length === 0 ? digestCheck(app, content) : null,
  };
}

function jsonOf(content: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content));
  } catch {
    return null;
  }
}

/** A document of any kind, such as what a dispute was opened with: only its digest is on the chain. */
function digestCheck(app: App, content: Uint8Array): Check {
  // Deals name a digest of their own of a text.
  const inEscrow = contentId('quittance/evidence', u8aConcat(compactToU8a(content.length), content));
  const digests = [sha256(content), inEscrow];
  const ref = digests.map((digest) => app.index.digests.get(digest)).find((found) => found !== undefined);
  return {
    what: 'digest of the document',
    outcome: ref ? 'verified' : 'failed',
    why: ref
      ? `the ${ref.contract} contract names it in block ${ref.block}, in its event ${ref.name}`
      : 'the chain names no such document: it was altered, or is neither evidence of a payment as an orchestrator prints it nor a document that a contract names (a credit node’s evidence: quittance credit verify-score)',
    details: [
      ['sha256', digests[0] ?? ''],
      ['as deals name it', inEscrow],
    ],
  };
}

function paymentsIn(found: unknown): Json[] {
  if (Array.isArray(found)) {
    return found.flatMap(paymentsIn);
  }
  if (typeof found !== 'object' || found === null) {
    return [];
  }
  const object = found as Json;
  if (typeof object.voucher === 'object' && object.voucher !== null) {
    return [object];
  }
  return [object.payment, object.payments, object.vouchers].flatMap((inner) => (inner ? paymentsIn(inner) : []));
}

/** What checks of one payment share. */
interface Seen {
  app: App;
  /** As it stands in the file. */
  voucher: Voucher;
  /** Worked out of it: what every signature has to be under. */
  id: string;
  /** Until when the retention could be put on chain, by the relation's id. */
  expiries: Map<string, bigint[]>;
}

function verifyOne(app: App, payment: Json): EvidencePayment {
  const claimed = String(payment.id ?? '');
  const first: Step = {
    title: 'Voucher',
    ref: null,
    summary: 'As it stands in the file.',
    checks: [],
    document: { title: 'Voucher', content: payment.voucher as Plain },
  };
  let id: string;
  try {
    id = voucherId(app, payment.voucher);
  } catch (error) {
    return { id: claimed, steps: [{ ...first, checks: [broken('voucher', error)] }] };
  }
  first.checks.push(sameId('voucher id', id, claimed || id), onChain(app, id, claimed || id));
  const seen: Seen = { app, voucher: payment.voucher as Voucher, id, expiries: new Map() };
  const documents = (Array.isArray(payment.documents) ? payment.documents : []) as Json[];
  documents.forEach((document) => noteExpiry(seen, document));
  const steps = documents.flatMap((document) => documentStep(seen, document));
  const view = viewStep(seen, payment);
  return { id: claimed || id, steps: [first, ...(view ? [view] : []), ...steps] };
}

function onChain(app: App, id: string, claimed: string): Check {
  const payment = app.index.payments.byId.get(id);
  if (payment) {
    return { what: 'on chain', outcome: 'verified', why: `the chain retained this voucher in block ${payment.retained.block}` };
  }
  return app.index.payments.byId.has(claimed)
    ? { what: 'on chain', outcome: 'failed', why: 'the chain retained a voucher of the id that the file names, with another content' }
    : { what: 'on chain', outcome: 'absent', why: 'the chain retained no such voucher: it was refused, expired, or is on its way' };
}

/** What the file says of the relation, beside its documents. */
function viewStep({ app, id }: Seen, payment: Json): Step | null {
  if (typeof payment.relation !== 'string') {
    return null;
  }
  const kept = app.index.payments.byId.get(id);
  const same = kept?.relation === payment.relation;
  return {
    title: 'Relation, as the file names it',
    ref: kept?.retained ?? null,
    summary: '',
    checks: [
      {
        what: 'relation',
        outcome: kept ? (same ? 'verified' : 'failed') : 'absent',
        why: kept
          ? same
            ? 'it is the one that the chain retained with this voucher'
            : `the chain retained ${kept.relation} with this voucher`
          : 'the chain retained no such voucher',
      },
    ],
  };
}

function noteExpiry(seen: Seen, document: Json): void {
  const content = document.content as Json | null;
  const relation = content?.relation;
  if (typeof relation !== 'object' || relation === null || content?.expires_at === undefined) {
    return;
  }
  try {
    const id = relationId(seen.app, relation);
    seen.expiries.set(id, [...(seen.expiries.get(id) ?? []), BigInt(content.expires_at as number)]);
  } catch {
    // Its own step says what is wrong with it.
  }
}

const TITLES: Record<string, string> = {
  'payment-request': 'Payment request',
  confirmation: 'Co-signature',
  refusal: 'Refusal',
  attestation: 'Attestation',
  assistance: 'Assistance',
  'retention-request': 'Retention request',
  'retention-draft': 'Retention draft',
  'relation-draft': 'Relation draft',
  relation: 'Relation',
  consent: 'Co-signature of the relation',
  'co-consent': 'Co-signature of the relation',
  'retention-voucher': 'Retention voucher',
  'clearing-voucher': 'Clearing voucher',
};

/** What institutions note for themselves: nobody signed it, so it proves nothing. */
const NOTES = ['retention-asked', 'notary-rejected', 'delivery'];

function documentStep(seen: Seen, document: Json): Step[] {
  const name = String(document.kind ?? '');
  const kind = name.replace(/[./].*$/, '');
  if (NOTES.includes(kind)) {
    return [];
  }
  const title = TITLES[kind] ?? name;
  const content = document.content as Json;
  const step: Step = {
    title,
    ref: null,
    summary: `Kept under ${nameOf(seen.app, Number(document.member))}.`,
    checks: [],
    document: { title, content: content as Plain },
  };
  try {
    const said = answered(kind, content);
    step.checks = [...filed(document, said), ...documentChecks(seen, said, Number(document.epoch))];
  } catch (error) {
    step.checks = [broken(title.toLowerCase(), error)];
  }
  return [step];
}

interface Said {
  kind: string;
  content: Json;
}

/** An answer is a yes of its kind, or a refusal. */
function answered(kind: string, content: Json): Said {
  if (content.refused) {
    return { kind: 'refusal', content: content.refused as Json };
  }
  return { kind, content: (content.agreed as Json | undefined) ?? content };
}

/** What a signed document is filed under is what stands in it. */
function filed(document: Json, { kind, content }: Said): Check[] {
  const signed = (content.signed ?? content.relation_signature) as MemberSignature | undefined;
  if (!signed || kind === 'co-consent') {
    return [];
  }
  const same = signed.member === document.member && (content.epoch === undefined || content.epoch === document.epoch);
  return same ? [] : [{ what: 'filed rightly', outcome: 'failed', why: 'it is filed under another member or epoch than it names' }];
}

function documentChecks(seen: Seen, { kind, content }: Said, epoch: number): Check[] {
  switch (kind) {
    case 'payment-request':
      return requestChecks(seen, content);
    case 'confirmation':
      return [names(seen, content), ofVoucher(seen, content, 'Voucher')];
    case 'attestation':
      return [names(seen, content), ofVoucher(seen, content, 'Attestation')];
    case 'assistance':
      return [names(seen, content), ofVoucher(seen, content, 'Assistance', littleEndian(Number(content.asked_by), 2))];
    case 'refusal':
      return [names(seen, content), refusalCheck(seen, content)];
    case 'retention-request':
      return retentionRequestChecks(seen, content);
    case 'retention-draft':
      return [
        ...(content.request ? retentionRequestChecks(seen, content.request as Json) : []),
        relationCheck(seen, content.relation),
      ];
    case 'relation-draft':
    case 'relation':
      return [relationCheck(seen, content.relation ?? content)];
    case 'consent':
    case 'co-consent':
      return consentChecks(seen, content, epoch);
    case 'retention-voucher':
      return retentionVoucherChecks(seen, content);
    case 'clearing-voucher':
      return clearingChecks(seen, content);
    default:
      return [{ what: kind, outcome: 'unknown', why: 'this page does not know documents of this kind' }];
  }
}

/** The document names the voucher that it lies with. */
function names(seen: Seen, content: Json): Check {
  const same = content.voucher === seen.id;
  return {
    what: 'names the voucher',
    outcome: same ? 'verified' : 'failed',
    why: same ? 'the one that it lies with' : `it names ${String(content.voucher)}, the voucher beside it is ${seen.id}`,
  };
}

function ofVoucher(seen: Seen, content: Json, purpose: Purpose, body?: Uint8Array): Check {
  return signature(seen, content.signed, Number(content.epoch), purpose, seen.id, seen.voucher.expires_at, body);
}

function signature(
  seen: Seen,
  signed: unknown,
  epoch: number,
  purpose: Purpose,
  id: string,
  expiresAt: bigint | number,
  body?: Uint8Array,
): Check {
  const domain = domainOf(seen.app, seen.app.contract('clearing'), epoch);
  return memberSignature(seen.app, signed as MemberSignature, {
    domain,
    purpose,
    id,
    expiresAt: BigInt(expiresAt),
    ...(body ? { body } : {}),
  });
}

function refusalCheck(seen: Seen, content: Json): Check {
  const code = REFUSALS.indexOf(String(content.code));
  if (code < 0) {
    return { what: 'refusal', outcome: 'unknown', why: `this page does not know the reason ${String(content.code)}` };
  }
  const body = u8aConcat(Uint8Array.of(code), text(content.detail));
  const check = signature(
    seen,
    content.signed,
    Number(content.epoch),
    'Refusal',
    String(content.voucher),
    content.refused_at as number,
    body,
  );
  return check.outcome === 'verified' ? { ...check, why: `${check.why}: “${String(content.detail)}” (${String(content.code)})` } : check;
}

function requestChecks(seen: Seen, content: Json): Check[] {
  const request = content.request as Json;
  const { types } = seen.app.contract('clearing');
  const type = (path: string): number => types.named(path);
  // The one document whose type no contract has.
  const encoded = u8aConcat(
    bytes(request.nonce, 16),
    littleEndian(Number(request.originator), 2),
    littleEndian(Number(request.home), 2),
    text(request.user),
    bytes(request.wallet, 32),
    types.encode(type('settlement::TransactionKind'), request.kind),
    request.beneficiary == null ? Uint8Array.of(0) : u8aConcat(Uint8Array.of(1), text(request.beneficiary)),
    list(request.others).map((one) => littleEndian(Number(one), 2)).reduce(
      (all, one) => u8aConcat(all, one),
      Uint8Array.of(list(request.others).length << 2),
    ),
    types.encode(type('settlement::Asset'), request.asset),
    littleEndian(BigInt(String(request.amount)), 16),
    littleEndian(BigInt(request.expires_at as number), 8),
  );
  const id = contentId('quittance/payment-request', encoded);
  const user = contentId('quittance/user', u8aConcat(littleEndian(Number(request.home), 2), text(request.user)));
  const { voucher } = seen;
  const isTransfer = typeof request.kind === 'object';
  const same =
    user === voucher.user &&
    isTransfer === (typeof request.beneficiary === 'string') &&
    Number(request.expires_at) >= Number(voucher.expires_at) &&
    request.wallet === voucher.wallet &&
    String(request.amount) === String(voucher.amount) &&
    Number(request.originator) === voucher.originator &&
    Number(request.home) === voucher.home &&
    JSON.stringify(request.kind) === JSON.stringify(voucher.kind) &&
    JSON.stringify(request.asset) === JSON.stringify(voucher.asset);
  const domain = domainOf(seen.app, seen.app.contract('clearing'), 0);
  const message = payload(domain, 'PaymentRequest', id, BigInt(request.expires_at as number));
  const byWallet = hasSigned(String(request.wallet), message, String(content.signature));
  return [
    {
      what: 'asks for this voucher',
      outcome: same ? 'verified' : 'failed',
      why: same ? 'the same user, wallet, institutions, kind and amount' : 'the voucher says something else than the user asked for',
    },
    {
      what: "user's signature",
      outcome: byWallet ? 'verified' : 'absent',
      why: byWallet
        ? "sr25519, with the wallet's key"
        : "the user's key is known to its institution only: the chain doesn't have it",
      details: [['over the id', id]],
    },
  ];
}

function retentionRequestChecks(seen: Seen, content: Json): Check[] {
  const id = voucherId(seen.app, content.voucher);
  return [
    sameId('voucher within it', id, seen.id),
    ...list(content.signatures).map((signed) =>
      signature(seen, signed, Number(content.epoch), 'Voucher', seen.id, seen.voucher.expires_at),
    ),
  ];
}

function relationCheck(seen: Seen, relation: unknown): Check {
  const id = relationId(seen.app, relation);
  const follows = relationOf(seen, (relation as Json).drawn_at as number);
  const kept = seen.app.index.payments.byId.get(seen.id);
  if (follows !== id) {
    return {
      what: 'relation',
      outcome: 'failed',
      why: 'it is not what follows from the voucher and its fee schedule',
      details: [['given', id], ['computed', follows]],
    };
  }
  const details: Check['details'] = [['computed', id]];
  if (kept && kept.relation !== id) {
    return {
      what: 'relation',
      outcome: 'unknown',
      why: 'it follows from the voucher, but the chain has one of another time: another notary’s, or the time was altered',
      details,
    };
  }
  return {
    what: 'relation',
    outcome: 'verified',
    why: kept ? 'it follows from the voucher, and is the one on the chain' : 'it follows from the voucher; the chain has none of it',
    details,
  };
}

function relationOf(seen: Seen, drawnAt: number | bigint): string {
  const voucher = normalised(seen);
  const obligations = seen.app.index.payments.obligations(voucher);
  return relationId(seen.app, { voucher: seen.id, obligations, drawn_at: BigInt(drawnAt) });
}

/** The voucher with numbers as numbers: in JSON, wide ones are text. */
function normalised(seen: Seen): Voucher {
  const { types } = seen.app.contract('clearing');
  const type = types.named('settlement::Voucher');
  return types.decode(type, types.encode(type, seen.voucher)) as unknown as Voucher;
}

function consentChecks(seen: Seen, content: Json, epoch: number): Check[] {
  const relation = String(content.relation);
  const isKnown = seen.expiries.has(relation) || seen.app.index.payments.byRelation.get(relation)?.id === seen.id;
  if (!isKnown) {
    return [{ what: 'names the relation', outcome: 'failed', why: `neither the file nor the chain has a relation ${relation} of this voucher` }];
  }
  const retention = content.retention_signature;
  return [
    underRelation(seen, content.relation_signature, epoch, 'Relation', relation, relation),
    ...(retention ? [underRelation(seen, retention, epoch, 'Retention', retentionId([[seen.id, relation]]), relation)] : []),
  ];
}

/** Signatures under a relation, and under its retention, expire with the draft; without one, with the voucher. */
function underRelation(seen: Seen, signed: unknown, epoch: number, purpose: Purpose, id: string, relation: string): Check {
  const drafted = seen.expiries.get(relation) ?? [];
  const expiries = [...drafted, BigInt(seen.voucher.expires_at)];
  const checks = expiries.map((expiresAt) => signature(seen, signed, epoch, purpose, id, expiresAt));
  const found = checks.find((check) => check.outcome === 'verified') ?? (checks[0] as Check);
  const label = purpose === 'Retention' ? { ...found, what: `${found.what}, for the chain` } : found;
  return found.outcome === 'failed' && drafted.length === 0
    ? { ...label, outcome: 'unknown', why: 'the file has no draft of this relation, which says until when the signature holds' }
    : label;
}

function retentionVoucherChecks(seen: Seen, content: Json): Check[] {
  const id = voucherId(seen.app, content.voucher);
  const relation = relationId(seen.app, content.relation);
  const kept = seen.app.index.payments.byId.get(seen.id);
  const isThere = kept !== undefined && kept.retained.block === content.retained_in && kept.relation === relation;
  return [
    sameId('voucher within it', id, seen.id),
    relationCheck(seen, content.relation),
    {
      what: 'retained',
      outcome: isThere ? 'verified' : 'failed',
      why: isThere
        ? `in block ${String(content.retained_in)}, as it says`
        : kept
          ? `it says in block ${String(content.retained_in)}; the chain has it in block ${kept.retained.block}, under relation ${kept.relation}`
          : `it says in block ${String(content.retained_in)}; the chain has no such retention`,
    },
    ...list(content.attestations).flatMap((attestation) => [
      names(seen, attestation as Json),
      ofVoucher(seen, attestation as Json, 'Attestation'),
    ]),
    ...list(content.relation_signatures).map((signed) =>
      underRelation(seen, signed, Number(content.epoch), 'Relation', relation, relation),
    ),
  ];
}

function clearingChecks(seen: Seen, content: Json): Check[] {
  const { types } = seen.app.contract('clearing');
  const document = content.clearing_voucher as Json;
  const id = contentId('quittance/clearing-voucher', types.encode(types.named('settlement::ClearingVoucher'), document));
  const issuer = Number(document.issuer);
  const kept = seen.app.index.payments.byClearing.get(id);
  return [
    sameId('voucher within it', voucherId(seen.app, content.voucher), seen.id),
    signature(
      seen,
      { member: issuer, signature: content.signature },
      Number(content.epoch),
      'ClearingVoucher',
      id,
      document.expires_at as number,
    ),
    {
      what: 'on chain',
      outcome: kept ? 'verified' : 'absent',
      why: kept ? 'the chain executed this clearing voucher' : 'the chain executed none with this id: another attempt, or not yet',
      details: [['id', id]],
    },
  ];
}

function list(value: unknown): unknown[] {
  if (!Array.isArray(value)) {
    throw new ScaleError('a list is missing');
  }
  return value;
}

function bytes(value: unknown, length: number): Uint8Array {
  const found = typeof value === 'string' ? hexToU8a(value) : new Uint8Array();
  if (found.length !== length) {
    throw new ScaleError(`${String(value)} should have ${length} bytes`);
  }
  return found;
}
