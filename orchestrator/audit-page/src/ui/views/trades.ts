// Deals and credit.
import type { App } from '../../app';
import type { Fields } from '../../chain/scale';
import type { Credit, Debt, Line, Payout } from '../../index/credit';
import type { Deal } from '../../index/escrow';
import { memberOf } from '../../index/index';
import { debtSteps, dealSteps } from '../../verify/trades';
import { h } from '../dom';
import { account, amount, block, id, link, longId, member, number, time, where } from '../text';
import { facts, later, ok, paged, stateOf, storage, table, timeline, verdict, verified } from '../parts';

export function deals(app: App, query: URLSearchParams): Node[] {
  return [
    h('h1', { tabindex: -1 }, 'Deals'),
    h('p', {}, 'Price and bonds under a hashlock: the secret that gives the buyer its bond back pays the seller.'),
    paged(query, '/deals', [...app.index.deals.rows].reverse(), (rows) =>
      table<Deal>(
        'Deals',
        [
          { name: 'Deal', cell: (row) => link(`/deal/${row.id}`, id(row.id)) },
          { name: 'Buyer', cell: (row) => account(app, row.buyer) },
          { name: 'Seller', cell: (row) => account(app, row.seller) },
          { name: 'Price', isNumber: true, cell: (row) => amount(row.price, row.asset) },
          { name: 'Bond', isNumber: true, cell: (row) => number(row.bond) },
          { name: 'State', cell: (row) => stateOf(row.state) },
        ],
        rows,
      ),
    ),
  ];
}

export function deal(app: App, wanted: string): Node[] {
  const row = app.index.deals.byId.get(wanted);
  const heading = h('h1', { tabindex: -1 }, 'Deal ', h('small', {}, longId(wanted)));
  if (!row) {
    return [heading, h('p', {}, 'The escrow contract has no such deal so far.')];
  }
  return [
    heading,
    facts([
      ['State', stateOf(row.state)],
      ['Buyer', account(app, row.buyer)],
      ['Seller', account(app, row.seller)],
      ['Price', amount(row.price, row.asset)],
      ['Buyer’s bond', amount(row.bond, row.asset)],
      ['Hashlock', longId(row.hashlock)],
      ['Agreement', longId(row.agreement)],
    ]),
    later('Verifying…', async () => {
      const [steps, now] = await Promise.all([
        dealSteps(app, row),
        app.ask(app.contract('escrow'), 'deal', [wanted]) as Promise<Fields | null>,
      ]);
      return [...verified(app, steps), storage(now?.state === row.state, 'the same state')];
    }),
  ];
}

export function credit(app: App, query: URLSearchParams): Node[] {
  const nodes = [...app.index.credit.values()];
  return [
    h('h1', { tabindex: -1 }, 'Credit'),
    h('p', {}, 'Payments on credit: the credit node pays at once, the payer owes. Both the payee and the credit node bound what a payer may owe.'),
    nodes.length === 0 ? h('p', { class: 'none' }, 'There is no credit so far.') : h('span', {}),
    ...nodes.flatMap((node) => [
      h('h2', {}, 'Credit node ', member(memberOf(node.contract))),
      h('h3', {}, 'Credit lines'),
      table<Line>(
        'Credit lines',
        [
          { name: 'Given by', cell: (row) => link(`/line/${node.contract}/${[...node.lines.values()].indexOf(row)}`, row.payee ? 'the payee' : 'the credit node') },
          { name: 'Payer', cell: (row) => account(app, row.payer) },
          { name: 'Payee', cell: (row) => (row.payee ? account(app, row.payee) : 'all') },
          { name: 'Limit', isNumber: true, cell: (row) => amount(row.limit, row.asset) },
          { name: 'Taken', isNumber: true, cell: (row) => meter(node.used(row), row.limit) },
          { name: 'Changed', cell: (row) => block(row.events[row.events.length - 1]!.block) },
          { name: 'Payer is', cell: (row) => (node.frozen.has(row.payer) ? stateOf('frozen') : stateOf('active')) },
        ],
        [...node.lines.values()],
      ),
      h('h3', {}, 'Debts'),
      paged(query, '/credit', [...node.debts.values()].reverse(), (rows) =>
        table<Debt>(
          'Debts',
          [
            { name: 'Request', cell: (row) => link(`/debt/${row.id}`, id(row.id)) },
            { name: 'Payer', cell: (row) => account(app, row.payer) },
            { name: 'Payee', cell: (row) => account(app, row.payee) },
            { name: 'Amount', isNumber: true, cell: (row) => amount(row.amount, row.asset) },
            { name: 'Repaid', isNumber: true, cell: (row) => number(row.repaid) },
            { name: 'State', cell: (row) => stateOf(row.state) },
          ],
          rows,
        ),
      ),
      ...(node.payouts.size ? [h('h3', {}, 'Payouts'), payoutTable(app, [...node.payouts.values()])] : []),
    ]),
  ];
}

