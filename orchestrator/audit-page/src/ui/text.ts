// Chain values as people read them.
import { encodeAddress } from '@polkadot/util-crypto';
import type { App } from '../app';
import type { Ref } from '../index/index';
import type { CardPayment, Cards } from '../index/prepaid';
import { number } from '../numbers';
import { h } from './dom';

export { number };

export function time(milliseconds: bigint | number): string {
  const value = Number(milliseconds);
  if (!Number.isFinite(value) || value <= 0 || value > 8.64e15) {
    return milliseconds.toString();
  }
  return new Date(value).toISOString().replace('T', ' ').replace(/\.\d+Z$/, ' UTC');
}

export function duration(milliseconds: bigint | number): string {
  const seconds = Number(milliseconds) / 1_000;
  const [size, unit] = seconds >= 172_800 ? [86_400, 'days'] : seconds >= 7_200 ? [3_600, 'hours'] : seconds >= 120 ? [60, 'minutes'] : [1, 'seconds'];
  return `${Math.round(seconds / size)} ${unit}`;
}

/** `CreditTransfer` as `credit transfer`. */
export function words(name: string): string {
  return name.replace(/_/g, ' ').replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** An id, shortened where there is no room; the whole of it is in the title and is what gets copied. */
export function id(value: string): HTMLElement {
  return h('code', { class: 'id', title: value }, `${value.slice(0, 10)}…${value.slice(-6)}`);
}

export function longId(value: string): HTMLElement {
  return h('code', { class: 'id whole' }, value);
}

export function link(href: string, ...content: (Node | string)[]): HTMLAnchorElement {
  return h('a', { href: `#${href}` }, ...content);
}

export function member(index: number): HTMLElement {
  return link(`/institution/${index}`, `Member\u00a0${index}`);
}

export function account(app: App, value: string): HTMLElement {
  const known = app.index.institutions.memberOf(value);
  const address = encodeAddress(value);
  const short = h('code', { class: 'id', title: `${address} = ${value}` }, `${address.slice(0, 6)}…${address.slice(-4)}`);
  return known === null ? short : h('span', {}, member(known), ' ', short);
}

/** Where a card payment is shown; several can have come under one counter. */
export function cardPaymentPath(cards: Cards, row: CardPayment): string {
  const attempt = cards.attempts(row.card, row.counter).indexOf(row);
  return `/card-payment/${cards.contract}/${row.card}/${row.counter}${attempt > 0 ? `/${attempt}` : ''}`;
}

export function address(value: string): string {
  return encodeAddress(value);
}

export function asset(key: string): string {
  return key === 'Native' ? 'native' : `token ${key.slice(0, 8)}…${key.slice(-4)}`;
}

export function amount(value: bigint | number, of: string): HTMLElement {
  return h('span', { class: 'amount' }, number(value), ' ', h('span', { class: 'unit' }, asset(of)));
}

export function block(value: number): HTMLElement {
  return link(`/block/${value}`, `block ${value}`);
}

export function where(ref: Ref): HTMLElement {
  return h('span', { class: 'where' }, h('time', { datetime: new Date(ref.at).toISOString() }, time(ref.at)), ' · ', block(ref.block));
}
