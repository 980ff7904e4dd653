// Deals and credit: ids, signatures and transactions of what the calls carried.
import { hexToU8a, u8aConcat } from '@polkadot/util';
import type { App } from '../app';
import { sameValue, type Fields } from '../chain/scale';
import { contentId, NEVER, sha256, type Purpose } from '../protocol/bytes';
import { memberOf, type Ref } from '../index/index';
import type { Deal } from '../index/escrow';
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

export async function dealSteps(app: App, deal: Deal): Promise<Step[]> {
  const [locked] = deal.events;
  const terms = locked ? ((await app.event(locked)).fields.terms as Fields) : {};
  const by = (ref: Ref, message: string, who: string, account: string): Promise<Check> => senderCheck(app, ref, message, who, account);
  const unlocks = async (fields: Fields): Promise<Check[]> => {
    const hash = sha256(hexToU8a(fields.secret as string));
    return [{ ...sameId('secret', hash, deal.hashlock), why: hash === deal.hashlock ? 'its sha256 is the hashlock' : 'its sha256 is another than the hashlock' }];
  };
  return eventSteps(app, deal.events, (ref) => {
    switch (ref.name) {
      case 'Locked':
        return async (fields) => {
          const id = contentId('quittance/deal', u8aConcat(hexToU8a(fields.buyer as string), hexToU8a(deal.agreement)));
          return [
            sameId('deal id', id, deal.id),
            await by(ref, 'lock', 'the buyer', deal.buyer),
            { what: 'agreement', outcome: 'absent', why: 'only its sha256 is on the chain; buyer and seller have the signed agreement' },
          ];
        };
      case 'Accepted':
        return async () => [await by(ref, 'accept', 'the seller', deal.seller)];
      case 'Revealed':
      case 'Settled':
        return unlocks;
      case 'Disputed':
        return async (fields) => {
          const isBuyer = fields.by === deal.buyer;
          return [await by(ref, 'dispute', isBuyer ? 'the buyer' : 'the seller', isBuyer ? deal.buyer : deal.seller)];
        };
      case 'Ruled':
        return async (fields) => {
          const of = (name: string): bigint => terms[name] as bigint;
          const told = (fields.to_seller as bigint) + (fields.to_buyer as bigint);
          return [
            fields.by_default
              ? sameFigure('award to the seller', of('default_award'), fields.to_seller as bigint, 'the arbiter was silent: it is the default in the terms')
              : await by(ref, 'rule', 'the arbiter', terms.arbiter as string),
            sameFigure('what was split', of('price') + of('bond') + of('seller_bond'), told, 'the price and both bonds'),
          ];
        };
      case 'Cancelled':
        return async () => {
          const found = await callOf(app, ref, 'cancel', (args) => args.id === deal.id);
          if (!found) {
            return [{ what: 'signatures', ...NOT_DIRECT }];
          }
          const signed = {
            domain: domainOf(app, found.call.contract, 0),
            purpose: 'Cancellation' as const,
            id: deal.id,
            expiresAt: found.call.args.expires_at as bigint,
            taken: ref,
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

/** What only the credit node does, by message. */
const BY_NODE: Record<string, string> = {
  NodeLimitSet: 'set_node_limit',
  RaiseDecided: 'decide_raise',
  Frozen: 'freeze',
  Unfrozen: 'unfreeze',
  Extended: 'extend',
  Released: 'release',
};

/** Events of a debt, or of a credit line. */
export function debtSteps(app: App, contract: string, refs: Ref[]): Promise<Step[]> {
  const own = app.contract(contract);
  const domain = domainOf(app, own, 0);
  const byNode = (ref: Ref, message: string): Promise<Check> => memberSenderCheck(app, ref, message, memberOf(contract));
  const requestOf = async (): Promise<Fields | null> => {
    const reserved = refs.find((one) => one.name === 'Reserved');
    return reserved ? ((await app.event(reserved)).fields.request as Fields) : null;
  };
  return eventSteps(app, refs, (ref) => {
    const act = BY_NODE[ref.name];
    if (act) {
      return async () => [await byNode(ref, act)];
    }
    switch (ref.name) {
      case 'Reserved':
        return async (fields) => {
          const request = fields.request as Fields;
          const id = contentId('quittance/credit-request', own.encodeArgument('reserve', 'request', request));
          const found = await callOf(app, ref, 'reserve', (args) => sameValue(args.request, request));
          const signed = { domain, purpose: 'CreditRequest' as const, id, expiresAt: request.pay_by as bigint, taken: ref };
          return [
            sameId('request id', id, fields.id as string),
            ...(found
              ? (['payer', 'payee'] as const).map((side) =>
                  keySignature(`signature of the ${side}`, request[side] as string, 'its account’s key', found.call.args[side] as string, signed),
                )
              : [{ what: 'signatures', ...NOT_DIRECT }]),
            await byNode(ref, 'reserve'),
          ];
        };
      case 'Committed':
        return async (fields) => [await byNode(ref, 'commit'), payoutCheck(app, await requestOf(), fields)];
      case 'ReceiptConfirmed':
        return async (fields) => {
          const found = await callOf(app, ref, 'confirm_receipt', (args) => args.id === fields.id);
          const request = await requestOf();
          if (!found || !request) {
            return [{ what: 'signature of the payee', ...NOT_DIRECT }];
          }
          const signed = { domain, purpose: 'CreditReceipt' as const, id: fields.id as string, expiresAt: NEVER };
          return [keySignature('signature of the payee', request.payee as string, 'its account’s key', found.call.args.signature as string, signed)];
        };
      case 'Repaid':
        return async (fields) => [await senderCheck(app, ref, 'repay', 'who repaid', fields.by as string)];
      case 'PaidOut':
        return (fields) => paidOutChecks(app, contract, ref, fields);
      case 'LimitSet':
        return signedOrder(app, ref, 'set_limit', 'order', 'quittance/credit-limit', 'CreditLimit', 'payee');
      case 'RaiseRequested':
        return signedOrder(app, ref, 'request_raise', 'wish', 'quittance/credit-raise', 'CreditRaise', 'payer');
      default:
        return undefined;
    }
  });
}

/** The payout that made a debt of a reservation, where it is on this chain. */
function payoutCheck(app: App, request: Fields | null, committed: Fields): Check {
  const what = 'payout';
  const leg = request?.payout as { genesis: string; contract: string } | undefined;
  if (!leg || leg.genesis !== app.config.genesis_hash) {
    return { what, outcome: 'absent', why: 'it took place on another chain: a node of that chain tells of it' };
  }
  const there = [...app.contracts.values()].find((one) => one.account === leg.contract);
  const paid = there && app.index.credit.get(there.name)?.payouts.get(committed.id as string);
  const { number } = committed.payout as { number: number };
  const isThere = paid?.events[0]?.block === number && paid.amount === request?.amount && paid.payee === request.payee;
  return {
    what,
    outcome: isThere ? 'verified' : 'failed',
    why: isThere ? `block ${number} paid that much to the payee` : `block ${number} tells of no such payout`,
  };
}

async function paidOutChecks(app: App, contract: string, ref: Ref, fields: Fields): Promise<Check[]> {
  const own = app.contract(contract);
  const found = await callOf(app, ref, 'pay');
  if (!found) {
    return [{ what: 'request', ...NOT_DIRECT }];
  }
  const request = found.call.args.request as Fields;
  const { payee, amount } = fields.payout as Fields;
  const isSame = payee === request.payee && amount === request.amount;
  return [
    sameId('request id', contentId('quittance/credit-request', own.encodeArgument('pay', 'request', request)), fields.id as string),
    { what: 'payout', outcome: isSame ? 'verified' : 'failed', why: isSame ? 'the request’s payee and amount' : 'another payee or amount than the request’s' },
    await memberSenderCheck(app, ref, 'pay', memberOf(contract)),
  ];
}

/** An order that one account signed, for as long as no later one comes. */
function signedOrder(app: App, ref: Ref, message: string, name: string, tag: string, purpose: Purpose, who: string): Checker {
  return async (fields) => {
    // The event tells the order's fields one by one.
    const isThis = (args: Fields): boolean => Object.entries(args[name] as Fields).every(([field, value]) => sameValue(value, fields[field]));
    const found = await callOf(app, ref, message, isThis);
    if (!found) {
      return [{ what: `signature of the ${who}`, ...NOT_DIRECT }];
    }
    const order = found.call.args[name] as Fields;
    const id = contentId(tag, found.call.contract.encodeArgument(message, name, order));
    const signed = { domain: domainOf(app, found.call.contract, 0), purpose, id, expiresAt: NEVER };
    return [keySignature(`signature of the ${who}`, order[who] as string, 'its account’s key', found.call.args.signature as string, signed)];
  };
}