function payoutTable(app: App, rows: Payout[]): HTMLElement {
  return table<Payout>(
    'Payouts',
    [
      { name: 'Paid out for', cell: (row) => link(`/debt/${row.id}`, id(row.id)) },
      { name: 'Payee', cell: (row) => account(app, row.payee) },
      { name: 'Amount', isNumber: true, cell: (row) => amount(row.amount, row.asset) },
      { name: 'When', cell: (row) => where(row.events[0]!) },
    ],
    rows,
  );
}

function meter(taken: bigint, limit: bigint): HTMLElement {
  const share = limit > 0n ? Number((taken * 100n) / limit) : 0;
  return h('span', { class: 'meter' }, h('meter', { min: 0, max: 100, value: Math.min(share, 100), 'aria-label': `${share} % of the limit` }), ' ', number(taken));
}

export function line(app: App, contract: string, place: number): Node[] {
  const node = app.index.credit.get(contract);
  const row = node && [...node.lines.values()][place];
  const heading = h('h1', { tabindex: -1 }, 'Credit line');
  if (!node || !row) {
    return [heading, h('p', {}, 'There is no such credit line so far.')];
  }
  const given = row.asset === 'Native' ? 'Native' : { Psp22: row.asset };
  const freezes = node.freezes.filter((one) => one.payer === row.payer).map((one) => one.ref);
  return [
    heading,
    facts([
      ['Payer', account(app, row.payer)],
      ['Payer is', stateOf(node.frozen.has(row.payer) ? 'frozen' : 'active')],
      ['Given by', row.payee ? account(app, row.payee) : member(memberOf(contract))],
      ['Limit', amount(row.limit, row.asset)],
      ['Taken', amount(node.used(row), row.asset)],
    ]),
    row.payee
      ? null
      : h('p', {}, 'What a limit was computed from is the credit node’s evidence: its digest stands in the event, and the document can be ', link('/evidence', 'checked here'), '.'),
    later('Verifying…', async () => {
      const refs = [...row.events, ...freezes].sort((a, b) => a.block - b.block || a.index - b.index);
      const [steps, now] = await Promise.all([
        debtSteps(app, contract, refs),
        app.ask(app.contract(contract), 'limits', [row.payer, row.payee ?? row.payer, given]) as Promise<Fields>,
      ]);
      const stored = (row.payee ? now.payee : now.node) as { limit: bigint; used: { reserved: bigint; outstanding: bigint } };
      const isSame =
        stored.limit === row.limit &&
        stored.used.reserved + stored.used.outstanding === node.used(row) &&
        now.is_frozen === node.frozen.has(row.payer);
      return [...verified(app, steps), storage(isSame, 'the same limit, and as much of it taken')];
    }),
  ].filter((part) => part !== null);
}

export function debt(app: App, wanted: string): Node[] {
  const heading = h('h1', { tabindex: -1 }, 'Payment on credit ', h('small', {}, longId(wanted)));
  const nodes = [...app.index.credit.values()];
  const owed = nodes.find((node) => node.debts.has(wanted));
  const paid = nodes.find((node) => node.payouts.has(wanted));
  if (!owed && !paid) {
    return [heading, h('p', {}, 'No credit contract here has such a request so far.')];
  }
  return [heading, ...(owed ? owing(app, owed, owed.debts.get(wanted)!) : []), ...(paid ? payingOut(app, paid, paid.payouts.get(wanted)!) : [])];
}

function owing(app: App, node: Credit, row: Debt): Node[] {
  return [
    facts([
      ['State', stateOf(row.state)],
      ['Payer', account(app, row.payer)],
      ['Payee', account(app, row.payee)],
      ['Amount', amount(row.amount, row.asset)],
      ['Repaid', amount(row.repaid, row.asset)],
      ['Late fee paid', row.feePaid > 0n ? amount(row.feePaid, row.asset) : null],
      ['Due', time(row.dueAt)],
      ['Arrived, says the payee', row.isReceived ? 'yes' : 'not yet'],
    ]),
    later('Verifying…', async () => {
      const [steps, now] = await Promise.all([
        debtSteps(app, node.contract, row.events),
        app.ask(app.contract(node.contract), 'debts', [[row.id]]),
      ]);
      const [stored] = ok(now);
      // A debt that fell overdue is still owed.
      const isSame =
        stored?.state === (row.state === 'Overdue' ? 'Owed' : row.state) &&
        stored.repaid === row.repaid &&
        stored.fee_paid === row.feePaid &&
        stored.is_received === row.isReceived;
      return [...verified(app, steps), storage(isSame, 'the same state, and as much repaid')];
    }),
  ];
}

function payingOut(app: App, node: Credit, row: Payout): Node[] {
  return [
    h('h2', {}, 'Payout'),
    facts([
      ['Paid by', member(memberOf(node.contract))],
      ['Payee', account(app, row.payee)],
      ['Paid out', amount(row.amount, row.asset)],
      ['When', where(row.events[0]!)],
    ]),
    later('Verifying…', async () => {
      const steps = await debtSteps(app, node.contract, row.events);
      return [verdict(steps), timeline(app, steps)];
    }),
  ];
}
