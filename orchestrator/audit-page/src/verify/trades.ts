// Deals, debts, cards and books: ids and signatures of what the calls carried.
import { hexToU8a, u8aConcat } from '@polkadot/util';
import type { App } from '../app';
import type { Fields } from '../chain/scale';
import { contentId, NEVER, sha256, type Purpose } from '../protocol/bytes';
import type { Deal } from '../index/escrow';
import type { Ref } from '../index/index';
import type { CardPayment, Cards } from '../index/prepaid';
import {
  broken,
  callOf,
  domainOf,
  keySignature,
  memberSignature,
  NOT_DIRECT,
  sameId,
  type Check,
  type Step,
} from './check';

type Checker = (fields: Fields) => Promise<Check[]>;

/** Each event as a step, with the checks that there are for events of its name. */
export async function eventSteps(app: App, refs: Ref[], checkers: (ref: Ref) => Checker | undefined): Promise<Step[]> {
  return Promise.all(
    refs.map(async (ref): Promise<Step> => {
      const title = ref.name.replace(/([a-z])([A-Z])/g, '$1 $2');
      try {
        const { fields } = await app.event(ref);
        const check = checkers(ref);
        const checks = check
          ? await check(fields)
          : [{ what: 'event', outcome: 'none' as const, why: 'the contract’s own, in a finalized block; it carries no signature' }];
        return { title, ref, summary: '', checks, document: { title: 'Event', content: fields } };
      } catch (error) {
        return { title, ref, summary: '', checks: [broken(title.toLowerCase(), error)] };
      }
    }),
  );
}

export function dealSteps(app: App, deal: Deal): Promise<Step[]> {
  const unlocks = async (fields: Fields): Promise<Check[]> => {
    const hash = sha256(hexToU8a(fields.secret as string));
    return [{ ...sameId('secret', hash, deal.hashlock), why: hash === deal.hashlock ? 'its sha256 is the hashlock' : 'its sha256 is another than the hashlock' }];
  };
  return eventSteps(app, deal.events, (ref) => {
    switch (ref.name) {
      case 'Locked':
        return async (fields) => {
          const terms = fields.terms as Fields;
          const id = contentId('quittance/deal', u8aConcat(hexToU8a(fields.buyer as string), hexToU8a(terms.agreement as string)));
          return [
            sameId('deal id', id, deal.id),
            { what: 'agreement', outcome: 'absent', why: 'only its sha256 is on the chain; buyer and seller have the signed agreement' },
          ];
        };
      case 'Revealed':
      case 'Settled':
        return unlocks;
      case 'Cancelled':
        return async () => {
          const found = await callOf(app, ref, 'cancel', (args) => args.id === deal.id);
          const [locked] = deal.events;
          if (!found || !locked) {
            return [{ what: 'signatures', ...NOT_DIRECT }];
          }
          const terms = (await app.event(locked)).fields.terms as Fields;
          const signed = {
            domain: domainOf(app, found.call.contract, 0),
            purpose: 'Cancellation' as const,
            id: deal.id,
            expiresAt: found.call.args.expires_at as bigint,
          };
          return (['buyer', 'seller'] as const).map((side) =>
            keySignature(`signature of the ${side}`, terms[`${side}_key`] as string, 'the key in the deal’s terms', found.call.args[side] as string, signed),
          );
        };
      default:
        return undefined;
    }
  });
}

export function debtSteps(app: App, contract: string, refs: Ref[]): Promise<Step[]> {
  const own = app.contract(contract);
  const domain = domainOf(app, own, 0);
  return eventSteps(app, refs, (ref) => {
    switch (ref.name) {
      case 'Reserved':
        return async (fields) => {
          const request = fields.request as Fields;
          const id = contentId('quittance/credit-request', own.encodeArgument('reserve', 'request', request));
          const found = await callOf(app, ref, 'reserve', () => true);
          const signed = { domain, purpose: 'CreditRequest' as const, id, expiresAt: request.pay_by as bigint };
          return [
            sameId('request id', id, fields.id as string),
            ...(found
              ? (['payer', 'payee'] as const).map((side) =>
                  keySignature(`signature of the ${side}`, request[side] as string, 'its account’s key', found.call.args[side] as string, signed),
                )
              : [{ what: 'signatures', ...NOT_DIRECT }]),
          ];
        };
      case 'ReceiptConfirmed':
        return async (fields) => {
          const found = await callOf(app, ref, 'confirm_receipt', (args) => args.id === fields.id);
          const reserved = refs.find((one) => one.name === 'Reserved');
          if (!found || !reserved) {
            return [{ what: 'signature of the payee', ...NOT_DIRECT }];
          }
          const { payee } = (await app.event(reserved)).fields.request as { payee: string };
          const signed = { domain, purpose: 'CreditReceipt' as const, id: fields.id as string, expiresAt: NEVER };
          return [keySignature('signature of the payee', payee, 'its account’s key', found.call.args.signature as string, signed)];
        };
      case 'LimitSet':
        return signedOrder(app, ref, 'set_limit', 'order', 'quittance/credit-limit', 'CreditLimit', 'payee');
      case 'RaiseRequested':
        return signedOrder(app, ref, 'request_raise', 'wish', 'quittance/credit-raise', 'CreditRaise', 'payer');
      default:
        return undefined;
    }
  });
}

