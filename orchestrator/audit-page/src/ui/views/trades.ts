// Deals, credit, cards, and days of books.
import type { App } from '../../app';
import type { Fields } from '../../chain/scale';
import type { Debt, Line } from '../../index/credit';
import type { Deal } from '../../index/escrow';
import type { Card, CardPayment, Cards, Merchant } from '../../index/prepaid';
import type { Book, Day } from '../../index/reconciliation';
import type { Check } from '../../verify/check';
import { bookSteps, cardPaymentSteps, cardReference, dealSteps, debtSteps, eventSteps, statementChecks } from '../../verify/trades';
import { h } from '../dom';
import { account, amount, asset, id, link, longId, member, number, time, where, words } from '../text';
import { checkList, facts, later, paged, state, table, timeline, verdict } from '../parts';

const GOOD = ['Settled', 'active'];
const BAD = ['Disputed', 'Overdue', 'Expired', 'frozen'];

function stateOf(text: string): HTMLElement {
  return state(words(text), GOOD.includes(text) ? 'good' : BAD.includes(text) ? 'bad' : 'open');
}

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
      return [verdict(steps), timeline(app, steps), storage(now?.state === row.state, 'the same state')];
    }),
  ];
}

function storage(same: boolean, why: string): HTMLElement {
  const check: Check = {
    what: 'storage and events agree',
    outcome: same ? 'verified' : 'failed',
    why: same ? why : 'the contract tells something else than its events',
  };
  return h('section', {}, h('h2', {}, 'What the contract says now'), checkList([check]));
}

