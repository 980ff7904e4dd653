// Search by whatever names something: ids, keys, accounts, LEIs, numbers.
import { u8aToHex } from '@polkadot/util';
import { decodeAddress } from '@polkadot/util-crypto';
import type { App } from '../app';

export interface Hit {
  what: string;
  name: string;
  href: string;
}

/** Fewer digits would find too much. */
const LEAST_DIGITS = 6;
const MOST_HITS = 50;

export function search(app: App, query: string): Hit[] {
  const wanted = query.trim();
  if (/^(0x)?[0-9a-f]+$/i.test(wanted) && wanted.replace(/^0x/i, '').length >= LEAST_DIGITS && !/^\d{1,10}$/.test(wanted)) {
    const hits = byHex(app, `0x${wanted.replace(/^0x/i, '').toLowerCase()}`);
    if (hits.length > 0) {
      return hits;
    }
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

function byHex(app: App, wanted: string): Hit[] {
  const hits: Hit[] = [];
  for (const [what, name, href] of named(app)) {
    if (name.startsWith(wanted)) {
      hits.push({ what, name, href });
      if (hits.length === MOST_HITS) {
        break;
      }
    }
  }
  return hits;
}

function* named(app: App): Generator<[what: string, name: string, href: string]> {
  const { payments, deals, institutions, books } = app.index;
  for (const payment of payments.rows) {
    const href = `/payment/${payment.id}`;
    yield ['Payment', payment.id, href];
    yield ['Relation', payment.relation, href];
    for (const cleared of payment.cleared) {
      yield ['Clearing voucher', cleared.id, href];
    }
  }
  for (const deal of deals.rows) {
    yield ['Deal', deal.id, `/deal/${deal.id}`];
    yield ['Agreement', deal.agreement, `/deal/${deal.id}`];
    yield ['Hashlock', deal.hashlock, `/deal/${deal.id}`];
  }
  for (const credit of app.index.credit.values()) {
    for (const id of [...credit.debts.keys(), ...credit.payouts.keys()]) {
      yield ['Payment on credit', id, `/debt/${id}`];
    }
    const lines = [...credit.lines.values()];
    for (const [place, line] of lines.entries()) {
      yield ['Credit line of payer', line.payer, `/line/${credit.contract}/${place}`];
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
      yield ['Card payment', reference, `/card-payment/${contract}/${payment.card}/${payment.counter}`];
    }
  }
  for (const institution of institutions.now.values()) {
    const href = `/institution/${institution.member}`;
    yield ['Institution', institution.id, href];
    yield ['Signing key of institution', institution.signingKey, href];
    yield ['Account of institution', institution.account, href];
    yield ['Certificate of institution', institution.certificate, href];
  }
  for (const [digest, ref] of app.index.digests) {
    yield ['Digest of a document, named in', digest, `/block/${ref.block}`];
  }
  for (const [trade, { book, day }] of books.trades) {
    yield ['Entry', trade, `/day/${book}/${day}`];
  }
}