/** An order that one account signed, for as long as no later one comes. */
function signedOrder(app: App, ref: Ref, message: string, name: string, tag: string, purpose: Purpose, who: string): Checker {
  return async (fields) => {
    const found = await callOf(app, ref, message, (args) => (args[name] as Fields).sequence === fields.sequence);
    if (!found) {
      return [{ what: `signature of the ${who}`, ...NOT_DIRECT }];
    }
    const order = found.call.args[name] as Fields;
    const id = contentId(tag, found.call.contract.encodeArgument(message, name, order));
    const signed = { domain: domainOf(app, found.call.contract, 0), purpose, id, expiresAt: NEVER };
    return [keySignature(`signature of the ${who}`, order[who] as string, 'its account’s key', found.call.args.signature as string, signed)];
  };
}

/** A payment with a card, with what came back of it. */
export function cardPaymentSteps(app: App, cards: Cards, payment: CardPayment): Promise<Step[]> {
  const own = app.contract(cards.contract);
  const domain = domainOf(app, own, 0);
  const ofThis = (order: Fields): boolean => order.card === payment.card && order.counter === payment.counter;
  const order = (ref: Ref, message: string, tag: string, purpose: Purpose, who: (order: Fields) => string, label: string): Checker =>
    async () => {
      const found = await callOf(app, ref, message, (args) => ofThis(args.order as Fields));
      if (!found) {
        return [{ what: `signature of the ${label}`, ...NOT_DIRECT }];
      }
      const given = found.call.args.order as Fields;
      const id = contentId(tag, own.encodeArgument(message, 'order', given));
      const signed = { domain, purpose, id, expiresAt: given.expires_at as bigint };
      return [keySignature(`signature of the ${label}`, who(given), `the ${label}’s key`, found.call.args.signature as string, signed)];
    };
  return eventSteps(app, payment.events, (ref) => {
    switch (ref.name) {
      case 'PaymentsDecided':
        return async () => paymentChecks(app, cards, payment, ref);
      case 'Voided':
        return order(ref, 'void', 'quittance/card-void', 'CardVoid', (given) => given.terminal as string, 'terminal');
      case 'Refunded':
        return order(ref, 'refund', 'quittance/card-refund', 'CardRefund', (given) => given.terminal as string, 'terminal');
      case 'DisputeOpened': {
        const holder = cards.cards.get(payment.card)?.holder ?? '0x';
        return order(ref, 'open_dispute', 'quittance/card-dispute', 'CardDispute', () => holder, 'holder');
      }
      default:
        return undefined;
    }
  });
}

async function paymentChecks(app: App, cards: Cards, payment: CardPayment, ref: Ref): Promise<Check[]> {
  const own = app.contract(cards.contract);
  const isThis = (signed: Fields): boolean => {
    const given = signed.payment as Fields;
    return given.card === payment.card && given.counter === payment.counter && given.terminal === payment.terminal && given.amount === payment.amount;
  };
  const found = await callOf(app, ref, 'pay_batch', (args) => (args.payments as Fields[]).some(isThis));
  const signed = (found?.call.args.payments as Fields[] | undefined)?.find(isThis);
  if (!found || !signed) {
    return [{ what: 'signatures of card and terminal', ...NOT_DIRECT }];
  }
  const given = signed.payment as Fields;
  const reference = cardReference(app, cards.contract, given);
  const of = { domain: domainOf(app, own, 0), purpose: 'CardPayment' as const, id: reference, expiresAt: given.expires_at as bigint };
  const cardKey = cards.keyAt(payment.card, ref);
  const checks: Check[] = [
    cardKey
      ? keySignature('signature of the card', cardKey, 'the key that the card had then', signed.card as string, of)
      : { what: 'signature of the card', outcome: 'failed', why: 'no such card had been issued' },
    keySignature('signature of the terminal', payment.terminal, 'the terminal’s key', signed.terminal as string, of),
  ];
  if (payment.declined) {
    // A declined payment may well carry a wrong signature: that can be why.
    return checks.map((check) =>
      check.outcome === 'failed' && payment.declined?.includes('Signature')
        ? { ...check, outcome: 'verified', why: 'it is wrong, and the contract declined the payment for it' }
        : check,
    );
  }
  const record = ((await app.ask(own, 'payments', [[[payment.card, payment.counter]]])) as { Ok?: Fields[] } | Fields[]);
  const [stored] = Array.isArray(record) ? record : (record.Ok ?? []);
  return [...checks, { ...sameId('payment reference', reference, String(stored?.reference)), what: 'payment reference' }];
}

