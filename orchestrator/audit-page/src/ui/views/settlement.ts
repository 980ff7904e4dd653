// Payments and windows.
import type { App } from '../../app';
import { sameValue, type Fields } from '../../chain/scale';
import type { Flow, Payment, Window } from '../../index/clearing';
import type { Ref } from '../../index/index';
import { assetKey, type Asset } from '../../protocol/settlement';
import type { Check, Step } from '../../verify/check';
import { verifyDecision } from '../../verify/decisions';
import { guarded, verifyPayment, voucherId, voucherOf } from '../../verify/payment';
import { h } from '../dom';
import { bars, figure, gross, nets } from '../netting';
import { capital, amount, asset, block, id, link, longId, member, number, where, words } from '../text';
import { badge, checkList, events, facts, field, later, paged, state, table, timeline, verdict, plain } from '../parts';
import { evidenceDrop } from './evidence';

/** Payments that there is or was a dispute over. */
const CONTESTED = 'ever disputed';

export function payments(app: App, query: URLSearchParams): Node[] {
  const wanted = { member: query.get('member') ?? '', kind: query.get('kind') ?? '', state: query.get('state') ?? '' };
  const all = app.index.payments;
  const rows = all.rows.filter(
    (row) =>
      (wanted.member === '' || row.parties.includes(Number(wanted.member))) &&
      (wanted.kind === '' || row.kind === wanted.kind) &&
      (wanted.state === '' || stateOf(app, row)[0] === wanted.state || (wanted.state === CONTESTED && row.disputes.length > 0)),
  );
  const choose = (name: keyof typeof wanted, label: string, options: [string, string][]): HTMLElement => {
    const select = h(
      'select',
      {
        onchange: (event: Event) => {
          const next = new URLSearchParams(query);
          next.delete('page');
          const value = (event.target as HTMLSelectElement).value;
          value === '' ? next.delete(name) : next.set(name, value);
          location.hash = `#/payments?${next}`;
        },
      },
      ...options.map(([value, text]) => h('option', { value, selected: value === wanted[name] }, text)),
    );
    return field(label, select);
  };
  const members = [...app.index.institutions.now.keys()].sort((a, b) => a - b);
  const kinds = [...new Set(all.rows.map((row) => row.kind))].sort();
  return [
    h('h1', { tabindex: -1 }, 'Payments'),
    h('p', {}, 'Every payment that the clearing contract retained, the newest first. Payments that were refused are not on the chain: their signed refusals are with the institutions, and can be ', link('/evidence', 'checked as evidence'), '.'),
    h(
      'form',
      { class: 'filters', 'aria-label': 'Filter', onsubmit: (event: Event) => event.preventDefault() },
      choose('member', 'Institution', [['', 'all'], ...members.map((one): [string, string] => [String(one), `Member ${one}`])]),
      choose('kind', 'Kind', [['', 'all'], ...kinds.map((kind): [string, string] => [kind, capital(words(kind))])]),
      choose('state', 'State', [['', 'all'], ...['paid', 'open', 'disputed', CONTESTED].map((one): [string, string] => [one, one])]),
    ),
    paged(query, '/payments', [...rows].reverse(), (shown) => paymentTable(app, shown)),
  ];
}

export function paymentTable(app: App, rows: Payment[]): HTMLElement {
  return table<Payment>(
    'Payments',
    [
      { name: 'Payment', cell: (row) => link(`/payment/${row.id}`, id(row.id)) },
      { name: 'Kind', cell: (row) => capital(words(row.kind)) },
      { name: 'Originator', cell: (row) => member(row.originator) },
      { name: 'Home', cell: (row) => member(row.home) },
      { name: 'Amount', isNumber: true, cell: (row) => amount(row.amount, row.asset) },
      { name: 'Settled', cell: (row) => (row.isNet ? link(`/window/${row.window}`, `window ${row.window}`) : 'gross') },
      { name: 'State', cell: (row) => state(...stateOf(app, row)) },
      { name: 'Retained', cell: (row) => block(row.retained.block) },
    ],
    rows,
    app.reader.progress.read < app.reader.progress.finalized ? 'None so far.' : 'There are none.',
  );
}

function stateOf(app: App, row: Payment): [text: string, tone: 'good' | 'bad' | 'open'] {
  if (row.disputes.some((dispute) => dispute.ruling === null)) {
    return ['disputed', 'bad'];
  }
  return app.index.payments.isPaid(row) ? ['paid', 'good'] : ['open', 'open'];
}

