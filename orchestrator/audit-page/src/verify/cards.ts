// Prepaid cards: what cards, terminals and holders signed, and merchants' statements.
import type { App } from '../app';
import type { Fields } from '../chain/scale';
import { contentId, type Purpose } from '../protocol/bytes';
import { memberOf, type Ref } from '../index/index';
import type { CardPayment, Cards, Merchant } from '../index/prepaid';
import type { Figures, Reckoned } from '../index/till';
import {
  callOf,
  domainOf,
  keySignature,
  memberSenderCheck,
  NOT_DIRECT,
  sameFigure,
  sameId,
  senderCheck,
  type Check,
  type Step,
} from './check';
import { eventSteps, type Checker } from './events';

/** What only the issuer does, by message. */
const BY_ISSUER: Record<string, string> = {
  CardIssued: 'issue_card',
  LimitsSet: 'set_limits',
  Frozen: 'freeze',
  Unfrozen: 'unfreeze',
  CardReplaced: 'replace_card',
  MerchantRegistered: 'register_merchant',
  MerchantSwitched: 'switch_merchant',
  RulesSet: 'set_rules',
  TerminalAdded: 'add_terminal',
  TerminalRevoked: 'revoke_terminal',
};
/** What who pays does. */
const BY_PAYER: Record<string, string> = { ToppedUp: 'top_up', MerchantFunded: 'fund_merchant' };

/** What happened to a card or a merchant, without payments. */
export function changeSteps(app: App, cards: Cards, refs: Ref[]): Promise<Step[]> {
  return eventSteps(app, refs, (ref) => {
    const [byIssuer, byPayer] = [BY_ISSUER[ref.name], BY_PAYER[ref.name]];
    if (byIssuer) {
      return async () => [await memberSenderCheck(app, ref, byIssuer, memberOf(cards.contract))];
    }
    return byPayer ? async (fields) => [await senderCheck(app, ref, byPayer, 'who paid', fields.by as string)] : undefined;
  });
}

/** A payment with a card, with what came back of it. */
export function cardPaymentSteps(app: App, cards: Cards, payment: CardPayment): Promise<Step[]> {
  const own = app.contract(cards.contract);
  const domain = domainOf(app, own, 0);
  const issuer = memberOf(cards.contract);
  const order = (ref: Ref, message: string, tag: string, purpose: Purpose, holder?: string): Checker => async (fields) => {
    const label = holder === undefined ? 'terminal' : 'holder';
    const isThis = ({ card, counter, amount }: Fields): boolean =>
      card === payment.card && counter === payment.counter && (amount === undefined || amount === fields.amount);
    const found = await callOf(app, ref, message, (args) => isThis(args.order as Fields));
    if (!found) {
      return [{ what: `signature of the ${label}`, ...NOT_DIRECT }];
    }
    const given = found.call.args.order as Fields;
    const id = contentId(tag, own.encodeArgument(message, 'order', given));
    const signed = { domain, purpose, id, expiresAt: given.expires_at as bigint, taken: ref };
    const key = holder ?? (given.terminal as string);
    const check = keySignature(`signature of the ${label}`, key, `the ${label}’s key`, found.call.args.signature as string, signed);
    return [holder === undefined ? ofTerminal(cards, key, payment.merchant, ref, check) : check];
  };
  return eventSteps(app, payment.events, (ref) => {
    switch (ref.name) {
      case 'PaymentsDecided':
        return () => paymentChecks(app, cards, payment, ref);
      case 'Voided':
        return order(ref, 'void', 'quittance/card-void', 'CardVoid');
      case 'Refunded':
        return order(ref, 'refund', 'quittance/card-refund', 'CardRefund');
      case 'DisputeOpened':
        return order(ref, 'open_dispute', 'quittance/card-dispute', 'CardDispute', cards.cards.get(payment.card)?.holder ?? '0x');
      case 'DisputeAnswered':
        return async () => [await memberSenderCheck(app, ref, 'answer_dispute', cards.merchants.get(payment.merchant)?.acquirer ?? -1)];
      case 'DisputeDecided':
        return async (fields) => [
          fields.is_default
            ? { what: 'decision', outcome: 'none', why: 'it follows from the time: it takes no signature' }
            : await memberSenderCheck(app, ref, 'decide_dispute', issuer),
        ];
      default:
        return undefined;
    }
  });
}

/** A signature with a key that says itself whose it is counts only if the issuer gave it to this merchant. */
function ofTerminal(cards: Cards, key: string, merchant: number, ref: Ref, check: Check): Check {
  return check.outcome !== 'verified' || cards.isTerminal(key, merchant, ref)
    ? check
    : { ...check, outcome: 'failed', why: `the key was no terminal’s of merchant ${merchant} then` };
}