/** What a card payment is known by on statements and receipts. */
export function cardReference(app: App, contract: string, payment: Fields): string {
  const { types } = app.contract(contract);
  return contentId('quittance/card-payment', types.encode(types.named('payments::CardPayment'), payment));
}

/** A merchant's statement: whether its figures follow from the payments and from each other. */
export function statementChecks(cards: Cards, statement: Fields): Check[] {
  const cycle = statement.cycle as Record<string, bigint | number>;
  const rules = statement.rules as Record<string, bigint | number>;
  const value = (name: string): bigint => BigInt(statement[name] as bigint);
  const of = (name: string): bigint => BigInt(cycle[name] as bigint | number);
  const taken = [...cards.byReference.values()].filter(
    (row) => row.merchant === statement.merchant && row.cycle === cycle.number && row.taken !== null,
  );
  const gross = taken.reduce((all, row) => all + (row.taken ?? 0n), 0n);
  const sales = of('gross') - of('voided');
  const sold = of('count') - of('voided_count');
  const earned = BigInt(rules.flat as bigint) * sold + (sales * BigInt(rules.parts_per_million as number)) / 1_000_000n;
  const net = of('opening') + of('gross') + of('funded') - of('voided') - of('refunded') - of('awarded') - value('fee');
  const sum = (what: string, computed: bigint, told: bigint, why: string): Check => ({
    what,
    outcome: computed === told ? 'verified' : 'failed',
    why,
    details: [
      ['told', told.toString()],
      ['computed', computed.toString()],
    ],
  });
  return [
    sum('payments', BigInt(taken.length), of('count'), `${taken.length} payments of this cycle stand in events before`),
    sum('gross', gross, of('gross'), 'the sum of what was taken with them'),
    sum('fee', earned + value('fee_before'), value('fee') + value('fee_due'), 'by the rules: what was taken now and what is due later'),
    sum('net', net, value('net'), 'opening + gross + funded − voided − refunded − awarded − fee'),
    sum('closing', value('net') - value('paid'), value('closing'), 'net − paid'),
  ];
}

/** What two sides of a book signed. */
export function bookSteps(app: App, contract: string, sides: { debit: number; credit: number }, refs: Ref[]): Promise<Step[]> {
  const own = app.contract(contract);
  const both = (args: { epoch: number; debit: string | null; credit: string | null }, purpose: Purpose, id: string, expiresAt: bigint): Check[] => {
    const domain = domainOf(app, own, args.epoch);
    return (['debit', 'credit'] as const).map((side): Check => {
      const signature = args[side];
      const label = `signature of the ${side} side, member ${sides[side]}`;
      return signature === null
        ? { what: label, outcome: 'absent', why: 'it did not sign in time: the other side closed the day alone' }
        : memberSignature(app, { member: sides[side], signature }, { domain, purpose, id, expiresAt }, label);
    });
  };
  return eventSteps(app, refs, (ref) => {
    switch (ref.name) {
      case 'BookOpened':
        return async (fields) => {
          const id = contentId('quittance/book', own.encodeArgument('open_book', 'terms', fields.terms));
          const found = await callOf(app, ref, 'open_book');
          return found
            ? both(found.call.args as never, 'BookTerms', id, found.call.args.expires_at as bigint)
            : [{ what: 'signatures', ...NOT_DIRECT }];
        };
      case 'Corrected':
        return async (fields) => {
          const correction = fields.correction as Fields;
          const same = (one: Fields): boolean =>
            (one.correction as Fields).trade === correction.trade && (one.correction as Fields).number === correction.number;
          const found = await callOf(app, ref, 'correct', (args) => (args.corrections as Fields[]).some(same));
          const signed = (found?.call.args.corrections as Fields[] | undefined)?.find(same);
          const id = contentId('quittance/correction', own.types.encode(own.types.named('corrections::Correction'), correction));
          return signed ? both(signed as never, 'Correction', id, correction.expires_at as bigint) : [{ what: 'signatures', ...NOT_DIRECT }];
        };
      case 'DayClosed':
        return async (fields) => {
          const closing = fields.closing as Fields;
          const id = contentId('quittance/closing', own.encodeArgument('close_day', 'closing', closing));
          const found = await callOf(app, ref, 'close_day', (args) => (args.closing as Fields).day === closing.day);
          return [
            sameId('closing id', id, (fields.closed as Fields).id as string),
            ...(found ? both(found.call.args as never, 'Closing', id, closing.expires_at as bigint) : [{ what: 'signatures', ...NOT_DIRECT }]),
          ];
        };
      default:
        return undefined;
    }
  });
}