export function credit(app: App, query: URLSearchParams): Node[] {
  const nodes = [...app.index.credit.values()];
  return [
    h('h1', { tabindex: -1 }, 'Credit'),
    h('p', {}, 'Payments on credit: the credit node pays at once, the payer owes. Both the payee and the credit node bound what a payer may owe.'),
    nodes.length === 0 ? h('p', { class: 'none' }, 'There is no credit so far.') : h('span', {}),
    ...nodes.flatMap((node) => [
      h('h2', {}, 'Credit node ', member(Number(node.contract.replace('credit_', '')))),
      h('h3', {}, 'Credit lines'),
      table<Line>(
        'Credit lines',
        [
          { name: 'Payer', cell: (row) => account(app, row.payer) },
          { name: 'Given by', cell: (row) => (row.payee ? account(app, row.payee) : 'the credit node') },
          { name: 'Limit', isNumber: true, cell: (row) => amount(row.limit, row.asset) },
          { name: 'Taken', isNumber: true, cell: (row) => meter(node.used(row), row.limit) },
          { name: 'Set', cell: (row) => link(`/line/${node.contract}/${[...node.lines.values()].indexOf(row)}`, where(row.events[row.events.length - 1]!).textContent ?? '') },
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
      node.payouts.size
        ? table(
            'Payouts',
            [
              { name: 'Paid out for', cell: (row) => link(`/debt/${row.id}`, id(row.id)) },
              { name: 'Payee', cell: (row) => account(app, row.payee) },
              { name: 'Amount', isNumber: true, cell: (row) => amount(row.amount, row.asset) },
            ],
            [...node.payouts.values()],
          )
        : h('span', {}),
    ]),
  ];
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
  return [
    heading,
    facts([
      ['Payer', account(app, row.payer)],
      ['Given by', row.payee ? account(app, row.payee) : 'the credit node'],
      ['Limit', amount(row.limit, row.asset)],
      ['Taken', amount(node.used(row), row.asset)],
    ]),
    later('Verifying…', async () => {
      const raises = node.raises.filter((raise) => row.payee === null && raise.payer === row.payer && raise.asset === row.asset);
      const refs = [...row.events, ...raises.flatMap((raise) => raise.events)].sort((a, b) => a.block - b.block || a.index - b.index);
      const steps = await debtSteps(app, contract, refs);
      return [verdict(steps), timeline(app, steps)];
    }),
  ];
}

export function debt(app: App, wanted: string): Node[] {
  const heading = h('h1', { tabindex: -1 }, 'Payment on credit ', h('small', {}, longId(wanted)));
  for (const node of app.index.credit.values()) {
    const row = node.debts.get(wanted);
    if (row) {
      return [
        heading,
        facts([
          ['State', stateOf(row.state)],
          ['Payer', account(app, row.payer)],
          ['Payee', account(app, row.payee)],
          ['Amount', amount(row.amount, row.asset)],
          ['Repaid', amount(row.repaid, row.asset)],
          ['Due', time(row.dueAt)],
          ['Arrived, says the payee', row.isReceived ? 'yes' : 'not yet'],
        ]),
        h('p', {}, 'The payout took place on another chain: a node of that chain tells of it.'),
        later('Verifying…', async () => {
          const [steps, now] = await Promise.all([
            debtSteps(app, node.contract, row.events),
            app.ask(app.contract(node.contract), 'debts', [[wanted]]),
          ]);
          const [stored] = ok(now);
          // A debt that fell overdue is still owed.
          const same = stored?.state === (row.state === 'Overdue' ? 'Owed' : row.state) && stored.repaid === row.repaid;
          return [verdict(steps), timeline(app, steps), storage(same, 'the same state, and as much repaid')];
        }),
      ];
    }
    const payout = node.payouts.get(wanted);
    if (payout) {
      return [heading, facts([['Payee', account(app, payout.payee)], ['Paid out', amount(payout.amount, payout.asset)], ['When', where(payout.events[0]!)]])];
    }
  }
  return [heading, h('p', {}, 'No credit contract here has such a request so far.')];
}

/** What a message that may refuse answered. */
function ok(value: unknown): (Fields | null)[] {
  const inner = value !== null && typeof value === 'object' && 'Ok' in value ? (value as { Ok: unknown }).Ok : value;
  return Array.isArray(inner) ? (inner as (Fields | null)[]) : [];
}

export function cards(app: App, query: URLSearchParams): Node[] {
  const issuers = [...app.index.cards.values()];
  return [
    h('h1', { tabindex: -1 }, 'Cards'),
    h('p', {}, 'Prepaid cards, by issuer. Card and terminal both sign each payment; merchants are paid by cycle.'),
    issuers.length === 0 ? h('p', { class: 'none' }, 'There are no cards so far.') : h('span', {}),
    ...issuers.flatMap((issuer) => [
      h('h2', {}, 'Issuer: ', member(issuerOf(issuer))),
      later('Asking the contract what it holds…', async () => {
        const float = (await app.ask(app.contract(issuer.contract), 'float', [])) as { cards: bigint; merchants: bigint };
        const sum = [...issuer.cards.values()].reduce((all, card) => all + card.balance, 0n);
        return [
          facts([
            ['On cards', number(float.cards)],
            ['Owed to merchants', number(float.merchants)],
          ]),
          checkList([
            {
              what: 'float',
              outcome: sum === float.cards ? 'verified' : 'failed',
              why: `all cards’ balances, from the events, come to ${number(sum)}`,
            },
          ]),
        ];
      }),
      h('h3', {}, 'Cards'),
      paged(query, '/cards', [...issuer.cards.values()].sort((a, b) => (a.number < b.number ? -1 : 1)), (rows) =>
        table<Card>(
          'Cards',
          [
            { name: 'Card', cell: (row) => link(`/card/${issuer.contract}/${row.number}`, `Card ${row.number}`) },
            { name: 'Holder', cell: (row) => account(app, row.holder) },
            { name: 'Balance', isNumber: true, cell: (row) => number(row.balance) },
            { name: 'Payments', isNumber: true, cell: (row) => number(row.payments.length) },
            { name: 'State', cell: (row) => stateOf(row.state) },
          ],
          rows,
        ),
      ),
      h('h3', {}, 'Merchants'),
      table<Merchant>(
        'Merchants',
        [
          { name: 'Merchant', cell: (row) => link(`/merchant/${issuer.contract}/${row.number}`, `Merchant ${row.number}`) },
          { name: 'Acquirer', cell: (row) => member(row.acquirer) },
          { name: 'Taken', isNumber: true, cell: (row) => number(row.taken) },
          { name: 'Payments', isNumber: true, cell: (row) => number(row.payments) },
          { name: 'Statements', isNumber: true, cell: (row) => number(row.statements.length) },
        ],
        [...issuer.merchants.values()],
      ),
    ]),
  ];
}

function issuerOf(issuer: Cards): number {
  return Number(issuer.contract.replace('prepaid_', ''));
}

export function card(app: App, contract: string, wanted: string): Node[] {
  const issuer = app.index.cards.get(contract);
  const row = /^\d+$/.test(wanted) ? issuer?.cards.get(BigInt(wanted)) : undefined;
  const heading = h('h1', { tabindex: -1 }, `Card ${wanted}`);
  if (!issuer || !row) {
    return [heading, h('p', {}, 'No such card was issued so far.')];
  }
  return [
    heading,
    facts([
      ['Issuer', member(issuerOf(issuer))],
      ['State', stateOf(row.state)],
      ['Holder', account(app, row.holder)],
      ['Balance, from the events', number(row.balance)],
      ['Expires', time(row.expiresAt)],
      ['Key', longId(row.keys[row.keys.length - 1]?.key ?? '')],
    ]),
    later('Asking the contract…', async () => {
      const [stored] = ok(await app.ask(app.contract(contract), 'cards', [[row.number]]));
      return [storage(stored?.balance === row.balance && stored.holder === row.holder, 'the same holder and balance')];
    }),
    h('h2', {}, 'Payments'),
    cardPayments(contract, row.payments),
    h('h2', {}, 'What happened to the card'),
    later('Reading…', async () => [timeline(app, await eventSteps(app, row.events.filter((ref) => !/Void|Refund|Dispute/.test(ref.name)), () => undefined))]),
  ];
}

function cardPayments(contract: string, rows: CardPayment[]): HTMLElement {
  return table<CardPayment>(
    'Payments with the card',
    [
      { name: 'Payment', cell: (row) => link(`/card-payment/${contract}/${row.card}/${row.counter}`, `Card ${row.card}, no. ${row.counter}`) },
      { name: 'Merchant', cell: (row) => link(`/merchant/${contract}/${row.merchant}`, `Merchant ${row.merchant}`) },
      { name: 'Amount', isNumber: true, cell: (row) => number(row.amount) },
      { name: 'Taken', isNumber: true, cell: (row) => (row.taken === null ? '–' : number(row.taken)) },
      { name: 'Went back', isNumber: true, cell: (row) => number(row.returned) },
      { name: 'Verdict', cell: (row) => (row.declined ? state(words(row.declined), 'bad') : row.isVoided ? state('voided', 'open') : state('approved', 'good')) },
      { name: 'When', cell: (row) => where(row.events[0]!) },
    ],
    [...rows].reverse(),
    'It paid nothing so far.',
  );
}

export function cardPayment(app: App, contract: string, number_: string, counter: string): Node[] {
  const issuer = app.index.cards.get(contract);
  const card_ = issuer?.cards.get(BigInt(number_));
  const row = card_?.payments.find((one) => one.counter === BigInt(counter) && !one.declined) ?? card_?.payments.find((one) => one.counter === BigInt(counter));
  const heading = h('h1', { tabindex: -1 }, `Card ${number_}, payment ${counter}`);
  if (!issuer || !row) {
    return [heading, h('p', {}, 'There is no such payment so far.')];
  }
  return [
    heading,
    facts([
      ['Card', link(`/card/${contract}/${number_}`, `Card ${number_}`)],
      ['Merchant', link(`/merchant/${contract}/${row.merchant}`, `Merchant ${row.merchant}`)],
      ['Amount', number(row.amount)],
      ['Payment reference', longId(row.reference)],
      ['Taken', row.taken === null ? `nothing: ${words(row.declined ?? '')}` : number(row.taken)],
      ['Went back', number(row.returned)],
    ]),
    later('Verifying…', async () => {
      const steps = await cardPaymentSteps(app, issuer, row);
      const event = await app.event(row.events[0]!);
      const lines = event.fields.payments as Fields[];
      const told = lines.map((one) => one.payment as Fields).find((one) => cardReference(app, contract, one) === row.reference);
      return [
        verdict(steps),
        timeline(app, steps.map((step) => (step.ref?.name === 'PaymentsDecided' ? { ...step, title: 'Payment', document: { title: 'Payment', content: told ?? null } } : step))),
      ];
    }),
  ];
}

export function merchant(app: App, contract: string, wanted: number): Node[] {
  const issuer = app.index.cards.get(contract);
  const row = issuer?.merchants.get(wanted);
  const heading = h('h1', { tabindex: -1 }, `Merchant ${wanted}`);
  if (!issuer || !row) {
    return [heading, h('p', {}, 'No such merchant was registered so far.')];
  }
  return [
    heading,
    facts([
      ['Issuer', member(issuerOf(issuer))],
      ['Acquirer', member(row.acquirer)],
      ['Account', account(app, row.account)],
      ['Taken in all', number(row.taken)],
      ['Terminals', h('span', {}, ...row.terminals.map((one) => account(app, one)).flatMap((one) => [one, ' ']))],
    ]),
    h('h2', {}, 'Statements'),
    row.statements.length
      ? later('Working them out again…', async () => {
          const steps = await eventSteps(app, row.statements, () => async (fields) => statementChecks(issuer, fields.statement as Fields));
          return [timeline(app, steps.map((step) => ({ ...step, title: `Cycle ${cycleOf(step.document?.content)}` })))];
        })
      : h('p', { class: 'none' }, 'None so far.'),
  ];
}

function cycleOf(content: unknown): string {
  const { statement } = content as { statement: { cycle: { number: number } } };
  return String(statement.cycle.number);
}

export function books(app: App): Node[] {
  const rows = [...app.index.books.books.values()];
  return [
    h('h1', { tabindex: -1 }, 'Days'),
    h('p', {}, 'Books of two institutions, matched day by day against the chain. A day that was closed never changes.'),
    rows.length === 0
      ? h('p', { class: 'none' }, app.contracts.has('reconciliation') ? 'No book was opened so far.' : 'No reconciliation contract is deployed here.')
      : h('span', {}),
    ...rows.flatMap((book) => [
      h('h2', {}, `Book ${book.number}: `, member(book.debit), ' owes ', member(book.credit)),
      facts([['Recorded by', member(book.client)], ['Asset', asset(book.asset)], ['Days by the clocks of', book.zone]]),
      dayTable(book),
    ]),
  ];
}

function dayTable(book: Book): HTMLElement {
  return table<Day>(
    'Days',
    [
      { name: 'Day', cell: (row) => link(`/day/${book.number}/${row.day}`, date(row.day)) },
      { name: 'Entries', isNumber: true, cell: (row) => number(row.entries) },
      { name: 'Corrections', isNumber: true, cell: (row) => number(row.corrections) },
      { name: 'Comes to', isNumber: true, cell: (row) => amount(row.total, book.asset) },
      { name: 'State', cell: (row) => (row.payable === null ? state('open', 'open') : state(row.isDefault ? 'closed by one side' : 'closed', 'good')) },
    ],
    [...book.days.values()].sort((a, b) => b.day - a.day),
  );
}

export function day(app: App, number_: number, wanted: number): Node[] {
  const book = app.index.books.books.get(number_);
  const row = book?.days.get(wanted);
  const heading = h('h1', { tabindex: -1 }, `Book ${number_}, ${date(wanted)}`);
  if (!book || !row) {
    return [heading, h('p', {}, 'Nothing was recorded for this day so far.')];
  }
  return [
    heading,
    facts([
      ['Debit side', member(book.debit)],
      ['Credit side', member(book.credit)],
      ['Comes to', amount(row.total, book.asset)],
      ['To pay', row.payable === null ? null : amount(row.payable, book.asset)],
    ]),
    later('Verifying…', async () => {
      const [steps, now] = await Promise.all([
        bookSteps(app, 'reconciliation', book, row.events),
        app.ask(app.contract('reconciliation'), 'days', [number_, [wanted]]),
      ]);
      const [stored] = ok(now);
      return [
        verdict(steps),
        timeline(app, steps),
        storage(stored?.total === row.total && stored.corrections === row.corrections, 'the same total and as many corrections'),
      ];
    }),
  ];
}

export function date(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10);
}