export function payment(app: App, wanted: string): Node[] {
  const row = app.index.payments.byId.get(wanted);
  const evidence = app.evidence.flatMap((file) => file.payments.filter((one) => one.id === wanted));
  const heading = h('h1', { tabindex: -1 }, 'Payment ', h('small', {}, longId(wanted)));
  const dropped = evidence.length
    ? [
        h('h2', {}, 'Evidence that you dropped in'),
        ...evidence.flatMap((one) => [verdict(one.steps), timeline(app, one.steps)]),
      ]
    : [];
  if (!row) {
    return [
      heading,
      app.reader.progress.read < app.reader.progress.finalized
        ? h('p', { class: 'loading', role: 'status' }, 'Not found so far: blocks are still being read.')
        : h('p', { class: 'error', role: 'alert' }, 'The chain retained no voucher with this id. A payment that was refused is in its institutions’ evidence only.'),
      ...dropped,
      evidenceDrop(app),
    ];
  }
  const outcome = h('div', {}, h('p', { class: 'verdict' }, 'Verifying every signature and document…'));
  return [
    heading,
    outcome,
    facts([
      ['State', state(...stateOf(app, row))],
      ['Kind', capital(words(row.kind))],
      ['Amount', amount(row.amount, row.asset)],
      ['Originator', member(row.originator)],
      ['Home institution', member(row.home)],
      ['All parties', h('span', {}, ...row.parties.flatMap((one, index) => (index ? [', ', member(one)] : [member(one)])))],
      ['Settlement', row.isNet ? link(`/window/${row.window}`, `net, window ${row.window}`) : 'gross'],
      ['Retained', where(row.retained)],
      ['Relation', longId(row.relation)],
      ['Refund of', row.refundOf ? link(`/payment/${row.refundOf}`, id(row.refundOf)) : null],
      ['Refunds', row.refunds.length ? h('span', {}, ...row.refunds.map((one) => link(`/payment/${one}`, id(one)))) : null],
    ]),
    later('Reading the documents…', async () => {
      const [steps, { voucher }] = await Promise.all([verifyPayment(app, row), voucherOf(app, row)]);
      const owed = app.index.payments.obligations(voucher);
      outcome.replaceChildren(verdict(steps));
      return [
        h('h2', {}, 'Who owes whom'),
        table(
          'Obligations',
          [
            { name: 'What', cell: ([, place]) => (place === 0 ? 'principal' : 'fee') },
            { name: 'Debtor', cell: ([one]) => member(one.debtor) },
            { name: 'Creditor', cell: ([one]) => member(one.creditor) },
            { name: 'Amount', isNumber: true, cell: ([one]) => amount(one.amount, row.asset) },
          ],
          owed.map((one, place) => [one, place] as const),
        ),
        h('h2', {}, 'Documents and signatures'),
        timeline(app, steps),
      ];
    }),
    ...dropped,
    h('h2', {}, 'Co-signatures off the chain'),
    h(
      'p',
      {},
      'What the institutions signed for each other during the conversation, voucher by voucher, is with them: each can hand it over with ',
      h('code', {}, 'quittance status --json'),
      ' and this payment’s id. ',
      badge('absent'),
    ),
    evidenceDrop(app),
  ];
}

export function windows(app: App): Node[] {
  return [
    h('h1', { tabindex: -1 }, 'Windows'),
    h('p', {}, 'Periods over which obligations are netted before they are paid. A window is paid as a whole or not at all.'),
    table<Window>(
      'Windows',
      [
        { name: 'Window', cell: (row) => link(`/window/${row.number}`, `Window ${row.number}`) },
        { name: 'State', cell: (row) => state(row.state, row.state === 'settled' ? 'good' : row.state === 'cut off' ? 'bad' : 'open') },
        { name: 'Payments', isNumber: true, cell: (row) => number(row.vouchers) },
        { name: 'Members', isNumber: true, cell: (row) => number(nets([...row.flows.values()]).length) },
        { name: 'Last', cell: (row) => (row.events.length ? where(row.events[row.events.length - 1]!) : '–') },
      ],
      [...app.index.payments.windows].reverse(),
    ),
  ];
}

export function window_(app: App, wanted: number, query: URLSearchParams): Node[] {
  const window = app.index.payments.windows[wanted];
  if (!window) {
    return [h('h1', { tabindex: -1 }, `Window ${wanted}`), h('p', {}, 'There is no such window so far.')];
  }
  const flows = [...window.flows.values()].filter((flow) => flow.amount > 0n);
  const assets = [...new Set(flows.map((flow) => flow.asset))];
  const { settled } = window;
  const cutOff = window.events.find((ref) => ref.name === 'WindowCutOff');
  return [
    h('h1', { tabindex: -1 }, `Window ${wanted}`),
    facts([
      ['State', state(window.state, window.state === 'settled' ? 'good' : window.state === 'open' ? 'open' : 'bad')],
      ['Payments', number(window.vouchers)],
      ['Cut off', cutOff ? where(cutOff) : null],
      ['Paid', settled ? where(settled) : null],
    ]),
    ...assets.flatMap((key) => netting(key, flows.filter((flow) => flow.asset === key))),
    ...(settled
      ? [later('Working the certificate out again…', async () => [h('h2', {}, 'Certificate'), await certificate(app, window, flows)])]
      : []),
    ...(window.shortfalls.length ? [h('h2', {}, settled ? 'Who was short before it could be paid' : 'Why it could not be paid'), shortTable(window)] : []),
    ...(cutOff
      ? [
          later('Verifying the notaries’ decisions…', async () => {
            const steps = await decisionSteps(app, window);
            return [h('h2', {}, 'Decided by the notaries'), timeline(app, steps)];
          }),
        ]
      : []),
    h('h2', {}, 'What happened'),
    window.events.length ? events(window.events) : h('p', { class: 'none' }, 'Nothing so far.'),
    h('h2', {}, 'Payments in it'),
    paged(
      query,
      `/window/${wanted}`,
      app.index.payments.rows.filter((row) => row.window === wanted),
      (shown) => paymentTable(app, shown),
    ),
  ];
}

