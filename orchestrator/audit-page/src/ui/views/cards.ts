// Prepaid cards, by issuer: cards, payments with them, merchants and their statements.
import type { App } from '../../app';
import type { Fields } from '../../chain/scale';
import { memberOf } from '../../index/index';
import type { Card, CardPayment, Cards, Merchant } from '../../index/prepaid';
import { cardPaymentSteps, changeSteps, statementSteps } from '../../verify/cards';
import { sameFigure } from '../../verify/check';
import { h } from '../dom';
import { account, cardPaymentPath, link, longId, member, number, time, where, words } from '../text';
import { checkList, facts, later, ok, paged, state, stateOf, storage, table, timeline, verdict, verified } from '../parts';

export function cards(app: App, query: URLSearchParams): Node[] {
  const issuers = [...app.index.cards.values()];
  return [
    h('h1', { tabindex: -1 }, 'Cards'),
    h('p', {}, 'Prepaid cards, by issuer. Card and terminal both sign each payment; merchants are paid by cycle.'),
    issuers.length === 0 ? h('p', { class: 'none' }, 'There are no cards so far.') : h('span', {}),
    ...issuers.flatMap((issuer) => [
      h('h2', {}, 'Issuer: ', member(memberOf(issuer.contract))),
      later('Asking the contract what it holds…', async () => {
        const float = (await app.ask(app.contract(issuer.contract), 'float', [])) as { cards: bigint; merchants: bigint };
        const onCards = [...issuer.cards.values()].reduce((all, card) => all + card.balance, 0n);
        const unpaid = [...issuer.merchants.values()].reduce((all, merchant) => all + merchant.till.unpaid, 0n);
        return [
          facts([
            ['On cards', number(float.cards)],
            ['Owed to merchants', number(float.merchants)],
          ]),
          checkList([
            sameFigure('on cards', onCards, float.cards, 'the sum of all cards’ balances, from the events'),
            sameFigure('owed to merchants', unpaid, float.merchants, 'the sum of what merchants aren’t paid yet, from the events'),
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

export function card(app: App, contract: string, wanted: string, query: URLSearchParams): Node[] {
  const issuer = app.index.cards.get(contract);
  const row = /^\d+$/.test(wanted) ? issuer?.cards.get(BigInt(wanted)) : undefined;
  const heading = h('h1', { tabindex: -1 }, `Card ${wanted}`);
  if (!issuer || !row) {
    return [heading, h('p', {}, 'No such card was issued so far.')];
  }
  return [
    heading,
    facts([
      ['Issuer', member(memberOf(issuer.contract))],
      ['State', stateOf(row.state)],
      ['Holder', account(app, row.holder)],
      ['Balance, from the events', number(row.balance)],
      ['Expires', time(row.expiresAt)],
      ['Key', longId(row.keys[row.keys.length - 1]?.key ?? '')],
    ]),
    later('Asking the contract…', async () => {
      const [stored] = ok(await app.ask(app.contract(contract), 'cards', [[row.number]]));
      const isSame =
        stored?.balance === row.balance &&
        stored.holder === row.holder &&
        stored.key === row.keys[row.keys.length - 1]?.key &&
        String(stored.state).toLowerCase() === row.state;
      return [storage(isSame, 'the same holder, key, state and balance')];
    }),
    h('h2', {}, 'Payments'),
    cardPayments(issuer, row, query),
    h('h2', {}, 'What happened to the card'),
    later('Verifying…', async () => {
      const steps = await changeSteps(app, issuer, row.events.filter((ref) => !/Void|Refund|Dispute/.test(ref.name)));
      return [verdict(steps), timeline(app, steps)];
    }),
  ];
}

function cardPayments(issuer: Cards, { number: card_, payments }: Card, query: URLSearchParams): HTMLElement {
  return paged(query, `/card/${issuer.contract}/${card_}`, [...payments].reverse(), (rows) =>
    table<CardPayment>(
      'Payments with the card',
      [
        { name: 'Payment', cell: (row) => link(cardPaymentPath(issuer, row), `Card ${row.card}, no. ${row.counter}`) },
        { name: 'Merchant', cell: (row) => link(`/merchant/${issuer.contract}/${row.merchant}`, `Merchant ${row.merchant}`) },
        { name: 'Amount', isNumber: true, cell: (row) => number(row.amount) },
        { name: 'Taken', isNumber: true, cell: (row) => (row.taken === null ? '–' : number(row.taken)) },
        { name: 'Went back', isNumber: true, cell: (row) => number(row.returned) },
        { name: 'Verdict', cell: (row) => (row.declined ? state(words(row.declined), 'bad') : row.isVoided ? state('voided', 'open') : state('approved', 'good')) },
        { name: 'When', cell: (row) => where(row.events[0]!) },
      ],
      rows,
      'It paid nothing so far.',
    ),
  );
}

export function cardPayment(app: App, contract: string, number_: string, counter: string, attempt: string): Node[] {
  const issuer = app.index.cards.get(contract);
  const isNumbers = [number_, counter].every((one) => /^\d+$/.test(one));
  const row = isNumbers ? issuer?.attempts(BigInt(number_), BigInt(counter))[Number(attempt)] : undefined;
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
      // Of a batch, this payment alone.
      const told = (event.fields.payments as Fields[])[row.place] ?? null;
      return verified(
        app,
        steps.map((step) => (step.ref?.name === 'PaymentsDecided' ? { ...step, title: 'Payment', document: { title: 'Payment', content: told } } : step)),
      );
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
  const terminals = [...issuer.terminals.values()].filter((one) => one.merchant === wanted);
  return [
    heading,
    facts([
      ['Issuer', member(memberOf(issuer.contract))],
      ['Acquirer', member(row.acquirer)],
      ['Account', account(app, row.account)],
      ['Taken in all', number(row.taken)],
      ['Terminals', h('span', {}, ...terminals.flatMap((one) => [account(app, one.key), one.revoked ? ' (revoked) ' : ' ']))],
    ]),
    h('h2', {}, 'Statements'),
    row.statements.length
      ? later('Working them out again…', async () => {
          const steps = await statementSteps(app, row);
          return [verdict(steps), timeline(app, steps.map((step) => ({ ...step, title: `Cycle ${cycleOf(step.document?.content)}` })))];
        })
      : h('p', { class: 'none' }, 'None so far.'),
    h('h2', {}, 'What happened to the merchant'),
    later('Verifying…', async () => {
      const steps = await changeSteps(app, issuer, row.events.filter(({ name }) => name !== 'CycleClosed'));
      return [verdict(steps), timeline(app, steps)];
    }),
  ];
}

function cycleOf(content: unknown): string {
  const { statement } = content as { statement: { cycle: { number: number } } };
  return String(statement.cycle.number);
}

