// Evidence files: what institutions keep of a payment off the chain, as `quittance status … --json` and
// GET /v1/payments/{voucher} give it. Everything in them is worked out again here; nothing is believed.
import { compactToU8a, hexToU8a, u8aConcat } from '@polkadot/util';
import type { App } from '../app';
import { date } from '../numbers';
import { littleEndian, ScaleError, text, type Plain } from '../chain/scale';
import { contentId, hasSigned, payload, retentionId, sha256, type Purpose } from '../protocol/bytes';
import { parties, principal, type Voucher } from '../protocol/settlement';
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
import { encodeObligations, relationId, voucherId } from './payment';
import { scoreIn, verifyScore } from './score';

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
  payments: Verified[];
  /** Of a credit node's limit. */
  score: Verified | null;
  /** What a file of another kind came to: whether the chain names its digest. */
  digest: Check | null;
}

export interface Verified {
  /** What the file calls it. */
  id: string;
  steps: Step[];
}

/** Reads and verifies a file. */
export async function verifyEvidence(app: App, name: string, content: Uint8Array): Promise<EvidenceFile> {
  const found = jsonOf(content);
  const score = scoreIn(found);
  if (score) {
    return { name, payments: [], score: await verifyScore(app, score), digest: null };
  }
  const payments = paymentsIn(found);
  return {
    name,
    payments: payments.map((payment) => verifyOne(app, payment)),
    score: null,
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
      : 'the chain names no such document: it was altered, or is neither evidence of a payment or of a credit limit as an orchestrator prints it, nor a document that a contract names',
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
  /** Why it was refused, by the refusals that lie with it. */
  refusals: string[];
}

function verifyOne(app: App, payment: Json): Verified {
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
  const documents = (Array.isArray(payment.documents) ? payment.documents : []) as Json[];
  const refusals = documents.filter((document) => kindOf(document) === 'refusal').map(({ content }) => String((content as Json).code));
  const seen: Seen = { app, voucher: payment.voucher as Voucher, id, expiries: new Map(), refusals };
  documents.forEach((document) => noteExpiry(seen, document));
  const steps = documents.toSorted((a, b) => stage(a) - stage(b)).flatMap((document) => documentStep(seen, document));
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

/** What the file says of how far the payment is, beside its documents. */
function viewStep({ app, id, voucher }: Seen, payment: Json): Step | null {
  if (typeof payment.relation !== 'string') {
    return null;
  }
  const { payments } = app.index;
  const kept = payments.byId.get(id);
  const paid = kept && (kept.isNet && !kept.takenOut ? payments.windows[kept.window ?? 0]?.settled : kept.cleared.at(-1)?.ref);
  const onChain: Record<string, unknown> = kept
    ? {
        relation: kept.relation,
        retained_in: kept.retained.block,
        ...(kept.takenOut ? {} : { window: kept.window }),
        cleared_in: payments.isPaid(kept) ? (paid?.block ?? null) : null,
        obligations: payments.obligations(normalised(app, voucher)),
      }
    : {};
  const check = (name: string): Check => {
    // A payment may have got further since the file was made.
    const said = payment[name] ?? null;
    const written = (value: unknown): string => (name === 'obligations' ? encodeObligations(app, list(value)) : asText(value));
    const isSame = written(said) === written(onChain[name]);
    return {
      what: name.replace('_', ' '),
      outcome: !kept || (said === null && name === 'cleared_in') ? 'absent' : isSame ? 'verified' : 'failed',
      why: !kept
        ? 'the chain retained no such voucher'
        : said === null && name === 'cleared_in'
          ? 'the file says of no payment'
          : isSame
            ? 'what the chain tells of this voucher'
            : `the chain tells of ${asText(onChain[name])}`,
    };
  };
  const named = Object.keys(onChain).filter((name) => name === 'relation' || name in payment);
  return {
    title: 'What the file says of the payment',
    ref: kept?.retained ?? null,
    summary: '',
    checks: (kept ? named : ['relation']).map(check),
  };
}

function asText(value: unknown): string {
  return JSON.stringify(value ?? null, (_, inner: unknown) => (typeof inner === 'bigint' ? inner.toString() : inner));
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

/** In the order in which they come. */
const TITLES: Record<string, string> = {
  'payment-request': 'Payment request',
  confirmation: 'Co-signature',
  assistance: 'Assistance',
  'retention-request': 'Retention request',
  attestation: 'Attestation',
  refusal: 'Refusal',
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

/** The kind without what tells several of it apart: `clearing-voucher.000001`, `consent/0x…`. */
function kindOf(document: Json): string {
  return String(document.kind ?? '').replace(/[./].*$/, '');
}

function stage(document: Json): number {
  return Object.keys(TITLES).indexOf(kindOf(document));
}

function documentStep(seen: Seen, document: Json): Step[] {
  const name = String(document.kind ?? '');
  const kind = kindOf(document);
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
      return [names(seen, content), ...onlyBy(signersOf([content]), parties(seen.voucher), 'party'), ofVoucher(seen, content, 'Voucher')];
    case 'attestation':
      return attestationChecks(seen, content);
    case 'assistance':
      return [names(seen, content), ofVoucher(seen, content, 'Assistance', littleEndian(Number(content.asked_by), 2))];
    case 'refusal':
      return [names(seen, content), refusalCheck(seen, content)];
    case 'retention-request':
      return retentionRequestChecks(seen, content);
    case 'retention-draft':
      return [
        ...retentionRequestChecks(seen, content.request as Json),
        relationCheck(seen, content.relation),
        underRelation(seen, content.notary, Number((content.request as Json).epoch), 'Relation', relationId(seen.app, content.relation)),
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

function attestationChecks(seen: Seen, content: Json): Check[] {
  const given = onlyBy(signersOf([content]), destinations(seen.voucher), 'destination');
  return [names(seen, content), ...given, ofVoucher(seen, content, 'Attestation')];
}

function destinations(voucher: Voucher): number[] {
  return parties(voucher).filter((party) => party !== voucher.originator);
}

/** Who signed documents that carry one signature each. */
function signersOf(documents: unknown[]): number[] {
  return documents.map((document) => ((document as Json).signed as MemberSignature).member);
}

/** Nothing, unless somebody else signed it than may. */
function onlyBy(signers: number[], may: number[], what: string): Check[] {
  const stranger = signers.find((signer) => !may.includes(signer));
  return stranger === undefined
    ? []
    : [{ what: 'who signed', outcome: 'failed', why: `member ${stranger} is no ${what}` }];
}

/** Each who had to sign did, once. */
function allOf(what: string, signers: number[], must: number[]): Check {
  const missing = must.filter((one) => !signers.includes(one));
  const isTwice = new Set(signers).size !== signers.length;
  return {
    what,
    outcome: missing.length === 0 && !isTwice ? 'verified' : 'failed',
    why: isTwice ? 'somebody signed it twice' : missing.length === 0 ? `${must.length} of ${must.length}` : `without member ${missing.join(', ')}`,
  };
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
  const isTransfer = payeeOf(request) !== null;
  const same =
    user === voucher.user &&
    isTransfer === (typeof request.beneficiary === 'string') &&
    Number(request.expires_at) >= Number(voucher.expires_at) &&
    request.wallet === voucher.wallet &&
    String(request.amount) === String(voucher.amount) &&
    Number(request.originator) === voucher.originator &&
    Number(request.home) === voucher.home &&
    asText(othersOf(request)) === asText(voucher.others) &&
    asText(request.kind) === asText(voucher.kind) &&
    asText(request.asset) === asText(voucher.asset);
  const day = dayOf(seen.app, String(request.nonce), voucher);
  const domain = domainOf(seen.app, seen.app.contract('clearing'), 0);
  const message = payload(domain, 'PaymentRequest', id, BigInt(request.expires_at as number));
  const byWallet = hasSigned(String(request.wallet), message, String(content.signature));
  return [
    {
      what: 'asks for this voucher',
      outcome: same ? 'verified' : seen.refusals.includes('bad-voucher') ? 'none' : 'failed',
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
    ...(day ? [day] : []),
  ];
}

/** How often an institution may have tried to pay what a day came to. */
const MOST_ATTEMPTS = 32;

/** Whether a request is one to pay what a closed day came to: then its nonce names the closing. */
function dayOf(app: App, nonce: string, voucher: Voucher): Check | null {
  for (const book of app.index.books.books.values()) {
    for (const { day, closed } of book.days.values()) {
      const names = (attempt: number): boolean =>
        closed !== null && contentId('quittance/book-payment', u8aConcat(hexToU8a(closed.id), littleEndian(attempt, 4))).startsWith(nonce);
      if (nonce.length === 34 && Array.from({ length: MOST_ATTEMPTS }, (_, place) => place + 1).some(names)) {
        const pays =
          voucher.home === book.debit && principal(normalised(app, voucher)).creditor === book.credit && String(voucher.amount) === String(closed?.payable);
        return {
          what: 'pays a day',
          outcome: pays ? 'verified' : 'failed',
          why: pays ? `what ${date(day)} of book ${book.number} came to: its nonce names the closing` : `it names the closing of ${date(day)} of book ${book.number}, and pays something else`,
        };
      }
    }
  }
  return null;
}

/** Whom a credit transfer pays; `null` in every other kind. */
function payeeOf(request: Json): number | null {
  return typeof request.kind === 'object' ? ((request.kind as { CreditTransfer?: number }).CreditTransfer ?? null) : null;
}

/** Who has to agree by a request, besides originator and home. */
function othersOf(request: Json): number[] {
  const payee = payeeOf(request);
  const all = new Set([...(list(request.others) as number[]), ...(payee === null ? [] : [payee])]);
  return [...all].filter((one) => one !== request.originator && one !== request.home).sort((a, b) => a - b);
}

function retentionRequestChecks(seen: Seen, content: Json): Check[] {
  const id = voucherId(seen.app, content.voucher);
  return [
    sameId('voucher within it', id, seen.id),
    ...list(content.signatures).map((signed) =>
      signature(seen, signed, Number(content.epoch), 'Voucher', seen.id, seen.voucher.expires_at),
    ),
    allOf('every party signed', list(content.signatures).map(memberIn), parties(seen.voucher)),
    ...onlyBy(list(content.signatures).map(memberIn), parties(seen.voucher), 'party'),
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
  const voucher = normalised(seen.app, seen.voucher);
  const obligations = seen.app.index.payments.obligations(voucher);
  return relationId(seen.app, { voucher: seen.id, obligations, drawn_at: BigInt(drawnAt) });
}

/** The voucher with numbers as numbers: in JSON, wide ones are text. */
function normalised(app: App, voucher: Voucher): Voucher {
  const { types } = app.contract('clearing');
  const type = types.named('settlement::Voucher');
  return types.decode(type, types.encode(type, voucher)) as unknown as Voucher;
}

function consentChecks(seen: Seen, content: Json, epoch: number): Check[] {
  const relation = String(content.relation);
  const isKnown = seen.expiries.has(relation) || seen.app.index.payments.byRelation.get(relation)?.id === seen.id;
  if (!isKnown) {
    return [{ what: 'names the relation', outcome: 'failed', why: `neither the file nor the chain has a relation ${relation} of this voucher` }];
  }
  const retention = content.retention_signature;
  return [
    underRelation(seen, content.relation_signature, epoch, 'Relation', relation),
    ...(retention ? [underRelation(seen, retention, epoch, 'Retention', relation)] : []),
    ...(retention ? onlyBy([memberIn(retention)], [memberIn(content.relation_signature)], 'signer of the relation') : []),
  ];
}

/** Signatures under a relation, and under its retention, expire with the draft; without one, with the voucher. */
function underRelation(seen: Seen, signed: unknown, epoch: number, purpose: 'Relation' | 'Retention', relation: string): Check {
  const id = purpose === 'Relation' ? relation : retentionId([[seen.id, relation]]);
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
    ...list(content.attestations).flatMap((attestation) => attestationChecks(seen, attestation as Json)),
    allOf('every destination attests', signersOf(list(content.attestations)), destinations(seen.voucher)),
    ...list(content.relation_signatures).map((signed) => underRelation(seen, signed, Number(content.epoch), 'Relation', relation)),
    allOf('every party signed', list(content.relation_signatures).map(memberIn), parties(seen.voucher)),
  ];
}

function clearingChecks(seen: Seen, content: Json): Check[] {
  const { types } = seen.app.contract('clearing');
  const document = content.clearing_voucher as Json;
  const id = contentId('quittance/clearing-voucher', types.encode(types.named('settlement::ClearingVoucher'), document));
  const issuer = Number(document.issuer);
  const { payments } = seen.app.index;
  const kept = payments.byClearing.get(id);
  const owed = payments.obligations(normalised(seen.app, seen.voucher)).filter(({ debtor }) => debtor === issuer);
  const isOwed =
    document.voucher === seen.id &&
    document.relation === payments.byId.get(seen.id)?.relation &&
    encodeObligations(seen.app, list(document.discharged)) === encodeObligations(seen.app, owed);
  return [
    sameId('voucher within it', voucherId(seen.app, content.voucher), seen.id),
    {
      what: 'discharges what is owed',
      outcome: isOwed ? 'verified' : 'failed',
      why: isOwed ? 'all that it owes under the relation that the chain retained' : 'it is not what it owes under the relation that the chain retained',
    },
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

function memberIn(signed: unknown): number {
  return (signed as MemberSignature).member;
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
