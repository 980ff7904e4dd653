// Books of two institutions, and their days.
import type { App } from '../../app';
import type { Fields } from '../../chain/scale';
import type { Book, Day, Entry } from '../../index/reconciliation';
import { date } from '../../numbers';
import { bookSteps } from '../../verify/books';
import { h } from '../dom';
import { amount, asset, duration, id, link, longId, member, number } from '../text';
import { facts, later, ok, paged, state, storage, table, timeline, verdict, verified } from '../parts';

const CONTRACT = 'reconciliation';

export function books(app: App): Node[] {
  const rows = [...app.index.books.books.values()];
  return [
    h('h1', { tabindex: -1 }, 'Days'),
    h('p', {}, 'Books of two institutions, matched day by day against the chain. A day that was closed never changes.'),
    rows.length === 0
      ? h('p', { class: 'none' }, app.contracts.has(CONTRACT) ? 'No book was opened so far.' : 'No reconciliation contract is deployed here.')
      : h('span', {}),
    ...rows.flatMap((row) => [
      h('h2', {}, link(`/book/${row.number}`, `Book ${row.number}`), ': ', member(row.debit), ' owes ', member(row.credit)),
      dayTable(row),
    ]),
  ];
}

function dayTable(row: Book): HTMLElement {
  return table<Day>(
    `Days of book ${row.number}`,
    [
      { name: 'Day', cell: (one) => link(`/day/${row.number}/${one.day}`, date(one.day)) },
      { name: 'Entries', isNumber: true, cell: (one) => number(one.entries) },
      { name: 'Corrections', isNumber: true, cell: (one) => number(one.corrections) },
      { name: 'Comes to', isNumber: true, cell: (one) => amount(one.total, row.asset) },
      { name: 'To pay', isNumber: true, cell: (one) => (one.closed ? amount(one.closed.payable, row.asset) : '–') },
      { name: 'State', cell: stateOf },
    ],
    [...row.days.values()].sort((a, b) => b.day - a.day),
    'Nothing was recorded so far.',
  );
}

function stateOf({ closed }: Day): HTMLElement {
  return closed === null ? state('open', 'open') : state(closed.isDefault ? 'closed by one side' : 'closed', 'good');
}

export function book(app: App, wanted: number): Node[] {
  const row = app.index.books.books.get(wanted);
  const heading = h('h1', { tabindex: -1 }, `Book ${wanted}`);
  if (!row) {
    return [heading, h('p', {}, 'No such book was opened so far.')];
  }
  return [
    heading,
    facts([
      ['Debit side, owes', member(row.debit)],
      ['Credit side, is owed', member(row.credit)],
      ['Recorded by', member(row.client)],
      ['Asset', asset(row.asset)],
      ['Days by the clocks of', row.zone],
      ['One side may close alone after', duration(row.patience)],
      ['Terms', longId(row.id)],
    ]),
    h('h2', {}, 'Days'),
    dayTable(row),
    later('Verifying…', async () => {
      const [steps, now] = await Promise.all([
        bookSteps(app, row, [row.opened]),
        app.ask(app.contract(CONTRACT), 'books', [[wanted]]),
      ]);
      const [stored] = ok(now);
      const open = [...row.days.values()].filter((day) => day.closed === null).map((day) => day.day);
      const isSame =
        stored?.carried === row.carried &&
        stored.closed_through === row.closedThrough &&
        String(stored.open) === String(open.sort((a, b) => a - b));
      return [...verified(app, steps), storage(isSame, 'the same open days, the same last closed one, as much carried on')];
    }),
  ];
}

export function day(app: App, number_: number, wanted: number, query: URLSearchParams): Node[] {
  const of = app.index.books.books.get(number_);
  const row = of?.days.get(wanted);
  const heading = h('h1', { tabindex: -1 }, `Book ${number_}, ${date(wanted)}`);
  if (!of || !row) {
    return [heading, h('p', {}, 'Nothing was recorded for this day so far.')];
  }
  const { closed } = row;
  const only = query.get('trade');
  const entries = only ? row.list.filter((entry) => entry.trade === only) : row.list;
  return [
    heading,
    facts([
      ['State', stateOf(row)],
      ['Book', link(`/book/${number_}`, `Book ${number_}`)],
      ['Debit side, owes', member(of.debit)],
      ['Credit side, is owed', member(of.credit)],
      ['Entries', number(row.entries)],
      ['Corrections', number(row.corrections)],
      ['Comes to', amount(row.total, of.asset)],
      ['Made up for, of the day before', closed?.broughtIn ? amount(closed.broughtIn, of.asset) : null],
      ['To pay', closed && amount(closed.payable, of.asset)],
      ['Closing', closed && longId(closed.id)],
    ]),
    closed && closed.payable > 0n
      ? h('p', {}, 'What is to pay goes through clearing, as a payment of the debit side’s to the credit side. Its request names the closing; the two institutions have it.')
      : h('span', {}),
    later('Verifying…', async () => {
      const [steps, now] = await Promise.all([
        bookSteps(app, of, row.events),
        app.ask(app.contract(CONTRACT), 'days', [number_, [wanted]]),
      ]);
      const [stored] = ok(now);
      const isSame =
        stored?.total === row.total &&
        stored.entries === row.entries &&
        stored.corrections === row.corrections &&
        ((stored.closed as Fields | null)?.id ?? null) === (closed?.id ?? null);
      const part = (title: string, name: string): HTMLElement[] => {
        const theirs = steps.filter((step) => step.ref?.name === name);
        return theirs.length ? [h('h2', {}, title), timeline(app, theirs)] : [];
      };
      return [
        verdict(steps),
        ...part('Closing', 'DayClosed'),
        ...part('Corrections, as both sides signed them', 'Corrected'),
        ...part('What the client recorded', 'Recorded'),
        storage(isSame, 'as many entries and corrections, the same total and closing'),
      ];
    }),
    h('h2', {}, only ? 'The entry that was searched for' : 'Entries'),
    paged(query, `/day/${number_}/${wanted}`, entries, (rows) => entryTable(of, rows)),
    only ? h('p', {}, link(`/day/${number_}/${wanted}`, `All ${number(row.list.length)} entries of the day`)) : h('span', {}),
  ];
}

function entryTable({ asset: key }: Book, rows: Entry[]): HTMLElement {
  return table<Entry>(
    'Entries of the day',
    [
      { name: 'Trade', cell: (one) => id(one.trade) },
      { name: 'Payer', cell: (one) => id(one.payer) },
      { name: 'Batch', cell: (one) => (one.batch ? id(one.batch) : '–') },
      { name: 'Recorded with', isNumber: true, cell: (one) => (one.recorded === null ? '–' : number(one.recorded)) },
      { name: 'Comes to', isNumber: true, cell: (one) => amount(one.amount, key) },
      { name: 'Corrections', isNumber: true, cell: (one) => number(one.corrections) },
    ],
    rows,
    'There are none of its own: corrections of closed days count on it.',
  );
}