async function paymentChecks(app: App, cards: Cards, payment: CardPayment, ref: Ref): Promise<Check[]> {
  const own = app.contract(cards.contract);
  const at = (args: Fields): Fields | undefined => (args.payments as Fields[])[payment.place];
  const isThis = (args: Fields): boolean => {
    const given = at(args)?.payment;
    return given !== undefined && cardReference(app, cards.contract, given as Fields) === payment.reference;
  };
  const found = await callOf(app, ref, 'pay_batch', isThis);
  const signed = found && at(found.call.args);
  if (!signed) {
    return [{ what: 'signatures of card and terminal', ...NOT_DIRECT }];
  }
  const sender = await memberSenderCheck(app, ref, 'pay_batch', memberOf(cards.contract));
  const { expires_at: expiresAt } = signed.payment as { expires_at: bigint };
  const of = { domain: domainOf(app, own, 0), purpose: 'CardPayment' as const, id: payment.reference, expiresAt };
  const cardKey = cards.keyAt(payment.card, ref);
  const byCard: Check = cardKey
    ? keySignature('signature of the card', cardKey, 'the key that the card had then', signed.card as string, of)
    : { what: 'signature of the card', outcome: 'failed', why: 'no such card had been issued' };
  const terminal = keySignature('signature of the terminal', payment.terminal, 'the terminal’s key', signed.terminal as string, of);
  const byTerminal = ofTerminal(cards, payment.terminal, payment.merchant, ref, terminal);
  if (payment.declined) {
    return [...declined(payment.declined, byCard, byTerminal), sender];
  }
  const isLate = BigInt(ref.at) >= expiresAt;
  const record = ((await app.ask(own, 'payments', [[[payment.card, payment.counter]]])) as { Ok?: Fields[] } | Fields[]);
  const [stored] = Array.isArray(record) ? record : (record.Ok ?? []);
  const same = stored?.taken === payment.taken && stored?.returned === payment.returned && stored?.is_voided === payment.isVoided;
  return [
    byCard,
    byTerminal,
    sender,
    { what: 'expiry', outcome: isLate ? 'failed' : 'verified', why: isLate ? 'it had expired when the chain took it' : 'the chain took it before' },
    { ...sameId('payment reference', payment.reference, String(stored?.reference)), what: 'payment reference' },
    {
      what: 'storage and events agree',
      outcome: same ? 'verified' : 'failed',
      why: same ? 'as much taken, and as much given back' : 'the contract tells something else than its events',
    },
  ];
}

/** What is wrong with a payment that was declined can be why it was: what is wrong with it is no fault of the chain's. */
function declined(code: string, byCard: Check, byTerminal: Check): Check[] {
  return [byCard, byTerminal].map((check): Check => {
    const isWhy = check === byCard ? /UnknownCard|BadCard/.test(code) : /Terminal|ForeignMerchant/.test(code);
    if (!isWhy) {
      return check.outcome === 'failed' ? { ...check, outcome: 'none', why: `${check.why}. The payment was declined` } : check;
    }
    const whose = check.what.replace('signature of', 'fault of');
    return check.outcome === 'failed'
      ? { ...check, what: whose, outcome: 'verified', why: `the contract declined the payment for it: ${check.why}` }
      : { ...check, what: whose, outcome: 'failed', why: `the contract declined the payment for it, and there is none: ${check.why}` };
  });
}

/** What a card payment is known by on statements and receipts. */
export function cardReference(app: App, contract: string, payment: Fields): string {
  const { types } = app.contract(contract);
  return contentId('quittance/card-payment', types.encode(types.named('payments::CardPayment'), payment));
}

/** A merchant's statements: whether what they say follows from its payments, what came back of them, and its rules. */
export function statementSteps(app: App, merchant: Merchant): Promise<Step[]> {
  const expected = new Map(merchant.statements.map((one) => [one.ref, one.expected]));
  return eventSteps(app, merchant.statements.map(({ ref }) => ref), (ref) => async (fields) => {
    const found = expected.get(ref);
    return found ? statementChecks(merchant, fields.statement as Fields, found) : [];
  });
}

const WHY: Record<string, string> = {
  fee_before: 'what was due of earlier fees',
  fee: 'by the rules, as far as there was something to take it from',
  fee_due: 'what of the fees could not be taken',
  net: 'opening + gross + funded − voided − refunded − awarded − fee',
  held: 'what disputes are open over',
  reserve: 'what the rules keep of the sales',
  paid: 'net − held − reserve, if that isn’t below the least payout',
  closing: 'net − paid',
};

function statementChecks(merchant: Merchant, statement: Fields, expected: Reckoned): Check[] {
  const told = (from: Fields, name: string): bigint => BigInt(from[name] as bigint | number);
  const all = (of: Figures, from: Fields): boolean => Object.entries(of).every(([name, figure]) => told(from, name) === figure);
  const cycle = statement.cycle as Fields;
  const isSame = all(expected.cycle, cycle);
  const isRuled = statement.account === merchant.account && all(asFigures(expected.rules), statement.rules as Fields);
  return [
    {
      what: 'what happened in the cycle',
      outcome: isSame ? 'verified' : 'failed',
      why: isSame ? 'counts and sums are those of the events before' : 'counts or sums are others than those of the events before',
      details: Object.entries(expected.cycle).map(([name, figure]) => [name.replace(/_/g, ' '), `told ${told(cycle, name)}, computed ${figure}`]),
    },
    {
      what: 'rules and account',
      outcome: isRuled ? 'verified' : 'failed',
      why: isRuled ? 'those that the issuer set before' : 'others than the issuer set before',
    },
    ...Object.entries(expected.figures).map(([name, figure]) =>
      sameFigure(name.replace(/_/g, ' '), figure, told(statement, name), WHY[name] ?? ''),
    ),
  ];
}

function asFigures(rules: Fields): Figures {
  return Object.fromEntries(Object.entries(rules).map(([name, value]) => [name, BigInt(value as bigint | number)]));
}
