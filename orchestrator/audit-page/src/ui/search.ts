// Search by whatever names something: ids, keys, accounts, LEIs, numbers.
import { u8aToHex } from '@polkadot/util';
import { decodeAddress } from '@polkadot/util-crypto';
import type { App } from '../app';
import { cardPaymentPath } from './text';

export interface Hit {
  what: string;
  name: string;
  href: string;
}

/** Fewer digits would find too much. */
const LEAST_DIGITS = 6;
export const MOST_HITS = 50;
const DAY = 86_400_000;

export function search(app: App, query: string): Hit[] {
  const wanted = query.trim();
  if (/^(0x)?[0-9a-f]+$/i.test(wanted) && wanted.replace(/^0x/i, '').length >= LEAST_DIGITS && !/^\d{1,10}$/.test(wanted)) {
    const hits = byHex(app, `0x${wanted.replace(/^0x/i, '').toLowerCase()}`);
    if (hits.length > 0) {
      return hits;
    }
  }
  const dated = /^(?:day\s*)?(\d{4}-\d\d-\d\d)$/i.exec(wanted);
  if (dated) {
    return byDate(app, dated[1] ?? '');
  }
  const numbered = /^(?:([a-z]+)\s*)?#?(\d{1,20})$/i.exec(wanted);
  if (numbered) {
    return byNumber(app, numbered[1]?.toLowerCase() ?? '', numbered[2] ?? '');
  }
  const institution = app.index.institutions.byLei(wanted.toUpperCase());
  if (institution) {
    return [{ what: 'Institution', name: institution.lei, href: `/institution/${institution.member}` }];
  }
  try {
    return byHex(app, u8aToHex(decodeAddress(wanted)));
  } catch {
    return [];
  }
}

function byNumber(app: App, kind: string, digits: string): Hit[] {
  const number = Number(digits);
  const hits: Hit[] = [];
  const is = (...names: string[]): boolean => kind === '' || names.includes(kind);
  if (is('member', 'institution', 'm') && app.index.institutions.now.has(number)) {
    hits.push({ what: 'Institution', name: `Member ${number}`, href: `/institution/${number}` });
  }
  if (is('block', 'b') && number <= app.reader.progress.finalized) {
    hits.push({ what: 'Block', name: `Block ${number}`, href: `/block/${number}` });
  }
  if (is('window', 'w') && number < app.index.payments.windows.length) {
    hits.push({ what: 'Window', name: `Window ${number}`, href: `/window/${number}` });
  }
  if (is('book') && app.index.books.books.has(number)) {
    hits.push({ what: 'Book', name: `Book ${number}`, href: `/book/${number}` });
  }
  for (const [contract, cards] of app.index.cards) {
    if (is('card') && cards.cards.has(BigInt(digits))) {
      hits.push({ what: 'Card', name: `Card ${digits}`, href: `/card/${contract}/${digits}` });
    }
    if (is('merchant') && cards.merchants.has(number)) {
      hits.push({ what: 'Merchant', name: `Merchant ${number}`, href: `/merchant/${contract}/${number}` });
    }
  }
  return hits;
}

function byDate(app: App, date: string): Hit[] {
  const day = Date.parse(date) / DAY;
  return [...app.index.books.books.values()]
    .filter((book) => book.days.has(day))
    .map((book) => ({ what: 'Day', name: `${date}, book ${book.number}`, href: `/day/${book.number}/${day}` }));
}

function byHex(app: App, wanted: string): Hit[] {
  // What one page has under one name is found once.
  const hits = new Map<string, Hit>();
  for (const [what, name, href] of named(app)) {
    if (name.startsWith(wanted)) {
      hits.set(`${what} ${name} ${href}`, { what, name, href });
      if (hits.size === MOST_HITS) {
        break;
      }
    }
  }
  return [...hits.values()];
}

function* named(app: App): Generator<[what: string, name: string, href: string]> {
  const { payments, deals, institutions } = app.index;
  for (const payment of payments.rows) {
    const href = `/payment/${payment.id}`;
    yield ['Payment', payment.id, href];
    yield ['Relation', payment.relation, href];
    for (const cleared of payment.cleared) {
      yield ['Clearing voucher', cleared.id, href];
    }
  }
  for (const deal of deals.rows) {
    const href = `/deal/${deal.id}`;
    yield ['Deal', deal.id, href];
    yield ['Agreement', deal.agreement, href];
    yield ['Hashlock', deal.hashlock, href];
    yield ['Deal of buyer', deal.buyer, href];
    yield ['Deal of seller', deal.seller, href];
  }
  for (const credit of app.index.credit.values()) {
    for (const id of [...credit.debts.keys(), ...credit.payouts.keys()]) {
      yield ['Payment on credit', id, `/debt/${id}`];
    }
    for (const [place, line] of [...credit.lines.values()].entries()) {
      yield ['Credit line of payer', line.payer, `/line/${credit.contract}/${place}`];
      yield ['Credit line by payee', line.payee ?? '', `/line/${credit.contract}/${place}`];
    }
  }
  for (const [contract, cards] of app.index.cards) {
    for (const card of cards.cards.values()) {
      yield ['Card of holder', card.holder, `/card/${contract}/${card.number}`];
      for (const { key } of card.keys) {
        yield ['Card with key', key, `/card/${contract}/${card.number}`];
      }
    }
    for (const [reference, payment] of cards.byReference) {
      yield ['Card payment', reference, cardPaymentPath(cards, payment)];
    }
    for (const { key, merchant } of cards.terminals.values()) {
      yield ['Terminal of merchant', key, `/merchant/${contract}/${merchant}`];
    }
    for (const merchant of cards.merchants.values()) {
      yield ['Account of merchant', merchant.account, `/merchant/${contract}/${merchant.number}`];
    }
  }
  for (const institution of institutions.now.values()) {
    const href = `/institution/${institution.member}`;
    yield ['Institution', institution.id, href];
    yield ['Signing key of institution', institution.signingKey, href];
    yield ['Account of institution', institution.account, href];
    yield ['Certificate of institution', institution.certificate, href];
  }
  for (const key of institutions.governorsIn(institutions.epoch).keys) {
    yield ['Governor', key, '/institutions'];
  }
  for (const { account, codeHash } of app.contracts.values()) {
    yield ['Contract', account, '/'];
    yield ['Code of contract', codeHash, '/'];
  }
  for (const [digest, ref] of app.index.digests) {
    yield ['Digest of a document, named in', digest, `/block/${ref.block}`];
  }
  yield* inBooks(app);
  for (const payment of payments.rows) {
    yield ['Payment of user', payment.user, `/payment/${payment.id}`];
    yield ['Payment of wallet', payment.wallet, `/payment/${payment.id}`];
  }
}

function* inBooks(app: App): Generator<[what: string, name: string, href: string]> {
  const { books, corrections, trades } = app.index.books;
  for (const book of books.values()) {
    yield ['Terms of book', book.id, `/book/${book.number}`];
    for (const { day, closed } of book.days.values()) {
      yield ['Closing of day', closed?.id ?? '', `/day/${book.number}/${day}`];
    }
  }
  for (const [id, { book, day }] of corrections) {
    yield ['Correction', id, `/day/${book}/${day}`];
  }
  for (const { trade, payer, batch, book, day } of [...trades.values()].flat()) {
    yield ['Entry', trade, `/day/${book}/${day}?trade=${trade}`];
    yield ['Entry of payer', payer, `/day/${book}/${day}`];
    yield ['Entry of batch', batch ?? '', `/day/${book}/${day}`];
  }
}