/** That the window was closed, and what was taken out of it. */
async function decisionSteps(app: App, { number: window, events: refs }: Window): Promise<Step[]> {
  const step = async (ref: Ref): Promise<Step> => {
    const { fields } = await app.event(ref);
    const checks =
      ref.name === 'TakenOut'
        ? verifyDecision(app, ref, 'take_out', (args) => sameValue((args.vouchers as Fields[]).map((one) => voucherId(app, one)), fields.vouchers))
        : verifyDecision(app, ref, 'close_window', (args) => args.window === window);
    return { title: capital(words(ref.name)), ref, summary: '', checks: await checks, document: { title: 'Event', content: fields } };
  };
  const decided = refs.filter(({ name }) => name === 'WindowCutOff' || name === 'TakenOut');
  return Promise.all(decided.map((ref) => guarded(capital(words(ref.name)), ref, () => step(ref))));
}

function shortTable({ shortfalls }: Window): HTMLElement {
  return table<Fields>(
    'Shortfalls',
    [
      { name: 'Member', cell: (row) => member(row.member as number) },
      { name: 'Had', isNumber: true, cell: (row) => amount(row.available as bigint, assetKey(row.asset as Asset)) },
      { name: 'Needed', isNumber: true, cell: (row) => amount(row.needed as bigint, assetKey(row.asset as Asset)) },
    ],
    shortfalls,
  );
}

function netting(key: string, flows: Flow[]): Node[] {
  const rows = nets(flows);
  const grossSum = flows.reduce((sum, flow) => sum + flow.amount, 0n);
  const netSum = rows.reduce((sum, { owed, owes }) => sum + (owes > owed ? owes - owed : 0n), 0n);
  const saved = grossSum === 0n ? 0 : 100 - Number((netSum * 1_000n) / grossSum) / 10;
  return [
    h('h2', {}, `Netting, ${asset(key)}`),
    h('p', {}, `${number(grossSum)} is owed in all; after netting ${number(netSum)} moves: ${saved.toFixed(1)} % less.`),
    h(
      'div',
      { class: 'pictures' },
      figure(gross(flows), 'Before: who owes whom. The wider, the more.'),
      figure(bars(rows), 'After: what each member pays or gets.'),
    ),
    table(
      'Positions',
      [
        { name: 'Member', cell: (row) => member(row.member) },
        { name: 'Is owed', isNumber: true, cell: (row) => number(row.owed) },
        { name: 'Owes', isNumber: true, cell: (row) => number(row.owes) },
        {
          name: 'Net',
          isNumber: true,
          cell: (row) => (row.owed >= row.owes ? `gets ${number(row.owed - row.owes)}` : `pays ${number(row.owes - row.owed)}`),
        },
      ],
      rows,
    ),
  ];
}

/** The certificate of a window against what the retentions before it come to. */
async function certificate(app: App, window: Window, flows: Flow[]): Promise<HTMLElement> {
  const ref = window.settled;
  if (!ref) {
    return h('p', {}, 'There is none.');
  }
  const { certificate: found } = (await app.event(ref)).fields as { certificate: Fields };
  const lines = found.lines as { member: number; asset: Asset; position: { owed: bigint; owes: bigint } }[];
  const told = lines.map(({ member: one, asset: of, position }) =>
    [one, assetKey(of), position.owed, position.owes].join(' '),
  );
  const computed = [...new Set(flows.map((flow) => flow.asset))].flatMap((key) =>
    nets(flows.filter((flow) => flow.asset === key)).map(({ member: one, owed, owes }) => [one, key, owed, owes].join(' ')),
  );
  // A member whose vouchers were taken out stays in the window with nothing.
  const sound = (list: string[]): string => list.filter((line) => !line.endsWith(' 0 0')).sort().join('\n');
  const sums = new Map<string, bigint>();
  for (const { asset: of, position } of lines) {
    const key = assetKey(of);
    sums.set(key, (sums.get(key) ?? 0n) + position.owed - position.owes);
  }
  const checks: Check[] = [
    {
      what: 'certificate',
      outcome: sound(told) === sound(computed) && found.vouchers === window.vouchers ? 'verified' : 'failed',
      why: `${told.length} positions from ${number(window.vouchers)} retentions, worked out again from their events`,
    },
    {
      what: 'nets sum to nothing',
      outcome: [...sums.values()].every((sum) => sum === 0n) ? 'verified' : 'failed',
      why: 'of each asset, what members are owed is what members owe',
    },
  ];
  return h('div', {}, checkList(checks), h('details', {}, h('summary', {}, 'Certificate'), plain(app, found)));
}
